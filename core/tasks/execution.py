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
from django.db import connection, transaction
from django.utils import timezone

from core.database.compiled_queries import CompiledSQL
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


# Due, and no attempt has it; a broker may. Written SQL, since building these statements by the ORM took most of the
# time of a short task.
_IS_CLAIMABLE = "state = 'waiting' AND due_at <= %(now)s AND (leased_by = '' OR lease_until <= %(now)s)"
_FIELDS = ("id", "name", "arguments", "version", "key", "leased_by", "attempts")
_FIND = CompiledSQL(
    f"SELECT {', '.join(_FIELDS)} FROM core_queuedtask WHERE id = %(id)s AND {_IS_CLAIMABLE}"  # noqa: S608 -- constants
)
# A key merges tasks that have not begun; one that comes now must not be lost, so it gets its own row.
_CLAIM = CompiledSQL(
    "UPDATE core_queuedtask SET key = CASE WHEN %(keeps_key)s THEN key END, leased_by = %(leased_by)s,"  # noqa: S608
    " lease_until = %(lease_until)s, attempts = attempts + 1"
    f" WHERE id = %(id)s AND attempts = %(attempts)s AND leased_by = %(former)s AND {_IS_CLAIMABLE} RETURNING id"
)
_DELETE = CompiledSQL(
    "DELETE FROM core_queuedtask WHERE id = %(id)s AND leased_by = %(leased_by)s RETURNING id"
)


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
    adapt = connection.ops.adapt_datetimefield_value
    rows = _FIND.fetch(id=row_id, now=adapt(now))
    if not rows:
        return None
    row = QueuedTask(**dict(zip(_FIELDS, rows[0], strict=True)))
    definition = find_task(row.name)
    most = definition.attempts if definition else UNKNOWN_ATTEMPTS
    if row.leased_by and row.attempts >= most and not row.is_periodic:
        # Each attempt so far ended with its process.
        _end_as_failed(row, "the process ended during the last attempt")
        return None
    former, row.leased_by = row.leased_by, name_attempt()
    row.lease_until = now + (definition.lease if definition else UNKNOWN_LEASE)
    claimed = _CLAIM.fetch(
        id=row.pk,
        now=adapt(now),
        attempts=row.attempts,
        former=former,
        keeps_key=row.is_periodic,
        leased_by=row.leased_by,
        lease_until=adapt(row.lease_until),
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
    if definition and definition.every:
        held = QueuedTask.objects.filter(pk=row.pk, leased_by=row.leased_by)
        is_held = held.update(
            due_at=definition.next_due(timezone.now()),
            lease_until=None,
            leased_by="",
            attempts=0,
            last_error="",
        )
    else:
        is_held = len(_DELETE.fetch(id=row.pk, leased_by=row.leased_by))
    if not is_held:
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
