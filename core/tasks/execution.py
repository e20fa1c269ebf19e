"""Executes one row of the table: claim it, run its task, and delete it or set its next attempt.

A claim is a lease: it names this attempt in `leased_by`, and excludes others until `lease_until`. The row is deleted in
the transaction of the task's effects, and only by the attempt that holds the lease: if the process dies before the
commit, another attempt finds the row and no effect; if another attempt has taken over, this one is rolled back.
"""

import logging
import os
import random
import secrets
import socket
import traceback
from datetime import timedelta

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.models import QueuedTask
from core.observability import metrics
from core.observability.redaction import redact

from .registry import DEFAULT_ATTEMPTS, TaskDefinition, UnfitArgumentsError, find_task

logger = logging.getLogger(__name__)

# Seconds until the second attempt; the waits double up to the longest, each ± JITTER of itself, so that tasks that
# failed together are not repeated together.
FIRST_WAIT = 5.0
LONGEST_WAIT = 3600.0
JITTER = 0.25
# For code that this process does not know: a rolling deployment takes longer than a failure of the network.
UNKNOWN_WAIT = 60.0
UNKNOWN_ATTEMPTS = 30
UNKNOWN_LEASE = timedelta(seconds=30)
MAX_ERROR_LENGTH = 500


class LeaseLostError(Exception):
    """Another attempt has taken over this row."""


class UnknownTaskError(Exception):
    """This code does not know the task."""


def execute_task(row_id: int) -> bool:
    """Execute the task of this row, if it is due and no other attempt holds it; return whether it was tried.

    Exceptions of the task are logged and stored in the row, which is tried again later, or has failed in the end.
    Raises what the database raises.
    """
    row = _claim(row_id)
    if row is None:
        return False
    definition = find_task(row.name)
    try:
        _run(row, definition)
        metrics.task_attempts.labels("done").inc()
    except LeaseLostError:
        logger.warning("task %s (%d) was rolled back: its lease had expired", row.name, row.pk)
    except ObjectDoesNotExist as error:
        # What it is about has been deleted meanwhile.
        logger.info("task %s (%d) has nothing to do: %s", row.name, row.pk, error)
        _finish_unless_lost(row, definition)
        metrics.task_attempts.labels("done").inc()
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is stored and tried again
        _record_failure(row, error)
    return True


def execute_now(row_id: int, name: str) -> None:
    """Execute the task of this row in the caller: the executor `immediate`."""
    execute_task(row_id)


def _claim(row_id: int) -> QueuedTask | None:
    """Lease the row to this attempt; None when it is not due, gone, or leased to another."""
    now = timezone.now()
    row = QueuedTask.objects.claimable(now).filter(pk=row_id).first()
    if row is None:
        return None
    definition = find_task(row.name)
    most = definition.attempts if definition else UNKNOWN_ATTEMPTS
    if row.leased_by and row.attempts >= most and not row.is_periodic:
        # Each attempt so far ended with its process.
        _end_as_failed(row, "the process ended during the last attempt")
        return None
    row.lease_until = now + (definition.lease if definition else UNKNOWN_LEASE)
    former, row.leased_by = row.leased_by, name_attempt()
    claimed = (
        QueuedTask.objects.claimable(now)
        .filter(pk=row.pk, attempts=row.attempts, leased_by=former)
        .update(
            # A key merges tasks that have not begun; one that comes now must not be lost, so it gets its own row.
            key=row.key if row.is_periodic else None,
            lease_until=row.lease_until,
            leased_by=row.leased_by,
            attempts=F("attempts") + 1,
        )
    )
    row.attempts += 1
    return row if claimed else None


def name_attempt() -> str:
    """Return a unique name for one attempt, which shows the host and the process."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"


def _run(row: QueuedTask, definition: TaskDefinition | None) -> None:
    if definition is None:
        raise UnknownTaskError("this code does not know the task")
    arguments = definition.parse_arguments(row.version, row.arguments)
    if definition.is_atomic:
        with transaction.atomic():
            definition.function(**arguments)
            _finish(row, definition)
    else:
        definition.function(**arguments)
        _finish(row, definition)


def _finish(row: QueuedTask, definition: TaskDefinition | None) -> None:
    """Delete the row, or set the next time of a periodic one. Raises LeaseLostError when another attempt has it."""
    held = QueuedTask.objects.filter(pk=row.pk, leased_by=row.leased_by)
    if definition and definition.every:
        now = timezone.now()
        done = held.update(
            due_at=definition.next_due(now), lease_until=None, leased_by="", attempts=0, last_error=""
        )
    else:
        done, _ = held.delete()
    if not done:
        raise LeaseLostError


def _finish_unless_lost(row: QueuedTask, definition: TaskDefinition | None) -> None:
    try:
        _finish(row, definition)
    except LeaseLostError:
        logger.warning("task %s (%d) was finished by another attempt", row.name, row.pk)


def _record_failure(row: QueuedTask, error: Exception) -> None:
    """Store the error, and when to try again; after the last attempt the row has failed."""
    definition = find_task(row.name)
    is_foreign = isinstance(error, UnknownTaskError | UnfitArgumentsError)
    most = UNKNOWN_ATTEMPTS if is_foreign else definition.attempts if definition else DEFAULT_ATTEMPTS
    is_last = row.attempts >= most
    if is_last and definition is None and row.is_periodic:
        # A periodic task that no code knows any more.
        QueuedTask.objects.filter(pk=row.pk, leased_by=row.leased_by).delete()
        return
    described = describe_error(error)
    metrics.task_attempts.labels("failed" if is_last and not row.is_periodic else "retried").inc()
    if is_last and not row.is_periodic:
        logger.error("task %s (%d) failed", row.name, row.pk, exc_info=error)
        _end_as_failed(row, described)
        return
    wait = UNKNOWN_WAIT if is_foreign else wait_after(row.attempts)
    if definition and definition.every:
        wait = min(wait, max(definition.every.total_seconds(), FIRST_WAIT))
    QueuedTask.objects.filter(pk=row.pk, leased_by=row.leased_by).update(
        due_at=timezone.now() + timedelta(seconds=wait), lease_until=None, leased_by="", last_error=described
    )
    # Once as an error, which is mailed to the administrators: in a periodic task that goes on failing.
    level = logging.ERROR if is_last and row.attempts == most else logging.WARNING
    logger.log(
        level, "task %s (%d) failed, attempt %d; the next one in %.0f s", row.name, row.pk, row.attempts, wait,
        exc_info=error,
    )  # fmt: skip


def _end_as_failed(row: QueuedTask, described: str) -> None:
    QueuedTask.objects.filter(pk=row.pk, leased_by=row.leased_by).update(
        state=QueuedTask.State.FAILED, lease_until=None, leased_by="", last_error=described
    )


def wait_after(attempts: int) -> float:
    """Return the seconds until the next attempt after so many."""
    wait = min(FIRST_WAIT * 2.0 ** min(attempts - 1, 20), LONGEST_WAIT)
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- spreads load, guards nothing


def describe_error(error: BaseException) -> str:
    """Return class, first line and origin of an exception, without secrets and bounded in length."""
    line = next(iter("".join(traceback.format_exception_only(error)).strip().splitlines()), "")
    frames = traceback.extract_tb(error.__traceback__)
    origin = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return redact(line[: MAX_ERROR_LENGTH - len(origin)]) + origin
