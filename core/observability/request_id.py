"""The id of the request that is being served, for its log lines (R9.3), in a context variable."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

NOBODY = "-"
# Where the middleware leaves it for lines that Django writes about a request after the middleware has gone.
META_KEY = "linkup.origin"

_pattern = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{6,62})[A-Za-z0-9]", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """The id of a request and the address of who sent it."""

    request_id: str = NOBODY
    client: str = NOBODY


NOWHERE = Origin()

_current: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def mint() -> str:
    """A new id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def is_acceptable(value: str) -> bool:
    """Whether `value` may be taken over as an id: 8 to 64 letters, digits and inner hyphens, ASCII only."""
    return _pattern.fullmatch(value) is not None


def current() -> Origin:
    """The request that is being served in this context; `-` for both parts outside of one."""
    return _current.get()


@contextmanager
def serving(origin: Origin) -> Iterator[None]:
    """Lines logged inside belong to `origin`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


class RequestContext(logging.Filter):
    """Gives each record `request_id` and `client`."""

    def filter(self, record: logging.LogRecord) -> bool:
        origin = _of_its_request(record) or current()
        record.request_id = origin.request_id
        record.client = origin.client
        return True


def _of_its_request(record: logging.LogRecord) -> Origin | None:
    meta = getattr(getattr(record, "request", None), "META", None)
    origin = meta.get(META_KEY) if isinstance(meta, dict) else None
    return origin if isinstance(origin, Origin) else None
