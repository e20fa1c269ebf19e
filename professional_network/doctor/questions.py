"""What is asked of each part, in the order in which a fault of one explains those below it."""

import shutil
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, WARNING, run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis

from core.storage import new_private_name

from .findings import Answer, Question, failure, is_production, ok, warning

OLDEST_POSTGRESQL = 14
OLDEST_REDIS = (6, 2)
# Seconds by which the clocks of two machines may differ before limits and signed links go wrong.
CLOCK_MAY_DIFFER = 2.0
LEAST_FREE_BYTES, LITTLE_FREE_BYTES = 200 * 1024**2, 2 * 1024**3
CERTIFICATE_DAYS = 14
PATIENCE = 5.0
# redis-py 8 drops idle sockets after five seconds; two drivers beside each other, and Django takes the other one.
PINNED = {"redis": "7.4.1"}
UNWANTED = ("psycopg",)


def settings_question() -> Iterator[Answer]:
    """Django's checks and ours; on a server those for servers too."""
    found = run_checks(include_deployment_checks=is_production())
    for message in found:
        if message.level >= WARNING:
            tell = failure if message.level >= ERROR else warning
            yield tell(f"{message.id}: {message.msg}", message.hint or "See docs/SETTINGS.md.")
    if not any(message.level >= WARNING for message in found):
        yield ok("no fault" + ("" if is_production() else ", as for a developer's machine"))


def versions() -> Iterator[Answer]:
    """Python, and the packages whose other versions are known to fail."""
    yield ok(f"Python {sys.version.split()[0]}, Django {version('django')}")
    for name, wanted in PINNED.items():
        if (found := version(name)) != wanted:
            yield failure(
                f"{name} {found} is installed",
                f"Install {name}=={wanted}: pip install --require-hashes -r requirements.txt",
            )
    for name in UNWANTED:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        yield failure(f"{name} {found} is installed beside psycopg2", f"Remove it: pip uninstall {name}")


def database() -> Iterator[Answer]:
    """A round trip, the server's age, and how many of its connections are taken."""
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


def migrations() -> Iterator[Answer]:
    """Whether the tables are those that the code expects."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    known = set(executor.loader.disk_migrations)
    strange = sorted(key for key in executor.loader.applied_migrations if key not in known)
    if waiting:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _back in waiting[:5])
        yield failure(f"{len(waiting)} not applied: {names}", "Run: python manage.py migrate")
    for app, name in strange[:5]:
        cure = "The database is newer than this code: deploy the newer code, or restore a backup."
        yield warning(f"{app}.{name} is applied, but not known here", cure)
    if not waiting and not strange:
        yield ok("all applied")


def redis() -> Iterator[Answer]:
    """A round trip, the server's age, and what it does when its memory is full."""
    url = getattr(settings, "REDIS_URL", "")
    if not url:
        yield ok("not used, as for a developer's machine")
        return
    client = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    try:
        started = time.monotonic()
        client.ping()
        milliseconds = (time.monotonic() - started) * 1000
        told = cast(dict[str, Any], client.info())
    finally:
        client.close()
    number = str(told["redis_version"])
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST_REDIS:
        yield failure(f"Redis {number}", "Use Redis 6.2 or newer.")
    yield ok(f"Redis {number}, answered in {milliseconds:.0f} ms")


def storage() -> Iterator[Answer]:
    """A small private file is written, read and taken away again."""
    name = default_storage.save(new_private_name("doctor", "bin"), ContentFile(b"LinkUp"))
    try:
        with default_storage.open(name) as file:
            came_back = file.read() == b"LinkUp"
    finally:
        default_storage.delete(name)
    if not came_back:
        yield failure("what was written does not come back", "Look at MEDIA_ROOT, or at the bucket.")
    # Not type(): that is the lazy object that stands for it.
    yield ok(f"{default_storage.__class__.__name__}: written, read, deleted")


def mail() -> Iterator[Answer]:
    """Whether the mail server takes us; nothing is sent."""
    backend = get_connection(fail_silently=False)
    if not isinstance(backend, EmailBackend):
        kind = type(backend).__module__.rpartition(".")[2]
        cure = "Set EMAIL_HOST and its companions: docs/SETTINGS.md"
        yield warning(f"mail goes to: {kind}", cure) if is_production() else ok(f"mail goes to: {kind}")
        return
    backend.timeout = int(PATIENCE)
    try:
        backend.open()
    except (OSError, ValueError) as error:
        cure = "Look at EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS."
        yield failure(f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}: {type(error).__name__}", cure)
        return
    finally:
        backend.close()
    yield ok(f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} takes us")


def clock() -> Iterator[Answer]:
    """Whether this machine and the database agree what time it is."""
    if connection.vendor != "postgresql":
        yield ok("the database has none of its own")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        theirs = float(cursor.fetchone()[0])
    differ = abs(time.time() - theirs)
    if differ > CLOCK_MAY_DIFFER:
        yield warning(
            f"{differ:.0f} s from the database's", "Let both follow the same time servers (chrony, NTP)."
        )
    else:
        yield ok("agrees with the database's")


def disk() -> Iterator[Answer]:
    """Room where files, logs and static files lie."""
    places = {
        "media": settings.MEDIA_ROOT,
        "logs": getattr(settings, "LOG_DIR", ""),
        "static files": settings.STATIC_ROOT,
    }
    for what, place in places.items():
        if not place:
            continue
        free = shutil.disk_usage(_existing(Path(place))).free
        said = f"{free / 1024**3:.1f} GB free for {what}"
        if free < LEAST_FREE_BYTES:
            yield failure(said, "Make room, or give it a larger disk: uploads are refused when it is full.")
        elif free < LITTLE_FREE_BYTES:
            yield warning(said, "Make room soon.")
        else:
            yield ok(said)


def certificate() -> Iterator[Answer]:
    """Whether browsers trust the site's certificate, and for how long."""
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme != "https":
        yield (
            ok("none is needed for a developer's machine")
            if not is_production()
            else warning(f"SITE_URL is {settings.SITE_URL}", "Serve it by HTTPS, and say so in SITE_URL.")
        )
        return
    host, port = parts.hostname or "", parts.port or 443
    try:
        with (
            socket.create_connection((host, port), timeout=PATIENCE) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
        ):
            told = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield failure(f"{host}: {error.verify_message}", "Renew it: certbot renew, then reload nginx.")
        return
    except OSError as error:
        yield failure(
            f"{host}:{port}: {type(error).__name__}", "Is nginx running, and does the name lead here?"
        )
        return
    days = (_end_of(str(told["notAfter"])) - datetime.now(tz=UTC)).days
    if days < CERTIFICATE_DAYS:
        yield warning(f"{host}: {days} days left", "Renew it: certbot renew; look why the timer did not.")
    else:
        yield ok(f"{host}: {days} days left")


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next((path for path in (place, *place.parents) if path.is_dir()), Path("/"))


def _end_of(words: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(words), tz=UTC)


QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("versions", versions),
    ("settings", settings_question),
    ("database", database),
    ("migrations", migrations),
    ("Redis", redis),
    ("storage", storage),
    ("mail", mail),
    ("clock", clock),
    ("disk", disk),
    ("certificate", certificate),
)
