"""Background tasks: enqueued by name in the caller's transaction, executed once it has committed.

The row of `core.QueuedTask` is the record of the work until the task has succeeded; what carries it to an executor
(Celery, a thread, the caller) may lose it, and the relay hands it over again. See docs/decisions/0049.
"""

from .enqueue import enqueue_on_commit, prepare_executor
from .registry import periodic, task

__all__ = ["enqueue_on_commit", "periodic", "prepare_executor", "task"]
