"""Bodies under ASGI: counted while they arrive, refused before Django looks at them, by the pages' own refusal."""

import asyncio
from collections import deque
from typing import Any, cast

import pytest
from django.conf import settings
from django.db import OperationalError

from core.web.request_bodies.asgi_bodies import ascii_only
from professional_network.asgi import application
from tests.cases import all_cases
from users.models import User

from .socket_client import cookie_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_breakers")]

FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=limit"
CHUNK = b"x" * 65_536


class Client:
    """Sends a body in pieces, and counts what of it was taken."""

    def __init__(self, size: int) -> None:
        self.pieces = deque([CHUNK] * (size // len(CHUNK)) + [CHUNK[: size % len(CHUNK)]])
        self.taken = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if not self.pieces:
            await asyncio.Event().wait()  # the browser stays for the answer
        piece = self.pieces.popleft()
        self.taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def post(
        self, path: str, *, kind: bytes, length: str = "", cookie: str = "", query: bytes = b""
    ) -> int:
        """The status of the answer."""
        headers = [(b"host", b"testserver"), (b"content-type", kind), (b"cookie", cookie.encode())]
        headers += [(b"content-length", length.encode())] if length else []
        scope: Any = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": query,
            "headers": headers,
            "scheme": "http",
        }
        receive, send = cast(Any, self.receive), cast(Any, self.send)
        await application(scope, receive, send)
        return int(self.sent[0]["status"])


async def test_of_300_megabytes_of_a_stranger_next_to_nothing_is_read() -> None:
    with all_cases() as case:
        for length in ["", "314572800"]:
            for cookie in ["", "sessionid=" + "a" * 32]:
                with case((length, cookie)):
                    for path, kind in (
                        ("/accounts/login/", FORM),
                        ("/posts/", MULTIPART),
                        ("/nowhere/", b"text/plain"),
                    ):
                        client = Client(300 * 2**20)
                        assert await client.post(path, kind=kind, length=length, cookie=cookie) == 413
                        assert client.taken <= (0 if length else settings.REQUEST_MAX_FORM + len(CHUNK)), path
                        names = {name.lower() for name, _value in client.sent[0]["headers"]}
                        assert {b"content-security-policy", b"x-request-id"} <= names


async def test_no_kind_of_body_and_no_length_gets_round_the_limits() -> None:
    with all_cases() as case:
        with case("JSON has a smaller limit"):
            client = Client(settings.REQUEST_MAX_JSON + 1)
            assert await client.post("/messages/1/send/", kind=b"application/json") == 413
        with case("a length that lies does not help"):
            client = Client(2 * settings.REQUEST_MAX_FORM)
            assert await client.post("/accounts/login/", kind=FORM, length="5") == 413
        # A content type that Django cannot parse is none.
        for kind in (
            b"text/plain; charset*=nope''x",
            b"text/plain; charset*=utf-8''%00",
            b"text/plain; charset=\x00",
        ):
            with case(kind):
                assert await Client(10).post("/accounts/login/", kind=kind) == 403


async def test_members_upload_without_a_length_too(alice: User) -> None:
    cookie = await cookie_of(alice)
    size = 2 * settings.REQUEST_MAX_FORM
    # Taken, and then refused for want of a token.
    assert await Client(size).post("/posts/", kind=MULTIPART, cookie=cookie) == 403
    assert await Client(size).post("/posts/", kind=FORM, cookie=cookie) == 413
    assert await Client(size).post("/accounts/logout/", kind=MULTIPART, cookie=cookie) == 413
    over = Client(settings.REQUEST_MAX_BODY + 1)
    assert await over.post("/posts/", kind=MULTIPART, cookie=cookie) == 413


async def test_a_small_body_is_read_as_ever() -> None:
    client = Client(100)
    assert await client.post("/accounts/password/reset/", kind=FORM, length="100") in {200, 403}
    assert client.taken == 100


async def test_an_upload_during_a_database_outage_gets_503(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("core.web.request_bodies.body_limits.member_of_session", away)
    client = Client(2 * settings.REQUEST_MAX_FORM)
    assert await client.post("/posts/", kind=MULTIPART, cookie="sessionid=" + "a" * 32) == 503


async def test_a_query_of_any_bytes_is_answered() -> None:
    """Django decodes it as UTF-8, and wrote a trace for each one that is not."""
    for query in (b"q=\xff", b"q=\xed\xa0\x80", b"\xc3", b"q=%ed%a0%80", b"q=%ff"):
        assert await Client(0).post("/tags/circle/", kind=FORM, query=query) == 403
    assert ascii_only(b"a=\xff&b=1") == b"a=%FF&b=1"
