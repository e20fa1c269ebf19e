"""A mail server that hangs: nobody waits for it, and what it did not take arrives when it is back (bar.md, faults)."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from scripts.servers import find_free_port
from scripts.stack import Stack
from scripts.visitor import Visitor
from tests.e2e.mailbox import Mailbox

from .conftest import FaultTable

FAULT = "mail server hangs"
# EMAIL_TIMEOUT is twice as long: a request that waited for the mail server would take more.
NOBODY_WAITS = 5.0
BACK_WITHIN = 60.0


@contextmanager
def silent_server(port: int) -> Iterator[None]:
    """It takes connections and says nothing."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        yield


@pytest.fixture
def mail_port(stack: Stack) -> Iterator[int]:
    """Where the servers of the stack look for their mail server for the time of the test."""
    port = find_free_port()
    before = use_mail_port(stack, port)
    yield port
    use_mail_port(stack, before)


def use_mail_port(stack: Stack, port: int) -> int:
    """Start gunicorn and the worker with another port of the mail server; return the former one."""
    former = 25
    for server in (stack.web, stack.work):
        assert server
        assert server.environment
        former = int(server.environment.get("EMAIL_PORT", former))
        server.environment["EMAIL_PORT"] = str(port)
        server.stop()
        server.start()
    return former


def test_nobody_waits_for_a_mail_server_that_hangs_and_its_mail_arrives_later(
    stack: Stack, mail_port: int, fault_table: FaultTable
) -> None:
    addresses = [f"person{number}@example.org" for number in range(12)]

    def ask_for_reset(address: str) -> float:
        with Visitor(stack, timeout=60) as visitor:
            response = visitor.submit_form("/accounts/password/reset/", email=address)
            assert response.status == 302, response.text[:500]
            return response.seconds

    with silent_server(mail_port):
        with ThreadPoolExecutor(len(addresses)) as pool:
            resets = list(pool.map(ask_for_reset, addresses))
        with Visitor(stack, timeout=60) as other:
            page = other.get("/accounts/login/").seconds
        # What waits outlives the processes that were asked to send it.
        stack.kill_workers()
        assert stack.work
        stack.work.kill()
        stack.work.start()
    fault_table.record_duration(FAULT, "slowest of 12 resets", max(resets), most=NOBODY_WAITS)
    fault_table.record_duration(FAULT, "a page of another visitor", page, most=NOBODY_WAITS)
    mailbox = Mailbox(mail_port)
    mailbox.start()
    try:
        for address in addresses:
            mailbox.wait_for(address, seconds=BACK_WITHIN)
    finally:
        mailbox.stop()
    assert [len(mailbox.sent_to(address)) for address in addresses] == [1] * len(addresses)
