"""Hosts that send digests at once, and a member who turns the digest off meanwhile."""

from collections import Counter
from functools import partial

import pytest
from django.core import mail
from django.utils import timezone

from feed.tests.factories import run_concurrently
from network.models import Connection
from notifications import services
from notifications.digest.mailing import send_batch
from notifications.digest.schedule import Frequency
from notifications.models import DigestSchedule
from tests.cast import make_member
from users.models import User

from .digests import make_due

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

MEMBERS = 8


def test_several_hosts_send_each_digest_once(charlie: User) -> None:
    members = [make_member(f"m{number}") for number in range(MEMBERS)]
    for member in members:
        Connection.objects.create(low=charlie, high=member, inviter=charlie)
    make_due(*members)
    stop = partial(services.set_digest, member=members[-1], frequency=Frequency.OFF)
    outcomes = run_concurrently(send_batch, send_batch, send_batch, stop)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    counts = Counter(message.to[0] for message in mail.outbox)
    assert set(counts.values()) == {1}
    assert {member.email for member in members[:-1]} <= set(counts)
    assert not DigestSchedule.objects.filter(next_at__lte=timezone.now()).exists()
    assert DigestSchedule.objects.get(member=members[-1]).next_at is None
