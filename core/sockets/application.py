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
from .handler_calls import encode_frame
from .heartbeat import HEARTBEAT
from .hub import hub
from .sessions import Visitor

logger = logging.getLogger(__name__)

# The path of the WebSocket, of which each tab has one.
PATH = "/ws/"
HTTP_SCHEMES = {"ws": "http", "wss": "https"}
# The close code where the client sent none (RFC 6455 7.1.5).
NO_CODE = 1006


async def socket_application(scope: Any, receive: Any, send: Any) -> None:
    """Serve one WebSocket for each tab of a member; reject everything else.

    Rejected are other paths, foreign origins, anonymous visitors, and all while this server drains.
    """
    visitor = None
    if scope["path"] == PATH and not drain.is_on and is_own_origin(scope):
        cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
        session_key = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
        try:
            visitor = await in_database(load_visitor, session_key) if session_key else None
        except DatabaseError as error:
            # The client retries.
            logger.warning("a socket was refused: the database does not answer (%s)", type(error).__name__)
    if visitor is None:
        await reject_handshake(receive, send)
    else:
        await serve_connection(visitor, receive, send)


async def serve_connection(visitor: Visitor, receive: Any, send: Any) -> None:
    """Serve one connection of `visitor` until either side closes the socket (`receive` and `send` as in ASGI)."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    if not hub.has_room(visitor.member_id):
        metrics.count_closed_socket(FLOODED, NO_CODE)
        await send({"type": "websocket.close", "code": FLOODED})
        return
    hello = {"type": "hello", "heartbeat": int(HEARTBEAT), "member": visitor.member_id}
    await send({"type": "websocket.send", "text": encode_frame(hello)})
    connection = SocketConnection(visitor, send, hub, hub.flow_of(visitor.member_id))
    hub.add_connection(connection)
    code = NO_CODE
    try:
        connection.start()
        while (message := await receive())["type"] == "websocket.receive":
            connection.handle_message(message.get("text"))
        code = int(message.get("code") or NO_CODE)
    finally:
        metrics.count_closed_socket(connection.code, code)
        # In this order: after the last connection the periodic jobs run once more, and see what apps do at its end.
        await connection.finish()
        await hub.remove_connection(connection)


def load_visitor(session_key: str) -> Visitor | None:
    """Return the member of the session, checked as for a page: session hash and backend included."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    member = get_user(request)
    # When the session hash was made with an old SECRET_KEY, get_user has renewed the session key.
    key = request.session.session_key
    if not member.is_authenticated or key is None:
        return None
    return Visitor(member.pk, key, member.get_session_auth_hash())


async def reject_handshake(receive: Any, send: Any) -> None:
    """Reject the handshake with 403, the only status that ASGI has for it."""
    metrics.sockets_refused.inc()
    await receive()
    await send({"type": "websocket.close"})


def is_own_origin(scope: Any) -> bool:
    """Return whether the page that opens the socket is of this site or of CSRF_TRUSTED_ORIGINS.

    Origins are compared with scheme and port, as Django does for forms (RFC 6455 10.2). Browsers always send an origin.
    """
    scheme = HTTP_SCHEMES.get(scope.get("scheme", "ws"), "http")
    request = ASGIRequest({**scope, "type": "http", "method": "GET", "scheme": scheme}, BytesIO())
    origin = request.headers.get("origin", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        return False
    return origin in {f"{request.scheme}://{host}", *settings.CSRF_TRUSTED_ORIGINS}
