"""What a worker of Celery does: execute rows, relay due ones, note that it lives, and end when it consumes nothing.

Imported by the entry point of workers (professional_network.celery) after Django is set up.
"""

import logging
import os
import signal
import time
from threading import Event, Thread
from typing import Any

from celery import Task, signals
from celery.worker import state
from django.db import close_old_connections, connections
from redis.exceptions import RedisError

from core.database.db_errors import is_outage
from core.models import QueuedTask

from . import broker, execution, relay
from .celery_app import EXECUTE, RELAY, app
from .enqueue import HANDOVER

logger = logging.getLogger(__name__)

# Most tasks that wait in Redis before the relay waits, too: a task whose lease ends there would be handed over twice.
MAX_QUEUED = 500
# A worker that has fetched nothing for so many seconds, though messages wait and it has no work, is replaced.
STUCK_SECONDS = 20.0
LOOK_EVERY = 2.0
# Seconds without a message of beat after which this worker sends one itself.
SILENT_SECONDS = 4.0


def execute(row_id: int) -> None:
    """Execute the task of this row."""
    close_old_connections()
    try:
        execution.execute_task(row_id)
    except Exception as error:
        # The row is still there; the relay hands it over again.
        if not is_outage(error):
            raise
        logger.warning("a task waits for the database")
    finally:
        close_old_connections()


def relay_due(self: Task) -> None:
    """Hand over what is due and not in Redis."""
    close_old_connections()
    try:
        relay.note_worker(str(self.request.hostname))
        relay.ensure_periodic_tasks()
        room = MAX_QUEUED - broker.count_queued()
        if room > 0:
            hand_over_due(room)
    except RedisError as error:
        broker.breaker.trip(error)
    except Exception as error:
        if not is_outage(error):
            raise
    finally:
        close_old_connections()


def hand_over_due(limit: int) -> int:
    """Hand at most `limit` due tasks to the workers; return how many."""
    ids = relay.lease_due(limit, HANDOVER)
    names = dict(QueuedTask.objects.filter(pk__in=ids).values_list("pk", "name"))
    return sum(broker.send_task(row_id, names[row_id]) for row_id in ids if row_id in names)


class Watchdog:
    """Looks after a worker from a thread of its main process, for what Celery does not notice.

    * Beat is a process that is not started again when it is killed: in its place this asks for the relay.
    * A worker that has connected again may fetch nothing: it ends, and the service starts it again.
    """

    def __init__(self) -> None:
        self._fetched_at = self._relayed_at = time.monotonic()
        self._ended = Event()

    def note_message(self, request: Any = None, **kwargs: Any) -> None:
        """Receiver of Celery's task_received."""
        self._fetched_at = time.monotonic()
        if request is not None and request.name == RELAY:
            self._relayed_at = self._fetched_at

    def start(self, **kwargs: Any) -> None:
        """Receiver of Celery's worker_ready."""
        self._fetched_at = self._relayed_at = time.monotonic()
        Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self, **kwargs: Any) -> None:
        """Receiver of Celery's worker_shutting_down."""
        self._ended.set()

    def is_stuck(self, queued: int, reserved: int, now: float) -> bool:
        """Return whether messages wait, this worker has no work, and it has fetched nothing for STUCK_SECONDS."""
        if not queued or reserved:
            # Counted from when it could have fetched one.
            self._fetched_at = now
        return now - self._fetched_at > STUCK_SECONDS

    def is_beat_silent(self, now: float) -> bool:
        """Return whether this worker has heard nothing of beat; others may have."""
        return now - self._relayed_at > SILENT_SECONDS

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            try:
                if self.is_beat_silent(time.monotonic()):
                    broker.send_relay()
                queued = broker.count_queued()
            except broker.FAILURES:
                queued = 0
            if self.is_stuck(queued, len(state.reserved_requests), time.monotonic()):
                logger.error("this worker fetches nothing although tasks wait; it ends, to be started again")
                os.kill(os.getpid(), signal.SIGTERM)
                return


watchdog = Watchdog()


def keep_logging(**kwargs: Any) -> None:
    """Let Django's logging be (Celery configures its own where nobody listens)."""


def drop_connections(**kwargs: Any) -> None:
    """A forked process must not use the connections of its parent."""
    connections.close_all()


def prepare_worker() -> None:
    """Register what this module does with Celery."""
    app.task(name=EXECUTE)(execute)
    app.task(name=RELAY, bind=True, soft_time_limit=20, time_limit=30)(relay_due)
    signals.setup_logging.connect(keep_logging, weak=False)
    signals.worker_process_init.connect(drop_connections, weak=False)
    signals.task_received.connect(watchdog.note_message, weak=False)
    signals.worker_ready.connect(watchdog.start, weak=False)
    signals.worker_shutting_down.connect(watchdog.stop, weak=False)


prepare_worker()
