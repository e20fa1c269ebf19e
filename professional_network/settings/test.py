"""Tests: SQLite unless DATABASE_URL names a server, fast password hashing, mail in memory."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from ..env import env
from .base import *
from .sqlite import SQLITE_OPTIONS

DEBUG = False
DEMO_NETWORK = True
SECRET_KEY = "test-only-key-with-no-secret-in-it-at-all-0123456789"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

# A folder per process, since runs and workers run in parallel. By its name the next run that starts a server
# (scripts.servers) finds and removes the folders of killed processes.
_scratch = Path(tempfile.mkdtemp(prefix=f"linkup-server-{os.getpid()}-"))
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
MEDIA_ROOT = _scratch / "media"

DATABASES = {"default": env.any_database("DATABASE_URL", "sqlite:///:memory:")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    # A file, since the threads of race tests must share it.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}

CACHES = {"default": {"BACKEND": "core.database.json_cache.JsonMemoryCache"}}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
}
TASK_EXECUTOR = "immediate"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
