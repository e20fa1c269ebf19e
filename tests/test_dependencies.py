"""The private parts of other packages that are used: they are there, in the form that is used, and documented."""

import asyncio
import inspect
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.internal.flows.password_reset import get_reset_password_from_key_url
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.core.internal import ratelimit
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol as DaphneSocket
from django.db.models.query import get_related_populators
from django.http import HttpResponse
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.test import RequestFactory
from django.utils.log import log_response
from gunicorn.asgi.websocket import WebSocketProtocol as GunicornSocket
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker
from PIL import Image
from whitenoise.storage import CompressedManifestStaticFilesStorage

from messaging.models import Entry
from scripts.programs import ROOT
from users.models import User

DOCUMENT = ROOT / "docs" / "upgrading-dependencies.md"
# Who uses a part that is private says so: to the linter, or by the name of the module.
USES = re.compile(r"noqa: SLF001|from [\w.]+\.internal\b|from [\w.]+\.internal[\w.]* import")
# Faults are put into the tests' own tools there, and the project's own private parts are read.
OWN_TOOLS = {"scripts/mutations.py", "scripts/mutate.py"}


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (get_reset_password_from_key_url, ["request", "key"]),
        (is_reauthentication_required, ["request", "app"]),
        (Image.Image._new, ["self", "im"]),
        (WebRequest.handleContentChunk, ["self", "data"]),
        (DaphneSocket.onFrameBegin, ["self"]),
        (DaphneSocket.sendCloseFrame, ["self", "code", "reasonUtf8", "isReply"]),
        (DaphneSocket.dropConnection, ["self", "abort"]),
        (GunicornSocket._read_frame, ["self"]),
        (GunicornSocket._send_close, ["self", "code", "reason"]),
        (ThreadWorker.handle_exit, ["self", "sig", "frame"]),
        (Logger.atoms, ["self", "resp", "req", "environ", "request_time"]),
    ],
)
def test_a_private_function_takes_what_it_is_given(
    function: Callable[..., Any], parameters: list[str]
) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_rate_limits_of_allauth_are_consumed_and_cleared_by_key() -> None:
    for function in (ratelimit.consume, ratelimit.clear):
        assert {"action", "config", "key"} <= set(inspect.signature(function).parameters)
    assert "usage" in ratelimit.RateLimitUsage.__annotations__


def test_patterns_of_imports_in_scripts_are_where_they_were() -> None:
    name, patterns = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns
    assert name is False or name == "*.js"
    assert all(len(pattern) == 2 for pattern in patterns)


def test_an_answer_that_counts_as_logged_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    response = HttpResponse(status=503)
    response._has_been_logged = True  # type: ignore[attr-defined]
    log_response("%s", "/readiness/", response=response, request=RequestFactory().get("/readiness/"))
    assert caplog.records == []


def test_a_request_reads_its_body_from_the_stream() -> None:
    request = RequestFactory().post("/", b"one", content_type="text/plain")
    assert request._stream.read(2) == b"on"


def test_a_row_knows_whether_it_is_stored() -> None:
    assert Entry()._state.adding is True
    assert Entry()._state.db is None


@pytest.mark.django_db
def test_a_compiler_of_sql_says_what_it_selects() -> None:
    compiler = User.objects.only("username").query.get_compiler("default")
    sql, parameters = compiler.as_sql()
    assert sql.startswith("SELECT")
    assert parameters == ()
    assert compiler.klass_info
    assert compiler.klass_info["model"] is User
    assert compiler.annotation_col_map in (None, {})
    assert len(compiler.select) == 2
    assert compiler.get_converters([compiler.select[0][0]]) == {}


def test_the_populators_of_related_rows_say_what_they_build() -> None:
    compiler = Entry.objects.select_related("author").query.get_compiler("default")
    compiler.pre_sql_setup()
    assert compiler.klass_info
    [populator] = get_related_populators(compiler.klass_info, compiler.select, "default")  # type: ignore[call-arg]
    assert populator.model_cls is User
    assert populator.init_list[0] == "id"
    assert populator.related_populators == []
    assert hasattr(GZipMiddleware, "max_random_bytes")
    assert re_accepts_gzip.search("br, gzip")


def test_a_loop_keeps_the_handlers_of_signals() -> None:
    loop = asyncio.new_event_loop()
    called: list[int] = []
    try:
        loop.add_signal_handler(signal.SIGUSR2, called.append, 1)
        loop._signal_handlers[signal.SIGUSR2]._run()  # type: ignore[attr-defined]
    finally:
        loop.close()
    assert called == [1]


def test_the_document_names_every_module_that_uses_a_private_part() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    users = {
        str(path.relative_to(ROOT))
        for folder in (
            "core",
            "users",
            "network",
            "feed",
            "messaging",
            "notifications",
            "operations",
            "demo",
            "scripts",
        )
        for path in (ROOT / folder).rglob("*.py")
        if "tests" not in path.parts and USES.search(path.read_text(encoding="utf-8"))
    }
    missing = [
        name
        for name in sorted(users - OWN_TOOLS)
        if name not in document and name.rpartition("/")[0] not in document
    ]
    assert missing == []
    for named in re.findall(
        r"`((?:core|users|messaging|tests|professional_network)/[\w/]+(?:\.py)?)`", document
    ):
        assert (ROOT / named).exists(), named
