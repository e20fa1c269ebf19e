"""The one WebSocket of a browser tab. Who comes here has been let in by core.asgi."""

from typing import Any

from . import metrics
from .dispatch import wire
from .pulse import HEARTBEAT
from .sessions import Visitor
from .switchboard import Switchboard, switchboard
from .tabs import FLOODED, OpenTab

# What stands for a code where none came (RFC 6455 7.1.5).
GONE = 1006


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
            metrics.tab_closed(FLOODED, GONE)
            await send({"type": "websocket.close", "code": FLOODED})
            return
        hello = {"type": "hello", "heartbeat": int(HEARTBEAT), "member": visitor.member_id}
        await send({"type": "websocket.send", "text": wire(hello)})
        tab = OpenTab(visitor, send, self._board, self._board.flow_of(visitor.member_id))
        self._board.add(tab)
        code = GONE
        try:
            tab.open()
            code = await self._listen(tab, receive)
        finally:
            metrics.tab_closed(tab.code, code)
            # In this order: after the last tab chores are done once more, also for what apps do at the end of a tab.
            await tab.end()
            await self._board.remove(tab)

    @staticmethod
    async def _listen(tab: OpenTab, receive: Any) -> int:
        """Hear `tab` until it goes; the code that came with its going."""
        while (message := await receive())["type"] == "websocket.receive":
            tab.hear(message.get("text"))
        return int(message.get("code") or GONE)
