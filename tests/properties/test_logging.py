"""Properties 8 and 12: what production logs, where, and how whole (R9)."""

import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from logging.handlers import BaseRotatingHandler
from pathlib import Path
from typing import Any

import pytest
from concurrent_log_handler import ConcurrentRotatingFileHandler
from django.test import Client
from django.utils.log import AdminEmailHandler
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.observability.log_lines import one_line
from professional_network.settings.logs import LEVELS, logging_config
from scripts.programs import ROOT
from tests.hypothesis_settings import property_settings

from .faults import Fault
from .loading import COMPLETE, load
from .production_logs import Logs, handlers_of, production_logs

pytestmark = pytest.mark.slow

APPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]["source"]
LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+ \S+ \d+ [\w-]+ "
)

folders = st.text("abcdefgh./_- é", min_size=1, max_size=30)


@property_settings
@given(folders, st.sampled_from(LEVELS), st.booleans())
def test_production_logging_is_complete(folder: str, level: str, json_console: bool) -> None:
    # Property 8 (R9.1, R9.2, R9.3, R9.5, R9.6, R9.7)
    config = logging_config(folder, level=level, json_console=json_console)
    handlers = handlers_of(config)
    try:
        _assert_files(handlers, folder)
        assert isinstance(handlers["console"], logging.StreamHandler)
        assert isinstance(handlers["mail_admins"], AdminEmailHandler)
        assert handlers["mail_admins"].level == logging.ERROR
        assert handlers["mail_admins"].include_html is False
        _assert_loggers(config, level)
        _assert_lines_have_every_field(handlers)
    finally:
        for handler in handlers.values():
            handler.close()


def _assert_files(handlers: dict[str, logging.Handler], folder: str) -> None:
    for name, file in (("file", "django.log"), ("security_file", "security.log")):
        handler = handlers[name]
        # In place of the plain rotating handler, which loses lines of several processes (R9, note).
        assert isinstance(handler, ConcurrentRotatingFileHandler)
        assert isinstance(handler, BaseRotatingHandler)
        assert (
            handler.baseFilename == str(Path(folder).absolute() / file)
            or Path(handler.baseFilename).name == file
        )
        assert (handler.maxBytes, handler.backupCount) == (10 * 1024 * 1024, 5)
    assert handlers["security_file"].level == logging.WARNING


def _assert_loggers(config: dict[str, Any], level: str) -> None:
    loggers = config["loggers"]
    for name in ("django", "django.request", *APPS):
        assert loggers[name] == {
            "handlers": ["console", "file", "mail_admins"],
            "level": level,
            "propagate": False,
        }
    for name in ("django.security", "security"):
        assert loggers[name]["level"] == "WARNING"
        assert set(loggers[name]["handlers"]) == {"console", "security_file"}
    assert config["root"] == {"handlers": ["console", "file", "mail_admins"], "level": level}
    assert config["disable_existing_loggers"] is False


def _assert_lines_have_every_field(handlers: dict[str, logging.Handler]) -> None:
    record = logging.LogRecord("core.tasks", logging.ERROR, "/x/tasks.py", 1, "hello", (), None)
    for name in ("file", "security_file"):
        handlers[name].filter(record)
        line = handlers[name].format(record)
        assert LINE.match(line), line
        assert "ERROR core.tasks tasks" in line


@pytest.mark.parametrize("level", ["debug", "Warning", "ERROR"])
def test_the_level_comes_from_the_environment_in_any_case(level: str) -> None:
    loggers = load("production", {**COMPLETE, "LOG_LEVEL": level})["LOGGING"]["loggers"]
    assert loggers["feed"]["level"] == level.upper()
    assert loggers["security"]["level"] == "WARNING"


@pytest.mark.parametrize("level", ["LOUD", "0", "info;"])
def test_a_level_that_is_none_stops_the_start(level: str) -> None:
    with pytest.raises(Exception, match="LOG_LEVEL: malformed, use DEBUG, INFO"):
        load("production", {**COMPLETE, "LOG_LEVEL": level})


def run_in_production(folder: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "professional_network.settings.production",
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import django; django.setup(); import logging\n{code}"],
        cwd=ROOT,
        env={**variables, **COMPLETE, "LOG_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    )


EACH = (
    "for name in ('core.x', 'feed', 'django.request', 'other', 'security.login', 'django.security.csrf'):\n"
)
EACH += "    for level in (10, 20, 30, 40): logging.getLogger(name).log(level, 'from %s at %d', name, level)"


def test_a_real_start_sends_each_line_to_the_console_and_to_one_file(tmp_path: Path) -> None:
    # R9.1, R9.2, R9.7
    done = run_in_production(tmp_path / "logs", EACH)
    logs = Logs(tmp_path / "logs")
    general = {
        f"from {n} at {v}" for n in ("core.x", "feed", "django.request", "other") for v in (20, 30, 40)
    }
    security = {f"from {n} at {v}" for n in ("security.login", "django.security.csrf") for v in (30, 40)}
    assert {line[line.index("from") :] for line in logs.general.splitlines()} == general
    assert {line[line.index("from") :] for line in logs.security.splitlines()} == security
    assert {line[line.index("from") :] for line in done.stderr.splitlines()} == general | security
    assert len(done.stderr.splitlines()) == len(general | security)
    assert done.stdout == ""


def test_the_console_speaks_json_when_asked_to(tmp_path: Path) -> None:
    done = run_in_production(tmp_path, EACH, LOG_JSON="True")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"time", "level", "logger", "module", "process", "request_id", "message"} <= set(lines[0])
    assert LINE.match(Logs(tmp_path).general)


@pytest.mark.parametrize("fault", ["full", "no folder"])
def test_a_disk_that_takes_no_lines_leaves_them_on_the_console_and_requests_are_answered(
    tmp_path: Path, fault: str
) -> None:
    if fault == "full":
        folder = tmp_path
        for name in ("django.log", "security.log"):
            (folder / name).symlink_to("/dev/full")
    else:
        (tmp_path / "file").touch()
        folder = tmp_path / "file" / "logs"
    code = "from django.test import Client\nprint(Client().get('/health/', headers={'host': 'x.example'}).status_code)"
    code += "\nlogging.getLogger('feed').warning('a line'); logging.getLogger('security').warning('another')"
    done = run_in_production(folder, code)
    assert done.stdout == "200\n"
    assert " a line\n" in done.stderr
    assert " another\n" in done.stderr
    assert done.stderr.count("cannot be written") == 2


# -- Property 12 ------------------------------------------------------------------------------

texts = st.text(max_size=80) | st.text("\n\r\x1b\u2028 ERROR2026-", max_size=40)
kinds = st.sampled_from([ValueError, KeyError, RuntimeError, OSError, ZeroDivisionError, AssertionError])


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    with production_logs(tmp_path / "logs") as logs:
        yield logs


@pytest.mark.urls("tests.properties.faults")
@settings(property_settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=kinds, text=texts, cause=st.none() | texts, method=st.sampled_from(["get", "post", "put"]))
@example(
    kind=ValueError, text="x\n2026-01-01T00:00:00.000Z INFO core forged 1 - fine", cause=None, method="get"
)
def test_an_unhandled_error_leaves_its_whole_trace_in_the_log_and_a_friendly_page(
    kind: type[Exception], text: str, cause: str | None, method: str, logs: Logs
) -> None:
    # Property 12 (R9.4)
    logs.empty()
    Fault.error = kind(f"zqx-{text}")
    if cause is not None:
        Fault.error.__cause__ = LookupError(f"zqy-{cause}")
    answer = getattr(Client(raise_request_exception=False), method)("/fall/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "Something went wrong" in page
    assert not any(trace in page for trace in ("zqx", "zqy", "Traceback", "faults.py", kind.__name__))
    lines = logs.general.split("\n")[:-1]
    heads = [line for line in lines if not line.startswith("    ")]
    assert len(heads) == 1
    assert LINE.match(heads[0])
    assert f" {answer['X-Request-ID']} Internal Server Error: /fall/" in heads[0]
    assert "    Traceback (most recent call last):" in lines
    assert sum("in stumble" in line for line in lines) >= 1
    assert any("in fall" in line for line in lines)
    assert any(line.startswith(f"    {kind.__name__}: ") and "zqx-" in line for line in lines)
    assert any("LookupError: zqy-" in line for line in lines) is (cause is not None)
    assert all(one_line(line) == line for line in "".join(lines).split("\t"))


@pytest.mark.urls("tests.properties.faults")
def test_an_unhandled_error_with_a_secret_in_it_is_logged_without_the_secret(logs: Logs) -> None:
    Fault.error = RuntimeError("postgres://linkup:hunter2-hunter2@db/x refused password=hunter2-hunter2")
    Client(raise_request_exception=False).get("/fall/?token=hunter2-hunter2")
    assert "RuntimeError: postgres://linkup:[masked]@db/x refused password=[masked]" in logs.general
    assert "hunter2" not in logs.general


@pytest.mark.urls("tests.properties.faults")
def test_a_denial_goes_to_the_security_log_with_the_address(logs: Logs) -> None:
    # R9.6
    answer = Client().get("/deny/", REMOTE_ADDR="203.0.113.5")
    assert f"{answer['X-Request-ID']} 203.0.113.5 permission denied: GET /deny/" in logs.security
    assert "permission denied" not in logs.general
