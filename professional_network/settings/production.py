"""A server: PostgreSQL and Redis from the environment, nothing shown to strangers.

Only what differs from base stands here (R2.4); docs/SETTINGS.md has the table. Every fault of the environment is
gathered and named in one message at the end.
"""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import SELF

from ..env import env
from .base import *
from .base import DATA_DIR, MIDDLEWARE, STORAGES
from .logs import LEVELS, logging_config

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.required("SECRET_KEY")
ALLOWED_HOSTS = env.required_items("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")

# -- PostgreSQL (R1) --------------------------------------------------------------------------
_database = env.postgresql("DATABASE_URL")
DATABASES = {
    "default": {
        **_database,
        # gunicorn's threads keep their connections; the ASGI server has a pool of its own (core.database).
        "CONN_MAX_AGE": env.number("DB_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.flag("DB_BEHIND_PGBOUNCER"),
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            # Nothing hangs: seconds to connect; milliseconds for a statement, for a lock, for silence on the wire.
            "connect_timeout": env.number("DB_CONNECT_TIMEOUT", 2),
            "options": f"-c statement_timeout={env.number('DB_STATEMENT_TIMEOUT', 15_000)} -c lock_timeout=5000 "
            "-c idle_in_transaction_session_timeout=30000",
            "tcp_user_timeout": 3000,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
        },
    }
}
DATABASE_THREADS = env.number("DB_POOL_SIZE", 8)

# -- Redis (R8, R11.1) ------------------------------------------------------------------------
REDIS_URL = env.redis_url("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "core.cache.FallbackCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "linkup",
        # Entries of version 1 were pickled: while servers are replaced one by one, neither reads the other's.
        "VERSION": 2,
        "TIMEOUT": CACHE_TIMEOUTS["default"],
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
            "CONNECTION_POOL_KWARGS": {"max_connections": 50},
        },
    }
}
CHANNEL_LAYER = env.text("CHANNEL_LAYER", "core")
if CHANNEL_LAYER not in {"core", "pubsub"}:
    env.faults.append("CHANNEL_LAYER: use core or pubsub")
_host = {"address": REDIS_URL, "socket_connect_timeout": 1}
_core_layer = {
    "BACKEND": "channels_redis.core.RedisChannelLayer",
    "CONFIG": {
        "hosts": [_host],
        "prefix": "linkup",
        "capacity": env.number("CHANNEL_CAPACITY", 10_000),
        "expiry": env.number("CHANNEL_EXPIRY", 60),
    },
}
_pubsub_layer = {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "CONFIG": {"hosts": [_host], "prefix": "linkup"},
}
CHANNEL_LAYERS = {"default": _core_layer if CHANNEL_LAYER == "core" else _pubsub_layer}

# -- Mail -------------------------------------------------------------------------------------
SITE_URL = env.text(
    "SITE_URL", f"https://{next(iter(ALLOWED_HOSTS), 'localhost').lstrip('.*') or 'localhost'}"
)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    env.faults.append("EMAIL_USE_TLS, EMAIL_USE_SSL: use one of the two")
# Mail to ADMINS says which site it is about.
EMAIL_SUBJECT_PREFIX = f"[{urlsplit(SITE_URL).hostname or 'LinkUp'}] "
SERVER_EMAIL = env.text("SERVER_EMAIL", DEFAULT_FROM_EMAIL)
ADMINS = [("", address) for address in env.items("ADMINS")]

# -- Security (R3) ----------------------------------------------------------------------------
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
# Hard to undo: browsers keep a preloaded name for months. docs/SETTINGS.md says when to turn it off.
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", default=True)
# Trusted only because the proxy overwrites what a visitor sends (R13.6): deploy/nginx/linkup.conf always sets it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Without effect since Django 4, which dropped the header; the content security policy protects in its place (R3.10).
SECURE_BROWSER_XSS_FILTER = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf"
TRUSTED_PROXIES = env.items("TRUSTED_PROXIES", "127.0.0.1,::1")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {**CONTENT_SECURITY_POLICY["DIRECTIVES"], "upgrade-insecure-requests": True},
}

# -- Static and media files (R4) --------------------------------------------------------------
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "staticfiles")))
WHITENOISE_MAX_AGE = CACHE_TIMEOUTS["static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other site needs our fonts and styles
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(DATA_DIR / "media")))
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "core.storage.StaticStorage"}}
_after_security = MIDDLEWARE.index("django.middleware.security.SecurityMiddleware") + 1
MIDDLEWARE = [
    *MIDDLEWARE[:_after_security],
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Masks each answer anew, so that compressing pages with secrets tells nothing (BREACH); nginx leaves pages alone.
    "django.middleware.gzip.GZipMiddleware",
    *MIDDLEWARE[_after_security:],
]
# nginx takes over at this internal address (X-Accel-Redirect); empty, the application streams private files itself.
MEDIA_ACCEL_PREFIX = env.text("MEDIA_ACCEL_PREFIX")

_bucket = env.text("AWS_STORAGE_BUCKET_NAME")
if _bucket:
    STORAGES["default"] = {
        "BACKEND": "core.bucket.BucketStorage",
        "OPTIONS": {
            "bucket_name": _bucket,
            "region_name": env.text("AWS_S3_REGION_NAME") or None,
            "endpoint_url": env.text("AWS_S3_ENDPOINT_URL") or None,
            "custom_domain": env.text("AWS_S3_CUSTOM_DOMAIN") or None,
            "access_key": env.text("AWS_ACCESS_KEY_ID") or None,
            "secret_key": env.text("AWS_SECRET_ACCESS_KEY") or None,
        },
    }
    if STORAGES["default"]["OPTIONS"]["custom_domain"]:
        _pictures = f"https://{STORAGES['default']['OPTIONS']['custom_domain']}"
        CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"] = [SELF, "data:", "blob:", _pictures]

# -- Logs (R9) and health (R15) ---------------------------------------------------------------
LOG_DIR = env.text("LOG_DIR", str(DATA_DIR / "logs"))
LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in LEVELS:
    env.faults.append(f"LOG_LEVEL: use one of {', '.join(LEVELS)}")
LOGGING = logging_config(LOG_DIR, level=LOG_LEVEL, json_console=env.flag("LOG_JSON"))
DRAIN_FILE = env.text("DRAIN_FILE", str(DATA_DIR / "drain"))
DRAIN_SECONDS = env.number("DRAIN_SECONDS", 10)

env.check_time_zone(TIME_ZONE)
env.refuse_faults()
