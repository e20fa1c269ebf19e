"""Production: PostgreSQL and Redis from the environment, no internals shown.

It contains the differences from base only (R2.4); docs/SETTINGS.md has the table. All errors of the environment are
collected and reported in one message at the end.
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
# Earlier keys: their signatures stay valid, but nothing new is signed with them.
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.allowed_hosts("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

# -- PostgreSQL (R1) --------------------------------------------------------------------------
_database = env.postgresql("DATABASE_URL")
_behind_pgbouncer = env.flag("DB_BEHIND_PGBOUNCER")
# Milliseconds for a statement, for waiting for a lock, and for an idle transaction.
DATABASE_LIMITS = {
    "statement_timeout": env.number("DB_STATEMENT_TIMEOUT", 15_000, least=1),
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 30_000,
}
_options = dict(_database.get("OPTIONS", {}))
if not _behind_pgbouncer:
    _limits = " ".join(f"-c {name}={value}" for name, value in DATABASE_LIMITS.items())
    _options["options"] = f"{_limits} {_options.get('options', '')}".strip()
elif "options" in _options:
    # PgBouncer refuses `options`, and its sessions are shared: the role has the limits (docs/SETTINGS.md).
    env.errors.append("DATABASE_URL: options cannot pass through PgBouncer; set them on the role")
if "connect_timeout" in _options and env.text("DB_CONNECT_TIMEOUT"):
    env.errors.append("DB_CONNECT_TIMEOUT, DATABASE_URL: connect_timeout is given in both")
DATABASES = {
    "default": {
        **_database,
        # gunicorn's threads keep their connections; the ASGI server has a separate pool (core.database.thread_pool).
        "CONN_MAX_AGE": env.number("DB_CONN_MAX_AGE", 60, most=86_400),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": _behind_pgbouncer,
        "OPTIONS": {
            # Timeouts: seconds to connect, milliseconds without a TCP acknowledgement. The URL's query may override
            # them.
            "connect_timeout": env.number("DB_CONNECT_TIMEOUT", 2, least=1, most=600),
            "tcp_user_timeout": 3000,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            **_options,
        },
    }
}
DATABASE_THREADS = env.number("DB_POOL_SIZE", 8, least=1, most=1000)

# -- Redis (R8, R11.1) ------------------------------------------------------------------------
REDIS_URL = env.redis_url("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "core.database.cache.FallbackCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "linkup",
        # Entries of version 1 were pickled: during a rolling update, old and new servers do not share entries.
        "VERSION": 2,
        "TIMEOUT": CACHE_TIMEOUTS["default"],
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
            "CONNECTION_POOL_KWARGS": {"max_connections": 50},
        },
    }
}
CHANNEL_LAYER = env.choice("CHANNEL_LAYER", "core", ("core", "pubsub"))
_host = {"address": REDIS_URL, "socket_connect_timeout": 1}
_core_layer = {
    "BACKEND": "channels_redis.core.RedisChannelLayer",
    "CONFIG": {
        "hosts": [_host],
        "prefix": "linkup",
        "capacity": env.number("CHANNEL_CAPACITY", 10_000, least=1),
        "expiry": env.number("CHANNEL_EXPIRY", 60, least=1, most=86_400),
    },
}
_pubsub_layer = {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "CONFIG": {"hosts": [_host], "prefix": "linkup"},
}
CHANNEL_LAYERS = {"default": _core_layer if CHANNEL_LAYER == "core" else _pubsub_layer}

# -- Background tasks (core.tasks) ------------------------------------------------------------
# "thread" in place of "celery": a thread of each server process, where no worker can run.
TASK_EXECUTOR = env.choice("TASK_EXECUTOR", "celery", ("celery", "thread"))
WORK_CONCURRENCY = env.number("WORK_CONCURRENCY", 2, least=1, most=1000)

# -- Mail -------------------------------------------------------------------------------------
SITE_URL = env.origin(
    "SITE_URL", f"https://{next(iter(ALLOWED_HOSTS), 'localhost').lstrip('.*') or 'localhost'}"
)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.host("EMAIL_HOST", "localhost")
EMAIL_PORT = env.port("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
if bool(EMAIL_HOST_USER) != bool(EMAIL_HOST_PASSWORD):
    # Django would not authenticate at all, and the server would refuse the mail.
    env.errors.append("EMAIL_HOST_USER, EMAIL_HOST_PASSWORD: give both or neither")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    env.errors.append("EMAIL_USE_TLS, EMAIL_USE_SSL: use one of the two")
# Mail to ADMINS names the site.
EMAIL_SUBJECT_PREFIX = f"[{urlsplit(SITE_URL).hostname}] "
SERVER_EMAIL = env.mailbox("SERVER_EMAIL", DEFAULT_FROM_EMAIL)
ADMINS = env.mailboxes("ADMINS")

# -- Security (R3) ----------------------------------------------------------------------------
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
# Hard to undo: browsers keep preloaded names for months. docs/SETTINGS.md says when to turn it off.
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", default=True)
# Trusted only because the proxy overwrites the client's header (R13.6): deploy/nginx/linkup.conf always sets it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Without effect since Django 4, which dropped the header; the content security policy replaces it (R3.10).
SECURE_BROWSER_XSS_FILTER = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
KNOWN_BROWSER_COOKIE_NAME = "__Host-known-browser"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf"
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", "127.0.0.1,::1")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {**CONTENT_SECURITY_POLICY["DIRECTIVES"], "upgrade-insecure-requests": True},
}

# -- Static and media files (R4) --------------------------------------------------------------
STATIC_ROOT = Path(env.path("STATIC_ROOT", DATA_DIR / "staticfiles"))
WHITENOISE_MAX_AGE = CACHE_TIMEOUTS["static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other site needs our fonts and styles
MEDIA_ROOT = Path(env.path("MEDIA_ROOT", DATA_DIR / "media"))
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "core.files.static_files.StaticStorage"}}
_after_security = MIDDLEWARE.index("django.middleware.security.SecurityMiddleware") + 1
MIDDLEWARE = [
    *MIDDLEWARE[:_after_security],
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # It adds random padding, so that compressed pages reveal no secrets (BREACH); nginx does not compress pages.
    "core.web.compression.CompressionMiddleware",
    *MIDDLEWARE[_after_security:],
]
# The internal path of nginx (X-Accel-Redirect); when empty, the application streams private files.
MEDIA_ACCEL_PREFIX = env.text("MEDIA_ACCEL_PREFIX")
if MEDIA_ACCEL_PREFIX and not (MEDIA_ACCEL_PREFIX.startswith("/") and MEDIA_ACCEL_PREFIX.endswith("/")):
    env.errors.append("MEDIA_ACCEL_PREFIX: malformed, begin and end it with a slash: /protected-media/")

_bucket = env.text("AWS_STORAGE_BUCKET_NAME")
if _bucket:
    STORAGES["default"] = {
        "BACKEND": "core.files.s3_storage.BucketStorage",
        "OPTIONS": {
            "bucket_name": _bucket,
            "region_name": env.text("AWS_S3_REGION_NAME") or None,
            "endpoint_url": env.origin("AWS_S3_ENDPOINT_URL") or None,
            "custom_domain": env.text("AWS_S3_CUSTOM_DOMAIN") or None,
            "access_key": env.text("AWS_ACCESS_KEY_ID") or None,
            "secret_key": env.text("AWS_SECRET_ACCESS_KEY") or None,
        },
    }
    if STORAGES["default"]["OPTIONS"]["custom_domain"]:
        _pictures = f"https://{STORAGES['default']['OPTIONS']['custom_domain']}"
        CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"] = [SELF, "data:", "blob:", _pictures]

# -- Logs (R9) and health (R15) ---------------------------------------------------------------
LOG_DIR = env.path("LOG_DIR", DATA_DIR / "logs")
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", LEVELS)
LOGGING = logging_config(LOG_DIR, level=LOG_LEVEL, json_console=env.flag("LOG_JSON"))
DRAIN_FILE = env.path("DRAIN_FILE", DATA_DIR / "drain")
DRAIN_SECONDS = env.number("DRAIN_SECONDS", 10, most=3_600)

env.raise_errors()
