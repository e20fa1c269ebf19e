"""The admin pages of notifications: every model opens."""

from datetime import time

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from feed.tests.factories import SCRIPT, react, say
from notifications import services
from notifications.digest.schedule import Frequency
from notifications.kinds import Channel, Kind
from notifications.models import Activity, DigestSchedule, Notification, Preference, QuietHours
from tests.cast import client_of
from users.models import User

from .factories import page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(alice: User, charlie: User) -> Client:
    """Someone who may do everything, where there is one row of each kind."""
    react(say(alice, SCRIPT), charlie)
    services.set_preferences(member=alice, choices={(Kind.REACTION, Channel.MAIL): True})
    services.set_quiet_hours(member=alice, start=time(22), end=time(7), zone="UTC")
    services.set_digest(member=alice, frequency=Frequency.DAILY)
    return client_of(User.objects.create_superuser("root", "root@example.org"))


@pytest.mark.parametrize("model", [Notification, Activity, Preference, QuietHours, DigestSchedule])
def test_every_model_is_listed_searched_and_opened(staff: Client, model: type[Model]) -> None:
    name = f"admin:notifications_{model._meta.model_name}"
    row = model._default_manager.get()
    assert f"/{row.pk}/change/" in page_of(staff, reverse(f"{name}_changelist"))
    assert page_of(staff, reverse(f"{name}_changelist") + "?q=alice")
    assert str(row) in page_of(staff, reverse(f"{name}_change", args=[row.pk]))


def test_rows_are_described() -> None:
    described = [
        Notification(kind="reaction", recipient_id=1, key="post:2"),
        Notification(kind="follow", recipient_id=1),
        Activity(pk=3, actor_id=1),
        Preference(kind="reaction", channel="mail", member_id=1),
        QuietHours(member_id=1),
        DigestSchedule(member_id=1),
    ]
    assert [str(row) for row in described] == [
        "reaction for 1 about post:2",
        "follow for 1 about the member",
        "activity 3 by 1",
        "reaction by mail for 1",
        "quiet hours of 1",
        "digest of 1",
    ]


def test_a_digest_that_staff_turn_off_is_no_longer_due(staff: Client, alice: User) -> None:
    address = reverse("admin:notifications_digestschedule_change", args=[alice.pk])
    values = {"member": alice.pk, "frequency": "off", "weekday": "0", "zone": ""}
    assert staff.post(address, values).status_code == 302
    row = DigestSchedule.objects.get()
    assert (row.frequency, row.next_at) == ("off", None)
