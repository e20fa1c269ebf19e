"""What must be there before a server of this house may begin to serve."""

from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import get_template
from django.urls import reverse

DRAWN_FOR_TABS = ("messaging/_entry.html", "messaging/_inbox_row.html", "notifications/_row.html")


def warm_up() -> None:
    """Load addresses and what is drawn for tabs, which the first of them would load otherwise, in every thread anew."""
    reverse("feed:home")
    for name in DRAWN_FOR_TABS:
        get_template(name)


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
