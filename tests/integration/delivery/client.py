"""One tab of one member, as the page behaves: the reference client of a conversation (docs/realtime.md)."""

import asyncio
import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from .history import HEARD, NOTE, READ, SCREEN, SHOWS, History
from .wire import Closed, Message, NoAnswer, Socket, ask
from .words import marks_in

# Silent for longer than a heartbeat and this: the connection is dead, whatever TCP says.
MARGIN = 3.0
TOKEN = "t" * 32
SITE_HEADERS = {"Host": "localhost", "Origin": "https://localhost", "X-Forwarded-Proto": "https"}
AFTER_CHANGE = ("edit", "deletion")


@dataclass(frozen=True)
class Person:
    """A member with a session."""

    id: int
    name: str
    session: str

    @property
    def headers(self) -> dict[str, str]:
        cookies = f"__Host-session={self.session}; __Host-csrf={TOKEN}"
        return {**SITE_HEADERS, "Cookie": cookies, "X-CSRFToken": TOKEN, "Accept": "application/json"}


@dataclass
class Doors:
    """Where the site is reached: through the proxy. `heartbeat` is the interval that the server was configured with."""

    web: int
    ws: int


@dataclass
class Screen:
    """What a tab shows."""

    have: int = 0
    lines: dict[int, str] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    badge: int | None = None
    is_out: bool = False


class TabState:
    """Shows one conversation of one member and keeps it whole, whatever the network does.

    `catches_up` is False only for the tab that proves the checker: it ignores gaps.
    """

    def __init__(
        self,
        name: str,
        person: Person,
        conversation: int,
        doors: Doors,
        history: History,
        *,
        catches_up: bool = True,
    ) -> None:
        self.name = name
        self.person = person
        self.conversation = conversation
        self.shown = Screen()
        self.reads_to = 10**9
        self.is_open = False
        self._doors = doors
        self._history = history
        self._catches_up = catches_up
        self._heartbeat = 25.0
        self._behind = asyncio.Event()
        self._behind.set()
        self._sent_cursors = (0, 0)
        self._socket: Socket | None = None
        self._chance = random.Random(name)

    def note(self, what: str, **data: Any) -> None:
        """Write down something about this tab."""
        self._history.note(what, self.name, member=self.person.id, conversation=self.conversation, **data)

    async def run(self) -> None:
        """Live until cancelled."""
        tasks = [self._stay_connected(), self._keep_up(), self._tell_cursors()]
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)

    async def ask(self, method: str, path: str, data: Mapping[str, Any] | None = None) -> Message:
        """One request of the member: a form, or JSON where it sends a message. Raises NoAnswer."""
        as_json = data is not None and "client_id" in data
        kind = "application/json" if as_json else "application/x-www-form-urlencoded"
        body = json.dumps(data) if as_json else urlencode(data or {}, doseq=True)
        headers = {**self.person.headers, "Content-Type": kind}
        answer = await ask(self._doors.web, method, path, headers, body.encode())
        if answer.status < 500:
            text = answer.body.decode()
            self.note(HEARD, via=f"{method} {path} {answer.status}", marks=marks_in(text), **brief(text))
        return answer

    # -- The socket ----------------------------------------------------------------------------
    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            try:
                self._socket = await Socket.open(self._doors.ws, self.person.headers)
            except (NoAnswer, Closed) as error:
                failures += 1
                self.note(NOTE, refused=repr(error))
                # Without a socket the page asks now and then.
                self._behind.set()
                await asyncio.sleep(min(0.2 * 2**failures, 2.0) * self._chance.uniform(0.5, 1.0))
                continue
            failures = 0
            try:
                await self._listen(self._socket)
            except (NoAnswer, Closed) as error:
                self.note(NOTE, closed=repr(error))
            finally:
                self.is_open = False
                await self._socket.close()
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    async def _listen(self, socket: Socket) -> None:
        self._say({"type": "visible", "visible": True})
        self.watch()
        self.is_open = True
        self._behind.set()
        while True:
            text = await socket.receive(self._heartbeat + MARGIN)
            frame = json.loads(text)
            self.note(HEARD, via=frame["type"], marks=marks_in(text), **brief(text))
            self._take(frame)

    def _say(self, frame: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(json.dumps(frame))

    def watch(self) -> None:
        """Ask for the conversation, which is all that the server knows of what is shown."""
        self._say({"type": "messaging.watch", "conversation": self.conversation, "seq": self.shown.have})

    def _take(self, frame: dict[str, Any]) -> None:
        """What a frame says; those about other conversations are another tab's."""
        of_another = frame.get("conversation", self.conversation) != self.conversation
        take = getattr(self, "_take_" + frame["type"].replace(".", "_"), None)
        if take is not None and not of_another:
            take(frame)

    def _take_hello(self, frame: dict[str, Any]) -> None:
        self._heartbeat = float(frame["heartbeat"])

    def _take_ping(self, frame: dict[str, Any]) -> None:
        self._say({"type": "pong", "n": frame["n"]})

    def _take_messaging_entries(self, frame: dict[str, Any]) -> None:
        self._apply(frame["entries"])
        if frame["more"]:
            self._behind.set()

    def _take_messaging_inbox(self, frame: dict[str, Any]) -> None:
        if frame["seq"] > self.shown.have:
            self._behind.set()

    def _take_messaging_badge(self, frame: dict[str, Any]) -> None:
        self.shown.badge = frame["unread"]

    def _take_heartbeat(self, frame: dict[str, Any]) -> None:
        self._apply_heartbeat(frame.get("messaging"))

    def _look(self, frame: dict[str, Any]) -> None:
        self._behind.set()

    # Something was lost, something failed, or the member was taken out, perhaps a while ago: the answer tells.
    _take_lagged = _take_error = _take_messaging_gone = _look

    def _apply_heartbeat(self, payload: dict[str, Any] | None) -> None:
        if payload is None:
            return
        self.shown.badge = payload["unread"]
        if payload.get("conversation") != self.conversation:
            # The server does not know that this tab is here: its words were lost, or they failed.
            self._behind.set()
            self.watch()
        elif payload["newest"] > self.shown.have:
            self._behind.set()

    # -- What is shown -------------------------------------------------------------------------
    def _apply(self, entries: list[dict[str, Any]], asked: int | None = None) -> None:
        """Show what is new. `asked`: the entries are all that there is after this number, whatever theirs are."""
        for index, entry in enumerate(entries):
            if entry["seq"] <= self.shown.have:
                continue
            begins = index == 0 and asked == self.shown.have
            if entry["seq"] > self.shown.have + 1 and not begins and self._catches_up:
                self._behind.set()
                return
            self._show(entry)

    def _show(self, entry: dict[str, Any]) -> None:
        seq, kind, target = entry["seq"], entry["kind"], entry["target"]
        self.shown.have = seq
        self.shown.kinds[seq] = kind
        changed = target if kind in AFTER_CHANGE else seq
        if changed in self.shown.lines or kind not in AFTER_CHANGE:
            self.shown.lines[changed] = entry["text"]
        payload = {name: entry[name] for name in ("seq", "kind", "author", "target", "text")}
        self.note(SHOWS, **payload)

    async def _keep_up(self) -> None:
        while True:
            await self._behind.wait()
            self._behind.clear()
            if self._catches_up:
                with suppress(NoAnswer):
                    if not await self._catch_up():
                        continue
                self._behind.set()
            await asyncio.sleep(0.1)

    async def _catch_up(self) -> bool:
        """Ask for what is missing; returns whether to ask again."""
        asked = self.shown.have
        answer = await self.ask("GET", f"/messages/{self.conversation}/since/{asked}/")
        if answer.status == 404:
            self.shown.is_out = True
            return False
        if answer.status != 200:
            return True
        if self.shown.is_out:
            self.shown.is_out = False
            self.watch()
        payload = json.loads(answer.body)
        self._apply(payload["entries"], asked)
        return bool(payload["more"])

    # -- Cursors -------------------------------------------------------------------------------
    async def _tell_cursors(self) -> None:
        while True:
            await asyncio.sleep(0.4)
            if not self.shown.is_out and self._sent_cursors != (cursors := self._find_cursors()):
                self._sent_cursors = cursors
                for name, seq in zip(("delivered", "read"), cursors, strict=True):
                    self._say({"type": f"messaging.{name}", "conversation": self.conversation, "seq": seq})

    def _find_cursors(self) -> tuple[int, int]:
        return self.shown.have, min(self.shown.have, self.reads_to)

    async def settle_cursors(self) -> None:
        """Store how far this tab has read, and wait for the server's word; nothing for one who is out."""
        delivered, read = self._find_cursors()
        path = f"/messages/{self.conversation}/cursors/"
        with suppress(NoAnswer):
            answer = await self.ask("POST", path, {"delivered": delivered, "read": read})
            if answer.status == 204:
                self.note(READ, delivered=delivered, read=read)

    def picture(self) -> None:
        """Write down what is on the screen."""
        shown = self.shown
        kinds = {str(seq): kind for seq, kind in sorted(shown.kinds.items())}
        lines = {str(seq): text for seq, text in sorted(shown.lines.items())}
        self.note(SCREEN, have=shown.have, kinds=kinds, lines=lines, badge=shown.badge, is_out=shown.is_out)


def brief(text: str) -> dict[str, Any]:
    """What the record keeps of a frame or an answer: all but the HTML."""
    try:
        payload = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(payload, dict):
        return {}
    payload.pop("html", None)
    if isinstance(payload.get("entry"), dict):
        payload["entries"] = [payload.pop("entry")]
    entries = payload.get("entries")
    if isinstance(entries, list):
        payload["entries"] = [{key: each[key] for key in each if key != "html"} for each in entries]
    return {"payload": payload}
