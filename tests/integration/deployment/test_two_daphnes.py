"""Two daphne processes: what one member says reaches the other's tab on the other process, through Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scripts.visitor import Visitor
from tests.integration.delivery.wire import Socket

from .installation import ADMIN, Installation
from .members import PASSWORD, send_form

PATIENCE = 20.0
BEGIN = """
from django.utils import timezone
from messaging.services import start_direct
from network.models import Connection
from users.models import User
one, two = (User.objects.get(username=name) for name in (%r, %r))
low, high = sorted((one.pk, two.pk))
Connection.objects.get_or_create(low_id=low, high_id=high, inviter=one, state=1, connected_at=timezone.now())
print(start_direct(by=one, other=two).pk)
"""


@pytest.fixture
def conversation(installation: Installation, alice: str) -> int:
    """That of the two, who know each other."""
    done = installation.manage("shell", "--no-imports", "--command", BEGIN % (alice, ADMIN["USERNAME"]))
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


@asynccontextmanager
async def tab(member: Visitor, port: int, conversation: int) -> AsyncIterator[Socket]:
    """A tab of the member on the daphne of this port, with the conversation open."""
    origin = member.site.origin
    headers = {
        "Host": origin.removeprefix("https://"),
        "Origin": origin,
        "X-Forwarded-Proto": "https",
        "Cookie": "; ".join(f"{name}={value}" for name, value in member.cookies.items()),
    }
    socket = await Socket.open(port, headers, seconds=PATIENCE)
    try:
        await heard(socket, "hello")
        socket.send(json.dumps({"type": "messaging.watch", "conversation": conversation, "seq": 0}))
        await heard(socket, "messaging.cursors")
        yield socket
    finally:
        await socket.close()


async def heard(socket: Socket, kind: str, words: str = "") -> dict[str, Any]:
    """The next frame of this type that holds these words."""
    async with asyncio.timeout(PATIENCE):
        while True:
            text = await socket.receive(PATIENCE)
            frame: dict[str, Any] = json.loads(text)
            if frame["type"] == kind and words in text:
                return frame


async def test_a_message_reaches_a_tab_on_the_other_daphne(
    installation: Installation, alice: str, conversation: int
) -> None:
    assert installation.second is not None
    first, second = installation.ports["ws"], installation.ports["second"]
    page = f"/messages/{conversation}/"
    with Visitor(installation.served) as one, Visitor(installation.served) as two:
        one.sign_in(alice, PASSWORD)
        two.sign_in(ADMIN["USERNAME"], ADMIN["PASSWORD"])
        async with tab(one, first, conversation) as here, tab(two, second, conversation) as there:
            for author, words in ((one, "from the first to the second"), (two, "and back again")):
                sent = await asyncio.to_thread(send_form, author, page, f"{page}send/", text=words)
                assert sent.status in {201, 302}, sent.text[:2000]
                await asyncio.gather(
                    heard(here, "messaging.entries", words), heard(there, "messaging.entries", words)
                )
