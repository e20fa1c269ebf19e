"""Flow control for sockets: how often a member may send, and how many bytes may be in flight to a slow reader."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

# Tokens of a member in one process: the burst, and the rate per second, for all sockets together. A frame costs one
# unless its type says otherwise (core.sockets.frames.on_frame). Ten reconnecting tabs, each with a
# conversation, need 150.
BURST = 200
RATE = 30.0
# The size of one frame, and of the queued frames of one connection.
FRAME_BYTES = 64 * 1024
WAITING_BYTES = 256 * 1024
# Most queued events per connection; beyond that the client must resync.
WAITING_EVENTS = 1000
# Sockets of one member in one process; further tabs poll.
SOCKETS_PER_MEMBER = 10
# Members whose tokens are remembered after their last socket has closed.
REMEMBERED_MEMBERS = 10_000
# Bytes between two pings, and the most bytes in flight.
PING_BYTES = 64 * 1024
WINDOW_BYTES = 512 * 1024


class TokenBucket:
    """`burst` tokens, and `rate` new ones a second up to that number."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(self, burst: float, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._at = clock()
        self._tokens = burst

    def consume(self, cost: int = 1) -> bool:
        """Consume `cost` tokens; return False, and consume none, when there are fewer."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True


class MemberFlow:
    """The state that all sockets of one member in this process share.

    `pool_lock` is held while a job of the member is in the pool of database threads: one member uses one thread at
    most, so that the sockets of others do not wait.
    """

    __slots__ = ("pool_lock", "tokens")

    def __init__(self) -> None:
        self.tokens = TokenBucket(BURST, RATE)
        self.pool_lock = asyncio.Lock()


class MemberFlows:
    """The flows of recent members, so that a new socket brings no new tokens."""

    def __init__(self) -> None:
        self._flows: OrderedDict[int, MemberFlow] = OrderedDict()

    def flow_of(self, member_id: int) -> MemberFlow:
        """Return the flow of this member."""
        flow = self._flows.setdefault(member_id, MemberFlow())
        self._flows.move_to_end(member_id)
        if len(self._flows) > REMEMBERED_MEMBERS:
            self._flows.popitem(last=False)
        return flow


class Window:
    """Counts the bytes in flight: sent, but not known to have arrived.

    A ping contains a random number: a client can only reply after it has read everything before.
    """

    __slots__ = ("_arrived", "_pings", "_sent")

    def __init__(self) -> None:
        self._sent = 0
        self._arrived = 0
        self._pings: dict[int, int] = {}

    @property
    def bytes_in_flight(self) -> int:
        """The most bytes that the client has not read yet."""
        return self._sent - self._arrived

    @property
    def is_full(self) -> bool:
        """Whether only heartbeats may be sent."""
        return self.bytes_in_flight > WINDOW_BYTES

    def add_sent(self, size: int) -> int | None:
        """Count `size` bytes as sent; return the number of the ping that is due now, or None."""
        self._sent += size
        last = max(self._pings.values(), default=self._arrived)
        if self._sent - last < PING_BYTES:
            return None
        number = secrets.randbelow(2**31)
        self._pings[number] = self._sent
        return number

    def acknowledge(self, number: int) -> None:
        """Record that the client has read the ping `number`, and all before it; ignore unknown numbers."""
        arrived = self._pings.get(number)
        if arrived is None:
            return
        self._arrived = arrived
        self._pings = {known: at for known, at in self._pings.items() if at > arrived}
