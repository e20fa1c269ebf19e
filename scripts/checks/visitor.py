"""A visitor of the site: a browser without a screen, that trusts the throw-away certificate."""

import base64
import http.client
import re
import secrets
import ssl
from http.cookies import SimpleCookie
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlencode, urlsplit

from .rows import CheckFailed

SECONDS = 20


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Visitor:
    """Keeps cookies and one connection, as browsers do."""

    def __init__(self, origin: str, certificate: Path | None) -> None:
        self._origin = origin
        self._cookies: dict[str, str] = {}
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
        self._connection = (
            http.client.HTTPSConnection(
                host, port, timeout=SECONDS, context=ssl.create_default_context(cafile=certificate)
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=SECONDS)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _headers(self, **more: str) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {**({"Cookie": cookies} if cookies else {}), **more}

    def get(self, path: str) -> Answer:
        """GET `path`; OSError or HTTPException when no answer comes."""
        return self._ask("GET", path, None, self._headers())

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        for line in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        return Answer(response.status, content)

    def submit(self, path: str, **fields: str) -> Answer:
        """Open the page `path` and send its form with `fields`; CheckFailed when it has none."""
        page = self.get(path)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if not found:
            raise CheckFailed(f"{path} says {page.status} and has no form")
        body = urlencode({"csrfmiddlewaretoken": found[1], **fields}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Referer": self._origin + path}
        return self._ask("POST", path, body, self._headers(**kind))

    def sign_in(self, name: str, password: str) -> None:
        """Sign in; CheckFailed when the site does not let us in."""
        answer = self.submit("/accounts/login/", login=name, password=password)
        if answer.status != http.HTTPStatus.FOUND:
            raise CheckFailed(f"signing in says {answer.status}")

    def shake_hands(self) -> int:
        """The status of a WebSocket's handshake: 101 when it opens. The connection is of no use afterwards."""
        wanted = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Origin": self._origin,
        }
        self._connection.request("GET", "/ws/", headers=self._headers(**wanted))
        status = self._connection.getresponse().status
        self._connection.close()
        return status
