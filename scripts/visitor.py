"""An HTTP client that behaves as a browser: cookies, forms with CSRF tokens, the site's own certificate."""

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

# httpx would write a line for each request into the caller's log.
logging.getLogger("httpx").setLevel(logging.WARNING)

# The connection broke or timed out before a response.
NoResponse = httpx.TransportError
CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"


class UnexpectedResponse(Exception):
    """The response is not the one that the caller needs; the message says why."""


class Site(Protocol):
    """A site that a Visitor can open."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""

    @property
    def certificate(self) -> Path | None:
        """A certificate to trust besides the authorities of this machine."""


@dataclass(frozen=True)
class SimpleSite:
    """A site that is only an origin and perhaps a certificate."""

    origin: str
    certificate: Path | None = None


@dataclass(frozen=True)
class Response:
    """A response: body and headers as received, and the seconds that it took."""

    status: int
    headers: httpx.Headers
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        """Return the header, "" when it is absent; the values of a repeated header are joined with commas."""
        return ", ".join(self.headers.get_list(name))


def create_ssl_context(site: Site, *, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """Return a TLS context that trusts the certificate of the site."""
    context = ssl.create_default_context(cafile=site.certificate)
    context.set_alpn_protocols(list(protocols))
    return context


class Visitor:
    """Keeps cookies and one connection, as browsers do; follows no redirect by itself."""

    def __init__(self, site: Site, *, timeout: float = 20.0) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self._is_secure = urlsplit(site.origin).scheme == "https"
        context = create_ssl_context(site) if self._is_secure else False
        self._client = httpx.Client(base_url=site.origin, verify=context, timeout=timeout, trust_env=False)
        # No default headers: each test decides which headers are sent.
        self._client.headers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send_request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request; raises NoResponse. `path` is sent unchanged, dots included."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Accept-Encoding": "identity", **({"Cookie": cookies} if cookies else {}), **(headers or {})}
        target = {"target": path.encode()}
        started = time.monotonic()
        with self._client.stream(method, "/", content=body, headers=sent, extensions=target) as received:
            content = b"".join(received.iter_raw())
        seconds = time.monotonic() - started
        # Else httpx would also send the cookies that it stores itself.
        self._client.cookies.clear()
        for line in received.headers.get_list("Set-Cookie"):
            self._store_cookies(SimpleCookie(line))
        return Response(received.status_code, received.headers, content, seconds)

    def _store_cookies(self, cookies: SimpleCookie) -> None:
        for name, morsel in cookies.items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            elif self._is_secure or not morsel["secure"]:
                self.cookies[name] = morsel.value

    def get(self, path: str, **headers: str) -> Response:
        """Send a GET request for `path`."""
        return self.send_request("GET", path, headers=headers)

    def get_csrf_token(self, page: str) -> str:
        """Return the CSRF token of a page; raises UnexpectedResponse when it has none."""
        response = self.get(page)
        found = CSRF_TOKEN.search(response.text)
        if not found:
            raise UnexpectedResponse(f"{page} returned {response.status} and has no form")
        return found[1]

    def submit_form(self, page: str, path: str = "", /, **fields: str) -> Response:
        """POST the form of `page` with `fields`, to `path` if given; raises UnexpectedResponse without a form."""
        body = urlencode({"csrfmiddlewaretoken": self.get_csrf_token(page), **fields}).encode()
        headers = {"Content-Type": FORM_CONTENT_TYPE, "Referer": self.site.origin + page}
        return self.send_request("POST", path or page, body, headers)

    def follow_redirect(self, response: Response) -> Response:
        """Return the target of a redirect within the site; raises UnexpectedResponse for other responses."""
        if not 300 <= response.status < 400:
            raise UnexpectedResponse(f"{response.status} is no redirect: {response.text[:2000]}")
        target = urlsplit(urljoin(self.site.origin, response.header("Location")))
        return self.get(target.path + (f"?{target.query}" if target.query else ""))

    def sign_in(self, name: str, password: str) -> Response:
        """Sign in; raises UnexpectedResponse when sign-in fails."""
        response = self.submit_form("/accounts/login/", login=name, password=password)
        if response.status != HTTPStatus.FOUND or not any("session" in cookie for cookie in self.cookies):
            raise UnexpectedResponse(f"signing in returned {response.status}: {response.text[:2000]}")
        return response
