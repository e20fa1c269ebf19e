"""nginx in front: TLS, static files, limits, and what it closes."""

import gzip
import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.servers import HOST
from scripts.stack import Stack
from scripts.visitor import Visitor, create_ssl_context

from .conftest import FaultTable

MEBIBYTE = 1024 * 1024


def plain(
    stack: Stack, path: str, *, host: str = "localhost", method: str = "GET"
) -> http.client.HTTPResponse:
    """A request over plain HTTP, with any Host."""
    connection = http.client.HTTPConnection(HOST, stack.site.http_port, timeout=5)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_the_home_page_is_served(visitor: Visitor) -> None:
    response = visitor.get("/")
    assert response.status == 200
    assert "LinkUp" in response.text
    assert response.header("Strict-Transport-Security") == "max-age=31536000; includeSubDomains; preload"


def test_browsers_get_http_2(stack: Stack) -> None:
    with socket.create_connection((HOST, stack.site.https_port)) as plain_socket:
        context = create_ssl_context(stack, protocols=("h2", "http/1.1"))
        with context.wrap_socket(plain_socket, server_hostname="localhost") as secure:
            assert secure.selected_alpn_protocol() == "h2"
            assert secure.version() == "TLSv1.3"


def static_names(visitor: Visitor) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', visitor.get("/").text)


def test_static_files_come_compressed_and_are_kept_for_ever(visitor: Visitor) -> None:
    names = static_names(visitor)
    assert names
    for name in names:
        response = visitor.get(name, **{"Accept-Encoding": "gzip"})
        assert (name, response.status) == (name, 200)
        assert response.header("Cache-Control") == "public, max-age=31536000, immutable"
        assert response.header("X-Content-Type-Options") == "nosniff"
        assert re.search(r"\.[0-9a-f]{12}\.", name)
    style = visitor.get(next(name for name in names if name.endswith(".css")), **{"Accept-Encoding": "gzip"})
    assert style.header("Content-Encoding") == "gzip"
    assert gzip.decompress(style.body)


def test_a_static_file_that_is_not_there_is_a_404(visitor: Visitor) -> None:
    assert visitor.get("/static/theme/nothing.0123456789ab.css").status == 404


def test_plain_http_leads_to_https(stack: Stack) -> None:
    response = plain(stack, "/accounts/login/?next=/")
    assert response.status == 301
    assert response.headers["Location"] == f"{stack.origin}/accounts/login/?next=/"


@pytest.mark.parametrize("host", ["localhost", "10.1.2.3", "evil.example"])
@pytest.mark.parametrize("path", ["/health/", "/health/db/", "/health/redis/", "/readiness/"])
def test_monitors_ask_over_plain_http_with_any_host(stack: Stack, host: str, path: str) -> None:
    assert plain(stack, path, host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "10.1.2.3", "localhost.evil.example"])
def test_a_request_for_another_name_is_closed_without_an_answer(stack: Stack, host: str) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        plain(stack, "/", host=host)


@pytest.mark.parametrize("name", ["evil.example", None])
def test_tls_for_another_name_is_refused(stack: Stack, name: str | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((HOST, stack.site.https_port)) as plain_socket, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain_socket, server_hostname=name)


def test_another_host_inside_our_tls_is_no_site_of_ours(visitor: Visitor) -> None:
    parts = urlsplit(visitor.site.origin)
    connection = http.client.HTTPSConnection(
        "localhost", parts.port, context=create_ssl_context(visitor.site)
    )
    connection.putrequest("GET", "/", skip_host=True)
    connection.putheader("Host", "evil.example")
    connection.endheaders()
    # Misdirected Request (RFC 9110 15.5.20): the name of TLS and that of HTTP are of different servers.
    assert connection.getresponse().status == 421
    connection.close()


def test_a_body_of_300_megabytes_is_refused_at_once(stack: Stack, fault_table: FaultTable) -> None:
    started = time.monotonic()
    plain_socket = socket.create_connection((HOST, stack.site.https_port), timeout=10)
    with create_ssl_context(stack).wrap_socket(plain_socket, server_hostname="localhost") as secure:
        secure.sendall(
            b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            % (300 * MEBIBYTE)
        )
        secure.sendall(b"x" * 65536)
        head = secure.recv(65536).decode()
    fault_table.record_duration("300 MB body", "413 after", time.monotonic() - started)
    assert head.startswith("HTTP/1.1 413 ")
    assert "Content-Security-Policy: default-src 'none'" in head


@pytest.fixture
def slow_clients(stack: Stack) -> Iterator[int]:
    """A hundred at five other addresses who send a header byte by byte, and a body that never comes."""
    with ExitStack() as exit_stack:
        for number in range(100):
            elsewhere = (f"127.0.0.{2 + number % 5}", 0)
            plain_socket = socket.create_connection(
                (HOST, stack.site.https_port), timeout=10, source_address=elsewhere
            )
            secure = exit_stack.enter_context(
                create_ssl_context(stack).wrap_socket(plain_socket, server_hostname="localhost")
            )
            half = (
                b"GET / HTTP/1.1\r\nHost: local"
                if number % 2
                else (
                    b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nlogin="
                )
            )
            secure.sendall(half)
        yield 100


def test_others_are_served_beside_a_hundred_slow_clients(
    slow_clients: int, visitor: Visitor, fault_table: FaultTable
) -> None:
    answers = [visitor.get("/accounts/login/") for _ in range(20)]
    assert {response.status for response in answers} == {200}
    slowest = max(response.seconds for response in answers)
    fault_table.record_duration("100 slow clients", "slowest page for others", slowest, most=5)


def upload(stack: Stack, name: str, content: bytes) -> Path:
    path = stack.site.media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("photos/aa/aa11.webp", "image/webp", ""),
        ("documents/aa/page.html", "application/octet-stream", "attachment"),
        ("documents/aa/drawing.svg", "application/octet-stream", "attachment"),
    ],
)
def test_public_uploads_never_run(
    stack: Stack, visitor: Visitor, name: str, kind: str, disposition: str
) -> None:
    upload(stack, name, b"<script>alert(1)</script>")
    response = visitor.get(f"/media/{name}")
    assert (response.status, response.header("Content-Type")) == (200, kind)
    assert response.header("Content-Disposition") == disposition
    assert response.header("X-Content-Type-Options") == "nosniff"
    assert "sandbox" in response.header("Content-Security-Policy")


@pytest.mark.parametrize(
    "path",
    [
        "/media/private/documents/aa/secret.pdf",
        "/media/PRIVATE/documents/aa/secret.pdf",
        "/media/photos/../private/documents/aa/secret.pdf",
        "/media/photos/%2e%2e/private/documents/aa/secret.pdf",
        "/media//private/documents/aa/secret.pdf",
        "/media/./private/documents/aa/secret.pdf",
        "/protected-media/private/documents/aa/secret.pdf",
        "/media/.hidden",
    ],
)
def test_private_uploads_have_no_address(stack: Stack, visitor: Visitor, path: str) -> None:
    upload(stack, "private/documents/aa/secret.pdf", b"for some only")
    upload(stack, ".hidden", b"for nobody")
    assert visitor.get(path).status in {400, 404}


def test_what_a_visitor_says_of_the_way_here_is_not_believed(visitor: Visitor) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Request-ID": "forged-by-a-visitor",
        "Forwarded": "for=6.6.6.6;host=evil.example;proto=http",
    }
    response = visitor.get("/accounts/login/", **forged)
    assert response.status == 200
    assert "evil.example" not in response.text
    assert response.header("X-Request-ID") not in {"", "forged-by-a-visitor"}


def test_no_log_knows_a_key_from_a_link_of_a_mail(stack: Stack, visitor: Visitor) -> None:
    visitor.get("/accounts/password/reset/key/3-c0ffee-0123456789abcdef/?token=hush")
    visitor.get("/accounts/confirm-email/MzI:1abcde:0123456789abcdef/")
    for log in (stack.site.folder / "linkup.log", stack.web.folder / "log"):
        text = log.read_text()
        assert "/accounts/password/…" in text or "/accounts/password" in text
        assert "0123456789abcdef" not in text
        assert "hush" not in text
