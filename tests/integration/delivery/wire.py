"""WebSocket frames and HTTP messages on the wire (RFC 6455, RFC 9112), for the clients and for the proxy."""

import asyncio
import base64
import os
import secrets
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from scripts.servers import HOST

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
# What a connection that breaks raises, in whatever way it breaks.
BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError)
LIMIT = 4 * 1024 * 1024


class NoAnswer(Exception):
    """The connection broke, or nothing came in time: nobody knows what the server has done."""


class Closed(Exception):
    """The server closed the socket; the argument is its code, 0 when it gave none."""


@dataclass(frozen=True)
class Frame:
    """A WebSocket frame, and the bytes that it came in."""

    opcode: int
    payload: bytes
    raw: bytes


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame of either side. Raises IncompleteReadError at the end of the connection."""
    raw = await reader.readexactly(2)
    length = raw[1] & 0x7F
    if length >= 126:
        more = await reader.readexactly(2 if length == 126 else 8)
        raw += more
        length = int.from_bytes(more, "big")
    mask = b""
    if raw[1] & 0x80:
        mask = await reader.readexactly(4)
    payload = await reader.readexactly(length)
    return Frame(raw[0] & 0x0F, masked(payload, mask) if mask else payload, raw + mask + payload)


def masked(payload: bytes, mask: bytes) -> bytes:
    """`payload` with `mask` laid over it, or taken off."""
    length = len(payload)
    over = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(over, "big")).to_bytes(length, "big")


def frame_bytes(opcode: int, payload: bytes) -> bytes:
    """A frame as a client sends it."""
    mask, length = os.urandom(4), len(payload)
    size = bytes([0x80 | length]) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
    return bytes([0x80 | opcode]) + size + mask + masked(payload, mask)


@dataclass(frozen=True)
class Message:
    """A request or an answer, whole, and the bytes that it came in."""

    start: str
    headers: dict[str, str]
    body: bytes
    raw: bytes = field(repr=False)

    @property
    def status(self) -> int:
        return int(self.start.split()[1])


async def read_head(reader: asyncio.StreamReader) -> Message:
    """The start line and the headers of what comes next."""
    raw = await reader.readuntil(b"\r\n\r\n")
    start, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Message(start, {name.lower(): value.strip() for name, _, value in pairs}, b"", raw)


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next request or answer, which says its length or has no body."""
    head = await read_head(reader)
    body = await reader.readexactly(int(head.headers.get("content-length", "0")))
    return Message(head.start, head.headers, body, head.raw + body)


def head_bytes(start: str, headers: Mapping[str, str]) -> bytes:
    """The beginning of a message."""
    return "\r\n".join([start, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever state it is in, and wait until it is closed."""
    writer.close()
    with suppress(*BROKEN):
        async with asyncio.timeout(1):
            await writer.wait_closed()


async def ask(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, seconds: float = 8.0
) -> Message:
    """One request on a separate connection; returns the whole answer. Raises NoAnswer."""
    sent = {**headers, "Connection": "close", "Content-Length": str(len(body))}
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(HOST, port, limit=LIMIT)
            writer.write(head_bytes(f"{method} {path} HTTP/1.1", sent) + body)
            await writer.drain()
            return await read_message(reader)
    except BROKEN as error:
        raise NoAnswer(type(error).__name__) from error
    finally:
        if writer is not None:
            await hang_up(writer)


class Socket:
    """A WebSocket, open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, headers: Mapping[str, str], *, seconds: float = 8.0) -> "Socket":
        """Shake hands. Raises NoAnswer, and Closed with the HTTP status where the server refuses."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection(HOST, port, limit=LIMIT)
                key = base64.b64encode(secrets.token_bytes(16)).decode()
                upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
                sent = {**headers, **upgrade, "Sec-WebSocket-Key": key}
                writer.write(head_bytes("GET /ws/ HTTP/1.1", sent))
                status = (await read_head(reader)).status
        except BROKEN as error:
            if writer is not None:
                await hang_up(writer)
            raise NoAnswer(type(error).__name__) from error
        if status != 101:
            await hang_up(writer)
            raise Closed(status)
        return cls(reader, writer)

    async def receive(self, seconds: float) -> str:
        """The next text. Raises Closed when the server says so, NoAnswer when it breaks or nothing comes in time."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    frame = await read_frame(self._reader)
                    if frame.opcode == TEXT:
                        return frame.payload.decode()
                    if frame.opcode == PING:
                        self._writer.write(frame_bytes(PONG, frame.payload))
                    elif frame.opcode == CLOSE:
                        raise Closed(int.from_bytes(frame.payload[:2], "big"))
        except BROKEN as error:
            raise NoAnswer(type(error).__name__) from error

    def send(self, text: str) -> None:
        """Send a text; what does not arrive, nobody says."""
        if not self._writer.is_closing():
            self._writer.write(frame_bytes(TEXT, text.encode()))

    async def close(self) -> None:
        """Go."""
        await hang_up(self._writer)
