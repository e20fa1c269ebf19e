"""What metrics and the doctor say of background tasks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import QueuedTask, TaskWorker
from core.tasks import monitoring, relay
from operations.doctor import checks
from operations.doctor.findings import Verdict

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def rows() -> None:
    """Two due tasks, one that runs, one that is due later, two that failed."""
    now = timezone.now()
    create = QueuedTask.objects.create
    create(name="tests.a", due_at=now - timedelta(seconds=100))
    create(name="tests.b", due_at=now, lease_until=now + timedelta(seconds=30))
    create(
        name="tests.c",
        due_at=now - timedelta(hours=1),
        leased_by="x:1:y",
        lease_until=now + timedelta(hours=1),
    )
    create(name="tests.d", due_at=now + timedelta(hours=1))
    create(name="tests.e", state="failed")
    create(
        name="tests.f",
        key="periodic:tests.f",
        attempts=1,
        last_error="no",
        due_at=now + timedelta(minutes=1),
    )


def test_counts_by_state_and_the_oldest_due(rows: None) -> None:
    counts = monitoring.count_tasks()
    assert (counts.waiting, counts.running, counts.scheduled, counts.failed) == (2, 1, 2, 2)
    assert 100 <= counts.oldest_due_seconds < 110
    assert counts.workers == 0
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in monitoring.task_metrics()
        for sample in metric.samples
    }
    assert samples["linkup_tasks", "waiting"] == 2
    assert samples["linkup_tasks", "failed"] == 2
    assert samples["linkup_tasks_oldest_due_seconds",] >= 100
    assert samples["linkup_task_workers",] == 0


def test_an_empty_table_is_well() -> None:
    counts = monitoring.count_tasks()
    assert (counts.waiting, counts.failed, counts.oldest_due_seconds) == (0, 0, 0.0)


def test_workers_are_seen_for_a_minute_and_forgotten_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    TaskWorker.objects.create(name="late", seen_at=now - timedelta(seconds=70))
    TaskWorker.objects.create(name="former", seen_at=now - timedelta(days=2))
    for name in ("one", "two", "two"):
        monkeypatch.setattr(relay, "_next_note", 0.0)
        relay.note_worker(name)
    relay.note_worker("too soon")
    assert monitoring.count_tasks().workers == 2
    assert set(TaskWorker.objects.values_list("name", flat=True)) == {"late", "one", "two"}


def test_the_doctor_names_what_waits_and_what_failed(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(checks.check_tasks())
    assert [verdict for verdict, _text, _hint in found] == [Verdict.WARNING, Verdict.WARNING]
    assert found[0][1].startswith("2 tasks are due, the oldest since 1")
    assert found[1][1] == "2 tasks have failed"
    monkeypatch.setattr(checks, "is_production", lambda: True)
    monkeypatch.setattr(checks, "WORKER_PATIENCE", 0.0)
    assert next(checks.check_tasks())[:2] == (Verdict.FAILURE, "no worker was seen within a minute")
    QueuedTask.objects.all().delete()
    TaskWorker.objects.create(name="one")
    assert list(checks.check_tasks()) == [(Verdict.OK, "1 workers, 0 tasks due, 0 running, 0 later", "")]
