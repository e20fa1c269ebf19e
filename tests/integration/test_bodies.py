"""Bodies that are too large, sent to each server as it runs: nginx, gunicorn with threads or on one port, daphne."""

import re
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.servers import HOST, Server, find_free_port
from scripts.stack import Stack, running_gunicorn
from scripts.visitor import Visitor, create_ssl_context

from .conftest import FaultTable
from .people import PASSWORD

MEBIBYTE = 1024 * 1024
PIECE = b"x" * MEBIBYTE
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=limit"


@pytest.fixture(scope="module")
def one_port(stack: Stack) -> Iterator[Server]:
    """gunicorn's asgi worker, which serves everything on one port."""
    folder = stack.site.folder.parent / "one-port"
    folder.mkdir()
    port = find_free_port()
    environment = {**stack.environment, "WEB_SERVER": "asgi", "WEB_CONCURRENCY": "1", "PORT": str(port)}
    with running_gunicorn(port, folder, environment) as server:
        yield server


def port_of(server: Server) -> int:
    return int((server.environment or {})["PORT"])


def answer_to(connection: socket.socket, head: str, *, chunked: bool, pieces: int) -> str:
    """The status line for a body that is sent for as long as it is taken."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {pieces * MEBIBYTE}"
    with connection:
        connection.settimeout(30)
        connection.sendall(f"{head}Host: localhost\r\nX-Forwarded-Proto: https\r\n{length}\r\n\r\n".encode())
        try:
            for _ in range(pieces):
                connection.sendall(b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
            if chunked:
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it has been closed; what was answered before can still be read
        return connection.recv(200).partition(b"\r\n")[0].decode()


def head(path: str, kind: str, cookie: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\nContent-Type: {kind}\r\nCookie: {cookie}\r\n"


def ports(stack: Stack, one_port: Server) -> dict[str, int]:
    return {"gunicorn": stack.site.web_port, "one port": port_of(one_port), "daphne": stack.site.ws_port}


def test_every_server_refuses_with_and_without_a_length(stack: Stack, one_port: Server) -> None:
    forged = "__Host-session=" + "a" * 32
    found = {
        (name, path, chunked, pieces): answer_to(
            socket.create_connection((HOST, port)), head(path, kind, forged), chunked=chunked, pieces=pieces
        )
        for name, port in ports(stack, one_port).items()
        for path, kind in (("/accounts/login/", FORM), ("/posts/", MULTIPART))
        for chunked in (False, True)
        for pieces in (2, 300)
    }
    # Twisted, below daphne, has looked at the parts before the application hears of them, and these are none.
    by_twisted = {("daphne", "/posts/", chunked, 2): "HTTP/1.1 400 Bad Request" for chunked in (False, True)}
    assert {case: line for case, line in found.items() if " 413 " not in line} == by_twisted


def test_nginx_refuses_with_and_without_a_length(stack: Stack) -> None:
    forged = "__Host-session=" + "a" * 32
    cases = (("/accounts/login/", FORM, forged), ("/posts/", FORM, forged), ("/posts/", MULTIPART, ""))
    found = {}
    for case in cases:
        for chunked in (False, True):
            secure = create_ssl_context(stack).wrap_socket(
                socket.create_connection((HOST, stack.site.https_port)), server_hostname="localhost"
            )
            found[case, chunked] = answer_to(secure, head(*case), chunked=chunked, pieces=2)
    assert {case: line for case, line in found.items() if " 413 " not in line} == {}


def test_an_endless_body_leaves_nothing_on_the_disk(one_port: Server, table: FaultTable) -> None:
    """Sent for as long as it is taken, and looked at while it is open."""
    (worker,) = one_port.children()
    before = _peak(worker)
    line = answer_to(
        socket.create_connection((HOST, port_of(one_port))),
        head("/accounts/login/", FORM),
        chunked=True,
        pieces=300,
    )
    assert " 413 " in line
    grown = _peak(worker) - before
    table.record_count("300 MB without a length, one port", "MB of memory more", grown)
    assert grown < 30


def _peak(pid: int) -> int:
    """The most memory that the process has held, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


@pytest.fixture
def member(stack: Stack) -> Iterator[Visitor]:
    with Visitor(stack) as visitor:
        visitor.sign_in("alice", PASSWORD)
        yield visitor


def test_a_member_uploads_through_nginx(member: Visitor) -> None:
    part = '--limit\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    fields = {"csrfmiddlewaretoken": member.get_csrf_token("/"), "text": "A plan", "audience": "1"}
    body = "".join(part.format(name, "") + value + "\r\n" for name, value in fields.items())
    body += part.format("document", '; filename="plan.pdf"') + "%PDF-1.7\n"
    content = body.encode() + PIECE * 2 + b"\r\n--limit--\r\n"
    headers = {"Content-Type": MULTIPART, "Referer": f"{member.site.origin}/"}
    assert member.send_request("POST", "/posts/", content, headers).status == 302
    # The same, as if it were no form with files.
    assert member.send_request("POST", "/posts/", content, {**headers, "Content-Type": FORM}).status == 413


def test_the_token_of_an_unsubscription_is_in_no_access_log(stack: Stack, one_port: Server) -> None:
    token = "secret-token-of-a-member"
    with Visitor(stack) as visitor:
        visitor.get(f"/notifications/unsubscribe/{token}/?x=1")
    connection = socket.create_connection((HOST, port_of(one_port)))
    connection.sendall(
        f"GET /notifications/unsubscribe/{token}/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    while connection.recv(4096):  # until it is closed: the line is written after the answer
        pass
    connection.close()
    masked = (
        "/notifications/unsubscribe/…",
        r"/notifications/unsubscribe/\xE2\x80\xA6",
    )  # as nginx writes it
    logs = [stack.site.folder / "linkup.log", stack.web.folder / "log", one_port.folder / "log"]
    for log in logs:
        text = read_log_with(log, masked)
        assert any(path in text for path in masked), log
        assert token not in text, log


def read_log_with(log: Path, words: Sequence[str]) -> str:
    """The log once it has one of the words, or after five seconds: a server writes the line after its answer."""
    end = time.monotonic() + 5
    while True:
        text = log.read_text(errors="replace")
        if any(each in text for each in words) or time.monotonic() > end:
            return text
        time.sleep(0.05)


def test_nginx_slows_those_who_try_passwords_and_nobody_else(stack: Stack) -> None:
    """At the doors 41 of eighty at once are served, half of these a little later, and ten more each second."""
    with Visitor(stack) as visitor:
        style = re.search(r'href="(/static/[^"]+\.css)"', visitor.get("/").text)
    assert style
    found = {path: _eighty_at_once(stack, path) for path in (style[1], "/nowhere/", "/admin/login/")}
    assert found[style[1]] == Counter({"200": 80})
    assert found["/nowhere/"] == Counter({"404": 80})
    assert found["/admin/login/"]["429"] >= 10


def test_visitors_who_hang_up_are_counted_until_they_are_answered(stack: Stack) -> None:
    """Or one who begins and gives up requests would have LinkUp work on as many as can be begun."""
    stack.web.pause()
    try:
        for _ in range(130):
            with _connected(stack) as secure:
                secure.sendall(b"GET /nowhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with _connected(stack) as secure:
            secure.sendall(b"GET /nowhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert secure.recv(200).split()[1] == b"429"
    finally:
        stack.web.resume()


def test_what_is_no_socket_never_reaches_the_server_of_sockets(stack: Stack, visitor: Visitor) -> None:
    stack.ws.pause()
    try:
        found = {path: visitor.get(path).status for path in ("/ws/", "/ws/nothing/", "/ws/?a=b")}
    finally:
        stack.ws.resume()
    assert set(found.values()) == {404}


def _connected(stack: Stack) -> ssl.SSLSocket:
    plain = socket.create_connection((HOST, stack.site.https_port), timeout=60)
    return create_ssl_context(stack).wrap_socket(plain, server_hostname="localhost")


def _eighty_at_once(stack: Stack, path: str) -> Counter[str]:
    with ExitStack() as exit_stack:
        sockets = [exit_stack.enter_context(_connected(stack)) for _ in range(80)]
        for secure in sockets:
            secure.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return Counter(secure.recv(200).split()[1].decode() for secure in sockets)
