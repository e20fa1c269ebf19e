"""Flow control for sockets: how often a member may send, and how many bytes may be in flight to a slow reader."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

# Tokens of a member in one process, at once and a second, whatever the number of sockets. A frame costs one, unless
# its type says otherwise (core.sockets.frames.on_frame). Ten tabs that come back together, each with a conversation,
# need 150.
BURST = 200
RATE = 30.0
# Bytes of one frame, and of frames that wait for their turn.
FRAME_BYTES = 64 * 1024
WAITING_BYTES = 256 * 1024
# Hints that wait for their turn; who has more must look for everything.
WAITING_EVENTS = 1000
# Tabs of one member in one process; the pages of further ones poll.
TABS_EACH = 10
# Members whose tokens are remembered after their last socket has gone.
REMEMBERED_MEMBERS = 10_000
# After so many bytes a ping goes out; so many may be on their way unanswered.
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

    def take(self, cost: int = 1) -> bool:
        """Take `cost` tokens; False, and none is taken, when there are fewer."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True


class MemberFlow:
    """What all sockets of one member in this process share.

    `turn` is held while a job of the member is in the pool of database threads: one member takes one thread at the
    most, so the sockets of the others do not wait behind many jobs of one.
    """

    __slots__ = ("tokens", "turn")

    def __init__(self) -> None:
        self.tokens = TokenBucket(BURST, RATE)
        self.turn = asyncio.Lock()


class MemberFlows:
    """The flows of the members seen last, so that a new socket brings no new tokens."""

    def __init__(self) -> None:
        self._flows: OrderedDict[int, MemberFlow] = OrderedDict()

    def of(self, member_id: int) -> MemberFlow:
        """The flow of this member."""
        flow = self._flows.setdefault(member_id, MemberFlow())
        self._flows.move_to_end(member_id)
        if len(self._flows) > REMEMBERED_MEMBERS:
            self._flows.popitem(last=False)
        return flow


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

    def acknowledge(self, number: int) -> None:
        """The tab has read the ping `number`, and so all that was sent before; other numbers mean nothing."""
        arrived = self._pings.get(number)
        if arrived is None:
            return
        self._arrived = arrived
        self._pings = {known: at for known, at in self._pings.items() if at > arrived}
