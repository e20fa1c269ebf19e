"""A mail server that hangs: nobody waits for it, and what it did not take arrives when it is back (bar.md, faults)."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from scripts.servers import find_free_port
from scripts.stack import Stack
from scripts.visitor import Visitor
from tests.e2e.mailbox import Mailbox
from tests.testkit.websocket import WebSocket

from .conftest import FaultTable
from .people import PASSWORD

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


@pytest.fixture(scope="module")
def mail_port(stack: Stack) -> Iterator[int]:
    """Where the servers of the stack look for their mail server for the time of these tests."""
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


MANY = 50
# Connections of "speaker", who is no new member: new ones may mention 20 people a day.
CROWD = """
from datetime import timedelta
from django.utils import timezone
from feed.services import publish_post
from network.models import Connection
from users.models import User
joined = timezone.now() - timedelta(days=30)
speaker = User.objects.create_user("speaker", "speaker@example.org", %r, joined_at=joined)
for number in range(%d):
    name = f"listener{number}"
    listener = User.objects.create_user(name, f"{name}@example.org", None, joined_at=joined)
    # The same hash: computing 50 takes a quarter of a minute.
    User.objects.filter(pk=listener.pk).update(password=speaker.password)
    Connection.objects.create(low=speaker, high=listener, inviter=speaker, state=Connection.State.CONNECTED)
print(publish_post(author=speaker, text="Hello").pk)
"""
LISTENERS = [f"listener{number}" for number in range(MANY)]


def test_acts_that_send_mail_are_answered_while_the_mail_server_hangs(
    stack: Stack, mail_port: int, fault_table: FaultTable
) -> None:
    printed = stack.run_manage_command("shell", "--command", CROWD % (PASSWORD, MANY))
    path = f"/posts/{printed.split()[-1]}/comment/"
    mentions = " ".join(f"@{name}" for name in LISTENERS)
    with (
        Visitor(stack, timeout=60) as newcomer,
        Visitor(stack, timeout=60) as speaker,
        Visitor(stack, timeout=60) as listener,
    ):
        speaker.sign_in("speaker", PASSWORD)
        listener.sign_in(LISTENERS[-1], PASSWORD)
        with silent_server(mail_port), WebSocket.open_for(listener) as tab:
            answers = {
                "mention of one": speaker.submit_form("/", path, text=f"@{LISTENERS[0]}"),
                "mention of 50": speaker.submit_form("/", path, text=mentions),
                "sign-up": newcomer.submit_form(
                    "/accounts/signup/",
                    name="New",
                    username="newcomer",
                    email="newcomer@example.org",
                    password1=PASSWORD,
                ),
            }
            for name, answer in answers.items():
                assert answer.status == 302, (name, answer.text[:500])
                fault_table.record_duration(FAULT, name, answer.seconds, most=NOBODY_WAITS)
            seconds = wait_for_badge(tab, 1)
            fault_table.record_duration(FAULT, "badge of the 50th", seconds, most=NOBODY_WAITS)
    mailbox = Mailbox(mail_port)
    mailbox.start()
    try:
        for name in (*LISTENERS, "newcomer"):
            mailbox.wait_for(f"{name}@example.org", seconds=BACK_WITHIN)
    finally:
        mailbox.stop()
    assert [len(mailbox.sent_to(f"{name}@example.org")) for name in LISTENERS] == [1] * MANY


def wait_for_badge(tab: WebSocket, unread: int) -> float:
    """Return the seconds until the tab has got this number; what comes first may be the state at its opening."""
    started = time.monotonic()
    deadline = started + BACK_WITHIN
    frame: dict[str, object] = {}
    while frame.get("type") != "notifications.badge" or frame.get("unread") != unread:
        frame = tab.receive(max(0.01, deadline - time.monotonic()))
    return time.monotonic() - started


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
