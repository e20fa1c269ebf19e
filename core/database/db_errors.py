"""Tells an unavailable database from a wrong query, and logs outages at most once in a few seconds (R1.4)."""

import logging
import time
from collections.abc import Callable, Iterator

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from core.observability.throttle import Throttle

logger = logging.getLogger(__name__)

SAY_EVERY = 5.0

# Codes of PostgreSQL (its manual, appendix A): connection lost or refused, no place or memory left, wrong
# credentials, being stopped or started, no such database.
UNAVAILABLE_CODES = ("08", "28", "3D", "53", "57P")
# SQLite tells in words only.
UNAVAILABLE_WORDS = ("unable to open database file", "database is locked", "disk I/O error")


def is_outage(error: BaseException | None) -> bool:
    """Whether `error`, or what it came from, is that the database cannot be reached or is not ready."""
    return any(_says_so(link) for link in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _says_so(error: BaseException) -> bool:
    if isinstance(error, InterfaceError):
        return True  # a connection that is closed
    if not isinstance(error, OperationalError) and type(error) is not DatabaseError:
        return False
    cause = error.__cause__
    if cause is None:
        return False  # raised by Django about a query
    if type(cause).__module__.startswith("sqlite3"):
        return str(cause).startswith(UNAVAILABLE_WORDS)
    code = getattr(cause, "pgcode", None)
    return code is None or str(code).startswith(UNAVAILABLE_CODES)


class OutageLog:
    """One line for many failures: the first at once, then one every `every` seconds with the number of the others."""

    def __init__(self, every: float = SAY_EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = Throttle(every, clock)

    def note(self, error: BaseException) -> None:
        """Log host, port, database and the class of `error`; never its text, which may hold a password."""
        unsaid = self._throttle.suppressed_before()
        if unsaid is None:
            return
        where = connections[DEFAULT_DB_ALIAS].settings_dict
        logger.error(
            "the database %s at host %s port %s does not answer: %s; %d more requests were refused before this one",
            where.get("NAME"),
            where.get("HOST") or "(local)",
            where.get("PORT") or "(default)",
            _classes_of(error),
            unsaid,
        )


def _classes_of(error: BaseException) -> str:
    links = [link for link in _chain(error) if _says_so(link)]
    causes = [link.__cause__ or link for link in links]
    names = (f"{type(cause).__module__}.{type(cause).__name__}" for cause in causes)
    return " ← ".join(dict.fromkeys(names))


outages = OutageLog()
