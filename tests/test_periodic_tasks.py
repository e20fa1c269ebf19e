"""Periodic tasks: one list, in which all cleaning is, and which removes what has expired."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from core.models import QueuedTask
from core.tasks.execution import execute_task
from core.tasks.registry import find_task, list_periodic
from core.tasks.relay import add_periodic_tasks
from users.models import User

CLEANING = {"core.tidy_uploads", "users.tidy_accounts", "users.delete_expired_sessions"}
MAIL = {"core.deliver_waiting_mail", "notifications.send_waiting_mails"}


def test_all_cleaning_is_in_the_list() -> None:
    assert {task.name for task in list_periodic()} >= CLEANING | MAIL


@pytest.mark.django_db
def test_expired_sessions_and_accounts_that_were_never_confirmed_are_removed(alice: User) -> None:
    now = timezone.now()
    for key, expires in (("old", now - timedelta(days=1)), ("new", now + timedelta(days=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expires)
    joined = now - timedelta(days=settings.UNCONFIRMED_ACCOUNT_DAYS + 1)
    User.objects.create_user("never", "never@example.org", None, date_joined=joined)
    add_periodic_tasks(now)
    for name in sorted(CLEANING - {"core.tidy_uploads"}):
        task = find_task(name)
        assert task
        row = QueuedTask.objects.get(key=task.periodic_key)
        QueuedTask.objects.filter(pk=row.pk).update(due_at=now)
        assert execute_task(row.pk)
        row.refresh_from_db()
        assert (row.last_error, row.due_at > now) == ("", True)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
    assert list(User.objects.values_list("username", flat=True)) == ["alice"]
