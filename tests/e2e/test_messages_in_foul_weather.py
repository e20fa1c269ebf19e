"""Two people talk while the network, the server or a tab goes away: nothing is lost, nothing is doubled."""

from playwright.sync_api import Page, Route, expect

from .browser import Visitors, picture
from .journey import look
from .talkers import Two, composer, line, live, mark, ready, without_socket, write

# What the browser says when a test takes its network or its server away.
OFFLINE = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")
BROKEN = ("ERR_FAILED", "send/", "503")


def hold_sends(page: Page) -> list[Route]:
    """What the page sends from now on gets no answer; it is put into this list."""
    held: list[Route] = []

    # Playwright marks the function, which a method of a list does not allow.
    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/send/", hold)
    return held


def test_the_words_are_there_at_once_before_the_server_answers(two: Two) -> None:
    nora = two[0].page()
    held = hold_sends(nora)
    write(nora, "First")
    mark(nora, "First", "sending")
    write(nora, "Second\nof two lines")
    mark(nora, "Second", "sending")
    picture(nora, "messages-pending")
    # One at a time, in order.
    assert len(held) == 1
    nora.unroute("**/send/")
    mark(nora, "Second", "sent")
    assert nora.locator("[data-log] .entry-body").all_inner_texts() == ["First", "Second\nof two lines"]


def test_the_up_arrow_waits_for_a_message_on_its_way_and_takes_back_one_that_cannot_go(
    two: Two, visitors: Visitors
) -> None:
    visitors.complaints.allow(*OFFLINE)
    nora = two[0].page()
    editor = nora.get_by_role("textbox", name="Change this message")
    write(nora, "Before")
    mark(nora, "Before", "sent")
    hold_sends(nora)
    write(nora, "On its way")
    composer(nora).press("ArrowUp")
    mark(nora, "On its way", "sending")
    expect(editor).to_have_count(0)
    nora.unroute("**/send/")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("On its way")
    editor.press("Escape")
    nora.context.set_offline(True)
    write(nora, "Cannot go")
    mark(nora, "Cannot go", "waiting")
    composer(nora).press("ArrowUp")
    expect(composer(nora)).to_have_value("Cannot go")
    expect(line(nora, "Cannot go")).to_have_count(0)


def test_what_is_written_offline_arrives_once_and_in_order(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*OFFLINE)
    nora, omar = two[0].page(), two[1].page()
    nora.context.set_offline(True)
    expect(nora.locator("p[data-connection]")).to_contain_text("You are offline")
    for text in ("One", "Two", "Three"):
        write(nora, text)
    mark(nora, "One", "waiting")
    expect(line(nora, "Three")).to_be_visible()
    look(nora, "messages-offline")
    nora.context.set_offline(False)
    mark(nora, "Three", "read")
    assert omar.locator("[data-log] .entry-body").all_inner_texts() == ["One", "Two", "Three"]
    assert nora.locator("[data-log] .entry-body").all_inner_texts() == ["One", "Two", "Three"]
    expect(nora.locator("p[data-connection]")).to_be_empty()


def test_what_came_while_one_was_offline_is_there_afterwards(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*OFFLINE)
    nora, omar = two[0].page(), two[1].page()
    nora.context.set_offline(True)
    for number in range(3):
        write(omar, f"Missed {number}")
    mark(omar, "Missed 2", "sent")
    nora.context.set_offline(False)
    expect(line(nora, "Missed 2")).to_be_visible()
    assert nora.locator("[data-log] .entry-body").all_inner_texts() == ["Missed 0", "Missed 1", "Missed 2"]


def test_a_reload_in_the_middle_loses_nothing_and_doubles_nothing(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*BROKEN)
    nora = two[0].page()
    # Stored by the server, but the answer never comes.
    nora.route("**/send/", lambda route: (route.fetch(), route.abort())[-1])
    write(nora, "Stored unheard")
    mark(nora, "Stored unheard", "sent")
    # The socket may have said so before the answer was thrown away.
    nora.unroute_all(behavior="wait")
    # Not stored at all.
    nora.route("**/send/", lambda route: route.abort())
    write(nora, "Never left")
    mark(nora, "Never left", "waiting")
    nora.unroute("**/send/")
    nora.reload()
    mark(nora, "Never left", "sent")
    assert nora.locator("[data-log] .entry-body").all_inner_texts() == ["Stored unheard", "Never left"]
    nora.reload()
    live(nora)
    assert nora.locator("[data-log] .entry-body").all_inner_texts() == ["Stored unheard", "Never left"]


def test_what_is_pending_survives_a_reload_without_a_server(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*BROKEN)
    nora = two[0].page()
    nora.context.route("**/send/", lambda route: route.fulfill(status=503, headers={"Retry-After": "60"}))
    write(nora, "Patience")
    mark(nora, "Patience", "waiting")
    nora.reload()
    mark(nora, "Patience", "waiting")
    picture(nora, "messages-waiting")
    nora.context.unroute("**/send/")
    line(nora, "Patience").get_by_role("button", name="Send again").click()
    mark(nora, "Patience", "sent")
    expect(line(nora, "Patience")).to_have_count(1)


def test_another_page_sends_what_waits(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*BROKEN)
    nora, omar = two[0].page(), two[1].page()
    nora.context.route("**/send/", lambda route: route.abort())
    write(nora, "From elsewhere")
    mark(nora, "From elsewhere", "waiting")
    nora.context.unroute("**/send/")
    nora.goto("/network/")
    expect(line(omar, "From elsewhere")).to_have_count(1)


def test_two_tabs_of_one_member_show_everything_once(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*BROKEN)
    first, omar = two[0].page(), two[1].page()
    second = two[0].tab(first.context.new_page())
    write(first, "From the first")
    expect(line(second, "From the first")).to_have_count(1)
    first.context.route("**/send/", lambda route: route.abort())
    write(second, "From the second")
    mark(second, "From the second", "waiting")
    mark(first, "From the second", "waiting")
    # The tab that was at work goes; the other one carries on.
    second.close()
    first.context.unroute("**/send/")
    mark(first, "From the second", "read")
    for page in (first, omar):
        assert page.locator("[data-log] .entry-body").all_inner_texts() == [
            "From the first",
            "From the second",
        ]


def test_a_refusal_stays_with_its_reason_and_the_words(two: Two) -> None:
    nora = two[0].page()
    two[0].visitors.complaints.allow("send/", "403")
    reason = {"error": "blocked", "text": "This member cannot be reached."}
    nora.context.route("**/send/", lambda route: route.fulfill(status=403, json=reason))
    write(nora, "Are you there?")
    bubble = line(nora, "Are you there?")
    expect(bubble.get_by_text("This member cannot be reached.")).to_be_visible()
    look(nora, "messages-refused")
    nora.reload()
    expect(bubble.get_by_text("This member cannot be reached.")).to_be_visible()
    bubble.get_by_role("button", name="Edit").click()
    expect(bubble).to_have_count(0)
    expect(composer(nora)).to_have_value("Are you there?")
    expect(composer(nora)).to_be_focused()
    composer(nora).press("Enter")
    bubble.get_by_role("button", name="Discard").click()
    expect(bubble).to_have_count(0)
    nora.reload()
    ready(nora)
    expect(bubble).to_have_count(0)


def test_without_a_socket_the_page_asks_now_and_then(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow("WebSocket connection to")
    nora, omar = two[0].page(prepare=without_socket), two[1].page()
    expect(nora.locator("p[data-connection]")).to_contain_text("Live updates are interrupted")
    picture(nora, "messages-polling")
    write(omar, "Carrier pigeon")
    expect(line(nora, "Carrier pigeon")).to_be_visible()
    mark(omar, "Carrier pigeon", "read")
    write(nora, "Received")
    expect(line(omar, "Received")).to_have_count(1)
    mark(nora, "Received", "read")


def test_who_has_signed_out_elsewhere_is_told_and_loses_nothing(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow("WebSocket connection to", "answer 403")
    nora = two[0].page()
    other = two[0].tab(nora.context.new_page(), "/network/")
    other.locator("summary").filter(has_text="Me, menu").click()
    other.get_by_role("button", name="Sign out").click()
    expect(nora.locator("p[data-connection]")).to_contain_text("You have signed out")
    write(nora, "Too late")
    mark(nora, "Too late", "waiting")
    expect(line(nora, "Too late").get_by_text("signed in again")).to_be_visible()
    picture(nora, "messages-signed-out")


def test_signing_out_asks_when_something_is_unsent_and_then_forgets_it(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*BROKEN)
    nora = two[0].page()
    nora.context.route("**/send/", lambda route: route.abort())
    write(nora, "Between us")
    mark(nora, "Between us", "waiting")
    composer(nora).fill("And this")
    nora.locator("summary").filter(has_text="Me, menu").click()
    nora.get_by_role("button", name="Sign out").click()
    dialog = nora.get_by_role("dialog")
    expect(dialog).to_contain_text("not sent yet")
    dialog.get_by_role("button", name="Sign out").click()
    expect(nora.get_by_role("banner").get_by_role("link", name="Join")).to_be_visible()
    kept = nora.evaluate(KEPT)
    assert kept == {"drafts": [], "unsent": 0}


KEPT = """
async () => {
  let unsent = 0;
  for (const { name } of await indexedDB.databases()) {
    const opened = await new Promise((resolve) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
    });
    unsent += await new Promise((resolve) => {
      const request = opened.transaction("sends").objectStore("sends").count();
      request.onsuccess = () => resolve(request.result);
    });
  }
  return { unsent, drafts: Object.keys(localStorage).filter((key) => key.startsWith("draft:")) };
}
"""


def test_coming_back_to_the_page_shows_what_came_meanwhile(two: Two) -> None:
    nora, omar = two[0].page(), two[1].page()
    nora.goto("/network/")
    write(omar, "Are you back?")
    mark(omar, "Are you back?", "delivered")
    nora.go_back()
    expect(line(nora, "Are you back?")).to_have_count(1)
    mark(omar, "Are you back?", "read")


def test_a_token_that_has_grown_old_is_renewed_without_a_word(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow("403")
    nora, omar = two[0].page(), two[1].page()
    # A response that is still under way would bring the cookie back between the page's two attempts.
    nora.wait_for_load_state("networkidle")
    nora.context.clear_cookies(name="csrftoken")
    write(nora, "Signed in again meanwhile")
    expect(line(omar, "Signed in again meanwhile")).to_have_count(1)


def test_nothing_is_sent_in_the_name_of_who_signed_in_afterwards(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow("403")
    nora, omar = two[0].page(), two[1].page()
    # The answer to a request of the page that is still under way would bring its cookies back.
    nora.wait_for_load_state("networkidle")
    # What signing in as somebody else in another tab leaves behind.
    nora.context.clear_cookies(name="csrftoken")
    nora.context.add_cookies([{"name": "sessionid", "value": two[1].session, "url": two[0].site.url}])
    write(nora, "Who am I?")
    expect(line(nora, "Who am I?").get_by_text("signed in again")).to_be_visible()
    nora.context.add_cookies([{"name": "sessionid", "value": two[0].session, "url": two[0].site.url}])
    line(nora, "Who am I?").get_by_role("button", name="Send again").click()
    expect(line(omar, "Who am I?").locator(".entry-author")).to_contain_text("Nora Bakke")
    assert omar.locator("[data-log] .entry").count() == 1


# As where a browser refuses to keep anything, and knows nothing new.
KEEPS_NOTHING = """
const refuse = () => { throw new DOMException("refused", "SecurityError"); };
Object.defineProperty(navigator, "locks", { value: undefined });
Object.defineProperty(window, "indexedDB", { value: { open: refuse } });
for (const name of ["getItem", "setItem", "removeItem"]) {
  Object.defineProperty(Storage.prototype, name, { value: refuse });
}
delete window.BroadcastChannel;
"""


def keep_nothing(page: Page) -> None:
    page.add_init_script(KEEPS_NOTHING)


def test_a_browser_that_keeps_nothing_sends_all_the_same(two: Two) -> None:
    nora = two[0].page(prepare=keep_nothing)
    for text in ("One", "Two"):
        write(nora, text)
    mark(nora, "Two", "sent")
    assert nora.locator("[data-log] .entry-body").all_inner_texts() == ["One", "Two"]
