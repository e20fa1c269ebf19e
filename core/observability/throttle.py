"""Limits how often something happens, such as a log line about a server that is down."""

import time
from collections.abc import Callable
from threading import Lock


class Throttle:
    """Allows the first call at once and then one every `seconds`; counts the calls that it suppressed. Thread-safe."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Allow the next call, and forget those that were suppressed."""
        self._next_at = float("-inf")
        self._suppressed = 0

    def allow(self) -> bool:
        """Return whether this call may happen."""
        return self.suppressed_before() is not None

    def suppressed_before(self) -> int | None:
        """Return how many calls were suppressed before this one, which may happen; None when it may not."""
        with self._lock:
            now = self._clock()
            if now < self._next_at:
                self._suppressed += 1
                return None
            self._next_at = now + self._seconds
            suppressed, self._suppressed = self._suppressed, 0
            return suppressed
