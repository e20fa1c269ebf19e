"""Formats a log record as one line of text or JSON whose start cannot be forged (R9.3)."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, Literal

from .redaction import redact

INDENT = "    "
# Longer messages are truncated: requests of strangers must not fill the disk.
LONGEST_MESSAGE = 10_000

# Line breaks of any kind, terminal commands, direction overrides, lone surrogates: all are escaped.
_unsafe = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_unsafe_in_trace = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def _escape_match(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """Return `text` with line breaks and other control characters escaped (CWE-117)."""
    return _unsafe.sub(_escape_match, text)


def message_of(record: logging.LogRecord) -> str:
    """Return the message on one line, masked, with at most LONGEST_MESSAGE characters.

    Arguments that do not fit the format are left out.
    """
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):
        text = f"{record.msg} (logged with arguments that do not fit)"
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[:LONGEST_MESSAGE]}… (cut)"
    return one_line(redact(text))


def time_of(record: logging.LogRecord) -> str:
    """Return the time of the record in UTC with milliseconds (ISO 8601): 2026-03-01T12:00:00.123Z."""
    stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


class LineFormatter(logging.Formatter):
    """One line per record, followed by the lines of a stack trace, indented so that none looks like a record."""

    def __init__(
        self, fmt: str | None = None, datefmt: str | None = None, style: Literal["%", "{", "$"] = "{"
    ) -> None:
        super().__init__(fmt, datefmt, style, defaults={"request_id": "-", "client": "-"})

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 -- logging's name
        return time_of(record)

    def format(self, record: logging.LogRecord) -> str:
        record.message = message_of(record)
        record.asctime = time_of(record)
        lines = [self.formatMessage(record)]
        # Not stored in record.exc_text, where other formatters would find the indented trace.
        lines += [f"{INDENT}{line}" for line in trace_of(self, record).split("\n") if line]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for log collectors that read the console (LOG_JSON)."""

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, Any] = {
            "time": time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "module": record.module,
            "process": record.process,
            "request_id": getattr(record, "request_id", "-"),
            "client": getattr(record, "client", "-"),
            "message": message_of(record),
        }
        trace = trace_of(self, record)
        if trace:
            values["trace"] = trace
        # ASCII only: JSON does not escape U+2028, where some readers break lines.
        return json.dumps(values)


def trace_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the stack trace of the record, masked, with control characters other than line breaks escaped."""
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return _unsafe_in_trace.sub(_escape_match, redact("\n".join(parts)))
