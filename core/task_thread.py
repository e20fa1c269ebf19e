"""The thread that runs tasks beside the requests of this process."""

import atexit
import logging
import os
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Lock, Thread

from django.db import close_old_connections

logger = logging.getLogger(__name__)

Job = Callable[[], None]

# Above this, jobs are dropped: their work waits in a table, where the idle job finds it.
MAX_WAITING = 1000
# How long the thread waits for a job before it runs the idle job, in seconds.
IDLE_SECONDS = 10.0
# How long an ending process waits for the running job, in seconds.
STOP_SECONDS = 5.0


class TaskThread:
    """Runs jobs one after the other in a daemon thread, which starts with the first job.

    `when_idle` runs after `idle_seconds` without a job. A forked child starts with an empty queue.
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
            while True:
                try:
                    job = jobs.get(timeout=self._idle_seconds)
                except Empty:
                    job = self._when_idle
                if job is None:
                    return
                # A broken or old connection must not fail the job, nor stay open until the next one.
                close_old_connections()
                try:
                    job()
                except Exception:
                    logger.exception("a job of the task thread failed")
                finally:
                    close_old_connections()

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
