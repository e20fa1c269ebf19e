"""A mail server on the same machine delivers here by LMTP (RFC 2033), with an answer for each recipient."""

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Any

from aiosmtpd.lmtp import LMTP

from core.database.thread_pool import in_database

from .outcomes import Outcome
from .receive import MAX_BYTES, check_recipient, receive_message

MAX_CONNECTIONS = 20
# The message is parsed for each.
MAX_RECIPIENTS = 10
# A silent client is disconnected after so many seconds, and each after SESSION_SECONDS.
IDLE_SECONDS = 60
SESSION_SECONDS = 600
# Some mail systems send longer lines than RFC 5321 4.5.3.1.6 allows.
LONGEST_LINE = 64 * 1024
# aiosmtpd's replies to a message that it did not keep.
TOO_LARGE_REPLIES = ("500 Line too long (see RFC5321 4.5.3.1.6)", "552 Error: Too much mail data")
# At the same time: each may take 20 MB and what the parser makes of it.
MAX_PARSED_AT_ONCE = 2


class _Delivery:
    """The hooks of one server, by aiosmtpd's names."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MAX_PARSED_AT_ONCE)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Refuse a recipient before the message is sent."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients."
        checked = check_recipient(address)
        if isinstance(checked, Outcome):
            return str(checked)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted."

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Receive the message for each recipient."""
        receiving = self._receive(list(envelope.rcpt_tos), bytes(envelope.content))
        # A client that goes away does not stop the work, so the turn must not be free before it is done.
        return await asyncio.shield(receiving)

    async def _receive(self, recipients: list[str], content: bytes) -> str:
        """Return the replies for the recipients, in their order."""
        async with self._turns:
            outcomes: dict[str, Outcome] = {}
            for recipient in recipients:
                # Letters in either case are the same address.
                if recipient.lower() not in outcomes:
                    outcomes[recipient.lower()] = await in_database(
                        receive_message, recipient=recipient, content=content
                    )
        return "\r\n".join(str(outcomes[recipient.lower()]) for recipient in recipients)

    async def finish(self) -> None:
        """Wait for the messages that are being received; a client without an answer would send its message again."""
        for _ in range(MAX_PARSED_AT_ONCE):
            await self._turns.acquire()

    async def handle_exception(self, error: Exception) -> str:
        """Answer an error of the server: the client tries again."""
        logging.getLogger(__name__).error("LMTP session failed", exc_info=error)
        return "421 4.3.0 Try again later."


class _Session(LMTP):
    """One connection."""

    line_length_limit = LONGEST_LINE

    def __init__(
        self, delivery: _Delivery, sessions: "set[_Session]", loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            delivery,
            data_size_limit=MAX_BYTES,
            timeout=IDLE_SECONDS,
            hostname="localhost",
            ident="LMTP",
            loop=loop,
        )
        self._sessions = sessions
        self._is_in_data = False
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Count the connection, and limit its duration."""
        self._sessions.add(self)
        self._end = self.loop.call_later(SESSION_SECONDS, transport.abort)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Stop counting the connection."""
        self._sessions.discard(self)
        if self._end:
            self._end.cancel()
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Read the message, and note that `push` sends replies to it."""
        self._is_in_data = True
        # The time of a silent client is counted from a command on, and a large message may take longer.
        self._reset_timeout(SESSION_SECONDS)
        try:
            await super().smtp_DATA(arg)
        finally:
            self._is_in_data = False

    async def push(self, status: Any) -> None:
        """Send a reply; aiosmtpd refuses a large message once, and LMTP needs a reply for each recipient."""
        envelope = self.envelope
        if envelope and self._is_in_data and status in TOO_LARGE_REPLIES:
            status = "\r\n".join([status] * len(envelope.rcpt_tos))
        await super().push(status)


class _Refusal(asyncio.Protocol):
    """A connection beyond MAX_CONNECTIONS."""

    def connection_made(self, transport: Any) -> None:
        """Ask the client to try again later."""
        transport.write(b"421 4.3.2 Too many connections.\r\n")
        transport.close()


async def serve_lmtp(port: int, *, started: Callable[[int], None]) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; `started` is called with the port. Open deliveries end first."""
    loop = asyncio.get_running_loop()
    # It would log the addresses of all recipients.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    delivery, sessions = _Delivery(), set[_Session]()

    def open_session() -> asyncio.Protocol:
        is_full = len(sessions) >= MAX_CONNECTIONS
        return _Refusal() if is_full else _Session(delivery, sessions, loop)

    server = await loop.create_server(open_session, "127.0.0.1", port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    started(server.sockets[0].getsockname()[1])
    await stopped.wait()
    server.close()
    await delivery.finish()
