"""A WebSocket's way into the house: its origin, its session, its member; and a clean refusal."""

import logging
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from channels.routing import URLRouter
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpRequest
from django.urls import re_path

from .database import in_database

logger = logging.getLogger(__name__)

HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def sockets(routes: Sequence[Any]) -> Any:
    """The ASGI application for WebSockets: `routes` behind the checks, and everything else refused.

    A consumer finds the member (or AnonymousUser) in `scope["user"]` and the session in `scope["session"]`.
    """
    anything_else: Any = refuse  # a view by the types of `re_path`, an ASGI application by those of URLRouter
    known: list[Any] = [*routes, re_path("", anything_else)]
    inside = URLRouter(known)
    return RefuseForeignOrigins(CookieMiddleware(SessionMiddleware(KnowMember(inside))))


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answer the handshake with 403, the one refusal that ASGI knows for a socket that is not open yet."""
    await receive()
    await send({"type": "websocket.close"})


def origin_is_ours(scope: Any) -> bool:
    """Whether the page that opens the socket is one of this site, or of CSRF_TRUSTED_ORIGINS.

    Full origins are compared, scheme and port too, as Django does for forms. What sends none is no browser of ours.
    """
    scheme = HTTP_SCHEMES.get(scope.get("scheme", "ws"), "http")
    request = ASGIRequest({**scope, "type": "http", "method": "GET", "scheme": scheme}, BytesIO())
    origin = request.headers.get("origin", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        return False
    return origin in {f"{request.scheme}://{host}", *settings.CSRF_TRUSTED_ORIGINS}


class RefuseForeignOrigins:
    """Lets no other site's page speak for a member whose cookie the browser sends along (RFC 6455 10.2)."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if origin_is_ours(scope):
            await self.inside(scope, receive, send)
        else:
            await refuse(scope, receive, send)


def _member_of(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Who is signed in by `session`: checked as for a page, session hash and backend included."""
    request = HttpRequest()
    request.session = session
    return get_user(request)


class KnowMember:
    """Puts the member into `scope["user"]`, read on a kept connection of the pool."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            member = await in_database(_member_of, scope["session"])
        except DatabaseError as error:
            # The tab tries again by itself.
            logger.warning("a socket was refused: the database does not answer (%s)", type(error).__name__)
            await refuse(scope, receive, send)
            return
        await self.inside({**scope, "user": member}, receive, send)
