"""A WebSocket's way into the house: its origin, its session, its member; and a clean refusal."""

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

from . import metrics
from .consumers import TabConsumer
from .database import in_database
from .drain import drain
from .sessions import Visitor

logger = logging.getLogger(__name__)

# The address of the one WebSocket of a tab.
PATH = "/ws/"
HTTP_SCHEMES = {"ws": "http", "wss": "https"}

serve = TabConsumer()


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application for WebSockets: one for each tab of a member, and everything else refused.

    Refused are other addresses, pages of other sites, visitors who have not signed in, and all while this server is
    about to stop.
    """
    visitor = None
    if scope["path"] == PATH and not drain.is_on and origin_is_ours(scope):
        visitor = await _visitor(scope)
    if visitor is None:
        await refuse(receive, send)
    else:
        await serve(visitor, receive, send)


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
