"""The checks of the servers that LinkUp depends on: PostgreSQL, Redis, and the mail server."""

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
from redis.exceptions import RedisError

from core.bounces.envelope import envelope_sender
from core.observability.health import write_probe
from core.observability.redis_errors import describe_redis_error

from .findings import CheckResult, is_production, report_failure, report_ok, report_warning
from .hints import hint_for, hint_for_mail

OLDEST_POSTGRESQL = 14
OLDEST_REDIS = (6, 2)
TIMEOUT_SECONDS = 5.0
SMTP_OK = 250


def check_database() -> Iterator[CheckResult]:
    """Check a round trip, the server's version and limits, and how many of its connections are in use."""
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        milliseconds = (time.monotonic() - started) * 1000
        if connection.vendor != "postgresql":
            hint = "Move to PostgreSQL: docs/DATABASE_MIGRATION.md"
            yield (
                report_warning("SQLite", hint)
                if is_production()
                else report_ok("SQLite, as for a developer's machine")
            )
            return
        cursor.execute("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        taken, most = cursor.fetchone()
    major = connection.pg_version // 10_000  # type: ignore[attr-defined]
    if major < OLDEST_POSTGRESQL:
        yield report_failure(f"PostgreSQL {major}", f"Use PostgreSQL {OLDEST_POSTGRESQL} or newer.")
    yield report_ok(f"PostgreSQL {major}, answered in {milliseconds:.0f} ms")
    if taken > most * 0.8:
        hint = "Lower DB_POOL_SIZE, WEB_THREADS or WEB_CONCURRENCY, or raise max_connections."
        yield report_warning(f"{taken} of {most} connections are taken", hint)
    # A pooler may drop the time limits that a client sets when it connects.
    wanted: dict[str, int] = getattr(settings, "DATABASE_LIMITS", {})
    with connection.cursor() as cursor:
        for name, limit in wanted.items():
            cursor.execute("SELECT setting::bigint, current_user FROM pg_settings WHERE name = %s", [name])
            found, role = cursor.fetchone()
            if not found:
                hint = (
                    f"As a superuser: ALTER ROLE {role} SET {name} = '{limit}ms'; and RECONNECT in PgBouncer."
                )
                yield report_failure(f"{name} is 0: a statement may wait for ever", hint)


def check_redis() -> Iterator[CheckResult]:
    """Check that a key can be written and read, the server's version, and that it requires a password."""
    url = getattr(settings, "REDIS_URL", "")
    if not url:
        yield report_ok("not used, as for a developer's machine")
        return
    client = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    try:
        started = time.monotonic()
        write_probe(client)
        milliseconds = (time.monotonic() - started) * 1000
        info = cast(dict[str, Any], client.info("server"))
    except RedisError as error:
        yield report_failure(f"Redis {describe_redis_error(error)}", hint_for(error))
        return
    finally:
        client.close()
    number = str(info["redis_version"])
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST_REDIS:
        yield report_failure(f"Redis {number}", "Use Redis 6.2 or newer.")
    yield report_ok(f"Redis {number}, took a key in {milliseconds:.0f} ms")
    if url.startswith("unix:"):
        return
    client = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    client.connection_pool.connection_kwargs.update(username=None, password=None)
    try:
        allows_anonymous = bool(client.ping())
    except RedisError:
        allows_anonymous = False  # it wants a password, or the client's certificate
    finally:
        client.close()
    if allows_anonymous:
        hint = (
            "Set requirepass in redis.conf and the password in REDIS_URL, or use a unix socket of mode 770."
        )
        yield report_warning("it answers without a password whoever reaches its port", hint)


def check_mail() -> Iterator[CheckResult]:
    """Check that the mail server accepts a message from us, up to the point where it would be sent."""
    backend = get_connection(fail_silently=False)
    if not isinstance(backend, EmailBackend):
        kind = type(backend).__module__.rpartition(".")[2]
        hint = "Set EMAIL_HOST and its companions: docs/SETTINGS.md"
        yield (
            report_warning(f"mail goes to: {kind}", hint)
            if is_production()
            else report_ok(f"mail goes to: {kind}")
        )
        return
    backend.timeout = int(TIMEOUT_SECONDS)
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        backend.open()
        if backend.connection is not None:
            yield from _offer_message(backend.connection)
    except (OSError, ValueError, SMTPException) as error:
        yield report_failure(f"{where}: {type(error).__name__}", hint_for_mail(error))
        return
    finally:
        backend.close()
    yield report_ok(f"{where} takes us")


def _offer_message(server: SMTP) -> Iterator[CheckResult]:
    """Name sender and receiver, then reset. Raises SMTPSenderRefused or SMTPRecipientsRefused.

    The receiver is the first of ADMINS, or else the sender's own address, which may not exist.
    """
    receivers = [admin[1] for admin in settings.ADMINS]
    receiver = receivers[0] if receivers else parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    sender = envelope_sender(receiver)
    # The headers are made as for each mail: an invalid sender fails here.
    EmailMessage("LinkUp", "", settings.DEFAULT_FROM_EMAIL, [receiver]).message()
    server.ehlo_or_helo_if_needed()
    code, answer = server.mail(sender)
    if code != SMTP_OK:
        raise SMTPSenderRefused(code, answer, sender)
    code, answer = server.rcpt(receiver)
    server.rset()
    if code in {SMTP_OK, SMTP_OK + 1}:
        return
    if receivers:
        raise SMTPRecipientsRefused({receiver: (code, answer)})
    hint = "Name an administrator in ADMINS, whose address can be tried; or see what the server says of relaying."
    yield report_warning(f"it refuses mail to {receiver} ({code})", hint)
