"""Celery with the task of the bench: it notes when it started."""

from professional_network.celery import app

# It needs the models that the line above has loaded.
from . import work  # isort: skip

__all__ = ["app", "work"]
