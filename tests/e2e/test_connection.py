"""The one socket of a tab in a real browser: it opens, answers, polls when it must, and comes back."""

import json

import pytest
from playwright.sync_api import Page, WebSocketRoute

from .browser import Visitors
from .site import Site

PASSWORD = "a long sentence of the tests"
MEMBER = """
from django.utils import timezone
from users.models import User
User.objects.create_user("tabby", "tabby@example.org", %r, joined_at=timezone.now())
"""
IS = "(wanted) => document.documentElement.dataset.connection === wanted"


@pytest.fixture(scope="module")
def member(site: Site) -> str:
    """Somebody who may sign in; the name."""
    site.manage("shell", "--command", MEMBER % PASSWORD)
    return "tabby"


def sign_in(page: Page, name: str) -> None:
    """By the form."""
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main [type=submit]")
    page.wait_for_url("**/")


def wait_for(page: Page, state: str) -> None:
    """Until the connection is in this state."""
    page.wait_for_function(IS, arg=state, timeout=20_000)


def test_a_tab_is_connected_and_says_whether_it_is_seen(visitors: Visitors, member: str) -> None:
    page = visitors()
    addresses: list[str] = []
    page.on("websocket", lambda socket: addresses.append(socket.url))
    sign_in(page, member)
    wait_for(page, "open")
    assert addresses[-1].endswith("/ws/")
    answer = page.evaluate("""
      async () => {
        const tab = await import(document.querySelector("script[src*='core/js/socket']").src);
        const heard = new Promise((resolve) => tab.socketEvents.on("error", resolve));
        return { sent: tab.send(["not a frame"]), state: tab.connectionState(), error: await heard };
      }
    """)
    assert answer == {"sent": True, "state": "open", "error": {"type": "error", "reason": "malformed"}}


def test_it_answers_pings_and_tells_when_it_is_seen(visitors: Visitors, member: str) -> None:
    page = visitors()
    said: list[str] = []

    def serve(socket: WebSocketRoute) -> None:
        socket.on_message(lambda message: said.append(str(message)))
        for frame in ({"type": "hello", "heartbeat": 25, "member": 1}, {"type": "ping", "n": 7}):
            socket.send(json.dumps(frame))

    page.route_web_socket("**/ws/", serve)
    sign_in(page, member)
    wait_for(page, "open")
    page.wait_for_timeout(100)
    assert [json.loads(line) for line in said][-2:] == [
        {"type": "visible", "visible": True},
        {"type": "pong", "n": 7},
    ]


def test_refused_again_and_again_it_polls_and_comes_back_by_itself(visitors: Visitors, member: str) -> None:
    page = visitors()
    refused: list[str] = []

    def refuse_four_times(socket: WebSocketRoute) -> None:
        refused.append(socket.url)
        if len(refused) > 4:
            socket.connect_to_server()
        else:
            socket.close(code=1012)

    page.route_web_socket("**/ws/", refuse_four_times)
    sign_in(page, member)
    refused.clear()
    page.reload()
    wait_for(page, "polling")
    wait_for(page, "open")


def test_offline_is_told_and_over_as_soon_as_it_is(visitors: Visitors, member: str) -> None:
    page = visitors()
    sign_in(page, member)
    wait_for(page, "open")
    visitors.complaints.allow("WebSocket connection to .* failed")
    page.context.set_offline(True)
    wait_for(page, "offline")
    page.context.set_offline(False)
    wait_for(page, "open")


def test_who_signs_out_in_another_tab_is_told(visitors: Visitors, member: str) -> None:
    page = visitors()
    sign_in(page, member)
    wait_for(page, "open")
    visitors.complaints.allow("WebSocket connection to .* failed", "/ws/")
    other = page.context.new_page()
    other.goto("/accounts/logout/")
    other.click("main [type=submit]")
    wait_for(page, "signed-out")
    assert page.locator(".toast-text", has_text="signed out").count() == 1
