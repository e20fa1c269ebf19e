"""Celery with the tasks of the tests beside LinkUp's: `celery --app tests.integration.tasks.worker_app`."""

import os
from datetime import timedelta

from professional_network.celery import app

# These need the models that the line above has loaded.
from core.tasks import enqueue, worker  # isort: skip
from . import effects  # isort: skip

__all__ = ["app"]

if "TASKS_AT_USUAL_PACE" not in os.environ:
    effects.quicken()
    enqueue.HANDOVER = worker.HANDOVER = timedelta(seconds=2)  # type: ignore[attr-defined]
