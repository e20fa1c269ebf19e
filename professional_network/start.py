"""Checks and preparations before a server process starts to serve."""

import os

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import get_template
from django.urls import reverse

from .env import env

SETTINGS = "professional_network.settings"
TAB_TEMPLATES = ("messaging/_entry.html", "messaging/_inbox_row.html", "notifications/_row.html")


def warm_up() -> None:
    """Load URLs and the templates of socket frames, which otherwise the first tab would load in every thread."""
    reverse("feed:home")
    for name in TAB_TEMPLATES:
        get_template(name)


def choose_settings() -> None:
    """Set DJANGO_SETTINGS_MODULE for a server, unless settings are loaded already (by `runserver`).

    Raises ImproperlyConfigured without DJANGO_ENVIRONMENT, which also happens when `.env` was not read: development
    settings on a server would show internals and use an empty database.
    """
    module = os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    if module == SETTINGS and not settings.configured and not env.text("DJANGO_ENVIRONMENT"):
        raise ImproperlyConfigured(
            "LinkUp cannot start; DJANGO_ENVIRONMENT is missing. Set it to production on a server (is the file with "
            "the variables read?), or to development to try things out."
        )


def refuse_without_manifest() -> None:
    """Raise ImproperlyConfigured when static files have hashed names and `collectstatic` has not run (R13.3).

    Without the manifest every page would fail. Commands do not check it: collectstatic is one of them.
    """
    storage: object = staticfiles_storage
    if isinstance(storage, ManifestFilesMixin) and not storage.hashed_files:
        raise ImproperlyConfigured(
            f"LinkUp cannot start; there is no {storage.manifest_name} in STATIC_ROOT. "
            "Run `python manage.py collectstatic --noinput` first (on a platform: while it builds)."
        )
