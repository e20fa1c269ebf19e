"""Development: SQLite, everything in one process, mail on the console."""

import re
import sys

from ..env import env
from .base import *
from .base import DATA_DIR, INSTALLED_APPS
from .sqlite import SQLITE_OPTIONS

# Its runserver serves HTTP and WebSocket, instead of that of staticfiles. No other command needs it, and loading it
# takes a third of the start time of a command.
if "runserver" in sys.argv[1:2]:
    INSTALLED_APPS = ["daphne", *INSTALLED_APPS]

DEBUG = True
DEMO_NETWORK = True
SECRET_KEY = env.text("SECRET_KEY", "development-only-never-use-this-key-on-a-server")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# Links in mails use the port of this server: the argument of `runserver`, else PORT, else 8000.
_words = sys.argv[2:] if "runserver" in sys.argv[1:2] else []
_matches = [re.fullmatch(r"(?:.*:)?(\d+)", word) for word in _words]
_port = next((match[1] for match in _matches if match), str(env.port("PORT", 8000)))
SITE_URL = env.origin("SITE_URL", f"http://localhost:{_port}")

DATABASES = {"default": env.any_database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS

CACHES = {"default": {"BACKEND": "core.database.json_cache.JsonMemoryCache"}}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
}

EMAIL_HOST = env.host("EMAIL_HOST", "")
EMAIL_PORT = env.port("EMAIL_PORT", 25)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

env.raise_errors()
