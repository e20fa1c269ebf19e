"""The ASGI application for WebSockets: check origin, session and user or reject with 403, then serve the socket."""

import logging
from importlib import import_module
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpRequest, parse_cookie

from core.database.thread_pool import in_database
from core.observability import metrics
from core.observability.drain import drain

from .connection import FLOODED, SocketConnection
from .dispatch import encode_frame
from .heartbeat import HEARTBEAT
from .hub import hub
from .sessions import Visitor

logger = logging.getLogger(__name__)

# The address of the one WebSocket of a tab.
PATH = "/ws/"
HTTP_SCHEMES = {"ws": "http", "wss": "https"}
# The close code where the client sent none (RFC 6455 7.1.5).
NO_CODE = 1006


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    """Serve one WebSocket for each tab of a member; reject everything else.

    Rejected are other paths, foreign origins, anonymous visitors, and all while this server drains.
    """
    visitor = None
    if scope["path"] == PATH and not drain.is_on and origin_is_ours(scope):
        visitor = await _visitor(scope)
    if visitor is None:
        await refuse(receive, send)
    else:
        await serve(visitor, receive, send)


async def serve(visitor: Visitor, receive: Any, send: Any) -> None:
    """Serve one tab of `visitor` until either side closes the socket (`receive` and `send` as in ASGI)."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    if not hub.has_room(visitor.member_id):
        metrics.tab_closed(FLOODED, NO_CODE)
        await send({"type": "websocket.close", "code": FLOODED})
        return
    hello = {"type": "hello", "heartbeat": int(HEARTBEAT), "member": visitor.member_id}
    await send({"type": "websocket.send", "text": encode_frame(hello)})
    tab = SocketConnection(visitor, send, hub, hub.flow_of(visitor.member_id))
    hub.add(tab)
    code = NO_CODE
    try:
        tab.open()
        while (message := await receive())["type"] == "websocket.receive":
            tab.hear(message.get("text"))
        code = int(message.get("code") or NO_CODE)
    finally:
        metrics.tab_closed(tab.code, code)
        # In this order: after the last tab chores are done once more, also for what apps do at the end of a tab.
        await tab.end()
        await hub.remove(tab)


def visitor_of(session_key: str) -> Visitor | None:
    """Who is signed in by the session `session_key`, checked as for a page: session hash and backend included."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    member = get_user(request)
    # A hash that an old SECRET_KEY made has given the session a new key by now.
    key = request.session.session_key
    if not member.is_authenticated or key is None:
        return None
    return Visitor(member.pk, key, member.get_session_auth_hash())


async def refuse(receive: Any, send: Any) -> None:
    """Answer the handshake with 403, the one refusal that ASGI knows for a socket that is not open yet."""
    metrics.tabs_refused.inc()
    await receive()
    await send({"type": "websocket.close"})


def origin_is_ours(scope: Any) -> bool:
    """Whether the page that opens the socket is one of this site, or of CSRF_TRUSTED_ORIGINS.

    Full origins are compared, scheme and port too, as Django does for forms (RFC 6455 10.2). What sends none is no
    browser of ours.
    """
    scheme = HTTP_SCHEMES.get(scope.get("scheme", "ws"), "http")
    request = ASGIRequest({**scope, "type": "http", "method": "GET", "scheme": scheme}, BytesIO())
    origin = request.headers.get("origin", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        return False
    return origin in {f"{request.scheme}://{host}", *settings.CSRF_TRUSTED_ORIGINS}


async def _visitor(scope: Any) -> Visitor | None:
    """The member whose session the browser has sent along, read on a kept connection of the pool."""
    sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    session_key = parse_cookie(sent.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    if not session_key:
        return None
    try:
        return await in_database(visitor_of, session_key)
    except DatabaseError as error:
        # The tab tries again by itself.
        logger.warning("a socket was refused: the database does not answer (%s)", type(error).__name__)
        return None
