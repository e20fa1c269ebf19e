"""Real sockets, without faults: who hears what, and who must hear nothing.

Silence is waited for up to a fence: two heartbeats that begin after what must not be heard, so that anything on its way
would have arrived before.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .cast import CLUB, STRANGER, Cast
from .client import Person
from .deeds import membership_on
from .site import Site
from .wire import Closed, Message, Socket, ask
from .words import Mark, marks_in, text_of

PATIENCE = 20.0
# What says nothing about conversations.
GENERAL_FRAMES = {"hello", "heartbeat", "ping", "notifications.badge", "messaging.badge"}


class Ear:
    """An open tab that remembers all that it heard, word by word."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.heard: list[dict[str, Any]] = []
        self.words = ""

    def say(self, kind: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> dict[str, Any]:
        """The next frame; raises Closed."""
        text = await self._socket.receive(PATIENCE)
        frame: dict[str, Any] = json.loads(text)
        self.heard.append(frame)
        self.words += text
        return frame

    async def until(self, kind: str, which: Callable[[dict[str, Any]], bool] = lambda frame: True) -> Any:
        """The next frame of this type that `which` chooses."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.next()
                if frame["type"] == kind and which(frame):
                    return frame

    async def until_said(self, mark: Mark) -> None:
        """Wait for a frame with the body of this message."""
        await self.until("messaging.entries", lambda frame: mark in marks_in(json.dumps(frame)))

    async def fence(self) -> list[dict[str, Any]]:
        """Wait for two heartbeats; what came until then, the general frames left out."""
        before = len(self.heard)
        for _ in range(2):
            await self.until("heartbeat")
        return [frame for frame in self.heard[before:] if frame["type"] not in GENERAL_FRAMES]

    async def closed(self) -> int:
        """The code with which the server closes."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await self.next()
                except Closed as closed:
                    return int(closed.args[0])


@asynccontextmanager
async def ear(site: Site, person: Person, conversation: int = 0, *, server: int = 0) -> AsyncIterator[Ear]:
    """A tab of `person` on one of the two daphne processes, with a conversation open."""
    socket = await Socket.open(site.ws_ports[server], person.headers)
    try:
        listening = Ear(socket)
        await listening.until("hello")
        if conversation:
            listening.say("messaging.watch", conversation=conversation, seq=0)
            await listening.until("messaging.cursors")
        yield listening
    finally:
        await socket.close()


async def post(site: Site, person: Person, path: str, **fields: str) -> Message:
    """A form of `person`."""
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    headers = {**person.headers, "Content-Type": "application/x-www-form-urlencoded"}
    return await ask(site.web_port, "POST", path, headers, body, seconds=PATIENCE)


async def send(site: Site, person: Person, conversation: int, number: int) -> Mark:
    """Send a message; returns what to look for."""
    mark = Mark(conversation, person.id, number)
    answer = await post(site, person, f"/messages/{conversation}/send/", text=text_of(mark).split()[0])
    assert answer.status == 201, answer
    return mark


async def test_both_hear_a_message_in_all_their_tabs(site: Site, cast: Cast) -> None:
    one, two, conversation = cast.people[0], cast.people[1], cast.pairs[0]
    async with (
        ear(site, one, conversation) as own,
        ear(site, two, conversation) as first,
        ear(site, two, conversation, server=1) as second,
    ):
        mark = await send(site, one, conversation, 1)
        for listening in (own, first, second):
            await listening.until_said(mark)


async def test_a_tab_that_shows_another_conversation_hears_that_something_came_but_no_words(
    site: Site, cast: Cast
) -> None:
    one, guest = cast.people[0], cast.people[CLUB[1]]
    async with ear(site, guest, cast.group) as elsewhere:
        mark = await send(site, one, cast.club, 1)
        frame = await elsewhere.until("messaging.inbox", lambda frame: frame["conversation"] == cast.club)
        assert frame["unread"] == 1
        assert await elsewhere.fence() == []
        assert mark not in marks_in(elsewhere.words)


@pytest.mark.parametrize("server", [0, 1])
async def test_a_stranger_hears_nothing_whatever_the_stranger_asks_for(
    site: Site, cast: Cast, server: int
) -> None:
    one, two, stranger, conversation = cast.people[0], cast.people[1], cast.people[STRANGER], cast.pairs[0]
    async with ear(site, stranger, server=server) as outside, ear(site, two, conversation) as inside:
        await send(site, one, conversation, 1)
        for kind in ("watch", "delivered", "read", "typing"):
            outside.say(f"messaging.{kind}", conversation=conversation, seq=0)
        assert (await outside.until("error"))["reason"] == "not_found"
        inside.say("messaging.typing", conversation=conversation)
        inside.say("messaging.read", conversation=conversation, seq=1)
        await inside.until_said(await send(site, one, conversation, 2))
        assert [frame for frame in await outside.fence() if frame["type"] != "error"] == []
        assert marks_in(outside.words) == set()
        answer = await ask(site.web_port, "GET", f"/messages/{conversation}/since/0/", stranger.headers)
        assert (answer.status, marks_in(answer.body.decode())) == (404, set())


async def test_who_was_taken_out_hears_that_and_nothing_more(site: Site, cast: Cast) -> None:
    owner, other, guest = (cast.people[CLUB[index]] for index in (0, 1, 3))
    async with ear(site, guest, cast.club, server=1) as outside, ear(site, other, cast.club) as inside:
        await outside.until_said(await send(site, owner, cast.club, 1))
        about = await ask(site.web_port, "GET", f"/messages/{cast.club}/about/", owner.headers)
        membership = membership_on(about.body.decode(), guest.name)
        await post(site, owner, f"/messages/{cast.club}/remove/", membership=membership)
        assert (await outside.until("messaging.gone"))["conversation"] == cast.club
        later = await send(site, owner, cast.club, 2)
        await inside.until_said(later)
        inside.say("messaging.typing", conversation=cast.club)
        inside.say("messaging.read", conversation=cast.club, seq=5)
        outside.say("messaging.watch", conversation=cast.club, seq=0)
        heard = await outside.fence()
        assert {(frame["type"], frame.get("reason")) for frame in heard} == {("error", "not_found")}
        assert later not in marks_in(outside.words)
        refused = await post(site, guest, f"/messages/{cast.club}/send/", text="Still here?")
        assert refused.status == 404


async def test_a_blocked_pair_hears_nothing_of_each_other(site: Site, cast: Cast) -> None:
    one, two, conversation = cast.people[2], cast.people[3], cast.pairs[1]
    async with ear(site, one, conversation) as listening, ear(site, two, conversation, server=1) as speaking:
        await send(site, one, conversation, 1)
        speaking.say("visible", visible=True)
        speaking.say("messaging.typing", conversation=conversation)
        await listening.until("messaging.typing")
        speaking.say("messaging.read", conversation=conversation, seq=1)
        await listening.until("messaging.cursors", lambda frame: frame["cursors"][0]["read"] == 1)
        assert (await post(site, one, f"/members/{two.name}/block/")).status == 302
        await listening.fence()
        before = len(listening.heard)
        speaking.say("visible", visible=False)
        speaking.say("visible", visible=True)
        speaking.say("messaging.typing", conversation=conversation)
        speaking.say("messaging.read", conversation=conversation, seq=2)
        refused = await post(site, two, f"/messages/{conversation}/send/", text="Why?")
        assert refused.status == 403
        await listening.fence()
        frames = listening.heard[before:]
        assert {frame["type"] for frame in frames} <= {
            *GENERAL_FRAMES,
            "messaging.inbox",
            "messaging.cursors",
        }
        assert [frame for frame in frames if frame.get("cursors")] == []
        heartbeats = [frame["messaging"] for frame in frames if "messaging" in frame]
        assert heartbeats
        # The same as of one never seen: whoever was shown as online is so no longer.
        assert {heartbeat["presence"]["online"] for heartbeat in heartbeats} == {False}
        assert {heartbeat["presence"]["words"] for heartbeat in heartbeats} == {""}


async def test_signing_out_closes_that_session_s_sockets_and_no_other(site: Site, cast: Cast) -> None:
    one, elsewhere, two, conversation = cast.people[0], cast.elsewhere, cast.people[1], cast.pairs[0]
    async with (
        ear(site, one, conversation) as first,
        ear(site, one, conversation, server=1) as second,
        ear(site, elsewhere, conversation, server=1) as other,
    ):
        assert (await post(site, one, "/accounts/logout/")).status == 200
        assert [await first.closed(), await second.closed()] == [4401, 4401]
        await other.until_said(await send(site, two, conversation, 1))
