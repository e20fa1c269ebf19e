"""A page misses events, or gets no response: it recovers by itself, without a reload."""

from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from .browser import DESKTOP, PHONE, Visitors
from .journey import look
from .site import Site
from .talkers import (
    Two,
    Wire,
    composer,
    hide,
    line,
    live,
    mark,
    page_member,
    people,
    ready,
    show,
    without_socket,
    write,
)

# Longer than a page waits for a send that hangs, and for anything else that it asks (milliseconds).
STANDSTILL = 31_000
PATIENCE = 16_000
# A tab that met a limit of the server stays away at least so long, and at most half as long again.
REST = 30_000


@pytest.fixture
def strangers(visitors: Visitors, site: Site, pairs: dict[str, Any]) -> Two:
    """Nora and Omar, who do not know each other: what she writes is a request."""
    return people(visitors, site, pairs["strangers"].pop())


def hang_first(page: Page, address: str) -> list[Route]:
    """The first request to `address` is never answered, all others are; it is put into this list."""
    hung: list[Route] = []

    def hang(route: Route) -> None:
        if hung:
            route.continue_()
        else:
            hung.append(route)

    page.route(address, hang)
    return hung


# -- Requests that hang ------------------------------------------------------------------------------
def test_a_send_that_hangs_is_given_up_and_sent_again(two: Two) -> None:
    nora, omar = two[0].page(own_clock=True), two[1].page()
    hung = hang_first(nora, "**/send/")
    write(nora, "Into the void")
    write(nora, "Behind it")
    mark(nora, "Behind it", "sending")
    assert len(hung) == 1
    nora.clock.fast_forward(STANDSTILL)
    mark(nora, "Behind it", "read")
    assert omar.locator("[data-log] .entry-body").all_inner_texts() == ["Into the void", "Behind it"]


def test_a_slow_upload_is_not_given_up_while_it_moves(two: Two) -> None:
    nora = two[0].page(own_clock=True)
    sends: list[str] = []
    nora.on("request", lambda request: sends.append(request.url) if "/send/" in request.url else None)
    plan: FilePayload = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"A long plan. " * 30_000}
    nora.locator("[data-send-form] input[name='files']").set_input_files(plan)
    slow = nora.context.new_cdp_session(nora)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000},
    )
    write(nora, "The plan")
    bar = line(nora, "The plan").get_by_role("progressbar")
    expect(bar).to_be_visible()
    for _part in range(3):
        nora.wait_for_function(
            "before => document.querySelector('.entry-pending progress').value > before",
            arg=bar.evaluate("bar => bar.value"),
        )
        nora.clock.fast_forward(STANDSTILL // 2)
    mark(nora, "The plan", "sent")
    assert len(sends) == 1


def test_a_question_that_hangs_is_given_up_and_asked_again(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow("WebSocket connection to")
    omar, nora = two[1].page(), two[0].page("/network/", own_clock=True)
    without_socket(nora)
    hung = hang_first(nora, "**/since/**")
    with nora.expect_request("**/since/**"):
        nora.goto(two[0].path)
    write(omar, "Carrier pigeon")
    mark(omar, "Carrier pigeon", "sent")
    assert len(hung) == 1
    nora.clock.fast_forward(PATIENCE)
    expect(line(nora, "Carrier pigeon")).to_be_visible()


# -- Taken out, and taken in again --------------------------------------------------------------------
def found_group(page: Page) -> str:
    """Nora begins a conversation of several with Omar; its address."""
    page.goto("/messages/new/")
    page.get_by_role("checkbox", name="Omar Idrissi").check()
    page.get_by_role("textbox", name="Title").fill("Bridges")
    page.get_by_role("textbox", name="Message").fill("Welcome")
    page.get_by_role("button", name="Send").click()
    expect(line(page, "Welcome")).to_be_visible()
    return page.url


def in_a_group(two: Two) -> tuple[Page, Page, str, Wire]:
    """Nora's page and Omar's, who has the group open, its address, and his wire."""
    nora = two[0].page("/network/")
    address = found_group(nora)
    wire = Wire()
    omar = two[1].page(address, prepare=wire.tap)
    expect(line(omar, "Welcome")).to_be_visible()
    return nora, omar, address, wire


def remove_omar(page: Page, address: str) -> None:
    page.goto(f"{address}about/")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Removed from the conversation.")).to_be_visible()


def add_omar(page: Page, address: str) -> None:
    page.goto(f"{address}about/")
    page.get_by_role("checkbox", name="Omar Idrissi").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("They see what is said from now on.")).to_be_visible()


def test_taken_out_while_away_the_page_goes_dark_and_taken_in_again_it_is_there(
    two: Two, visitors: Visitors
) -> None:
    visitors.complaints.allow("404")
    nora, omar, address, wire = in_a_group(two)
    wire.cut(omar)
    remove_omar(nora, address)
    wire.mend()
    said = omar.locator("p[data-connection]")
    expect(said).to_have_text("You are no longer in this conversation.")
    expect(composer(omar)).to_be_hidden()
    live(omar)
    add_omar(nora, address)
    expect(composer(omar)).to_be_visible()
    expect(said).to_be_empty()
    # What was said before is not for who comes now.
    expect(line(omar, "Welcome")).to_have_count(0)
    ready(omar)
    write(omar, "Here again")
    nora.goto(address)
    expect(line(nora, "Here again")).to_be_visible()


def test_taken_in_again_while_away_the_dark_page_finds_out_when_it_is_back(
    two: Two, visitors: Visitors
) -> None:
    visitors.complaints.allow("404")
    nora, omar, address, wire = in_a_group(two)
    remove_omar(nora, address)
    expect(omar.locator("p[data-connection]")).to_have_text("You are no longer in this conversation.")
    wire.cut(omar)
    add_omar(nora, address)
    wire.mend()
    expect(composer(omar)).to_be_visible()


# -- Hints that were lost -----------------------------------------------------------------------------
def test_told_that_something_was_lost_the_page_asks_for_all_of_it(two: Two) -> None:
    wire = Wire()
    nora, omar = two[0].page(prepare=wire.tap), two[1].page(prepare=hide)
    row = nora.locator(f"[data-inbox-list] [data-conversation='{two[0].conversation}']")
    write(nora, "Is it open?")
    mark(nora, "Is it open?", "delivered")
    # A busy server may find by itself that it lags; here the test says it.
    wire.lost = {"messaging.cursors", "messaging.entries", "messaging.inbox", "heartbeat", "lagged"}
    show(omar)
    write(omar, "Since nine")
    # By then it is known to the server how far he has read.
    elsewhere = two[0].tab(nora.context.new_page())
    mark(elsewhere, "Is it open?", "read")
    expect(line(nora, "Since nine")).to_have_count(0)
    mark(nora, "Is it open?", "delivered")
    wire.say({"type": "lagged"})
    mark(nora, "Is it open?", "read")
    expect(line(nora, "Since nine")).to_be_visible()
    expect(row).to_contain_text("Since nine")


def test_cursors_that_arrive_late_take_no_mark_back(two: Two) -> None:
    wire = Wire()
    nora, omar = two[0].page(prepare=wire.tap), two[1].page(prepare=hide)
    write(nora, "Did it come?")
    mark(nora, "Did it come?", "delivered")
    late = [{"member": page_member(omar), "delivered": 0, "read": 0}]
    wire.say({"type": "messaging.cursors", "conversation": two[0].conversation, "cursors": late})
    # Frames are taken in their order: with the number, the page has seen the cursors.
    wire.say({"type": "messaging.badge", "unread": 77})
    expect(nora.locator("[data-messages-badge] [data-count]").first).to_have_text("77")
    assert line(nora, "Did it come?").locator("[data-mark]").get_attribute("data-mark") == "delivered"


def test_a_list_that_was_out_of_sight_is_as_it_is_now(two: Two) -> None:
    wire = Wire()
    nora, omar = two[0].page(prepare=wire.tap), two[1].page()
    row = nora.locator(f"[data-inbox-list] [data-conversation='{two[0].conversation}']")
    write(omar, "Upright")
    expect(row).to_contain_text("Upright")
    width, height = PHONE
    nora.set_viewport_size({"width": width, "height": height})
    expect(row).to_be_hidden()
    write(omar, "Turned")
    # Reading it changes the row too: turned back sooner, the page would get an event.
    mark(omar, "Turned", "read")
    width, height = DESKTOP
    nora.set_viewport_size({"width": width, "height": height})
    expect(row).to_contain_text("Turned")
    # A word on a line that was not drawn, because the server did not know yet that it is seen.
    bare = {"conversation": two[0].conversation, "seq": 3, "unread": 0, "muted": False, "html": ""}
    with nora.expect_request("**/messages/"):
        wire.say({"type": "messaging.inbox", **bare})
    expect(row).to_contain_text("Turned")


def test_a_notification_that_was_lost_is_there_when_the_page_asks(two: Two) -> None:
    wire = Wire()
    nora, omar = two[0].page("/notifications/", prepare=wire.tap), two[1].page()
    name = str(omar.locator(".conversation-title a").get_attribute("href")).strip("/").rpartition("/")[2]
    rows = nora.locator("[data-notifications] .notification")
    call(omar, f"@{name} the first")
    expect(rows).to_have_count(1)
    wire.lost = {"notifications.row"}
    call(omar, f"@{name} the second")
    expect(nora.locator("[data-badge='notifications'] [data-count]").first).to_have_text("2")
    wire.lost = set()
    call(omar, f"@{name} the third")
    # The newest is there, and one before it is not.
    expect(rows).to_have_count(2)
    wire.say({"type": "lagged"})
    expect(rows).to_have_count(3)
    for row, said in zip(rows.all(), ("the third", "the second", "the first"), strict=True):
        expect(row).to_contain_text(said)


def call(page: Page, text: str) -> None:
    """Write a post."""
    page.goto("/")
    form = page.get_by_role("form", name="Write a post")
    form.get_by_label("What do you want to say?").fill(text)
    form.get_by_role("button", name="Post").click()
    expect(page.get_by_text(text.split(maxsplit=1)[1])).to_be_visible()


# -- Requests of strangers ----------------------------------------------------------------------------
def test_who_answers_a_request_is_asked_no_more(strangers: Two) -> None:
    nora, omar = strangers[0].page(), strangers[1].page()
    write(nora, "May I ask you something?")
    expect(line(omar, "May I ask you something?")).to_be_visible()
    bar = omar.locator("[data-request]")
    expect(bar).to_contain_text("Until then nothing tells that you have read it.")
    write(omar, "Please do")
    expect(line(nora, "Please do")).to_be_visible()
    expect(bar).to_have_count(0)
    look(omar, "messages-request-answered")


def ask_in_vain(page: Page) -> None:
    """As much as one may write to a stranger; the page then has no place for more."""
    for number in range(5):
        write(page, f"Question {number}")
    mark(page, "Question 4", "sent")
    page.reload()
    live(page)
    ready(page)
    expect(page.get_by_text("You can write more once your request is accepted.")).to_be_visible()
    expect(composer(page)).to_be_hidden()


def test_who_is_answered_can_write_on_at_once(strangers: Two) -> None:
    nora, omar = strangers[0].page(), strangers[1].page()
    ask_in_vain(nora)
    write(omar, "One at a time")
    expect(line(nora, "One at a time")).to_be_visible()
    expect(composer(nora)).to_be_visible()
    expect(nora.get_by_text("You can write more once")).to_have_count(0)
    write(nora, "Question 5")
    expect(line(omar, "Question 5")).to_be_visible()


def test_who_is_accepted_without_a_word_can_write_on(strangers: Two) -> None:
    wire = Wire()
    nora, omar = strangers[0].page(prepare=wire.tap), strangers[1].page()
    ask_in_vain(nora)
    omar.get_by_role("button", name="Accept").click()
    expect(omar.get_by_text("You can talk to each other now.")).to_be_visible()
    wire.close(1012)
    expect(composer(nora)).to_be_visible()


# -- Where the unread begins --------------------------------------------------------------------------
def test_the_divider_goes_to_what_is_unread_now(two: Two) -> None:
    omar = two[1].page()
    for text in ("One", "Two"):
        write(omar, text)
    mark(omar, "Two", "sent")
    nora = two[0].page(prepare=hide)
    divided = nora.locator("[data-divider] + li")
    expect(divided).to_contain_text("One")
    write(omar, "Three")
    expect(line(nora, "Three")).to_be_visible()
    # Nobody has read any of it.
    expect(divided).to_contain_text("One")
    show(nora)
    mark(omar, "Three", "read")
    show(nora, seen=False)
    for text in ("Four", "Five"):
        write(omar, text)
    expect(line(nora, "Five")).to_be_visible()
    expect(divided).to_have_count(1)
    expect(divided).to_contain_text("Four")
    expect(line(nora, "Five")).to_be_in_viewport()


# -- Limits of the socket -----------------------------------------------------------------------------
@pytest.mark.parametrize("code", [1008, 1009])
def test_a_tab_that_met_a_limit_comes_back_later(two: Two, code: int) -> None:
    wire = Wire()
    nora, omar = two[0].page(prepare=wire.tap, own_clock=True), two[1].page()
    opened = wire.opened
    wire.close(code)
    expect(nora.locator("html")).to_have_attribute("data-connection", "polling")
    # Meanwhile it asks over HTTP.
    write(omar, "Knock knock")
    expect(line(nora, "Knock knock")).to_be_visible()
    nora.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    nora.clock.fast_forward(REST // 3)
    nora.wait_for_timeout(500)
    assert wire.opened == opened
    nora.clock.fast_forward(REST * 3 // 2)
    live(nora)
    assert wire.opened == opened + 1
