"""`manage.py jobs` and the admin page of tasks: list, retry, drop; never what runs, and nobody without permission."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import QueuedTask
from tests.cases import all_cases
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows() -> dict[str, QueuedTask]:
    """One task in each state."""
    now = timezone.now()
    create = QueuedTask.objects.create
    return {
        "failed": create(name="tests.a", state="failed", attempts=8, last_error="RuntimeError: no"),
        "waiting": create(name="tests.b", arguments='{"secret": "s3cr3t-value"}'),
        "running": create(name="tests.c", leased_by="x:1:y", lease_until=now + timedelta(minutes=1)),
        "scheduled": create(name="tests.d", due_at=now + timedelta(hours=1)),
        "periodic": create(
            name="tests.e", key="periodic:tests.e", attempts=2, last_error="OSError: gone",
            due_at=now + timedelta(hours=1),
        ),
    }  # fmt: skip


def jobs(*arguments: object) -> str:
    out = io.StringIO()
    call_command("jobs", *[str(argument) for argument in arguments], stdout=out)
    return out.getvalue()


def test_the_list_shows_state_and_error(rows: dict[str, QueuedTask]) -> None:
    lines = {line.split()[0]: line for line in jobs().splitlines()}
    for state in ("failed", "waiting", "running", "scheduled"):
        assert f"  {state} " in lines[str(rows[state].pk)]
    assert lines[str(rows["failed"].pk)].endswith("8 attempts  tests.a  RuntimeError: no")
    failed = jobs("--failed").splitlines()
    assert [line.split()[0] for line in failed] == [str(rows[name].pk) for name in ("failed", "periodic")]
    QueuedTask.objects.all().delete()
    assert jobs("list") == "No tasks.\n"


def test_retry_makes_them_due_with_all_attempts(rows: dict[str, QueuedTask]) -> None:
    out = jobs("retry", rows["failed"].pk, rows["scheduled"].pk)
    assert out == "2 tasks will be tried again.\n"
    for name in ("failed", "scheduled"):
        row = QueuedTask.objects.get(pk=rows[name].pk)
        assert (row.state, row.attempts) == ("waiting", 0)
        assert row.due_at <= timezone.now()
    assert jobs("retry", "--failed") == "1 tasks will be tried again.\n"


def test_drop_deletes_and_leaves_what_runs(rows: dict[str, QueuedTask]) -> None:
    with pytest.raises(CommandError, match="1 of them do not exist or are being executed"):
        jobs("drop", rows["waiting"].pk, rows["running"].pk)
    assert set(QueuedTask.objects.values_list("pk", flat=True)) == {
        rows[name].pk for name in ("failed", "running", "scheduled", "periodic")
    }


def test_it_asks_for_ids_or_all_failed() -> None:
    with all_cases() as case:
        for arguments in [["retry"], ["drop"], ["retry", "1", "--failed"]]:
            with case(arguments), pytest.raises(CommandError, match="Name the tasks"):
                jobs(*arguments)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", "root@example.org", "long enough a password"))
    return client


def test_the_admin_lists_filters_and_shows_the_error_but_no_arguments(
    staff: Client, rows: dict[str, QueuedTask]
) -> None:
    page = staff.get(reverse("admin:core_queuedtask_changelist"), {"state": "failed"}).content.decode()
    assert "RuntimeError: no" in page
    assert "tests.b" not in page.partition("changelist-filter")[0].partition("result_list")[2]
    detail = staff.get(reverse("admin:core_queuedtask_change", args=[rows["waiting"].pk]))
    assert detail.status_code == 200
    assert "s3cr3t-value" not in detail.content.decode()
    assert "_save" not in detail.content.decode()


def test_the_actions_retry_and_drop(staff: Client, rows: dict[str, QueuedTask]) -> None:
    url = reverse("admin:core_queuedtask_changelist")
    everything = [row.pk for row in rows.values()]
    staff.post(url, {"action": "retry", "_selected_action": [rows["failed"].pk]})
    assert QueuedTask.objects.get(pk=rows["failed"].pk).state == "waiting"
    staff.post(url, {"action": "drop", "_selected_action": everything})
    assert list(QueuedTask.objects.all()) == [rows["running"]]


def test_staff_without_the_permission_to_change_tasks_see_no_action(client: Client) -> None:
    row = QueuedTask.objects.create(name="tests.a", state="failed")
    reader = User.objects.create_user("reader", "reader@example.org", "long enough a password", is_staff=True)
    client.force_login(reader)
    url = reverse("admin:core_queuedtask_changelist")
    assert client.get(url).status_code == 403
    client.post(url, {"action": "drop", "_selected_action": [row.pk]})
    assert QueuedTask.objects.filter(pk=row.pk).exists()
