"""What is asked of the servers that LinkUp leans on: PostgreSQL, Redis, and the mail server."""

import time
from collections.abc import Iterator
from email.utils import parseaddr
from smtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any, cast

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from core.observability.health import write_probe
from core.observability.redis_errors import describe_redis_error

from .findings import Answer, failure, is_production, ok, warning
from .hints import cure_for, cure_for_mail

OLDEST_POSTGRESQL = 14
OLDEST_REDIS = (6, 2)
PATIENCE = 5.0
TAKEN = 250


def database() -> Iterator[Answer]:
    """A round trip, the server's age, its limits, and how many of its connections are taken."""
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        milliseconds = (time.monotonic() - started) * 1000
        if connection.vendor != "postgresql":
            cure = "Move to PostgreSQL: docs/DATABASE_MIGRATION.md"
            yield warning("SQLite", cure) if is_production() else ok("SQLite, as for a developer's machine")
            return
        cursor.execute("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        taken, most = cursor.fetchone()
    major = connection.pg_version // 10_000  # type: ignore[attr-defined]
    if major < OLDEST_POSTGRESQL:
        yield failure(f"PostgreSQL {major}", f"Use PostgreSQL {OLDEST_POSTGRESQL} or newer.")
    yield ok(f"PostgreSQL {major}, answered in {milliseconds:.0f} ms")
    if taken > most * 0.8:
        cure = "Lower DB_POOL_SIZE, WEB_THREADS or WEB_CONCURRENCY, or raise max_connections."
        yield warning(f"{taken} of {most} connections are taken", cure)
    yield from _limits()


def _limits() -> Iterator[Answer]:
    """Nothing may wait for ever. A pooler may drop what a client asks for as it connects."""
    wanted: dict[str, int] = getattr(settings, "DATABASE_LIMITS", {})
    with connection.cursor() as cursor:
        for name, milliseconds in wanted.items():
            cursor.execute("SELECT setting::bigint, current_user FROM pg_settings WHERE name = %s", [name])
            found, role = cursor.fetchone()
            if not found:
                cure = f"As a superuser: ALTER ROLE {role} SET {name} = '{milliseconds}ms'; and RECONNECT in PgBouncer."
                yield failure(f"{name} is 0: a statement may wait for ever", cure)


def redis() -> Iterator[Answer]:
    """A key is written and read; the server's age; whether it wants a password."""
    url = getattr(settings, "REDIS_URL", "")
    if not url:
        yield ok("not used, as for a developer's machine")
        return
    client = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    try:
        started = time.monotonic()
        write_probe(client)
        milliseconds = (time.monotonic() - started) * 1000
        told = cast(dict[str, Any], client.info("server"))
    except RedisError as error:
        yield failure(f"Redis {describe_redis_error(error)}", cure_for(error))
        return
    finally:
        client.close()
    number = str(told["redis_version"])
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST_REDIS:
        yield failure(f"Redis {number}", "Use Redis 6.2 or newer.")
    yield ok(f"Redis {number}, took a key in {milliseconds:.0f} ms")
    if not url.startswith("unix:") and _answers_anybody(url):
        cure = (
            "Set requirepass in redis.conf and the password in REDIS_URL, or use a unix socket of mode 770."
        )
        yield warning("it answers without a password whoever reaches its port", cure)


def _answers_anybody(url: str) -> bool:
    """Whether the server at `url` answers a client that names neither user nor password."""
    client = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    client.connection_pool.connection_kwargs.update(username=None, password=None)
    try:
        return bool(client.ping())
    except AuthenticationError:
        return False
    except RedisError:
        return False  # such as a server that wants the client's certificate
    finally:
        client.close()


def mail() -> Iterator[Answer]:
    """Whether the mail server takes a message from us, up to the point where it would be sent."""
    backend = get_connection(fail_silently=False)
    if not isinstance(backend, EmailBackend):
        kind = type(backend).__module__.rpartition(".")[2]
        cure = "Set EMAIL_HOST and its companions: docs/SETTINGS.md"
        yield warning(f"mail goes to: {kind}", cure) if is_production() else ok(f"mail goes to: {kind}")
        return
    backend.timeout = int(PATIENCE)
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        backend.open()
        if backend.connection is not None:
            yield from _offer(backend.connection)
    except (OSError, ValueError, SMTPException) as error:
        yield failure(f"{where}: {type(error).__name__}", cure_for_mail(error))
        return
    finally:
        backend.close()
    yield ok(f"{where} takes us")


def _offer(server: SMTP) -> Iterator[Answer]:
    """Name sender and receiver, then take the message back. Raises what a refusal of the sender is.

    The receiver is the first of ADMINS. Without one it is the sender's own address, which may be nobody's.
    """
    sender = settings.DEFAULT_FROM_EMAIL
    receivers = [admin[1] for admin in settings.ADMINS]
    receiver = receivers[0] if receivers else parseaddr(sender)[1]
    # The headers are made as for each mail: a sender that cannot be one fails here.
    EmailMessage("LinkUp", "", sender, [receiver]).message()
    server.ehlo_or_helo_if_needed()
    code, answer = server.mail(parseaddr(sender)[1])
    if code != TAKEN:
        raise SMTPSenderRefused(code, answer, sender)
    code, answer = server.rcpt(receiver)
    server.rset()
    if code in {TAKEN, TAKEN + 1}:
        return
    if receivers:
        raise SMTPRecipientsRefused({receiver: (code, answer)})
    cure = "Name an administrator in ADMINS, whose address can be tried; or see what the server says of relaying."
    yield warning(f"it refuses mail to {receiver} ({code})", cure)
