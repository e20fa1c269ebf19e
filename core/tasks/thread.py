"""The executor without a broker: a thread beside the requests of this process."""

import atexit
import logging
import os
import socket
import time
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Lock, Thread

from django.db import close_old_connections

from core.database.db_errors import is_outage

from . import execution, relay

logger = logging.getLogger(__name__)

Job = Callable[[], None]

# Above this, jobs are dropped: their rows wait in the table, where the relay finds them.
MAX_WAITING = 1000
# How often the thread looks for due tasks, in seconds.
IDLE_SECONDS = 1.0
# How long an ending process waits for the running job, in seconds.
STOP_SECONDS = 5.0
# Tasks per look; a job that was submitted meanwhile comes before the rest.
MAX_BATCH = 20


class TaskThread:
    """Runs jobs one after the other in a daemon thread, which starts with the first job.

    `when_idle` runs every `idle_seconds`, also between jobs. A forked child starts with an empty queue.
    """

    def __init__(
        self, when_idle: Job, *, idle_seconds: float = IDLE_SECONDS, max_waiting: int = MAX_WAITING
    ) -> None:
        self._when_idle = when_idle
        self._idle_seconds = idle_seconds
        self._max_waiting = max_waiting
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._jobs: Queue[Job | None] = Queue(self._max_waiting)
        self._lock = Lock()
        self._thread: Thread | None = None

    def submit(self, job: Job) -> bool:
        """Queue `job`; return False, and drop it, when too many wait already."""
        try:
            self._jobs.put_nowait(job)
        except Full:
            return False
        self.start()
        return True

    def start(self) -> None:
        """Start the thread, unless it is running."""

        def run() -> None:
            jobs = self._jobs
            next_look = time.monotonic() + self._idle_seconds
            while True:
                left = next_look - time.monotonic()
                try:
                    job = jobs.get(timeout=left) if left > 0 else self._when_idle
                except Empty:
                    job = self._when_idle
                if job is None:
                    return
                _run_job(job)
                if job is self._when_idle:
                    next_look = time.monotonic() + self._idle_seconds

        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=run, name="tasks", daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Wait at most `seconds` for the running job; drop the queued ones."""
        with self._lock:
            thread, self._thread = self._thread, None
        atexit.unregister(self.stop)
        if thread is None:
            return
        while True:
            try:
                self._jobs.get_nowait()
            except Empty:
                break
        self._jobs.put(None)
        thread.join(seconds)


def _run_job(job: Job) -> None:
    # A broken or old connection must not fail the job, nor stay open until the next one.
    close_old_connections()
    try:
        job()
    except Exception as error:
        # Requests log an outage of the database already; this would repeat it every second.
        if not is_outage(error):
            logger.exception("a job of the task thread failed")
    finally:
        close_old_connections()


def execute_due() -> None:
    """Execute a batch of due tasks."""
    relay.note_worker(f"thread@{socket.gethostname()}")
    relay.ensure_periodic_tasks()
    for row_id in relay.find_due(MAX_BATCH):
        execution.execute_task(row_id)


def submit_task(row_id: int, name: str) -> None:
    """Let the thread execute the task of this row next. When too many wait, the thread finds it in the table."""

    def run() -> None:
        execution.execute_task(row_id)

    task_thread.submit(run)


task_thread = TaskThread(execute_due)
"""The thread that executes tasks beside the requests of this process."""
