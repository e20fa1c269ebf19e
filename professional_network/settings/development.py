"""A developer's machine: SQLite, everything in one process, mail on the console."""

import dj_database_url

from ..env import env
from .base import *
from .base import DATA_DIR
from .sqlite import SQLITE_OPTIONS

DEBUG = True
DEMO_NETWORK = True
SECRET_KEY = env.text("SECRET_KEY", "development-only-never-use-this-key-on-a-server")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

DATABASES = {
    "default": dj_database_url.parse(env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}"))
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS

CACHES = {"default": {"BACKEND": "core.json_cache.JsonMemoryCache"}}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
}

EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

env.check_time_zone(TIME_ZONE)
env.refuse_faults()
