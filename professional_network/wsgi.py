"""The entry point for gunicorn."""

from django.core.wsgi import get_wsgi_application

from .start import choose_settings, refuse_without_manifest

choose_settings()

application = get_wsgi_application()

# Needs the settings that the line above has loaded.
from core.database import limit_waiting  # noqa: E402

refuse_without_manifest()
limit_waiting()
