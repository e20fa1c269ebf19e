"""The one WebSocket of a browser tab. Who comes here has been let in by core.asgi."""

from typing import Any

from .dispatch import wire
from .pulse import HEARTBEAT
from .sessions import Visitor
from .switchboard import Switchboard, switchboard
from .tabs import FLOODED, OpenTab


class TabConsumer:
    """Serves tabs: takes what each sends, and sees it out."""

    def __init__(self, board: Switchboard = switchboard) -> None:
        self._board = board

    async def __call__(self, visitor: Visitor, receive: Any, send: Any) -> None:
        """Serve one tab of `visitor` until it goes or is sent away; the rest is as ASGI says."""
        if (await receive())["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        if not self._board.has_room(visitor.member_id):
            await send({"type": "websocket.close", "code": FLOODED})
            return
        hello = {"type": "hello", "heartbeat": int(HEARTBEAT), "member": visitor.member_id}
        await send({"type": "websocket.send", "text": wire(hello)})
        tab = OpenTab(visitor, send, self._board)
        self._board.add(tab)
        try:
            tab.open()
            await self._listen(tab, receive)
        finally:
            # In this order: after the last tab chores are done once more, also for what apps do at the end of a tab.
            await tab.end()
            await self._board.remove(tab)

    @staticmethod
    async def _listen(tab: OpenTab, receive: Any) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            tab.hear(message.get("text"))
