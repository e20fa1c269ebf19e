"""Two people talk, in two browsers."""

import base64
import re

from playwright.sync_api import Page, expect

from .browser import PHONE, picture
from .journey import look, photo
from .talkers import HISTORY, Two, composer, hide, line, mark, ready, show, write


def test_a_message_arrives_live_and_says_what_became_of_it(two: Two) -> None:
    nora = two[0].page()
    write(nora, "Is the bridge open?")
    mark(nora, "Is the bridge open?", "sent")
    expect(composer(nora)).to_be_focused()
    expect(composer(nora)).to_have_value("")
    omar = two[1].page(prepare=hide)
    expect(line(omar, "Is the bridge open?")).to_be_visible()
    mark(nora, "Is the bridge open?", "delivered")
    show(omar)
    mark(nora, "Is the bridge open?", "read")
    write(omar, "Since nine.")
    expect(line(nora, "Since nine.")).to_have_count(1)
    expect(line(omar, "Since nine.")).to_have_count(1)
    look(nora, "messages-conversation")


def test_one_sees_that_the_other_writes_and_is_there(two: Two) -> None:
    nora, omar = two[0].page(), two[1].page()
    expect(nora.locator("[data-presence]")).to_have_text("online")
    composer(omar).press_sequentially("Wel")
    typing = nora.locator("p[data-typing]")
    expect(typing).to_have_text("Omar Idrissi is writing …")
    look(nora, "messages-typing")
    composer(omar).press_sequentially("l")
    composer(omar).press("Enter")
    expect(line(nora, "Well")).to_be_visible()
    expect(typing).to_be_empty()
    omar.close()
    expect(nora.locator("[data-presence]")).to_have_text(re.compile("last seen|online"))


def test_editing_and_deleting_show_at_once_on_both_sides(two: Two) -> None:
    nora, omar = two[0].page(), two[1].page()
    write(nora, "See you at nine")
    expect(line(omar, "See you at nine")).to_be_visible()
    composer(nora).press("ArrowUp")
    editor = nora.get_by_role("textbox", name="Change this message")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("See you at nine")
    editor.press("Escape")
    expect(editor).to_have_count(0)
    expect(composer(nora)).to_be_focused()
    composer(nora).press("ArrowUp")
    editor.fill("See you at ten")
    look(nora, "messages-editing")
    editor.press("Enter")
    for page in (nora, omar):
        expect(line(page, "See you at ten").get_by_text("edited")).to_be_visible()
    expect(composer(nora)).to_be_focused()
    line(nora, "ten").get_by_role("link", name="Change this message").click()
    nora.get_by_role("link", name="Delete").click()
    nora.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in (nora, omar):
        expect(line(page, "Message deleted")).to_be_visible()
        expect(page.get_by_text("See you at ten")).to_have_count(0)


def test_the_head_of_a_group_follows_who_comes_and_goes(two: Two) -> None:
    nora = two[0].page("/messages/new/")
    nora.get_by_role("checkbox", name="Omar Idrissi").check()
    nora.get_by_role("textbox", name="Title").fill("Bridges")
    nora.get_by_role("textbox", name="Message").fill("Welcome")
    nora.get_by_role("button", name="Send").click()
    expect(line(nora, "Welcome")).to_be_visible()
    head = nora.locator(".conversation-head")
    expect(head).to_contain_text("2 members")
    omar = two[1].page(f"{nora.url}about/")
    omar.get_by_role("textbox", name="Title").fill("Small bridges")
    omar.get_by_role("button", name="Rename").click()
    expect(head).to_contain_text("Small bridges")
    omar.get_by_role("button", name="Leave").click()
    omar.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(line(nora, "Omar Idrissi left")).to_be_visible()
    expect(head).to_contain_text("1 member")


def test_older_lines_come_on_scrolling_up_and_nothing_jumps(old_friends: Two) -> None:
    nora = old_friends[0].page()
    expect(line(nora, f"Line {HISTORY - 1}")).to_be_in_viewport()
    box, seen = nora.locator("[data-log]"), nora.locator("[data-entries] > [data-seq]")
    first = HISTORY - 50
    while first > 0:
        count = seen.count()
        with nora.expect_response("**?before=*"):
            box.evaluate("box => { box.scrollTop = 10 }")
            top = line(nora, f"Line {first}").first.bounding_box()
        expect(seen).not_to_have_count(count)
        after = line(nora, f"Line {first}").first.bounding_box()
        assert top
        assert after
        assert abs(top["y"] - after["y"]) <= 1, (first, top, after)
        first = max(first - 50, 0)
    expect(seen).to_have_count(HISTORY)
    box.evaluate("box => { box.scrollTop = 0 }")
    expect(line(nora, "Line 0").first).to_be_in_viewport()
    # Who reads old lines stays there when new ones come.
    omar = old_friends[1].page()
    write(omar, "Something new")
    button = nora.get_by_role("button", name="1 new message")
    expect(button).to_be_visible()
    expect(line(nora, "Line 0").first).to_be_in_viewport()
    picture(nora, "messages-new-below")
    button.click()
    expect(line(nora, "Something new")).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_a_draft_survives_a_reload_and_is_gone_once_it_is_sent(two: Two) -> None:
    nora = two[0].page()
    composer(nora).fill("Half a thou")
    nora.reload()
    ready(nora)
    expect(composer(nora)).to_have_value("Half a thou")
    write(nora, "Half a thought")
    mark(nora, "Half a thought", "sent")
    nora.reload()
    expect(composer(nora)).to_have_value("")
    expect(line(nora, "Half a thought")).to_have_count(1)


HANDED_OVER = """
([data, name, type, event]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, { type }));
  const target = document.querySelector(event === "paste" ? "textarea[name='text']" : "[data-log]");
  const detail = { bubbles: true, cancelable: true };
  if (event === "paste") target.dispatchEvent(new ClipboardEvent("paste", { ...detail, clipboardData: transfer }));
  else for (const step of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(step, { ...detail, dataTransfer: transfer }));
  }
}
"""


def hand_over(page: Page, color: str, event: str) -> None:
    """Paste or drop a picture."""
    file = photo(color, (1600, 1200))
    data = base64.b64encode(file["buffer"]).decode()
    page.evaluate(HANDED_OVER, [data, file["name"], file["mimeType"], event])


def test_pictures_are_pasted_dropped_shown_and_sent_with_progress(two: Two) -> None:
    nora, omar = two[0].page(), two[1].page()
    hand_over(nora, "teal", "paste")
    hand_over(nora, "navy", "drop")
    hand_over(nora, "orange", "drop")
    form = nora.locator("[data-send-form]")
    expect(form.locator(".upload-picture")).to_have_count(3)
    form.get_by_role("button", name="Remove navy.jpg").click()
    expect(form.locator(".upload-picture")).to_have_count(2)
    composer(nora).fill("The old quay")
    look(nora, "messages-attached")
    slow = nora.context.new_cdp_session(nora)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000},
    )
    composer(nora).press("Enter")
    expect(form.locator(".upload-picture")).to_have_count(0)
    expect(line(nora, "The old quay").get_by_role("progressbar")).to_be_visible()
    picture(nora, "messages-uploading")
    mark(nora, "The old quay", "read")
    for page in (nora, omar):
        expect(line(page, "The old quay").locator(".entry-pictures img")).to_have_count(2)
    expect(line(omar, "The old quay").locator("img").last).to_be_in_viewport()


def test_the_list_and_the_number_at_the_messages_are_live(two: Two) -> None:
    nora, omar = two[0].page("/messages/"), two[1].page()
    badge = nora.get_by_role("navigation", name="Main").locator("[data-messages-badge]")
    expect(badge).to_be_hidden()
    write(omar, "Knock knock")
    row = nora.locator(f"[data-inbox-list] [data-conversation='{two[0].conversation}']")
    expect(row).to_contain_text("Knock knock")
    expect(badge).to_contain_text("1")
    mark(omar, "Knock knock", "delivered")
    look(nora, "messages-list")
    elsewhere = two[0].tab(nora.context.new_page(), "/network/")
    seen = elsewhere.get_by_role("navigation", name="Main").locator("[data-messages-badge]")
    expect(seen).to_contain_text("1")
    row.get_by_role("link").click()
    expect(line(nora, "Knock knock")).to_be_visible()
    expect(seen).to_be_hidden()
    expect(badge).to_be_hidden()
    expect(row).to_have_attribute("data-unread", "0")


def test_code_in_a_message_stays_text(two: Two) -> None:
    nora, omar = two[0].page(), two[1].page()
    for page in (nora, omar):
        page.evaluate("() => { window.alert = () => { throw new Error('it ran') } }")
    payload = "<img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3))"
    composer(nora).fill(payload)
    composer(nora).press("Enter")
    for page in (nora, omar):
        expect(page.locator("[data-entries] .entry-body").last).to_contain_text("<script>alert(2)</script>")
        assert page.locator("[data-log] .entry-body :is(img, script, a[href^='javascript'])").count() == 0
    write(nora, "**bold** <b>not</b>")
    expect(line(omar, "bold").locator("strong")).to_have_text("bold")


def test_everything_is_done_with_the_keyboard_alone(two: Two) -> None:
    nora, omar = two[0].page(), two[1].page()
    composer(nora).focus()
    nora.keyboard.type("One line")
    nora.keyboard.press("Shift+Enter")
    nora.keyboard.type("and another")
    nora.keyboard.press("Enter")
    expect(line(omar, "One line")).to_contain_text("and another")
    nora.keyboard.press("ArrowUp")
    expect(nora.get_by_role("textbox", name="Change this message")).to_be_focused()
    nora.keyboard.type("!")
    nora.keyboard.press("Enter")
    expect(line(omar, "and another!")).to_be_visible()
    expect(composer(nora)).to_be_focused()
    line(nora, "another!").get_by_role("link", name="Change this message").focus()
    nora.keyboard.press("Enter")
    nora.keyboard.press("ArrowDown")
    nora.keyboard.press("ArrowDown")
    expect(nora.get_by_role("link", name="Delete")).to_be_focused()
    nora.keyboard.press("Enter")
    dialog = nora.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Delete").focus()
    nora.keyboard.press("Enter")
    expect(line(omar, "Message deleted")).to_be_visible()


def test_a_phone_shows_the_list_or_the_conversation(two: Two) -> None:
    write(omar := two[1].page(), "Hello from the harbour")
    mark(omar, "Hello from the harbour", "sent")
    nora = two[0].page("/messages/", viewport=PHONE)
    look(nora, "phone-messages-list")
    nora.locator("[data-inbox-list]").get_by_role("link", name="Omar Idrissi").click()
    expect(line(nora, "Hello from the harbour")).to_be_in_viewport()
    expect(nora.locator("[data-inbox-list]")).to_be_hidden()
    ready(nora)
    composer(nora).fill("Hello from the phone")
    nora.get_by_role("button", name="Send", exact=True).click()
    expect(line(omar, "Hello from the phone")).to_be_visible()
    mark(nora, "Hello from the phone", "read")
    expect(composer(nora)).to_be_in_viewport()
    look(nora, "phone-messages-conversation")
    nora.get_by_role("link", name="All conversations").click()
    expect(nora.locator("[data-inbox-list]")).to_be_visible()
