"""The entry point for workers: `celery --app professional_network.celery worker --beat`."""

import django

from .start import choose_settings

choose_settings()
django.setup()

# These need the settings and the models that the line above has loaded.
from core.tasks import worker  # noqa: E402, F401 -- registers what workers do
from core.tasks.celery_app import app  # noqa: E402

__all__ = ["app"]
