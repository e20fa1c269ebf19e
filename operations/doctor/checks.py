"""The checks of the doctor, in an order in which a failure explains those below it."""

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
from core.tasks.monitoring import count_tasks
from users.accounts.email_addresses import differing_accounts

from .findings import Check, CheckResult, is_production, report_failure, report_ok, report_warning
from .hints import hint_for
from .servers import TIMEOUT_SECONDS, check_database, check_mail, check_redis

# Seconds by which the clocks of two machines may differ before limits and signed links fail.
MAX_CLOCK_DIFFERENCE = 2.0
MIN_FREE_BYTES, LOW_FREE_BYTES = 200 * 1024**2, 2 * 1024**3
CERTIFICATE_DAYS = 14
# Seconds; a task that is due usually starts within one or two.
MAX_TASK_WAIT = 60.0
WORKER_PATIENCE = 10.0
NGINX = Path("/etc/nginx/nginx.conf")
MIN_CONNECTIONS = 4096
# redis-py 8 drops idle sockets after five seconds. With both drivers installed Django uses the other one.
PINNED = {"redis": "7.4.1"}
UNWANTED = ("psycopg",)


def check_settings() -> Iterator[CheckResult]:
    """Run Django's checks and ours; on a server those for deployment too."""
    found = run_checks(include_deployment_checks=is_production())
    for message in found:
        if message.level >= WARNING:
            report = report_failure if message.level >= ERROR else report_warning
            yield report(f"{message.id}: {message.msg}", message.hint or "See docs/SETTINGS.md.")
    if not any(message.level >= WARNING for message in found):
        yield report_ok("no fault" + ("" if is_production() else ", as for a developer's machine"))


def check_versions() -> Iterator[CheckResult]:
    """Check Python, and the packages of which other versions are known to fail."""
    yield report_ok(f"Python {sys.version.split()[0]}, Django {version('django')}")
    for name, wanted in PINNED.items():
        if (found := version(name)) != wanted:
            yield report_failure(
                f"{name} {found} is installed",
                f"Install {name}=={wanted}: pip install --no-deps --require-hashes -r requirements.txt",
            )
    for name in UNWANTED:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        yield report_failure(
            f"{name} {found} is installed beside psycopg2", f"Remove it: pip uninstall {name}"
        )


def check_migrations() -> Iterator[CheckResult]:
    """Check that the database has the migrations of the code."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    known = set(executor.loader.disk_migrations)
    strange = sorted(key for key in executor.loader.applied_migrations if key not in known)
    if waiting:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _back in waiting[:5])
        yield report_failure(f"{len(waiting)} not applied: {names}", "Run: python manage.py migrate")
    for app, name in strange[:5]:
        hint = "The database is newer than this code: deploy the newer code, or restore a backup."
        yield report_warning(f"{app}.{name} is applied, but not known here", hint)
    if not waiting and not strange:
        yield report_ok("all applied")


def check_storage() -> Iterator[CheckResult]:
    """Write, read and delete a small private file."""
    name = default_storage.save(new_private_name("doctor", "bin"), ContentFile(b"LinkUp"))
    try:
        with default_storage.open(name) as file:
            came_back = file.read() == b"LinkUp"
    finally:
        default_storage.delete(name)
    if not came_back:
        yield report_failure("what was written does not come back", "Look at MEDIA_ROOT, or at the bucket.")
    # Not type(): that is the class of the lazy object.
    yield report_ok(f"{default_storage.__class__.__name__}: written, read, deleted")


def check_email_addresses() -> Iterator[CheckResult]:
    """Check that each account has the same address in both tables."""
    found = list(differing_accounts().values_list("username", flat=True)[:6])
    if not found:
        yield report_ok("the same in both tables")
        return
    names = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
    yield report_warning(
        f"not the same in both tables, or not in small letters and ASCII: {names}",
        "Open the member in the administration, look at the address, and save.",
    )


def check_tasks() -> Iterator[CheckResult]:
    """Check that workers execute background tasks, and that none has failed."""
    counts = count_tasks()
    # One that has just been started notes it within some seconds.
    deadline = time.monotonic() + WORKER_PATIENCE
    while is_production() and not counts.workers and time.monotonic() < deadline:
        time.sleep(0.5)
        counts = count_tasks()
    start = "Start a worker: systemctl start linkup-work; journalctl -u linkup-work says why it ended."
    if is_production() and not counts.workers:
        yield report_failure("no worker was seen within a minute", start)
    elif counts.oldest_due_seconds > MAX_TASK_WAIT:
        hint = "Raise WORK_CONCURRENCY, or start more workers; python manage.py jobs shows what waits."
        text = f"{counts.waiting} tasks are due, the oldest since {counts.oldest_due_seconds:.0f} s"
        yield report_warning(text, hint)
    else:
        text = f"{counts.workers} workers, {counts.waiting} tasks due, {counts.running} running"
        yield report_ok(f"{text}, {counts.scheduled} later")
    if counts.failed:
        hint = "Look at them: python manage.py jobs --failed; then jobs retry ID, or jobs drop ID."
        yield report_warning(f"{counts.failed} tasks have failed", hint)


def check_clock() -> Iterator[CheckResult]:
    """Compare the clock of this machine with that of the database."""
    if connection.vendor != "postgresql":
        yield report_ok("the database uses the clock of this machine")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        theirs = float(cursor.fetchone()[0])
    differ = abs(time.time() - theirs)
    if differ > MAX_CLOCK_DIFFERENCE:
        yield report_warning(
            f"{differ:.0f} s from the database's", "Let both follow the same time servers (chrony, NTP)."
        )
    else:
        yield report_ok("agrees with the database's")


def check_disk() -> Iterator[CheckResult]:
    """Check the free space for files, logs and static files, and that servers may write there."""
    paths = {
        "media": settings.MEDIA_ROOT,
        "logs": getattr(settings, "LOG_DIR", ""),
        "static files": settings.STATIC_ROOT,
    }
    for what, path in paths.items():
        if not path:
            continue
        # The folder itself, or the nearest one above it that exists.
        folder = next((each for each in (Path(path), *Path(path).parents) if each.is_dir()), Path("/"))
        if what != "static files":
            try:
                with TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                error.filename = str(path)
                text = f"{what}: {path} cannot be written ({error.strerror})"
                yield report_failure(text, hint_for(error))
                continue
        free = shutil.disk_usage(folder).free
        text = f"{free / 1024**3:.1f} GB free for {what}"
        if free < MIN_FREE_BYTES:
            hint = f"Make room, or give it a larger disk: uploads are refused when it is full ({path})."
            yield report_failure(text, hint)
        elif free < LOW_FREE_BYTES:
            yield report_warning(text, f"Make room soon: {path}")
        else:
            yield report_ok(text)


def check_nginx() -> Iterator[CheckResult]:
    """Check that nginx, if it runs on this machine, accepts enough connections for the open tabs.

    Each tab uses two, one to the browser and one to daphne; beyond the limit nginx resets others, and logs that only
    at the level "warn".
    """
    try:
        configuration = NGINX.read_text(errors="replace")
    except OSError:
        yield report_ok("not on this machine, or not to be read")
        return
    plain = re.sub(r"#.*", "", configuration)
    found = [int(number) for number in re.findall(r"\bworker_connections\s+(\d{1,9})\s*;", plain)]
    # 512 is the default of nginx.
    connections = found[-1] if found else 512
    text = f"worker_connections {connections}: {connections // 2} open tabs for each of its workers"
    if connections < MIN_CONNECTIONS and is_production():
        hint = f"Say worker_connections 8192; and worker_rlimit_nofile 16384; in {NGINX}, and reload nginx."
        yield report_warning(text, hint)
    else:
        yield report_ok(text)


def check_certificate() -> Iterator[CheckResult]:
    """Check that browsers trust the site's certificate, and for how long."""
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme != "https":
        yield (
            report_ok("none is needed for a developer's machine")
            if not is_production()
            else report_warning(
                f"SITE_URL is {settings.SITE_URL}", "Serve it by HTTPS, and say so in SITE_URL."
            )
        )
        return
    host, port = parts.hostname or "", parts.port or 443
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield report_failure(f"{host}: {error.verify_message}", "Renew it: certbot renew, then reload nginx.")
        return
    except OSError as error:
        yield report_failure(
            f"{host}:{port}: {type(error).__name__}", "Is nginx running, and does the name lead here?"
        )
        return
    expiry = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), tz=UTC)
    days = (expiry - datetime.now(tz=UTC)).days
    if days < CERTIFICATE_DAYS:
        yield report_warning(
            f"{host}: {days} days left", "Renew it: certbot renew; look why the timer did not."
        )
    else:
        yield report_ok(f"{host}: {days} days left")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("versions", check_versions),
    ("settings", check_settings),
    ("database", check_database),
    ("migrations", check_migrations),
    ("Redis", check_redis),
    ("storage", check_storage),
    ("mail", check_mail),
    ("tasks", check_tasks),
    ("addresses", check_email_addresses),
    ("clock", check_clock),
    ("disk", check_disk),
    ("nginx", check_nginx),
    ("certificate", check_certificate),
)
