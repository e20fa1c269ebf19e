"""The bad network itself: each mishap does what it is called, and without any all passes unharmed."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from scripts.servers import HOST

from .proxy import CALM, NetworkFaults, Proxy
from .wire import BROKEN, TEXT, NoAnswer, Socket, ask, hang_up, read_frame, read_message

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
SHAKEN = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Server:
    """Answers each request, and sends each text that it gets back twenty times, numbered."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.texts: list[str] = []

    async def web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*BROKEN):
            self.requests.append((await read_message(reader)).body.decode())
            writer.write(ANSWER)
        await hang_up(writer)

    async def ws(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*BROKEN):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(SHAKEN)
            while True:
                frame = await read_frame(reader)
                self.texts.append(frame.payload.decode())
                for number in range(20):
                    payload = str(number).encode()
                    writer.write(bytes([0x80 | TEXT, len(payload)]) + payload)
        await hang_up(writer)


@asynccontextmanager
async def behind_a_proxy(network_faults: NetworkFaults) -> AsyncIterator[tuple[Proxy, Server]]:
    """A server of this test behind a proxy with these network faults."""
    server = Server()
    listening = [await asyncio.start_server(serve, HOST, 0) for serve in (server.web, server.ws)]
    web, ws = (each.sockets[0].getsockname()[1] for each in listening)
    mishaps: list[object] = []
    async with Proxy(web, [ws], random.Random(1), lambda *details: mishaps.append(details)) as proxy:
        proxy.network_faults = network_faults
        yield proxy, server
    for each in listening:
        each.close()


async def echoes(network_faults: NetworkFaults) -> list[str]:
    """What a client gets back, until nothing more comes."""
    got: list[str] = []
    async with behind_a_proxy(CALM) as (proxy, _):
        socket = await Socket.open(proxy.ws_port, {})
        # Only what comes back meets the network faults.
        socket.send("go")
        got.append(await socket.receive(5))
        proxy.network_faults = network_faults
        socket.send("again")
        with suppress(NoAnswer):
            while len(got) < 60:
                got.append(await socket.receive(1))
        await socket.close()
    return got[20:]


ALL = [str(number) for number in range(20)]


async def test_a_calm_network_changes_nothing() -> None:
    assert await echoes(CALM) == ALL


@pytest.mark.parametrize(
    ("network_faults", "is_so"),
    [
        (NetworkFaults(drop=0.3), lambda got: set(got) < set(ALL) and got == sorted(got, key=int)),
        (NetworkFaults(double=0.3), lambda got: set(got) == set(ALL) and len(got) > 20),
        (NetworkFaults(swap=0.3), lambda got: sorted(got, key=int) == ALL != got),
        (NetworkFaults(delay=0.05), lambda got: got == ALL),
        (NetworkFaults(cut=0.2), lambda got: got == ALL[: len(got)] and len(got) < 20),
    ],
    ids=["drop", "double", "swap", "delay", "cut"],
)
async def test_frames_meet_the_network_faults(
    network_faults: NetworkFaults, is_so: Callable[[list[str]], bool]
) -> None:
    got = await echoes(network_faults)
    assert is_so(got), got


@pytest.mark.parametrize(
    ("network_faults", "arrives", "is_answered"),
    [
        (CALM, 1, True),
        (NetworkFaults(delay=1), 1, True),
        (NetworkFaults(lost=1), 0, False),
        (NetworkFaults(unanswered=1), 1, False),
        (NetworkFaults(halved=1), 1, False),
        (NetworkFaults(twice=1), 2, True),
    ],
    ids=["calm", "delay", "lost", "unanswered", "halved", "twice"],
)
async def test_requests_meet_the_network_faults(
    network_faults: NetworkFaults, arrives: int, is_answered: bool
) -> None:
    async with behind_a_proxy(network_faults) as (proxy, server):
        try:
            answer = await ask(proxy.web_port, "POST", "/", {}, b"body")
        except NoAnswer:
            assert not is_answered
        else:
            assert (is_answered, answer.body) == (True, b"hello")
    assert server.requests == ["body"] * arrives


async def test_all_connections_can_be_cut() -> None:
    async with behind_a_proxy(CALM) as (proxy, _):
        socket = await Socket.open(proxy.ws_port, {})
        assert proxy.cut_all() == 1
        with pytest.raises(NoAnswer):
            await socket.receive(5)
        await socket.close()
