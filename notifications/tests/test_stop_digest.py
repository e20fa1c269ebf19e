"""Turning the digest off by the link of a mail (RFC 8058)."""

import pytest
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse

from network.services import invite_member
from notifications.digest.schedule import Frequency
from notifications.kinds import Kind
from notifications.models import DigestSchedule
from notifications.preferences.deliveries import wanted_deliveries
from notifications.preferences.unsubscribe_tokens import (
    digest_token_for,
    read_digest_token,
    read_token,
    token_for,
)
from tests.cases import all_cases, rolled_back
from users.models import User

from .digests import make_due, send_digests
from .factories import Commit, stop_link

pytestmark = pytest.mark.django_db

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SALT = "notifications.unsubscribe.digest"


def address(token: str) -> str:
    return reverse("notifications:unsubscribe", args=[token])


def frequency_of(member: User) -> str:
    return DigestSchedule.objects.get(member=member).frequency


def test_looking_changes_nothing_and_one_click_turns_it_off(alice: User, charlie: User) -> None:
    make_due(alice, charlie)
    program = Client(enforce_csrf_checks=True)
    link = address(digest_token_for(alice.pk))
    response = program.get(link)
    assert "Digest" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert program.head(link).status_code == 200
    assert frequency_of(alice) == Frequency.DAILY
    for _time in range(2):
        response = program.post(link, ONE_CLICK)
        assert response.status_code == 200  # RFC 8058: no redirect
        assert frequency_of(alice) == Frequency.OFF
    assert "sessionid" not in response.cookies
    assert frequency_of(charlie) == Frequency.DAILY
    assert DigestSchedule.objects.get(member=alice).next_at is None


def test_the_link_of_the_mail_works_for_a_member_without_a_schedule(alice: User, committed: Commit) -> None:
    Client().post(address(digest_token_for(alice.pk)), ONE_CLICK)
    assert frequency_of(alice) == Frequency.OFF
    assert send_digests(committed) == []


def test_other_mail_goes_on(alice: User, client: Client) -> None:
    before = wanted_deliveries([alice.pk], [Kind.COMMENT, Kind.MESSAGE])
    client.post(address(digest_token_for(alice.pk)), ONE_CLICK)
    assert wanted_deliveries([alice.pk], [Kind.COMMENT, Kind.MESSAGE]) == before
    make_due(alice)
    client.post(reverse("notifications:unsubscribe", args=[token_for(alice.pk, None)]), ONE_CLICK)
    assert frequency_of(alice) == Frequency.DAILY


def test_a_token_that_we_did_not_make_is_a_404(alice: User, charlie: User) -> None:
    make_due(alice, charlie)
    good = digest_token_for(alice.pk)
    forged = {
        "cut": good[:-1],
        "changed": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "of another member": good.replace(f"{alice.pk}.", f"{charlie.pk}.", 1),
        "with another salt": Signer(sep=".").sign(str(alice.pk)),
        "with another key": Signer(sep=".", key="another", salt=SALT).sign(str(alice.pk)),
        "not signed": str(alice.pk),
        "nothing": ".",
    }
    with all_cases() as case:
        for name, token in forged.items():
            with case(name), rolled_back():
                assert read_digest_token(token) is None
                assert Client().get(address(token)).status_code == 404
                assert Client().post(address(token), ONE_CLICK).status_code == 404
                assert set(DigestSchedule.objects.values_list("frequency", flat=True)) == {"daily"}
    assert read_token(good) is None


def test_a_member_who_left_is_a_404(alice: User, client: Client) -> None:
    token = digest_token_for(alice.pk)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.post(address(token), ONE_CLICK).status_code == 404
    alice.delete()
    assert client.post(address(token), ONE_CLICK).status_code == 404


def test_the_mail_has_the_link_in_header_and_text(alice: User, charlie: User, committed: Commit) -> None:
    invite_member(inviter=charlie, invitee=alice)
    make_due(alice)
    (message,) = send_digests(committed)
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert stop_link(message) == address(digest_token_for(alice.pk))
    assert stop_link(message) in message.body
    assert stop_link(message) in str(message.alternatives[0][0])
