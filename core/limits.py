"""What one tab may cost: how often it may speak, and how much may be on its way to one that reads slowly."""

import secrets
import time
from collections.abc import Callable

# Frames at once, and a second.
BURST = 60
RATE = 20.0
# Bytes of one frame, and of frames that wait for their turn.
FRAME_BYTES = 64 * 1024
WAITING_BYTES = 256 * 1024
# Hints that wait for their turn; who has more must look for everything.
WAITING_HINTS = 1000
# Tabs of one member in one process.
TABS_EACH = 100
# After so many bytes a ping goes out; so many may be on their way unanswered.
PING_BYTES = 64 * 1024
WINDOW_BYTES = 512 * 1024


class Bucket:
    """BURST tokens, and RATE new ones a second."""

    __slots__ = ("_at", "_clock", "_tokens")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._tokens = float(BURST)

    def take(self) -> bool:
        """Take one token; False when there is none."""
        now = self._clock()
        self._tokens = min(BURST, self._tokens + (now - self._at) * RATE)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Window:
    """The bytes that were sent and are not known to have arrived.

    A ping carries a random number: only who has read everything before it can answer, so nobody seems quicker than
    he is.
    """

    __slots__ = ("_arrived", "_pings", "_sent")

    def __init__(self) -> None:
        self._sent = 0
        self._arrived = 0
        self._pings: dict[int, int] = {}

    @property
    def on_the_way(self) -> int:
        """Bytes, at most, that wait somewhere between here and the tab."""
        return self._sent - self._arrived

    @property
    def is_full(self) -> bool:
        """Whether nothing more but the heartbeat may go out."""
        return self.on_the_way > WINDOW_BYTES

    def add(self, size: int) -> int | None:
        """Count `size` bytes sent; returns the number of the ping that is due now, or None."""
        self._sent += size
        last = max(self._pings.values(), default=self._arrived)
        if self._sent - last < PING_BYTES:
            return None
        number = secrets.randbelow(2**31)
        self._pings[number] = self._sent
        return number

    def answered(self, number: int) -> None:
        """The tab has read the ping `number`, and so all that was sent before; other numbers mean nothing."""
        arrived = self._pings.get(number)
        if arrived is None:
            return
        self._arrived = arrived
        self._pings = {known: at for known, at in self._pings.items() if at > arrived}
