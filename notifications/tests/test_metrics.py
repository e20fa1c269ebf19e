"""The metrics of due mail."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.observability.metrics_views import database_metrics
from notifications.metrics import due_mail
from notifications.models import Notification
from users.models import User

pytestmark = pytest.mark.django_db


def page_texts() -> tuple[float, float]:
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


def test_no_mail_is_due() -> None:
    assert page_texts() == (0, 0)


def test_only_overdue_mail_is_counted(alice: User) -> None:
    make(alice, "late", due=-90)
    make(alice, "later", due=-5)
    make(alice, "to come", due=30)
    make(alice, "read", due=-600, read=True)
    make(alice, "no mail", due=None)
    assert page_texts() == (2, 90)


def test_the_metrics_include_due_mail() -> None:
    assert due_mail in database_metrics.queries
