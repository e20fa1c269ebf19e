"""A circuit breaker: skip a server that has just failed, so that not every request waits for its timeout."""

import logging
import time
from collections.abc import Callable

from .redis_errors import describe_redis_error
from .throttle import Throttle

logger = logging.getLogger(__name__)

WARN_EVERY = 60.0


class Breaker:
    """Remembers that a server failed. Closed: use it. Open, for `rest` seconds after a failure: skip it.

    `on_trip` is called at each failure.
    """

    def __init__(self, server: str, *, rest: float = 5.0, on_trip: Callable[[], None] = lambda: None) -> None:
        self.server = server
        self.rest = rest
        self._on_trip = on_trip
        self._open_until = 0.0
        self._warnings = Throttle(WARN_EVERY)

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    @property
    def has_tripped(self) -> bool:
        """Whether it has opened since the last `reset`: the server failed, and may still fail."""
        return self._open_until > 0.0

    def trip(self, error: BaseException) -> None:
        """Open after `error`. Warns at most once a minute, with the class of the error only.

        Its text may contain a URL with a password.
        """
        self._on_trip()
        self._open_until = time.monotonic() + self.rest
        if self._warnings.allow():
            logger.warning("%s %s; going on without it", self.server, describe_redis_error(error))

    def reset(self) -> None:
        """Close, and allow the next warning."""
        self._open_until = 0.0
        self._warnings.reset()
