"""The limits of the LMTP server: connections, sizes, and one answer for each recipient."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from django.test import override_settings

from core.inbound_mail import inbound_recipient, lmtp, make_address, refuse, registry

DOMAIN = "in.example.org"


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_recipients", {})
    monkeypatch.setattr(lmtp, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(lmtp, "MAX_BYTES", 2000)
    monkeypatch.setattr(lmtp, "MAX_RECIPIENTS", 2)
    inbound_recipient("test", domain_setting="TEST_DOMAIN", valid_for=timedelta(days=1))(
        lambda message, address: refuse("no")
    )
    with override_settings(TEST_DOMAIN=DOMAIN):
        yield


class Connection:
    """A client that sends lines and reads replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> str:
        """The next reply; "" at the end."""
        while line := (await asyncio.wait_for(self._reader.readline(), 10)).decode():
            if line[3:4] == " ":
                return line.strip()
        return ""

    async def send(self, line: str) -> str:
        self._writer.write(line.encode() + b"\r\n")
        return await self.read()

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def running_server() -> AsyncIterator[int]:
    """The server on a free port, until SIGTERM."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(lmtp.serve_lmtp(0, started=port.set_result))
    try:
        yield await port
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 10)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


async def connect(port: int) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def test_one_connection_too_many_is_refused_for_now() -> None:
    async with running_server() as port:
        first, second, third = [await connect(port) for _number in range(3)]
        assert (await first.read()).startswith("220 ")
        assert (await second.read()).startswith("220 ")
        assert await third.read() == "421 4.3.2 Too many connections."
        assert await third.read() == ""
        assert (await first.send("LHLO x")).startswith("250 ")
        for client in (first, second, third):
            client.close()


async def test_each_recipient_gets_an_answer_also_to_a_message_that_is_too_large() -> None:
    async with running_server() as port:
        client = await connect(port)
        await client.read()
        await client.send("LHLO x")
        for content, answer in (
            ("X: y\r\n" * 1000, "552 Error: Too much mail data"),
            ("X: " + "y" * 70_000, "500 Line too long (see RFC5321 4.5.3.1.6)"),
            ("no header\r\n", "554 5.6.0 The message cannot be read."),
        ):
            assert (await client.send("MAIL FROM:<>")).startswith("250 ")
            for number in range(2):
                assert (await client.send(f"RCPT TO:<{make_address('test', DOMAIN, number)}>"))[:3] == "250"
            assert (await client.send(f"RCPT TO:<{make_address('test', DOMAIN, 3)}>"))[:3] == "452"
            assert (await client.send("RCPT TO:<test+x@in.example.org>"))[:3] in {"452", "550"}
            assert (await client.send("DATA"))[:3] == "354"
            assert [await client.send(f"{content}\r\n."), await client.read()] == [answer] * 2
        client.close()
