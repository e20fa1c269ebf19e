"""Distinguishes database outages from wrong queries, and logs outages at most once in a few seconds (R1.4)."""

import logging
import time
from collections.abc import Callable, Iterator

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from core.observability.throttle import Throttle

logger = logging.getLogger(__name__)

LOG_SECONDS = 5.0

# Codes of PostgreSQL (its manual, appendix A): connection lost or refused, no disk space or memory left, wrong
# credentials, shutting down or starting, no such database.
UNAVAILABLE_CODES = ("08", "28", "3D", "53", "57P")
# SQLite has messages only.
UNAVAILABLE_MESSAGES = ("unable to open database file", "database is locked", "disk I/O error")


def is_outage(error: BaseException | None) -> bool:
    """Return whether `error`, or one of its causes, means that the database cannot be reached or is not ready."""
    return any(_is_unavailable(link) for link in _error_chain(error))


def _error_chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_unavailable(error: BaseException) -> bool:
    if isinstance(error, InterfaceError):
        return True  # the connection is closed
    if not isinstance(error, OperationalError) and type(error) is not DatabaseError:
        return False
    cause = error.__cause__
    if cause is None:
        return False  # raised by Django about a query
    if type(cause).__module__.startswith("sqlite3"):
        return str(cause).startswith(UNAVAILABLE_MESSAGES)
    code = getattr(cause, "pgcode", None)
    return code is None or str(code).startswith(UNAVAILABLE_CODES)


class OutageLog:
    """Log the first outage at once, then one line every `seconds` with the number of suppressed ones."""

    def __init__(self, seconds: float = LOG_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = Throttle(seconds, clock)

    def log_outage(self, error: BaseException) -> None:
        """Log host, port, database and the class of `error`; never its text, which may contain a password."""
        suppressed = self._throttle.suppressed_before()
        if suppressed is None:
            return
        causes = [link.__cause__ or link for link in _error_chain(error) if _is_unavailable(link)]
        names = (f"{type(cause).__module__}.{type(cause).__name__}" for cause in causes)
        server = connections[DEFAULT_DB_ALIAS].settings_dict
        logger.error(
            "the database %s at host %s port %s does not answer: %s; %d more requests were refused before this one",
            server.get("NAME"),
            server.get("HOST") or "(local)",
            server.get("PORT") or "(default)",
            " ← ".join(dict.fromkeys(names)),
            suppressed,
        )


outages = OutageLog()
