"""Each variable of `.env.example` with a value, and what LinkUp makes of it.

The rows: the value, where it arrives (a path through the settings, `gunicorn.` for the server's), what stands there
without the variable, and what stands there with it.
"""

from pathlib import Path
from typing import Any

from csp.constants import SELF

from professional_network.env import BASE_DIR

from .loading import COMPLETE

DATABASE = "DATABASES.default"
LAYER = "CHANNEL_LAYERS.default"
HANDLERS = "LOGGING.handlers"
REDIS = "channels_redis"
FILES = "django.core.files.storage.FileSystemStorage"
BUCKET = "STORAGES.default.OPTIONS"
LIMITS = "-c statement_timeout={} -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"
SENDER = "LinkUp <no-reply@localhost>"
LONG = "another-long-random-text-of-more-than-fifty-characters-0123456789"

Row = tuple[str, str, Any, Any]

# What a variable needs beside it.
BESIDE: dict[str, dict[str, str]] = {
    **{name: {"DATABASE_URL": "", "DB_HOST": "db", "DB_NAME": "n", "DB_USER": "u", "DB_PASSWORD": "p"}
       for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")},
    **{name: {"AWS_STORAGE_BUCKET_NAME": "b"}
       for name in ("AWS_S3_REGION_NAME", "AWS_S3_ENDPOINT_URL", "AWS_S3_CUSTOM_DOMAIN", "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY")},
    **{f"DKIM_{part}": {"DKIM_SELECTOR": "s", "DKIM_KEY_FILE": "/etc/linkup.pem"} for part in ("SELECTOR", "KEY_FILE")},
    **{f"EMAIL_HOST_{part}": {"EMAIL_HOST_USER": "u", "EMAIL_HOST_PASSWORD": "p"} for part in ("USER", "PASSWORD")},
    # COMPLETE sets LOG_DIR to a temporary folder of the tests.
    **{name: {"LOG_DIR": ""} for name in ("LOG_DIR", "DATA_DIR")},
}  # fmt: skip

ROWS: dict[str, list[Row]] = {
    "ADMINS": [("A <a@a.example>, b@a.example", "ADMINS", [], [("A", "a@a.example"), ("", "b@a.example")])],
    "ALLOWED_HOSTS": [
        ("a.example,b.example", "ALLOWED_HOSTS", ["network.example.org"], ["a.example", "b.example"]),
        ("a.example,b.example", "SITE_URL", "https://network.example.org", "https://a.example"),
    ],
    "AWS_ACCESS_KEY_ID": [("id", f"{BUCKET}.access_key", None, "id")],
    "AWS_S3_CUSTOM_DOMAIN": [
        ("cdn.example", f"{BUCKET}.custom_domain", None, "cdn.example"),
        (
            "cdn.example",
            "CONTENT_SECURITY_POLICY.DIRECTIVES.img-src",
            [SELF, "data:", "blob:"],
            [SELF, "data:", "blob:", "https://cdn.example"],
        ),
    ],
    "AWS_S3_ENDPOINT_URL": [("https://s3.example", f"{BUCKET}.endpoint_url", None, "https://s3.example")],
    "AWS_S3_REGION_NAME": [("eu-north-1", f"{BUCKET}.region_name", None, "eu-north-1")],
    "AWS_SECRET_ACCESS_KEY": [("secret", f"{BUCKET}.secret_key", None, "secret")],
    "AWS_STORAGE_BUCKET_NAME": [
        ("uploads", "STORAGES.default.BACKEND", FILES, "core.files.s3_storage.BucketStorage"),
        ("uploads", f"{BUCKET}.bucket_name", None, "uploads"),
    ],
    "BACKUP_KEY": [(LONG, "BACKUP_KEY", "", LONG)],
    "BOUNCE_DOMAIN": [("bounce.example", "BOUNCE_DOMAIN", "", "bounce.example")],
    "CHANNEL_CAPACITY": [("77", f"{LAYER}.CONFIG.capacity", 10_000, 77)],
    "CHANNEL_EXPIRY": [("77", f"{LAYER}.CONFIG.expiry", 60, 77)],
    "CHANNEL_LAYER": [
        ("pubsub", f"{LAYER}.BACKEND", f"{REDIS}.core.RedisChannelLayer", f"{REDIS}.pubsub.RedisPubSubChannelLayer"),
        ("pubsub", f"{LAYER}.CONFIG.prefix", "linkup", "linkup"),
        ("pubsub", "CHANNEL_LAYER", "core", "pubsub"),
    ],
    "CSRF_TRUSTED_ORIGINS": [("https://a.example", "CSRF_TRUSTED_ORIGINS", [], ["https://a.example"])],
    "DATABASE_URL": [
        ("postgres://u:p@h:6/n", f"{DATABASE}.NAME", "linkup", "n"),
        ("postgres://u:p@h:6/n", f"{DATABASE}.HOST", "db.example", "h"),
        ("postgres://u:p@h:6/n", f"{DATABASE}.PORT", 5432, 6),
        ("postgres://u:p@h:6/n", f"{DATABASE}.USER", "linkup", "u"),
        ("postgres://u:p@h:6/n", f"{DATABASE}.PASSWORD", "secret", "p"),
    ],
    "DATA_DIR": [
        ("/srv/x", "DATA_DIR", BASE_DIR, Path("/srv/x")),
        ("/srv/x", "STATIC_ROOT", BASE_DIR / "staticfiles", Path("/srv/x/staticfiles")),
        ("/srv/x", "MEDIA_ROOT", BASE_DIR / "media", Path("/srv/x/media")),
        ("/srv/x", "LOG_DIR", str(BASE_DIR / "logs"), "/srv/x/logs"),
        ("/srv/x", f"{HANDLERS}.file.filename", str(BASE_DIR / "logs/django.log"), "/srv/x/logs/django.log"),
        ("/srv/x", "DRAIN_FILE", str(BASE_DIR / "drain"), "/srv/x/drain"),
    ],
    "DB_BEHIND_PGBOUNCER": [
        ("1", f"{DATABASE}.DISABLE_SERVER_SIDE_CURSORS", False, True),
        ("1", f"{DATABASE}.OPTIONS.options", LIMITS.format(15_000), None),
    ],
    "DB_CONN_MAX_AGE": [("7", f"{DATABASE}.CONN_MAX_AGE", 60, 7)],
    "DB_CONNECT_TIMEOUT": [("7", f"{DATABASE}.OPTIONS.connect_timeout", 2, 7)],
    "DB_HOST": [("db2", f"{DATABASE}.HOST", "db", "db2")],
    "DB_NAME": [("n2", f"{DATABASE}.NAME", "n", "n2")],
    "DB_PASSWORD": [("a/b@c:d#e?f%20 ", f"{DATABASE}.PASSWORD", "p", "a/b@c:d#e?f%20 ")],
    "DB_POOL_SIZE": [("3", "DATABASE_THREADS", 8, 3)],
    "DB_PORT": [("6543", f"{DATABASE}.PORT", 5432, 6543)],
    "DB_STATEMENT_TIMEOUT": [
        ("9", f"{DATABASE}.OPTIONS.options", LIMITS.format(15_000), LIMITS.format(9)),
        ("9", "DATABASE_LIMITS.statement_timeout", 15_000, 9),
        ("9", "DATABASE_LIMITS.lock_timeout", 5_000, 5_000),
        ("9", "DATABASE_LIMITS.idle_in_transaction_session_timeout", 30_000, 30_000),
    ],
    "DB_USER": [("u2", f"{DATABASE}.USER", "u", "u2")],
    "DEBUG": [("True", "DEBUG", False, True)],
    "DEFAULT_FROM_EMAIL": [
        ("A <a@a.example>", "DEFAULT_FROM_EMAIL", SENDER, "A <a@a.example>"),
        ("A <a@a.example>", "SERVER_EMAIL", SENDER, "A <a@a.example>"),
        ("A <a@a.example>", "MAIL_ENVELOPE_SENDER", "no-reply@localhost", "a@a.example"),
    ],
    "REPLY_DOMAIN": [
        ("Reply.A.example", "REPLY_DOMAIN", "", "reply.a.example"),
    ],
    "DKIM_DOMAIN": [("a.example", "DKIM_DOMAIN", "localhost", "a.example")],
    "DKIM_KEY_FILE": [("/etc/x.pem", "DKIM_KEY_FILE", "/etc/linkup.pem", "/etc/x.pem")],
    "DKIM_SELECTOR": [("s2", "DKIM_SELECTOR", "s", "s2")],
    "DRAIN_FILE": [("/run/x", "DRAIN_FILE", str(BASE_DIR / "drain"), "/run/x")],
    "DRAIN_SECONDS": [("3", "DRAIN_SECONDS", 10, 3)],
    "EMAIL_HOST": [("mail.example", "EMAIL_HOST", "localhost", "mail.example")],
    "EMAIL_HOST_PASSWORD": [(" a/b", "EMAIL_HOST_PASSWORD", "p", " a/b")],
    "EMAIL_HOST_USER": [("a@b", "EMAIL_HOST_USER", "u", "a@b")],
    "EMAIL_PORT": [("587", "EMAIL_PORT", 25, 587)],
    "EMAIL_USE_SSL": [("on", "EMAIL_USE_SSL", False, True), ("on", "EMAIL_USE_TLS", False, False)],
    "EMAIL_USE_TLS": [("on", "EMAIL_USE_TLS", False, True), ("on", "EMAIL_USE_SSL", False, False)],
    "LOG_DIR": [
        ("/var/x", "LOG_DIR", str(BASE_DIR / "logs"), "/var/x"),
        ("/var/x", f"{HANDLERS}.security_file.filename", str(BASE_DIR / "logs/security.log"), "/var/x/security.log"),
    ],
    "LOG_JSON": [("1", "LOGGING.handlers.console.formatter", "line", "json")],
    "LOG_LEVEL": [
        ("ERROR", "LOGGING.root.level", "INFO", "ERROR"),
        ("ERROR", "LOGGING.loggers.feed.level", "INFO", "ERROR"),
        ("ERROR", "LOGGING.loggers.security.level", "WARNING", "WARNING"),
        ("ERROR", "LOG_LEVEL", "INFO", "ERROR"),
    ],
    "MAILGUN_WEBHOOK_KEY": [("key", "MAILGUN_WEBHOOK_KEY", "", "key")],
    "MAIL_ENVELOPE_SENDER": [
        ("bounces@a.example", "MAIL_ENVELOPE_SENDER", "no-reply@localhost", "bounces@a.example"),
        ("bounces@a.example", "DEFAULT_FROM_EMAIL", SENDER, SENDER),
    ],
    "DIGEST_DEFAULT": [("off", "DIGEST_DEFAULT", "weekly", "off")],
    "NETWORK_NAME": [("Alumni Köln", "NETWORK_NAME", "LinkUp", "Alumni Köln")],
    "MAIL_TO_NON_MEMBERS_PER_HOUR": [("5", "MAIL_TO_NON_MEMBERS_PER_HOUR", 200, 5)],
    "MEDIA_ACCEL_PREFIX": [("/x/", "MEDIA_ACCEL_PREFIX", "", "/x/")],
    "MEDIA_ROOT": [("/srv/m", "MEDIA_ROOT", BASE_DIR / "media", Path("/srv/m"))],
    "MEMBER_LIMITS_FACTOR": [("0", "MEMBER_LIMITS_FACTOR", 1, 0)],
    "METRICS_TOKEN": [(LONG, "METRICS_TOKEN", "", LONG)],
    "PASSWORD_HASHES_AT_ONCE": [("5", "PASSWORD_HASHES_AT_ONCE", 2, 5)],
    "PORT": [("8080", "gunicorn.bind", "127.0.0.1:8000", "0.0.0.0:8080")],
    "PROMETHEUS_MULTIPROC_DIR": [("/run/x", "METRICS_FOLDER", "", "/run/x")],
    "REDIS_URL": [
        ("redis://:p@h:1/2", "REDIS_URL", COMPLETE["REDIS_URL"], "redis://:p@h:1/2"),
        ("redis://:p@h:1/2", "CACHES.default.LOCATION", COMPLETE["REDIS_URL"], "redis://:p@h:1/2"),
        ("redis://:p@h:1/2", f"{LAYER}.CONFIG.hosts.0.address", COMPLETE["REDIS_URL"], "redis://:p@h:1/2"),
    ],
    "SECRET_KEY": [(LONG, "SECRET_KEY", COMPLETE["SECRET_KEY"], LONG)],
    "SECRET_KEY_FALLBACKS": [("a,b", "SECRET_KEY_FALLBACKS", [], ["a", "b"])],
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": [("no", "SECURE_HSTS_INCLUDE_SUBDOMAINS", True, False)],
    "SECURE_HSTS_PRELOAD": [("no", "SECURE_HSTS_PRELOAD", True, False)],
    "SECURE_HSTS_SECONDS": [("3600", "SECURE_HSTS_SECONDS", 31_536_000, 3600)],
    "SECURE_SSL_REDIRECT": [("no", "SECURE_SSL_REDIRECT", True, False)],
    "SECURITY_CONTACT": [("a@a.example,https://b", "SECURITY_CONTACT", [], ["a@a.example", "https://b"])],
    "SECURITY_TXT_DAYS": [("30", "SECURITY_TXT_DAYS", 180, 30)],
    "SENDGRID_WEBHOOK_KEY": [("a2V5", "SENDGRID_WEBHOOK_KEY", "", "a2V5")],
    "SERVER_EMAIL": [
        ("a@a.example", "SERVER_EMAIL", SENDER, "a@a.example"),
        ("a@a.example", "DEFAULT_FROM_EMAIL", SENDER, SENDER),
    ],
    "SITE_URL": [
        ("https://a.example", "SITE_URL", "https://network.example.org", "https://a.example"),
        ("https://a.example", "EMAIL_SUBJECT_PREFIX", "[network.example.org] ", "[a.example] "),
    ],
    "STATIC_ROOT": [("/srv/s", "STATIC_ROOT", BASE_DIR / "staticfiles", Path("/srv/s"))],
    "TASK_EXECUTOR": [("thread", "TASK_EXECUTOR", "celery", "thread")],
    "TIME_ZONE": [("Europe/Berlin", "TIME_ZONE", "UTC", "Europe/Berlin")],
    "TRUSTED_PROXIES": [
        ("10.0.0.0/8,unix", "TRUSTED_PROXIES", ["127.0.0.1", "::1"], ["10.0.0.0/8", "unix"]),
        ("10.0.0.0/8,unix", "gunicorn.forwarded_allow_ips", "127.0.0.1,::1", "10.0.0.0/8"),
    ],
    "UNCONFIRMED_ACCOUNT_DAYS": [("30", "UNCONFIRMED_ACCOUNT_DAYS", 7, 30)],
    "WEB_CONCURRENCY": [("5", "gunicorn.workers", None, 5)],
    "WEB_SERVER": [
        ("asgi", "gunicorn.wsgi_app", "professional_network.wsgi:application", "professional_network.asgi:application")
    ],
    "WEB_THREADS": [("9", "gunicorn.threads", 4, 9)],
    "WEB_TIMEOUT": [("90", "gunicorn.timeout", 30, 90)],
    "WORK_CONCURRENCY": [("5", "WORK_CONCURRENCY", 2, 5)],
}  # fmt: skip
