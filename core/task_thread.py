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

# Past this many, a job is dropped: what it is about waits in a table, and the idle job finds it there.
MAX_WAITING = 1000
# How long the thread waits for a job before it looks for work in the tables, in seconds.
IDLE_SECONDS = 10.0
# How long a process that ends lets the thread finish the job in hand, in seconds.
STOP_SECONDS = 5.0


class TaskThread:
    """Runs jobs one after the other in a daemon thread, which starts with the first job.

    `when_idle` runs when no job has come for `idle_seconds`. A forked child starts with an empty queue.
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
        """Run `job` soon; False when too many wait already, and the job is dropped."""
        try:
            self._jobs.put_nowait(job)
        except Full:
            return False
        self.start()
        return True

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="tasks", daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Let the job in hand end, for at most `seconds`; what still waits is dropped."""
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

    def _run(self) -> None:
        jobs = self._jobs
        while True:
            try:
                job = jobs.get(timeout=self._idle_seconds)
            except Empty:
                job = self._when_idle
            if job is None:
                return
            # A connection that broke or is too old must not fail the job, nor wait for the next one.
            close_old_connections()
            try:
                job()
            except Exception:
                logger.exception("a job of the task thread failed")
            finally:
                close_old_connections()
