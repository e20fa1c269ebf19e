"""WebSockets through nginx and daphne: the product's own, with an app of the tests' beside the others (room.py)."""

import http.client
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from scripts.servers import HOST, find_free_port
from scripts.stack import Stack, running_gunicorn
from scripts.visitor import Visitor
from tests.testkit.websocket import SocketClosed, WebSocket

from .conftest import FaultTable
from .people import PASSWORD, make_people

# Longer than the five seconds after which a wrong client of Redis drops an idle socket.
IDLE_SECONDS = 8
PUBLISH = (
    "from core.sockets.publisher import publish; publish('tests.room', {'type': 'tests.look', 'id': %d})"
)
DATABASE_THREADS = 8


def publish_event(stack: Stack, number: int) -> None:
    """Publish an event from another process, as a request or a task would."""
    variables = stack.ws.environment or {}
    stack.run_manage_command(
        "shell", "--command", PUBLISH % number, CHANNEL_LAYER=variables.get("CHANNEL_LAYER", "core")
    )


@pytest.fixture(params=["core", pytest.param("pubsub", marks=pytest.mark.night)])
def layer(request: pytest.FixtureRequest, stack: Stack) -> Iterator[str]:
    """daphne with one of the two channel layers."""
    name: str = request.param
    assert stack.ws.environment is not None
    if name == "core":
        yield name
        return
    stack.ws.stop()
    stack.ws.environment["CHANNEL_LAYER"] = name
    stack.ws.start()
    yield name
    stack.ws.stop()
    del stack.ws.environment["CHANNEL_LAYER"]
    stack.ws.start()


def next_of(socket: WebSocket, kind: str, seconds: float = 10.0) -> dict[str, Any]:
    """The next frame of this type; others are passed over. TimeoutError when none comes."""
    until = time.monotonic() + seconds
    while True:
        frame = socket.receive(max(0.01, until - time.monotonic()))
        if frame["type"] == kind:
            return frame


def close_code(socket: WebSocket, seconds: float = 10.0) -> int:
    """The code with which the server closes."""
    with pytest.raises(SocketClosed) as closed:
        next_of(socket, "no such frame", seconds)
    code: int = closed.value.args[0]
    return code


def opened(visitor: Visitor) -> WebSocket:
    """An open tab; apps have greeted it."""
    socket = WebSocket.open_for(visitor)
    assert socket.receive()["type"] == "hello"
    socket.send({"type": "tests.count"})
    next_of(socket, "tests.counted")
    return socket


def log_of(stack: Stack) -> str:
    """What daphne has written so far."""
    return (stack.ws.folder / "log").read_text()


def test_a_socket_that_idles_for_long_still_receives(stack: Stack, alice: Visitor, layer: str) -> None:
    with opened(alice) as socket:
        time.sleep(IDLE_SECONDS)
        publish_event(stack, 7)
        assert next_of(socket, "tests.look")["id"] == 7


def test_an_event_that_daphne_does_not_know_closes_nothing(stack: Stack, alice: Visitor, layer: str) -> None:
    with opened(alice) as socket:
        stack.run_manage_command(
            "shell",
            "--command",
            "from core.sockets.publisher import publish; publish('tests.room', {'type': 'from.the.future', 'id': 1})",
            CHANNEL_LAYER=layer,
        )
        publish_event(stack, 8)
        assert next_of(socket, "tests.look")["id"] == 8


def test_who_has_not_signed_in_gets_no_socket(stack: Stack) -> None:
    with WebSocket(stack) as socket:
        assert socket.status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost",
        "https://localhost",
        "https://localhost.evil.example:8443",
        "null",
        "https://[::1",
        "",
    ],
)
def test_a_page_of_another_site_opens_no_socket(stack: Stack, origin: str) -> None:
    with WebSocket(stack, origin=origin) as socket:
        assert socket.status == 403


@pytest.mark.parametrize("path", ["/ws/nothing/", "/ws/../admin/", "/ws/%ff/"])
def test_an_unknown_socket_is_refused_without_an_error_in_the_log(stack: Stack, path: str) -> None:
    before = log_of(stack)
    with WebSocket(stack, path=path) as socket:
        assert socket.status in {403, 404}
    assert "Traceback" not in log_of(stack).removeprefix(before)


def test_signing_out_closes_the_socket(stack: Stack, alice: Visitor) -> None:
    with opened(alice) as socket:
        alice.submit_form("/accounts/logout/")
        assert close_code(socket, 5) == 4401


def test_frames_of_every_size_and_kind(stack: Stack, alice: Visitor) -> None:
    before = log_of(stack)
    with opened(alice) as socket:
        for said in (b"{", b"[]", b"1", b"[" * 60_000, b'{"type": NaN}', b'"' + b"x" * 60_000 + b'"'):
            socket.send_text(said)
            assert next_of(socket, "error") == {"type": "error", "reason": "malformed"}
        socket.send_bytes(b"\x00\xff")
        assert next_of(socket, "error")["reason"] == "malformed"
        socket.send({"type": "tests.count", "fill": "x" * 65_000})
        next_of(socket, "tests.counted")
        socket.send({"type": "tests.count", "fill": "x" * 65_536})
        assert close_code(socket) == 1009
    with opened(alice) as socket:
        socket.send_text(b"x" * 1_048_000)
        assert close_code(socket) == 1009
    with opened(alice) as socket:
        socket.send_text(b"\xff\xfe")  # not UTF-8: daphne drops the connection by itself
        assert close_code(socket) in {1007, 0}
    with opened(alice) as socket, suppress(OSError):
        socket.send_text(b"x" * 1_048_577)  # daphne closes while we are sending
        assert close_code(socket) in {1009, 0}
    assert "Traceback" not in log_of(stack).removeprefix(before)


def test_a_flood_of_frames_closes_the_socket_and_disturbs_nobody(stack: Stack, alice: Visitor) -> None:
    with Visitor(stack) as bob, ExitStack() as sockets:
        bob.sign_in("bob", PASSWORD)
        calm, loud = sockets.enter_context(opened(bob)), sockets.enter_context(opened(alice))
        with suppress(OSError):
            for _ in range(10_000):
                loud.send({"type": "tests.count"})
        with suppress(OSError):
            # Or nothing more than the end, when it came while we were still sending.
            assert close_code(loud) in {1008, 0}
        calm.send({"type": "tests.count"})
        next_of(calm, "tests.counted", 5)


@pytest.fixture(params=["daphne", "gunicorn"])
def socket_port(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[int]:
    """Where a server for sockets listens: daphne of the stack, or gunicorn serving everything on one port."""
    if request.param == "daphne":
        yield stack.site.ws_port
        return
    port = find_free_port()
    environment = {**stack.environment, "WEB_SERVER": "asgi", "WEB_CONCURRENCY": "1"}
    with running_gunicorn(port, tmp_path, environment):
        yield port


def test_frames_that_no_application_sees_are_counted(stack: Stack, socket_port: int) -> None:
    # 0x89: ping; 0x8a: pong; 0x01 opens a message in fragments, 0x00 goes on with it. All masked, all empty.
    floods = {
        "pings": b"\x89\x80\0\0\0\0" * 5000,
        "pongs": b"\x8a\x80\0\0\0\0" * 5000,
        "empty fragments": b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 5000,
    }
    with Visitor(stack) as bob:
        bob.sign_in("bob", PASSWORD)
        codes: dict[str, int | str] = {}
        for name, octets in floods.items():
            with WebSocket.open_for(bob, port=socket_port) as socket:
                assert socket.receive()["type"] == "hello"
                with suppress(OSError):
                    socket.send_raw(octets)
                try:
                    codes[name] = close_code(socket)
                except OSError as error:
                    codes[name] = repr(error)
    assert all(code in {1008, 0} or "Reset" in str(code) for code in codes.values()), codes


def test_pings_at_an_ordinary_rate_are_answered(stack: Stack, socket_port: int) -> None:
    with Visitor(stack) as bob:
        bob.sign_in("bob", PASSWORD)
        with WebSocket.open_for(bob, port=socket_port) as socket:
            socket.send_raw(b"\x89\x80\0\0\0\0" * 100)
            assert socket.receive()["type"] == "hello"
            socket.send({"type": "visible", "visible": True})
            with pytest.raises(TimeoutError):
                next_of(socket, "no such frame", 1)


def resident(stack: Stack) -> int:
    """The memory of daphne, in KiB."""
    assert stack.ws.process is not None
    lines = Path(f"/proc/{stack.ws.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_who_stops_reading_costs_little_and_is_told_later(
    stack: Stack, alice: Visitor, fault_table: FaultTable
) -> None:
    with opened(alice) as slow:
        before = resident(stack)
        for _ in range(50):  # 60 MB, if anybody sent them
            slow.send({"type": "tests.much"})
            time.sleep(0.05)
        grown = resident(stack) - before
        fault_table.record_count("60 MB for a tab that does not read", "memory of daphne, KiB", grown)
        assert grown < 8 * 1024
        until = time.monotonic() + 20
        while (frame := slow.receive())["type"] != "lagged" and time.monotonic() < until:
            if frame["type"] == "ping":
                slow.send({"type": "pong", "n": frame["n"]})
        assert frame["type"] == "lagged"
        slow.send({"type": "tests.count"})
        next_of(slow, "tests.counted")


def test_before_daphne_stops_every_tab_is_sent_elsewhere(
    stack: Stack, alice: Visitor, fault_table: FaultTable
) -> None:
    tabs = [opened(alice) for _ in range(10)]
    assert stack.ws.process is not None
    started = time.monotonic()
    stack.ws.process.send_signal(signal.SIGTERM)
    assert {close_code(tab) for tab in tabs} == {1012}
    for tab in tabs:
        tab.drop_connection()
    fault_table.record_duration(
        "SIGTERM to daphne", "10 tabs were sent elsewhere", time.monotonic() - started
    )
    assert stack.ws.process.wait(10) in {0, -signal.SIGTERM}
    fault_table.record_duration("SIGTERM to daphne", "it has ended", time.monotonic() - started)
    stack.ws.process = None
    stack.ws.start()


def test_a_drain_sends_every_tab_elsewhere_and_takes_no_new_ones(stack: Stack, alice: Visitor) -> None:
    with opened(alice) as socket:
        stack.run_manage_command("drain", "--seconds", "0")
        try:
            assert close_code(socket, 5) == 1012
            with WebSocket.open_for(alice) as another:
                assert another.status == 403
        finally:
            stack.run_manage_command("drain", "--off")
    with opened(alice):
        pass


def connections_of(stack: Stack) -> int:
    """How many connections PostgreSQL counts, ours for asking apart."""
    connection = psycopg2.connect(stack.postgres.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = 'linkup' AND pid <> pg_backend_pid()"
            )
            row = cursor.fetchone()
    finally:
        connection.close()
    assert row
    return int(row[0])


def connections_of_daphne(stack: Stack) -> int:
    """How many connections to PostgreSQL daphne has open, as the kernel tells; gunicorn's are others."""
    assert stack.ws.process
    port = urlsplit(stack.postgres.url).port or 0
    files = Path(f"/proc/{stack.ws.process.pid}/fd").iterdir()
    sockets = {name[8:-1] for name in map(os.readlink, files) if name.startswith("socket:[")}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[9] in sockets for row in rows)


def test_many_sockets_share_few_connections(stack: Stack, alice: Visitor, fault_table: FaultTable) -> None:
    stack.ws.stop()
    stack.ws.start()
    names = [f"listener{number}" for number in range(10)]
    make_people(stack, names)
    with ExitStack() as visitors:
        sockets = []
        for name in names:
            visitor = visitors.enter_context(Visitor(stack))
            visitor.sign_in(name, PASSWORD)
            sockets += [opened(visitor) for _ in range(3)]
        for socket in sockets:
            for _ in range(20):
                socket.send({"type": "tests.count"})
        for socket in sockets:
            assert len({next_of(socket, "tests.counted")["members"] for _ in range(20)}) == 1
            socket.drop_connection()
    used = connections_of_daphne(stack)
    fault_table.record_count("600 queries of 30 sockets", "connections of daphne", used)
    assert 1 <= used <= DATABASE_THREADS


def test_pages_under_daphne_leave_no_connection_behind(stack: Stack) -> None:
    """Not through nginx, which leaves sockets alone to daphne."""
    statuses = [page_of_daphne(stack) for _ in range(3)]
    before = connections_of(stack)
    statuses += [page_of_daphne(stack) for _ in range(20)]
    assert set(statuses) == {404}
    assert connections_of(stack) <= before


def page_of_daphne(stack: Stack) -> int:
    with closing(http.client.HTTPConnection(HOST, stack.site.ws_port, timeout=30)) as connection:
        connection.request("GET", "/ws/", headers={"Host": "localhost", "X-Forwarded-Proto": "https"})
        return connection.getresponse().status


def use_every_thread(socket: WebSocket) -> None:
    """More frames at once than there are threads, each of which asks the database."""
    for _ in range(3 * DATABASE_THREADS):
        socket.send({"type": "tests.count"})
    for _ in range(3 * DATABASE_THREADS):
        next_of(socket, "tests.counted")


def test_a_tab_that_only_listens_outlives_a_restart_of_postgresql(stack: Stack, alice: Visitor) -> None:
    # Two tabs: so many frames of one, twice in a second, would be a flood.
    with opened(alice) as socket, opened(alice) as another:
        use_every_thread(socket)
        stack.postgres.stop()
        stack.postgres.start()
        publish_event(stack, 11)
        frame = next_of(socket, "tests.look")
        assert (frame["id"], frame["members"] > 0) == (11, True)
        use_every_thread(another)


def test_sockets_stay_open_while_redis_is_away(
    stack: Stack, alice: Visitor, layer: str, fault_table: FaultTable
) -> None:
    with opened(alice) as socket:
        publish_event(stack, 1)
        assert next_of(socket, "tests.look")["id"] == 1
        stack.redis.stop()
        time.sleep(3)
        stack.redis.start()
        started = time.monotonic()
        for number in range(2, 30):
            publish_event(stack, number)
            with suppress(TimeoutError):
                next_of(socket, "tests.look", 0.5)
                break
        taken = time.monotonic() - started
        fault_table.record_duration(f"Redis restarted, {layer}", "hints flow again after", taken, most=10)


def test_a_socket_comes_back_after_daphne_was_killed(
    stack: Stack, alice: Visitor, fault_table: FaultTable
) -> None:
    stack.ws.kill()
    started = time.monotonic()
    with WebSocket.open_for(alice) as socket:
        assert socket.status == 503
    stack.ws.start()
    with opened(alice):
        pass
    fault_table.record_duration(
        "daphne kill -9", "sockets are back after (start included)", time.monotonic() - started
    )
