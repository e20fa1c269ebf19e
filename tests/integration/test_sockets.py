"""WebSockets through nginx and daphne, with a consumer of the tests' own (room.py)."""

import time
from collections.abc import Iterator

import psycopg2
import pytest

from scripts.stack import Stack

from .conftest import FaultTable
from .visitor import Visitor
from .websocket import WebSocket

# Longer than the five seconds after which a wrong client of Redis drops an idle socket.
IDLE_SECONDS = 8
TELL = "from core.realtime import publish; publish('tests.room', {'type': 'look', 'id': %d})"
DATABASE_THREADS = 8


def tell(stack: Stack, number: int) -> None:
    """Publish an event from another process, as a request or a task would."""
    variables = stack.ws.environment or {}
    stack.manage("shell", "--command", TELL % number, CHANNEL_LAYER=variables.get("CHANNEL_LAYER", "core"))


@pytest.fixture(params=["core", "pubsub"])
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


def test_a_socket_that_idles_for_long_still_receives(stack: Stack, alice: Visitor, layer: str) -> None:
    with WebSocket.of(alice) as socket:
        assert socket.receive() == {"type": "hello", "member": "alice"}
        time.sleep(IDLE_SECONDS)
        tell(stack, 7)
        frame = socket.receive()
        assert (frame["type"], frame["id"]) == ("look", 7)


def test_who_has_not_signed_in_is_anonymous(stack: Stack) -> None:
    with WebSocket(stack) as socket:
        assert socket.receive() == {"type": "hello", "member": "AnonymousUser"}


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
    with WebSocket(stack, Origin=origin) as socket:
        assert socket.status == 403


@pytest.mark.parametrize("path", ["/ws/nothing/", "/ws/../admin/", "/ws/%ff/"])
def test_an_unknown_socket_is_refused_without_an_error_in_the_log(stack: Stack, path: str) -> None:
    log = stack.ws.folder / "log"
    before = log.read_text()
    with WebSocket(stack, path=path) as socket:
        assert socket.status in {403, 404}
    assert "Traceback" not in log.read_text().removeprefix(before)


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


def test_many_sockets_share_few_connections(stack: Stack, fault_table: FaultTable) -> None:
    stack.ws.stop()
    before = connections_of(stack)
    stack.ws.start()
    sockets = [WebSocket(stack) for _ in range(30)]
    for socket in sockets:
        assert socket.receive()["type"] == "hello"
        socket.send({"times": 20})
    for socket in sockets:
        assert len(set(socket.receive()["counts"])) == 1
        socket.__exit__(None, None, None)
    used = connections_of(stack) - before
    fault_table.count("600 queries of 30 sockets", "connections of daphne", used)
    assert 1 <= used <= DATABASE_THREADS


def test_pages_under_daphne_leave_no_connection_behind(stack: Stack, visitor: Visitor) -> None:
    for _ in range(3):
        visitor.get("/ws/")
    before = connections_of(stack)
    for _ in range(20):
        assert visitor.get("/ws/").status == 404
    assert connections_of(stack) <= before


def test_a_consumer_that_only_sends_outlives_a_restart_of_postgresql(stack: Stack, alice: Visitor) -> None:
    with WebSocket.of(alice) as socket:
        socket.receive()
        socket.send({"times": 3 * DATABASE_THREADS})
        assert socket.receive()["type"] == "counts"
        stack.postgres.stop()
        stack.postgres.start()
        tell(stack, 11)
        frame = socket.receive()
        assert (frame["type"], frame["id"], frame["members"] > 0) == ("look", 11, True)
        socket.send({"times": 3 * DATABASE_THREADS})
        assert len(socket.receive()["counts"]) == 3 * DATABASE_THREADS


def test_a_socket_comes_back_after_daphne_was_killed(
    stack: Stack, alice: Visitor, fault_table: FaultTable
) -> None:
    stack.ws.kill()
    started = time.monotonic()
    with WebSocket.of(alice) as socket:
        assert socket.status == 503
    stack.ws.start()
    with WebSocket.of(alice) as socket:
        assert socket.receive()["type"] == "hello"
    fault_table.note("daphne kill -9", "sockets are back after (start included)", time.monotonic() - started)
