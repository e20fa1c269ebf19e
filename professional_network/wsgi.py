"""The entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")

application = get_wsgi_application()

# Both need the settings that the line above has loaded.
from core.database import limit_waiting  # noqa: E402

from .start import refuse_without_manifest  # noqa: E402

refuse_without_manifest()
limit_waiting()
