"""The entry point for gunicorn."""

from django.core.wsgi import get_wsgi_application

from .start import choose_settings, refuse_without_manifest

choose_settings()

django_application = get_wsgi_application()

# These need the settings that the line above has loaded.
from core.database.thread_pool import limit_waiting  # noqa: E402
from core.web.content_type import ParsableContentType  # noqa: E402

refuse_without_manifest()
limit_waiting()

application = ParsableContentType(django_application)
