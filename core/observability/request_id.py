"""The id of the current request in a context variable, for its log lines (R9.3)."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

UNKNOWN = "-"
# Key in request.META, for lines that Django logs about a request after the middleware has finished.
META_KEY = "linkup.origin"

_pattern = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{6,62})[A-Za-z0-9]", re.ASCII)


@dataclass(frozen=True)
class RequestInfo:
    """The id of a request and the IP address of its client."""

    request_id: str = UNKNOWN
    client: str = UNKNOWN


NO_REQUEST = RequestInfo()

_current: ContextVar[RequestInfo] = ContextVar("origin", default=NO_REQUEST)


def new_request_id() -> str:
    """Return a new id of 32 hexadecimal digits."""
    return uuid.uuid4().hex


def is_valid_request_id(value: str) -> bool:
    """Return whether `value` may be used as an id: 8 to 64 ASCII letters, digits and inner hyphens."""
    return _pattern.fullmatch(value) is not None


def current_request() -> RequestInfo:
    """Return the request of this context; both fields are `-` outside of a request."""
    return _current.get()


@contextmanager
def logging_request(request_info: RequestInfo) -> Iterator[None]:
    """Add `request_info` to the lines that are logged inside the block."""
    token = _current.set(request_info)
    try:
        yield
    finally:
        _current.reset(token)


class RequestContext(logging.Filter):
    """Adds `request_id` and `client` to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        meta = getattr(getattr(record, "request", None), "META", None)
        found = meta.get(META_KEY) if isinstance(meta, dict) else None
        request_info = found if isinstance(found, RequestInfo) else current_request()
        record.request_id = request_info.request_id
        record.client = request_info.client
        return True
