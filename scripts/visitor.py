"""A visitor of a site: a browser without a screen, that trusts the site's throw-away certificate."""

import logging
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import SimpleCookie
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

# It would write a line for each request into the log of whoever asks.
logging.getLogger("httpx").setLevel(logging.WARNING)

# No answer came: the connection broke, or the time was up.
NoAnswer = httpx.TransportError
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
FORM = "application/x-www-form-urlencoded"


class UnexpectedAnswer(Exception):
    """The site answers, but not what somebody at this page needs; the message says what."""


class Site(Protocol):
    """What is visited."""

    @property
    def origin(self) -> str:
        """Where it is: scheme, host and port."""

    @property
    def certificate(self) -> Path | None:
        """What to trust besides the authorities of this machine."""


@dataclass(frozen=True)
class Address:
    """A site of which nothing else is known."""

    origin: str
    certificate: Path | None = None


@dataclass(frozen=True)
class Answer:
    """What came back, as it was sent, and after how many seconds."""

    status: int
    headers: httpx.Headers
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        """The header, or "" when it is absent; what is sent twice stands there twice, with a comma between."""
        return ", ".join(self.headers.get_list(name))


def trusting(site: Site, *, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """TLS as a browser speaks it, which knows the certificate of the site."""
    context = ssl.create_default_context(cafile=site.certificate)
    context.set_alpn_protocols(list(protocols))
    return context


class Visitor:
    """Keeps cookies and one connection, as browsers do; follows no redirect by itself."""

    def __init__(self, site: Site, *, timeout: float = 20.0) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self._is_secure = urlsplit(site.origin).scheme == "https"
        context = trusting(site) if self._is_secure else False
        self._client = httpx.Client(base_url=site.origin, verify=context, timeout=timeout, trust_env=False)
        # Ours alone: a test says what else is sent.
        self._client.headers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; NoAnswer when none comes. `path` is sent as it is, dots and all."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Accept-Encoding": "identity", **({"Cookie": cookies} if cookies else {}), **(headers or {})}
        target = {"target": path.encode()}
        started = time.monotonic()
        with self._client.stream(method, "/", content=body, headers=sent, extensions=target) as response:
            content = b"".join(response.iter_raw())
        seconds = time.monotonic() - started
        # The client's own jar would send its cookies beside ours.
        self._client.cookies.clear()
        for line in response.headers.get_list("Set-Cookie"):
            self._keep(SimpleCookie(line))
        return Answer(response.status_code, response.headers, content, seconds)

    def _keep(self, cookies: SimpleCookie) -> None:
        for name, morsel in cookies.items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            elif self._is_secure or not morsel["secure"]:
                self.cookies[name] = morsel.value

    def get(self, path: str, **headers: str) -> Answer:
        """GET `path`."""
        return self.ask("GET", path, headers=headers)

    def token(self, page: str) -> str:
        """The token of the forms of a page; UnexpectedAnswer when it has none."""
        answer = self.get(page)
        found = TOKEN.search(answer.text)
        if not found:
            raise UnexpectedAnswer(f"{page} says {answer.status} and has no form")
        return found[1]

    def submit(self, page: str, path: str = "", /, **fields: str) -> Answer:
        """Send the form of `page` with `fields`, to `path` if it goes elsewhere; UnexpectedAnswer when it has none."""
        body = urlencode({"csrfmiddlewaretoken": self.token(page), **fields}).encode()
        headers = {"Content-Type": FORM, "Referer": self.site.origin + page}
        return self.ask("POST", path or page, body, headers)

    def follow(self, answer: Answer) -> Answer:
        """The page on which `answer` ends, which is a redirect within the site; UnexpectedAnswer when it is none."""
        if not 300 <= answer.status < 400:
            raise UnexpectedAnswer(f"{answer.status} is no redirect: {answer.text[:2000]}")
        target = urlsplit(urljoin(self.site.origin, answer.header("Location")))
        return self.get(target.path + (f"?{target.query}" if target.query else ""))

    def sign_in(self, name: str, password: str) -> Answer:
        """Sign in; UnexpectedAnswer when the site does not let us in."""
        answer = self.submit("/accounts/login/", login=name, password=password)
        if answer.status != HTTPStatus.FOUND or not any("session" in cookie for cookie in self.cookies):
            raise UnexpectedAnswer(f"signing in says {answer.status}: {answer.text[:2000]}")
        return answer
