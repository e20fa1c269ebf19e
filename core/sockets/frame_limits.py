"""Limits all WebSocket frames below the application, which never sees control frames and empty fragments.

Each costs the server's loop about as much as a message, so a connection that keeps sending more than FRAMES_A_SECOND is
closed with 1008. Frames of messages have a stricter limit per member, too (core.sockets.flow_control).
"""

import importlib
import sys
from typing import Any

from core.observability import metrics

from .flow_control import TokenBucket

FRAMES_A_SECOND = 200.0
FLOODED = 1008


def limit_frames() -> None:
    """Let the WebSocket server of this process, daphne or gunicorn's asgi worker, limit frames.

    Has no effect under other servers.
    """
    daphne = sys.modules.get("daphne.ws_protocol")
    if daphne is not None:
        begin = daphne.WebSocketProtocol.onFrameBegin

        def count_then_begin(self: Any) -> None:
            if _is_allowed(self):
                begin(self)
            elif not getattr(self, "muted", False):
                self.muted = True
                self.sendCloseFrame(code=FLOODED)
                # The rest of the buffer is not parsed.
                self.wasNotCleanReason = "too many frames"
                self.data = b""
                self.current_frame = None
                self.dropConnection(abort=False)

        daphne.WebSocketProtocol.onFrameBegin = count_then_begin
    if "gunicorn.asgi.protocol" in sys.modules:
        gunicorn = importlib.import_module("gunicorn.asgi.websocket").WebSocketProtocol
        read = gunicorn._read_frame  # noqa: SLF001 -- there is no public hook

        async def read_then_count(self: Any) -> Any:
            frame = await read(self)
            if frame is not None and not _is_allowed(self):
                await self._send_close(FLOODED)
                return None
            return frame

        gunicorn._read_frame = read_then_count  # noqa: SLF001


def _is_allowed(connection: Any) -> bool:
    bucket = getattr(connection, "linkup_frames", None)
    if bucket is None:
        bucket = connection.linkup_frames = TokenBucket(FRAMES_A_SECOND, FRAMES_A_SECOND)
    if bucket.consume():
        return True
    metrics.frames_refused.labels("flood").inc()
    return False
