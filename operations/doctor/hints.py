"""Hints what to do about an error, chosen by its text: a wrong hint would mislead the operator."""

import errno
import getpass
import socket
import ssl
from contextlib import suppress
from smtplib import SMTPAuthenticationError, SMTPNotSupportedError, SMTPRecipientsRefused, SMTPSenderRefused

import psycopg2
from django.db.utils import Error as DatabaseError
from redis.exceptions import RedisError

from core.observability.redis_errors import describe_redis_error

UNKNOWN = "See the line; the log may say more."
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)

# Words of libpq, PostgreSQL and PgBouncer. The first match counts.
DATABASE = (
    (
        "password authentication failed",
        "Compare user and password with PostgreSQL's: ALTER ROLE … PASSWORD '…';",
    ),
    ("no password supplied", "Give the password: DATABASE_URL=postgres://user:password@… or DB_PASSWORD."),
    (
        "peer authentication failed",
        "On the socket the system's user must be the role's; or connect by 127.0.0.1.",
    ),
    ("no pg_hba.conf entry", "Let this machine in, in pg_hba.conf of the server, and reload PostgreSQL."),
    ("unsupported startup parameter", "This is PgBouncer: set DB_BEHIND_PGBOUNCER=True (docs/SETTINGS.md)."),
    ("translate host name", "There is no such host: correct it in DATABASE_URL or DB_HOST."),
    (
        "does not support ssl",
        "The server has no TLS: turn ssl on in postgresql.conf, or choose another sslmode.",
    ),
    (
        "does not match host name",
        "Connect by the name in the server's certificate, or use sslmode=verify-ca.",
    ),
    (
        "root certificate file",
        "Name the file of the authority: …?sslmode=verify-full&sslrootcert=/path/ca.pem",
    ),
    (
        "certificate verify failed",
        "sslrootcert does not belong to the server's certificate: get the right file.",
    ),
    ("ssl", "Look at sslmode and sslrootcert in DATABASE_URL."),
    ("connection refused", "Start PostgreSQL, or correct host and port: nobody listens there."),
    ("no such file or directory", "There is no socket in that folder: start PostgreSQL, or correct DB_HOST."),
    ("timeout expired", "The host is silent: look at its firewall, and at host and port."),
    ("timed out", "The host is silent: look at its firewall, and at host and port."),
    ("too many", "Lower DB_POOL_SIZE, WEB_THREADS or WEB_CONCURRENCY, or raise max_connections."),
    ("connection slots", "Lower DB_POOL_SIZE, WEB_THREADS or WEB_CONCURRENCY, or raise max_connections."),
    ("database", "Create it (CREATE DATABASE … OWNER …;), or correct its name in DATABASE_URL or DB_NAME."),
    (
        "role",
        "Create it (CREATE ROLE … LOGIN PASSWORD '…';), or correct the user in DATABASE_URL or DB_USER.",
    ),
)
MISSING = ("database", "role")
REDIS = (
    ("replica", "Name the primary in REDIS_URL, or make this one a primary: redis-cli REPLICAOF NO ONE"),
    ("memory", "Raise maxmemory, or let Redis drop what is old: maxmemory-policy allkeys-lru"),
    ("snapshot", 'Make room where Redis writes, or let it write nothing: save "" in redis.conf'),
    ("password", "Compare REDIS_URL with requirepass or the ACL in Redis' configuration."),
    ("ACL", "Allow the user of REDIS_URL all commands on keys that begin with linkup."),
    ("cluster", "Name a single Redis server in REDIS_URL."),
    ("loading", "Wait until it has loaded, and ask again."),
    ("", "Start Redis, or correct REDIS_URL; rediss:// is for TLS, redis:// for none."),
)


def hint_for(error: BaseException) -> str:
    """Return one sentence on what to do."""
    if isinstance(error, DatabaseError | psycopg2.Error):
        text = str(error).lower()
        known = (
            hint
            for words, hint in DATABASE
            if words in text and (words not in MISSING or "does not exist" in text)
        )
        is_unmigrated = "relation" in text or "column" in text
        return next(known, "Run: python manage.py migrate" if is_unmigrated else UNKNOWN)
    if isinstance(error, RedisError):
        words = describe_redis_error(error)
        return next(hint for word, hint in REDIS if word in words)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError | socket.gaierror | ConnectionError):
        path = error.filename2 or error.filename or "the folder"
        if error.errno in FULL:
            return f"Make room, or give it a larger disk: {path}"
        if error.errno in FORBIDDEN or error.errno == errno.ENOENT:
            user = "of the service"
            with suppress(OSError, KeyError):
                user = getpass.getuser()
            return f"Let the user {user} write there (chown, ReadWritePaths of the unit), or name another: {path}"
    return UNKNOWN


def hint_for_mail(error: BaseException) -> str:
    """Return the same for an error of the mail server."""
    hints: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
        (SMTPAuthenticationError, "Compare EMAIL_HOST_USER and EMAIL_HOST_PASSWORD with the mail server's."),
        (
            SMTPNotSupportedError,
            "The server has no STARTTLS or no sign-in: look at EMAIL_USE_TLS and EMAIL_PORT.",
        ),
        (
            SMTPSenderRefused,
            "The server refuses this sender: correct MAIL_ENVELOPE_SENDER or DEFAULT_FROM_EMAIL, or allow it there.",
        ),
        (
            SMTPRecipientsRefused,
            "The server does not deliver for us: let it relay, or sign in (EMAIL_HOST_USER).",
        ),
        (ssl.SSLCertVerificationError, "Name EMAIL_HOST as its certificate does, or renew the certificate."),
        (
            ssl.SSLError,
            "EMAIL_USE_SSL is for port 465, EMAIL_USE_TLS for 587 and 25: one does not fit EMAIL_PORT.",
        ),
        (socket.gaierror, "There is no such host: correct EMAIL_HOST."),
        (
            ConnectionRefusedError,
            "Nobody listens there: correct EMAIL_HOST and EMAIL_PORT, or start the mail server.",
        ),
        (
            TimeoutError,
            "The host is silent: look at its firewall, EMAIL_PORT, and EMAIL_USE_SSL for port 465.",
        ),
    )
    other = "Look at EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS."
    return next((hint for kind, hint in hints if isinstance(error, kind)), other)
