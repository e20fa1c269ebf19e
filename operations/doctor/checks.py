"""What is asked of each part, in the order in which a fault of one explains those below it."""

import re
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, WARNING, run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.files.storage import new_private_name
from users.email_addresses import differing_accounts

from .findings import Answer, Question, failure, is_production, ok, warning
from .hints import cure_for
from .servers import PATIENCE, database, mail, redis

# Seconds by which the clocks of two machines may differ before limits and signed links go wrong.
CLOCK_MAY_DIFFER = 2.0
LEAST_FREE_BYTES, LITTLE_FREE_BYTES = 200 * 1024**2, 2 * 1024**3
CERTIFICATE_DAYS = 14
NGINX = Path("/etc/nginx/nginx.conf")
FEW_CONNECTIONS = 4096
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
                f"Install {name}=={wanted}: pip install --no-deps --require-hashes -r requirements.txt",
            )
    for name in UNWANTED:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        yield failure(f"{name} {found} is installed beside psycopg2", f"Remove it: pip uninstall {name}")


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


def addresses() -> Iterator[Answer]:
    """Whether each account has the same address in both tables that hold it."""
    found = list(differing_accounts().values_list("username", flat=True)[:6])
    if not found:
        yield ok("the same in both tables")
        return
    names = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
    yield warning(
        f"not the same in both tables, or not in small letters and ASCII: {names}",
        "Open the member in the administration, look at the address, and save.",
    )


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
    """Room where files, logs and static files lie, and whether this user may write what servers write."""
    places = {
        "media": settings.MEDIA_ROOT,
        "logs": getattr(settings, "LOG_DIR", ""),
        "static files": settings.STATIC_ROOT,
    }
    for what, place in places.items():
        if place:
            yield _place(what, Path(place), is_written=what != "static files")


def _place(what: str, path: Path, *, is_written: bool) -> Answer:
    folder = _existing(path)
    if is_written:
        try:
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            error.filename = str(path)
            return failure(f"{what}: {path} cannot be written ({error.strerror})", cure_for(error))
    free = shutil.disk_usage(folder).free
    said = f"{free / 1024**3:.1f} GB free for {what}"
    if free < LEAST_FREE_BYTES:
        return failure(
            said, f"Make room, or give it a larger disk: uploads are refused when it is full ({path})."
        )
    if free < LITTLE_FREE_BYTES:
        return warning(said, f"Make room soon: {path}")
    return ok(said)


def nginx() -> Iterator[Answer]:
    """Whether nginx, where it runs on this machine, takes as many connections as there are open tabs.

    Each tab takes two, one to the browser and one to daphne; beyond the limit nginx resets others, and logs it only at
    the level "warn".
    """
    try:
        text = NGINX.read_text(errors="replace")
    except OSError:
        yield ok("not on this machine, or not to be read")
        return
    plain = re.sub(r"#.*", "", text)
    found = [int(number) for number in re.findall(r"\bworker_connections\s+(\d{1,9})\s*;", plain)]
    # 512 is what nginx takes where nothing is said.
    connections = found[-1] if found else 512
    said = f"worker_connections {connections}: {connections // 2} open tabs for each of its workers"
    if connections < FEW_CONNECTIONS and is_production():
        cure = f"Say worker_connections 8192; and worker_rlimit_nofile 16384; in {NGINX}, and reload nginx."
        yield warning(said, cure)
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
    ("addresses", addresses),
    ("clock", clock),
    ("disk", disk),
    ("nginx", nginx),
    ("certificate", certificate),
)
