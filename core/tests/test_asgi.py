"""A WebSocket's way in: full origins only, the member of the session, and a clean refusal."""

import json
import logging
from typing import Any

import pytest
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.test import Client, override_settings
from django.urls import path
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.asgi import origin_is_ours, sockets
from core.database import in_database
from professional_network.asgi import application
from users.models import User

ORIGIN = "https://network.example.org"


def scope(origin: str | None, *, host: str = "network.example.org", proto: str = "https") -> dict[str, Any]:
    headers = [(b"host", host.encode("latin-1")), (b"x-forwarded-proto", proto.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode("latin-1")))
    return {"type": "websocket", "path": "/ws/", "scheme": "ws", "query_string": b"", "headers": headers}


@pytest.fixture(autouse=True)
def _as_in_production() -> Any:
    with override_settings(
        ALLOWED_HOSTS=["network.example.org", "localhost"],
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
        CSRF_TRUSTED_ORIGINS=["https://partner.example"],
    ):
        yield


@pytest.mark.parametrize(
    ("origin", "host", "proto"),
    [
        (ORIGIN, "network.example.org", "https"),
        ("https://localhost:8443", "localhost:8443", "https"),
        ("http://localhost:8000", "localhost:8000", "http"),
        ("https://partner.example", "network.example.org", "https"),
    ],
)
def test_our_own_pages_may_open_a_socket(origin: str, host: str, proto: str) -> None:
    assert origin_is_ours(scope(origin, host=host, proto=proto))


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://network.example.org",
        "https://network.example.org:8443",
        "https://network.example.org.evil.example",
        "https://evil.example",
        "https://[::1",
        "https://network.example.org/",
        "network.example.org",
    ],
)
def test_other_pages_may_not(origin: str | None) -> None:
    assert not origin_is_ours(scope(origin))


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
@example("https://[")
@settings(max_examples=200)
def test_no_other_text_passes_for_our_origin(origin: str) -> None:
    assert origin_is_ours(scope(origin)) == (origin in {ORIGIN, "https://partner.example"})


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
def test_a_page_of_a_host_that_is_not_ours_may_not(host: str) -> None:
    assert origin_is_ours(scope(f"https://{host}", host=host)) == (
        host.lower() in {"network.example.org", "localhost"}
        or host.lower().rpartition(":")[0] in {"network.example.org", "localhost"}
    )


class Hello(AsyncJsonWebsocketConsumer):
    """Says who is there."""

    async def connect(self) -> None:
        await self.accept()
        await self.send_json(str(self.scope["user"]))


hello: Any = Hello.as_asgi()


async def answer(application: Any, *, origin: str = ORIGIN, cookie: str = "", at: str = "/ws/") -> Any:
    """What a tab is told first, or None when it is refused."""
    headers = [*scope(origin)["headers"], (b"cookie", cookie.encode())]
    communicator = WebsocketCommunicator(application, at, headers=headers)
    connected, _ = await communicator.connect()
    said = json.loads(await communicator.receive_from()) if connected else None
    await communicator.disconnect()
    return said


@pytest.mark.django_db(transaction=True)
async def test_the_member_of_the_session_is_known(alice: User) -> None:
    client = Client()
    await in_database(client.force_login, alice)
    name = django_settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}"
    assert await answer(sockets([path("ws/", hello)]), cookie=cookie) == str(alice)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cookie", ["", "sessionid=forged", "sessionid="])
async def test_without_a_session_nobody_is(cookie: str) -> None:
    assert await answer(sockets([path("ws/", hello)]), cookie=cookie) == "AnonymousUser"


@pytest.mark.django_db(transaction=True)
async def test_a_suspended_member_is_nobody(alice: User) -> None:
    client = Client()
    await in_database(client.force_login, alice)
    alice.is_active = False
    await in_database(alice.save)
    name = django_settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}"
    assert await answer(sockets([path("ws/", hello)]), cookie=cookie) == "AnonymousUser"


async def test_a_foreign_page_is_refused_before_the_database_is_asked() -> None:
    assert await answer(sockets([path("ws/", hello)]), origin="https://evil.example") is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at", ["/ws/", "/ws/nothing/", "/", "/admin/"])
async def test_until_there_is_a_consumer_every_socket_is_refused_quietly(
    at: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await answer(application, at=at) is None
    assert caplog.records == []
