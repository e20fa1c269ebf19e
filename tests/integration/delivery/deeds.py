"""What members do: they send, change and delete messages, and one goes and comes back."""

import asyncio
import json
import random
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .client import Person, TabState
from .history import ACKNOWLEDGED, DELETE, DELETED, EDIT, EDITED, NOTE, REFUSED, SEND
from .wire import NoAnswer
from .words import Mark, text_of

# Worth asking again: the request came too late, too early or too often; or the server is not well.
PATIENCE = frozenset({408, 425, 429})


async def until_answered(tab: TabState, path: str, data: Mapping[str, Any]) -> tuple[int, Any, int]:
    """POST the same again and again until there is a definite answer: its status, what it says, and how often."""
    attempts = 0
    while True:
        attempts += 1
        try:
            answer = await tab.ask("POST", path, data)
        except NoAnswer as silence:
            tab.note(NOTE, no_answer=repr(silence), path=path, client_id=data.get("client_id"))
        else:
            if answer.status < 500 and answer.status not in PATIENCE:
                return answer.status, said(answer.body), attempts
            tab.note(NOTE, status=answer.status, path=path, client_id=data.get("client_id"))
        await asyncio.sleep(min(0.1 * attempts, 1.0))


def said(body: bytes) -> Any:
    """The JSON of an answer, or None for a page."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Writer:
    """Writes in one tab: one message after the other, each repeated until the server has answered."""

    def __init__(self, tab: TabState, chance: random.Random, *, first: int, pace: float) -> None:
        self.tab = tab
        self._chance = chance
        self._number = first
        self._pace = pace
        # Own messages that may still be changed: number in the conversation and mark.
        self._changeable: list[tuple[int, Mark]] = []

    async def write(self, messages: int) -> None:
        """Send so many messages, and now and then change one."""
        for _ in range(messages):
            await asyncio.sleep(self._chance.uniform(0, 2 * self._pace))
            await self._send()
            if self._changeable and self._chance.random() < 0.15:
                await self._change()

    async def _send(self) -> None:
        mark = Mark(self.tab.conversation, self.tab.person.id, self._number)
        self._number += 1
        # From the seed, so that a run can be repeated.
        client_id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        data = {"client_id": client_id, "text": text_of(mark)}
        self.tab.note(SEND, **data)
        path = f"/messages/{self.tab.conversation}/send/"
        status, payload, attempts = await until_answered(self.tab, path, data)
        if status in {200, 201}:
            seq = payload["entry"]["seq"]
            self.tab.note(ACKNOWLEDGED, client_id=client_id, seq=seq, status=status, attempts=attempts)
            self._changeable.append((seq, mark))
        else:
            self.tab.note(REFUSED, client_id=client_id, status=status, payload=payload, attempts=attempts)

    async def _change(self) -> None:
        seq, mark = self._changeable.pop(self._chance.randrange(len(self._changeable)))
        path = f"/messages/{self.tab.conversation}/entries/{seq}"
        if self._chance.random() < 0.6:
            text = text_of(mark._replace(version=1))
            self.tab.note(EDIT, seq=seq, text=text)
            status, _, _ = await until_answered(self.tab, f"{path}/edit/", {"text": text})
            self.tab.note(EDITED, seq=seq, status=status)
            if self._chance.random() < 0.5:
                return
        self.tab.note(DELETE, seq=seq)
        status, _, _ = await until_answered(self.tab, f"{path}/delete/", {})
        self.tab.note(DELETED, seq=seq, status=status)


async def go_and_come(owner: TabState, guest: Person, chance: random.Random, times: int) -> None:
    """The owner of a group takes one out and in again, so many times."""
    for _ in range(times):
        await asyncio.sleep(chance.uniform(1.0, 2.0))
        membership = await _membership_of(owner, guest)
        for act, fields in (("remove", {"membership": membership}), ("add", {"to": [guest.name]})):
            path = f"/messages/{owner.conversation}/{act}/"
            status, payload, attempts = await until_answered(owner, path, fields)
            # A second attempt may find it done.
            if status >= 400 and attempts == 1:
                raise AssertionError(f"{path} with {fields} was answered {status}: {payload}")
            owner.note(NOTE, act=act, guest=guest.name, status=status, payload=payload)
            await asyncio.sleep(chance.uniform(0.7, 1.5))


async def _membership_of(owner: TabState, guest: Person) -> str:
    """The id of the guest's membership, from the group's page; repeat the request until it succeeds."""
    while True:
        with suppress(NoAnswer):
            answer = await owner.ask("GET", f"/messages/{owner.conversation}/about/")
            if answer.status == 200:
                return membership_on(answer.body.decode(), guest.name)
        await asyncio.sleep(0.1)


def membership_on(page: str, name: str) -> str:
    """The membership id in the form that removes the member `name`, on a group's page. Raises AssertionError."""
    form = re.search(f'/members/{name}/.*?name="membership" value="([0-9]+)"', page, re.DOTALL)
    if form is None:
        raise AssertionError(f"no form takes {name} out")
    return form[1]
