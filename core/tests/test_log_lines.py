"""What a line looks like, in text and in JSON, and that nothing logged can pass for a line (R9.3, R9.4)."""

import json
import logging
import re
import sys

from hypothesis import example, given
from hypothesis import strategies as st

from core.observability.log_lines import LONGEST_MESSAGE, JsonFormatter, LineFormatter
from core.observability.request_id import RequestContext, RequestInfo, logging_request
from professional_network.settings.logs import LINE_FORMAT, SECURITY_LINE_FORMAT
from tests.cases import all_cases

BEGINNING = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING core\.tasks (\w+) \d+ (\S+) "
line_end = re.compile(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
texts = st.text(max_size=200) | st.text("\n\r\x1b\x85\u2028 ab2:=", max_size=60)


def record_of(text: object, *arguments: object, **values: object) -> logging.LogRecord:
    record = logging.LogRecord("core.tasks", logging.WARNING, "/x/tasks.py", 7, text, arguments, None)
    record.__dict__.update(values)
    RequestContext().filter(record)
    return record


def record_of_error(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except Exception:  # noqa: BLE001 -- any will do
        return record_of("it failed", exc_info=sys.exc_info())


def test_a_line_shows_what_the_record_holds() -> None:
    with all_cases() as case:
        with case("a line has time level logger module process and request id"):
            # R9.3
            with logging_request(RequestInfo("a1b2c3d4", "192.0.2.7")):
                record = record_of("hello %s", "Bob", created=1_700_000_000.25, process=42)
            assert LineFormatter(LINE_FORMAT).format(record) == (
                "2023-11-14T22:13:20.250Z WARNING core.tasks tasks 42 a1b2c3d4 hello Bob"
            )
            assert LineFormatter(SECURITY_LINE_FORMAT).format(record) == (
                "2023-11-14T22:13:20.250Z WARNING core.tasks tasks 42 a1b2c3d4 192.0.2.7 hello Bob"
            )
        with case("a record that no filter saw has dashes"):
            record = logging.LogRecord("core", logging.INFO, "/x/tasks.py", 7, "hi", (), None)
            assert LineFormatter("{request_id} {client} {message}").format(record) == "- - hi"
        with case("a message without end is cut"):
            line = LineFormatter("{message}").format(record_of("é" * 100_000))
            assert len(line) < LONGEST_MESSAGE + 10
            assert line.endswith("… (cut)")
        with case("secrets are masked in message and trace"):
            line = LineFormatter(LINE_FORMAT).format(record_of_error(ValueError("postgres://u:hunter2@db/x")))
            assert "hunter2" not in line
            assert "password=[masked]" in LineFormatter(LINE_FORMAT).format(
                record_of("password=%s", "hunter2")
            )
        for arguments in [(), ("a", "b"), ("word",), ({"other": 1},)]:
            for formatter in [LineFormatter(LINE_FORMAT), JsonFormatter()]:
                with case((formatter, arguments)):
                    assert "count %d" in formatter.format(record_of("count %d %(name)s", *arguments))


@given(texts)
@example("x\n2026-01-01T00:00:00.000Z ERROR django forged 1 - you were hacked")
@example("\x1b[2Jcleared")
def test_whatever_is_logged_stays_on_one_line(text: str) -> None:
    # CWE-117
    for record in (record_of("%s", text), record_of(text.replace("%", "")), record_of({"typed": text})):
        line = LineFormatter(LINE_FORMAT).format(record)
        assert re.match(BEGINNING, line)
        assert not line_end.search(line)
        assert "\x1b" not in line
        assert line.isprintable() or line.encode()


@given(texts)
@example("x\n2026-01-01T00:00:00.000Z ERROR django forged 1 - you were hacked")
@example("a\r2026-01-01")
def test_each_line_of_a_trace_is_indented_so_that_no_error_text_passes_for_a_line(text: str) -> None:
    # R9.4
    lines = LineFormatter(LINE_FORMAT).format(record_of_error(ValueError(text))).split("\n")
    assert re.match(BEGINNING + "it failed$", lines[0])
    assert lines[1] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in lines[1:])
    assert not any(line_end.search(line) for line in lines)


def test_a_trace_is_written_whole_in_text_and_in_json() -> None:
    with all_cases() as case:
        with case("a trace shows every error of the chain"):
            try:
                try:
                    raise KeyError("inner")
                except KeyError as inner:
                    raise ValueError("outer") from inner
            except ValueError as outer:
                line = LineFormatter(LINE_FORMAT).format(
                    record_of("x", exc_info=(ValueError, outer, outer.__traceback__))
                )
            assert "KeyError: 'inner'" in line
            assert "The above exception was the direct cause" in line
            assert "    ValueError: outer" in line
        with case("a text trace and a stack are written too"):
            record = record_of(
                "x", exc_text="Traceback kept as text", stack_info="Stack (most recent call last):"
            )
            assert LineFormatter("{message}").format(record) == (
                "x\n    Traceback kept as text\n    Stack (most recent call last):"
            )
        with case("formatters do not disturb each other"):
            record = record_of_error(ValueError("oops"))
            first = LineFormatter(LINE_FORMAT).format(record)
            JsonFormatter().format(record)
            assert LineFormatter(LINE_FORMAT).format(record) == first
            assert record.exc_text is None
        with case("json holds the trace"):
            trace = json.loads(JsonFormatter().format(record_of_error(ValueError("oops"))))["trace"]
            assert trace.startswith("Traceback (most recent call last):\n")
            assert trace.endswith("ValueError: oops")


@given(texts)
def test_json_is_one_line_with_the_same_facts(text: str) -> None:
    with logging_request(RequestInfo("a1b2c3d4", "192.0.2.7")):
        record = record_of("%s", text, created=1_700_000_000.25, process=42)
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()
    values = json.loads(line)
    assert values.pop("message") == LineFormatter("{message}").format(record)
    assert values == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "core.tasks",
        "module": "tasks",
        "process": 42,
        "request_id": "a1b2c3d4",
        "client": "192.0.2.7",
    }
