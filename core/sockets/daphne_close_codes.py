"""Lets daphne close a socket with the close codes of RFC 6455 (7.4.1)."""

import sys
from typing import Any


def allow_all_close_codes() -> None:
    """From now on daphne sends the code that the application named: 1008, 1009 and 1012 too.

    The library below it takes 1000 and 3000 to 4999 only, and raises for others, so that the socket would stay open.
    Nothing is done where another server runs.
    """
    daphne = sys.modules.get("daphne.ws_protocol")
    if daphne is not None:
        daphne.WebSocketProtocol.serverClose = _close


def _close(self: Any, code: int | None = None) -> None:
    self.sendCloseFrame(code=1000 if code is None else code)
