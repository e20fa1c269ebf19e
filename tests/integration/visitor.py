"""A visitor of the stack: a browser without a screen, that trusts the throw-away certificate."""

import http.client
import re
import ssl
import time
from dataclasses import dataclass
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

from scripts.stack import Stack


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        """The header, or "" when it is absent."""
        return self.headers.get(name, "")


def trusting(stack: Stack, *, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """TLS as a browser speaks it, which knows this run's certificate."""
    context = ssl.create_default_context(cafile=str(stack.certificate))
    context.set_alpn_protocols(list(protocols))
    return context


class Visitor:
    """Keeps cookies and one connection, as browsers do."""

    def __init__(self, stack: Stack, *, timeout: float = 15.0) -> None:
        self.stack = stack
        self.cookies: dict[str, str] = {}
        self._context = trusting(stack)
        self._timeout = timeout
        self._connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request through nginx; OSError or HTTPException when no answer comes."""
        parts = urlsplit(self.stack.origin)
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=self._timeout, context=self._context
            )
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        started = time.monotonic()
        try:
            self._connection.request(method, path, body, {**sent, **(headers or {})})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.leave()
            raise
        for line in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        if response.will_close:
            self.leave()
        return Answer(response.status, response.headers, content, time.monotonic() - started)

    def get(self, path: str, **headers: str) -> Answer:
        """GET `path`."""
        return self.ask("GET", path, headers=headers)

    def submit(self, path: str, **fields: str) -> Answer:
        """Open the page `path` and send its form with `fields`."""
        page = self.get(path)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert found, f"no form on {path}: {page.status}"
        body = urlencode({"csrfmiddlewaretoken": found[1], **fields}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.stack.origin + path}
        return self.ask("POST", path, body, kind)

    def sign_in(self, name: str, password: str) -> Answer:
        """Sign in and check that the house let us in."""
        answer = self.submit("/accounts/login/", login=name, password=password)
        assert answer.status == http.HTTPStatus.FOUND, answer.text[:2000]
        assert "__Host-session" in self.cookies
        return answer
