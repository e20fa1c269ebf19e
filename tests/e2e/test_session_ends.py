"""A session that ends while somebody writes, or whose pages the browser still has."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.programs import find_or_install

from .browser import ARGUMENTS, DARK, PHONE, ContextPool, Visitors, picture
from .journey import look
from .talkers import Two, composer, hide, line, live, mark, show, write

PROVOKED = ("answer 401", "status of 401", "answer 403", "status of 403", "WebSocket connection to")
NOTE = "You are signed out. Your text is still here."


def words(page: Page) -> str:
    return page.get_by_role("textbox", name="What do you want to say?").input_value()


def sign_out_elsewhere(two: Two, page: Page) -> None:
    other = two[0].tab(page.context.new_page(), "/network/")
    other.locator("summary").filter(has_text="Me, menu").click()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("banner").get_by_role("link", name="Join")).to_be_visible()
    other.close()


def post(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="What do you want to say?").fill(text)
    page.get_by_role("form", name="Write a post").get_by_role("button", name="Post").click()


def test_words_stay_where_a_session_has_ended_and_are_there_after_signing_in(
    two: Two, visitors: Visitors
) -> None:
    visitors.complaints.allow(*PROVOKED)
    nora = two[0].page("/", viewport=PHONE)
    post(nora, "The first")
    first = nora.locator("article.post").filter(has_text="The first")
    expect(first).to_be_visible()
    first.get_by_role("link", name="Comment", exact=True).click()
    comment = nora.get_by_role("textbox", name="Your comment")
    comment.fill("My comment")
    sign_out_elsewhere(two, nora)
    post(nora, "The second")
    note = nora.locator("#compose + [data-session-note]")
    expect(note).to_contain_text(NOTE)
    nora.locator(".comment-form").get_by_role("button", name="Comment").click()
    first.get_by_role("button", name="Like").click()
    first.get_by_role("button", name="Save").click()
    expect(nora.locator("[data-session-note]")).to_have_count(3)
    expect(nora.get_by_label("Password")).to_have_count(0)
    assert (words(nora), comment.input_value()) == ("The second", "My comment")
    look(nora, "session-ended-phone")
    # Somebody signs in again by the link, with the keyboard, and is back with the words.
    link = note.get_by_role("link", name="Sign in to continue")
    expect(link).to_have_attribute("href", "/accounts/login/?next=%2F")
    two[0].signs_in_again(nora)
    link.press("Enter")
    live(nora)
    nora.wait_for_url("**/")
    expect(nora.get_by_role("textbox", name="What do you want to say?")).to_have_value("The second")
    nora.get_by_role("form", name="Write a post").get_by_role("button", name="Post").click()
    expect(nora.locator("article.post").filter(has_text="The second")).to_have_count(1)
    expect(nora.get_by_role("textbox", name="What do you want to say?")).to_have_value("")


def test_signed_in_again_in_another_tab_the_old_page_sends_by_itself(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*PROVOKED)
    nora = two[0].page("/", color_scheme=DARK)
    # What signing in again leaves behind: another token in the cookie.
    nora.context.clear_cookies(name="csrftoken")
    post(nora, "Sent once")
    mine = nora.locator("article.post").filter(has_text="Sent once")
    expect(mine).to_have_count(1)
    nora.context.clear_cookies(name="csrftoken")
    mine.get_by_role("button", name="Like").click()
    expect(mine.get_by_role("button", name="Like", pressed=True)).to_be_visible()
    expect(nora.locator("[data-session-note]")).to_have_count(0)
    nora.reload()
    expect(mine).to_have_count(1)


def test_nothing_is_done_in_the_name_of_who_signed_in_afterwards(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*PROVOKED)
    nora = two[0].page("/")
    nora.context.add_cookies([{"name": "sessionid", "value": two[1].session, "url": two[0].site.url}])
    post(nora, "Who am I?")
    expect(nora.locator("[data-session-note]")).to_contain_text(NOTE)
    assert words(nora) == "Who am I?"
    look(nora, "session-of-another")
    nora.reload()
    expect(nora.locator("article.post").filter(has_text="Who am I?")).to_have_count(0)


@pytest.fixture
def keeping(visitors: Visitors, browser: Browser) -> Iterator[None]:
    """A browser that keeps whole pages for "back", as people have it; tests usually have one that does not."""
    program = find_or_install("chromium")["chromium"]
    kept = browser.browser_type.launch(
        executable_path=program, args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    visitors.context_pool = ContextPool(kept, visitors.site_url)
    yield
    visitors.leave()
    kept.close()


@pytest.mark.usefixtures("keeping")
def test_back_after_signing_out_shows_nothing_private(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow("WebSocket connection to")
    write(nora := two[0].page(), "Between us two")
    mark(nora, "Between us two", "sent")
    nora.goto("/notifications/")
    live(nora)
    nora.goto("/messages/")
    live(nora)
    nora.locator("summary").filter(has_text="Me, menu").click()
    nora.get_by_role("button", name="Sign out").click()
    expect(nora.get_by_role("banner").get_by_role("link", name="Join")).to_be_visible()
    for _step in range(3):
        nora.go_back()
        expect(nora.get_by_role("main").get_by_label("Password", exact=True)).to_be_visible()
        expect(nora.get_by_text("Between us two")).to_have_count(0)
        assert nora.evaluate("document.body.dataset.member") == ""
    picture(nora, "back-after-signing-out")


def test_enter_begins_a_line_where_the_screen_is_touched(two: Two) -> None:
    nora, omar = two[0].page(viewport=PHONE), two[1].page()
    assert nora.evaluate("matchMedia('(pointer: coarse)').matches")
    expect(composer(nora)).to_have_attribute("enterkeyhint", "enter")
    composer(nora).press_sequentially("One\nTwo")
    expect(composer(nora)).to_have_value("One\nTwo")
    picture(nora, "phone-two-lines", full_page=False)
    nora.get_by_role("button", name="Send", exact=True).click()
    expect(line(omar, "One")).to_contain_text("Two")
    line(nora, "Two").get_by_role("link", name="Change this message").click()
    nora.get_by_role("link", name="Edit").click()
    editor = nora.get_by_role("textbox", name="Change this message")
    expect(editor).to_have_attribute("enterkeyhint", "enter")
    editor.press("End")
    editor.press("Enter")
    editor.press_sequentially("Three")
    editor.press("Control+Enter")
    expect(line(omar, "One")).to_contain_text("Three")
    expect(composer(omar)).to_have_attribute("enterkeyhint", "send")


def test_enter_that_chooses_letters_sends_nothing(two: Two) -> None:
    nora = two[0].page()
    composer(nora).fill("にほん")
    for details in ("{ isComposing: true }", "{ keyCode: 229 }"):
        composer(nora).evaluate(
            f"""(area) => area.dispatchEvent(new KeyboardEvent("keydown", {{
              key: "Enter", bubbles: true, cancelable: true, ...{details} }}))"""
        )
    expect(composer(nora)).to_have_value("にほん")
    composer(nora).press("Enter")
    expect(line(nora, "にほん")).to_have_count(1)


def test_a_plain_form_keeps_its_words_until_one_has_signed_in_again(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*PROVOKED)
    nora = two[0].page("/settings/experience/", prepare=hide)
    show(nora)
    nora.get_by_label("Title").fill("Bridge engineer")
    nora.get_by_label("Employer").fill("Harbour Works")
    nora.get_by_label("Month").first.select_option("March")
    nora.get_by_label("Year").first.fill("2019")
    show(nora, seen=False)
    sign_out_elsewhere(two, nora)
    show(nora)
    add = nora.get_by_role("main").get_by_role("button", name="Add")
    add.click()
    note = nora.locator("[data-session-note]")
    expect(note).to_contain_text(NOTE)
    expect(note.get_by_role("link", name="Sign in to continue")).to_have_attribute("target", "_blank")
    expect(nora.get_by_label("Title")).to_have_value("Bridge engineer")
    look(nora, "session-ended-plain")
    two[0].signs_in_again(nora)
    nora.context.clear_cookies(name="csrftoken")
    add.click()
    expect(nora.get_by_text("Added to your profile.")).to_be_visible()
