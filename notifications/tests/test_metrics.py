"""How much mail waits, as /metrics tells it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.observability.metrics_views import database_metrics
from notifications.metrics import due_mail
from notifications.models import Notification
from users.models import User

pytestmark = pytest.mark.django_db


def told() -> tuple[float, float]:
    """How many are due, and the minutes that the oldest has waited."""
    number, oldest = due_mail()
    assert (number.name, oldest.name) == ("linkup_mail_due", "linkup_mail_due_oldest_seconds")
    return number.samples[0].value, oldest.samples[0].value // 60


def make(alice: User, key: str, *, due: int | None, read: bool = False) -> None:
    now = timezone.now()
    Notification.objects.create(
        recipient=alice,
        kind="comment",
        key=key,
        mail_due_at=None if due is None else now + timedelta(minutes=due),
        read_at=now if read else None,
    )


def test_nothing_waits() -> None:
    assert told() == (0, 0)


def test_what_should_have_left_waits_and_nothing_else(alice: User) -> None:
    make(alice, "late", due=-90)
    make(alice, "later", due=-5)
    make(alice, "to come", due=30)
    make(alice, "read", due=-600, read=True)
    make(alice, "no mail", due=None)
    assert told() == (2, 90)


def test_whoever_asks_for_the_figures_is_told() -> None:
    assert due_mail in database_metrics.queries
