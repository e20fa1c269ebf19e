"""A browser's end of a socket, for tests of the ASGI application: it speaks ASGI as daphne does."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client

from core.database.thread_pool import in_database
from core.sockets.application import socket_application
from core.sockets.connection import SocketConnection
from core.sockets.frames import Event, Frame, TabState
from core.sockets.hub import hub
from core.sockets.publisher import member_topic, publish
from users.models import User

PATIENCE = 10.0


class Refused(Exception):
    """The handshake was answered with 403."""


class Closed(Exception):
    """The server closed the socket; the argument is its code."""


async def cookie_of(member: User) -> str:
    """The Cookie header of a browser in which `member` has just signed in."""
    client = Client()
    await in_database(client.force_login, member)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


class SocketClient:
    """One tab. `seen` are the frames that it has taken."""

    def __init__(self, cookie: str = "", *, origin: str = "http://testserver", path: str = "/ws/") -> None:
        headers = [(b"host", b"testserver"), (b"origin", origin.encode()), (b"cookie", cookie.encode())]
        self.cookie = cookie
        self._scope = {"type": "websocket", "path": path, "headers": headers, "query_string": b""}
        self._to: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.is_open = False
        self.seen: list[dict[str, Any]] = []

    @property
    def live(self) -> SocketConnection:
        """The server's side of it, the only one there is."""
        (connection,) = hub.connections
        return connection

    @classmethod
    async def of(cls, member: User) -> "SocketClient":
        """A tab of `member`, open, its hello taken."""
        client = cls(await cookie_of(member))
        await client.open()
        assert (await client.next())["type"] == "hello"
        return client

    async def open(self) -> None:
        """Shake hands; raises Refused."""
        self._task = asyncio.create_task(socket_application(self._scope, self._to.get, self._from.put))
        self._to.put_nowait({"type": "websocket.connect"})
        if (await self._message())["type"] != "websocket.accept":
            await self._task
            raise Refused
        self.is_open = True

    async def knock(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """Send `message` and nothing else; returns what the application sent until it ended."""
        self._to.put_nowait(message)
        await socket_application(self._scope, self._to.get, self._from.put)
        return [self._from.get_nowait() for _ in range(self._from.qsize())]

    async def _message(self, patience: float = PATIENCE) -> dict[str, Any]:
        async with asyncio.timeout(patience):
            return await self._from.get()

    async def next(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next frame; raises Closed, or TimeoutError when none comes."""
        message = await self._message(patience)
        if message["type"] == "websocket.close":
            await self.leave()
            raise Closed(message.get("code"))
        frame: dict[str, Any] = json.loads(message["text"])
        self.seen.append(frame)
        return frame

    async def next_of(self, *types: str, patience: float = PATIENCE) -> dict[str, Any]:
        """The next frame of one of these types; others are passed over."""
        async with asyncio.timeout(patience):
            while True:
                frame = await self.next(patience)
                if frame["type"] in types:
                    return frame

    async def closed(self, patience: float = PATIENCE) -> int:
        """The code with which the server closes; frames before it are passed over."""
        try:
            async with asyncio.timeout(patience):
                while True:
                    await self.next(patience)
        except Closed as closed:
            code: int = closed.args[0]
            return code

    async def is_silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for so long."""
        try:
            frame = await self.next(seconds)
        except TimeoutError:
            return True
        raise AssertionError(f"it got {frame}")

    def rest(self) -> list[dict[str, Any]]:
        """The frames that came and nobody has asked for."""
        came = [self._from.get_nowait() for _ in range(self._from.qsize())]
        return [json.loads(message["text"]) for message in came]

    async def was_left_alone(self) -> bool:
        """Leave; whether the server had not closed before."""
        await self.leave()
        came = [self._from.get_nowait() for _ in range(self._from.qsize())]
        return all(message["type"] == "websocket.send" for message in came)

    def say(self, frame: Any) -> None:
        """Send `frame` as JSON."""
        self.say_text(json.dumps(frame))

    def say_text(self, text: str) -> None:
        """Send any text."""
        self._to.put_nowait({"type": "websocket.receive", "text": text})

    def say_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        self._to.put_nowait({"type": "websocket.receive", "bytes": data})

    async def leave(self) -> None:
        """Go, and wait until the server has seen it."""
        if self.is_open and self._task is not None:
            self.is_open = False
            self._to.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await self._task

    async def __aenter__(self) -> "SocketClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; TimeoutError when it does not come to hold."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- of whatever kind
            await asyncio.sleep(0.01)


async def until_up() -> None:
    """Wait until events reach this process."""
    await until(lambda: hub.is_up)


async def until_it_hears(tab: SocketClient, member: User) -> None:
    """Wait until an event to `member` reaches `tab`, which shows it; those before it may be lost."""
    async with asyncio.timeout(PATIENCE):
        for number in count():
            await in_database(published, member_topic(member.pk), number)
            with suppress(TimeoutError):
                await tab.next_of("tests.look", patience=0.2)
                return


def echo(tab: TabState, event: Event) -> list[Frame]:
    """Show the event itself."""
    return [{**event, "to": tab.member_id}]


def published(group: str, number: int) -> None:
    """Publish from a thread with a transaction, as a view does."""
    with transaction.atomic():
        publish(group, {"type": "tests.look", "id": number})
