"""Lets daphne close a socket with the close codes of RFC 6455 (7.4.1)."""

import sys
from typing import Any


def allow_all_close_codes() -> None:
    """Let daphne send every code that the application uses: 1008, 1009 and 1012, too.

    Its WebSocket library accepts only 1000 and 3000 to 4999, and raises for others, so that the socket would stay open.
    Has no effect under other servers.
    """

    def send_close_frame(self: Any, code: int | None = None) -> None:
        self.sendCloseFrame(code=1000 if code is None else code)

    daphne = sys.modules.get("daphne.ws_protocol")
    if daphne is not None:
        daphne.WebSocketProtocol.serverClose = send_close_frame
