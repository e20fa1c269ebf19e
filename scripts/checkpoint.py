"""One look over everything (task 17): settings, variables, tests, both starts, health. `make checkpoint` calls this."""

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .programs import ROOT, ProgramMissingError
from .servers import (
    HOST,
    Server,
    ServerStartError,
    free_port,
    postgres_server,
    redis_server,
    temporary_folder,
)
from .stack import answers_health, manage, production_environment, release, web_command, ws_command
from .suite import RESULTS, Stage, run_stage

HEALTH = ("/health/", "/health/db/", "/health/redis/", "/readiness/")
REQUIRED = ("SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "REDIS_URL")
# Never asked: an import opens no connection.
NOWHERE = ("postgres://linkup@127.0.0.1:1/linkup", "redis://127.0.0.1:1/0")
TESTS = (
    Stage("checkpoint-sqlite", ("-n", "auto", "--database=sqlite")),
    Stage("checkpoint-postgres", ("-n", "auto", "--database=postgres", "tests/properties", "core")),
)


class CheckFailed(Exception):
    """A check does not hold; the message says what is wrong."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    check: str
    holds: bool
    detail: str
    seconds: float


def settings_can_be_imported() -> str:
    """Every settings module, each in a process of its own."""
    names = sorted(path.stem for path in (ROOT / "professional_network" / "settings").glob("*.py"))
    modules = [name for name in ("development", "production", "test") if name in names]
    with temporary_folder(None) as data:
        for module in modules:
            environment = production_environment(*NOWHERE, data, DJANGO_ENVIRONMENT=module)
            if module != "production":
                environment = {**environment, "DATABASE_URL": "sqlite:///:memory:"}
            manage(environment, "check")
    return ", ".join(modules)


def example_is_complete() -> str:
    """`.env.example` names each required variable; a test holds it to the code, variable by variable."""
    named = set(re.findall(r"(?m)^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text()))
    missing = [name for name in REQUIRED if name not in named]
    if missing:
        raise CheckFailed(f"missing: {', '.join(missing)}")
    return f"{len(named)} variables, all {len(REQUIRED)} required ones among them"


def tests_pass() -> str:
    """Unit tests and property tests, none failed and none skipped."""
    RESULTS.mkdir(exist_ok=True)
    outcomes = [outcome for stage in TESTS for outcome in run_stage(stage)]
    bad = [f"{outcome.test} {outcome.result}" for outcome in outcomes if outcome.result != "passed"]
    if bad:
        raise CheckFailed(f"{len(bad)} of {len(outcomes)}: {'; '.join(bad[:5])}")
    return f"{len(outcomes)} passed"


def ask(port: int, path: str, *, host: str = "anything.example") -> tuple[int, str]:
    """Status and text of one page, as a proxy would ask for it that has spoken TLS."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _expect_health(port: int) -> None:
    for path in HEALTH:
        status, text = ask(port, path)
        if status != http.HTTPStatus.OK or json.loads(text)["status"] != "ok":
            raise CheckFailed(f"{path} says {status}: {text[:200]}")


def _serve(
    until_the_end: ExitStack, command: list[str], port: int, folder: Path, env: Mapping[str, str]
) -> None:
    folder.mkdir(exist_ok=True)
    server = Server(
        command,
        lambda: answers_health(port),
        folder,
        None,
        signal.SIGTERM,
        environment={**env},
        start_in=ROOT,
    )
    server.start()
    until_the_end.callback(server.stop)


def development_starts() -> str:
    """migrate and runserver on a new SQLite file; a page and the health addresses answer."""
    with ExitStack() as until_the_end:
        folder = until_the_end.enter_context(temporary_folder(None))
        environment = production_environment("", "", folder, DJANGO_ENVIRONMENT="development")
        environment = {name: value for name, value in environment.items() if value and name != "EMAIL_HOST"}
        manage(environment, "migrate", "--verbosity", "0")
        port = free_port()
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"{HOST}:{port}"]
        _serve(until_the_end, command, port, folder / "server", environment)
        _expect_page(port)
        _expect_health(port)
    return "runserver, home page, health"


def _expect_page(port: int) -> None:
    status, text = ask(port, "/", host="localhost")
    if status != http.HTTPStatus.OK or "LinkUp" not in text:
        raise CheckFailed(f"the home page says {status}")


def production_starts() -> str:
    """The release and both servers of the Procfile, with test variables; a page and the health addresses answer."""
    with ExitStack() as until_the_end:
        database = until_the_end.enter_context(postgres_server()).url
        cache = until_the_end.enter_context(redis_server()).url
        folder = until_the_end.enter_context(temporary_folder(None))
        environment = production_environment(database, cache, folder)
        release(environment)
        manage(environment, "check", "--deploy", "--fail-level", "WARNING")
        web, ws = free_port(), free_port()
        _serve(until_the_end, web_command(web), web, folder / "web", environment)
        _serve(until_the_end, ws_command(ws), ws, folder / "ws", environment)
        _expect_page(web)
        _expect_health(web)
        _expect_health(ws)
    return "check --deploy, gunicorn, daphne, home page, health of both"


CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("all settings can be imported", settings_can_be_imported),
    (".env.example has all required variables", example_is_complete),
    ("unit and property tests pass", tests_pass),
    ("the application starts in development", development_starts),
    ("the application starts in production", production_starts),
)


def look(check: str, function: Callable[[], str]) -> Row:
    """Do one check; whatever goes wrong in it is its result."""
    started = time.monotonic()
    try:
        holds, detail = True, function()
    except (CheckFailed, ProgramMissingError, ServerStartError, RuntimeError, OSError, ValueError) as error:
        holds, detail = False, str(error)
    return Row(check, holds, detail, time.monotonic() - started)


def table(rows: list[Row]) -> str:
    """The rows, one below the other; long details are told in full below."""
    lines = [f"{'':<6} {'check':<42} {'seconds':>7}  detail"]
    for row in rows:
        state = "ok" if row.holds else "FAILED"
        detail = row.detail.splitlines()[0] if row.detail else ""
        lines.append(f"{state:<6} {row.check:<42} {row.seconds:>7.1f}  {detail[:100]}")
    lines += [f"\n{row.check}:\n{row.detail}" for row in rows if not row.holds]
    return "\n".join(lines)


def main() -> int:
    """Do all checks, also after one has failed; 0 only when all hold."""
    rows = []
    for check, function in CHECKS:
        print(f"-- {check} …", flush=True)
        rows.append(look(check, function))
    print(f"\n{table(rows)}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, subprocess.SubprocessError):
        sys.exit(1)
