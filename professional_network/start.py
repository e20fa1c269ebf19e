"""What must be there before a server of this house may begin to serve."""

import os

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import get_template
from django.urls import reverse

from .env import env

SETTINGS = "professional_network.settings"
DRAWN_FOR_TABS = ("messaging/_entry.html", "messaging/_inbox_row.html", "notifications/_row.html")


def warm_up() -> None:
    """Load addresses and what is drawn for tabs, which the first of them would load otherwise, in every thread anew."""
    reverse("feed:home")
    for name in DRAWN_FOR_TABS:
        get_template(name)


def choose_settings() -> None:
    """Name the settings that a server loads, when nothing has loaded them yet (`runserver` has).

    Raises ImproperlyConfigured when nobody said which: those of development show everybody the settings and an own,
    empty database, and a file that was not read looks just like that.
    """
    module = os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    if module == SETTINGS and not settings.configured and not env.text("DJANGO_ENVIRONMENT"):
        raise ImproperlyConfigured(
            "LinkUp cannot start; DJANGO_ENVIRONMENT is missing. Set it to production on a server (is the file with "
            "the variables read?), or to development to try things out."
        )


def refuse_without_manifest() -> None:
    """Raise ImproperlyConfigured when static files go by hashed names and `collectstatic` has not run (R13.3).

    Without the manifest every page would fail, one by one. Commands do not ask: collectstatic is one of them.
    """
    storage: object = staticfiles_storage
    if isinstance(storage, ManifestFilesMixin) and not storage.hashed_files:
        raise ImproperlyConfigured(
            f"LinkUp cannot start; there is no {storage.manifest_name} in STATIC_ROOT. "
            "Run `python manage.py collectstatic --noinput` first (on a platform: while it builds)."
        )
