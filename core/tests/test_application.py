"""A WebSocket's way in: full origins only, the member of the session, and a clean refusal."""

import logging
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from core.database.thread_pool import in_database
from core.sockets.application import is_own_origin, socket_application
from professional_network.asgi import application
from tests.cases import all_cases
from tests.cast import make_member
from users.models import User

from .socket_client import Refused, SocketClient, cookie_of

pytestmark = pytest.mark.usefixtures("registry", "fresh_breakers")

ORIGIN = "https://network.example.org"


def scope(origin: str | None, *, host: str = "network.example.org", proto: str = "https") -> dict[str, Any]:
    headers = [(b"host", host.encode("latin-1")), (b"x-forwarded-proto", proto.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode("latin-1")))
    return {"type": "websocket", "path": "/ws/", "scheme": "ws", "query_string": b"", "headers": headers}


@pytest.fixture(autouse=True)
def _as_in_production() -> Any:
    with override_settings(
        ALLOWED_HOSTS=["network.example.org", "localhost", "testserver"],
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
        CSRF_TRUSTED_ORIGINS=["https://partner.example"],
    ):
        yield


def test_our_own_pages_may_open_a_socket_and_other_pages_may_not() -> None:
    with all_cases() as case:
        for origin, host, proto in [
            (ORIGIN, "network.example.org", "https"),
            ("https://localhost:8443", "localhost:8443", "https"),
            ("http://localhost:8000", "localhost:8000", "http"),
            ("https://partner.example", "network.example.org", "https"),
        ]:
            with case((origin, host, proto)):
                assert is_own_origin(scope(origin, host=host, proto=proto))
        for foreign in [
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
        ]:
            with case(foreign):
                assert not is_own_origin(scope(foreign))


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
@example("https://[")
def test_no_other_text_passes_for_our_origin(origin: str) -> None:
    assert is_own_origin(scope(origin)) == (origin in {ORIGIN, "https://partner.example"})


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
def test_a_page_of_a_host_that_is_not_ours_may_not(host: str) -> None:
    assert is_own_origin(scope(f"https://{host}", host=host)) == (
        host.lower() in {"network.example.org", "localhost", "testserver"}
        or host.lower().rpartition(":")[0] in {"network.example.org", "localhost", "testserver"}
    )


async def greeting(cookie: str, *, origin: str = "http://testserver", path: str = "/ws/") -> dict[str, Any]:
    """Return the first frame of a tab; raises Refused."""
    async with SocketClient(cookie, origin=origin, path=path) as tab:
        await tab.open()
        return await tab.next()


@pytest.mark.django_db(transaction=True)
async def test_the_member_of_the_session_is_known(alice: User) -> None:
    with all_cases() as case:
        with case("the member of the session is known"):
            assert (await greeting(await cookie_of(alice)))["member"] == alice.pk
        with case("the cookie is found among others"):
            cookie = f"theme=dark; {await cookie_of(alice)}; csrftoken=abc"
            assert (await greeting(cookie))["member"] == alice.pk
        with case("a session of an old key opens a socket"):
            cookie = await cookie_of(alice)
            with override_settings(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=[django_settings.SECRET_KEY]):
                async with SocketClient(cookie) as tab:
                    await tab.open()
                    assert (await tab.next())["member"] == alice.pk


@pytest.mark.django_db(transaction=True)
async def test_without_a_session_from_a_foreign_page_and_at_another_address_there_is_no_socket(
    caplog: pytest.LogCaptureFixture, alice: User
) -> None:
    with all_cases() as case:
        for cookie in ["", "sessionid=forged", "sessionid=", "sessionid", "é=è", 'sessionid="a b"']:
            with case(cookie):
                caplog.clear()
                with pytest.raises(Refused):
                    await greeting(cookie)
                assert caplog.records == []
        for origin in ["https://evil.example", "", "null", "https://testserver"]:
            with case(origin), pytest.raises(Refused):
                await greeting(await cookie_of(alice), origin=origin)
        cookie = await cookie_of(alice)
        for at in ["/ws", "/ws/nothing/", "/", "/admin/", "//ws/"]:
            with case(at):
                caplog.clear()
                with caplog.at_level(logging.WARNING), pytest.raises(Refused):
                    await greeting(cookie, path=at)
                assert caplog.records == []


def deactivate(member: User) -> None:
    User.objects.filter(pk=member.pk).update(is_active=False)


def suspend(member: User) -> None:
    User.objects.filter(pk=member.pk).update(suspended_at=timezone.now())


def change_password(member: User) -> None:
    member.set_password("another-long-password")
    member.save()


@pytest.mark.django_db(transaction=True)
async def test_who_may_not_be_signed_in_gets_no_socket() -> None:
    with all_cases() as case:
        for end in [deactivate, suspend, change_password]:
            with case(end.__name__):
                member = await in_database(make_member, end.__name__)
                cookie = await cookie_of(member)
                await in_database(end, member)
                with pytest.raises(Refused):
                    await greeting(cookie)


async def test_a_foreign_page_is_refused_before_the_database_is_asked() -> None:
    with pytest.raises(Refused):
        await greeting("sessionid=whatever", origin="https://evil.example")


async def test_with_the_database_away_a_socket_is_refused_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(session_key: str) -> None:
        raise OperationalError("secret address")

    monkeypatch.setattr("core.sockets.application.load_visitor", away)
    with pytest.raises(Refused):
        await greeting("sessionid=whatever")
    assert "the database does not answer (OperationalError)" in caplog.text
    assert "secret address" not in caplog.text
    assert "whatever" not in caplog.text


def test_the_server_serves_them() -> None:
    assert application.application_mapping["websocket"] is socket_application
