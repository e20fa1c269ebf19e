"""The keyboard's focus: after every act it is on what was acted on, or on what took its place; and it can be seen."""

from contextlib import suppress
from typing import Any

import pytest
from django.urls import resolve
from playwright.sync_api import Error, Page, Route, expect

from tests.cases import all_cases

from .acts import ACTS, ADDRESSES, Act, acts_in_templates
from .browser import DESKTOP, PHONE, Visitors
from .site import Site

# Counts the requests of htmx on every page.
COUNT = """
window.sent = window.done = 0;
document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => {
  window.sent += 1;
  // Events of htmx do not reach the document where the socket has replaced the row meanwhile.
  xhr.addEventListener("loadend", () => setTimeout(() => (window.done += 1)));
});
"""
MARK_OLD = "() => document.querySelectorAll('main *').forEach((element) => (element.dataset.old = ''))"
HAS_FOCUS = "selector => document.activeElement.matches(selector)"
# Focuses every control of the page; returns those around which no ring is drawn.
WITHOUT_RING = """
() => {
  const hasRing = (element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  };
  for (const menu of document.querySelectorAll("main details")) menu.open = true;
  const controls = [...document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex='0']")];
  return controls.filter((control) => {
    control.focus({ preventScroll: true });
    if (document.activeElement !== control || control.tabIndex < 0) return false;
    // Of a link that covers its row, and of a file picker, what is around them shows the ring.
    const shown = [control, control.closest(".notification"), control.closest("label")];
    return !shown.some((element) => element && hasRing(element));
  }).map((control) => control.outerHTML.slice(0, 150));
}
"""


def sign_in(page: Page, site: Site, session: str) -> None:
    """Give the browser of `page` this session."""
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])


def test_every_act_of_the_templates_is_walked() -> None:
    assert acts_in_templates() == set(ACTS)


@pytest.mark.slow
def test_after_every_act_the_focus_is_on_what_changed(
    visitors: Visitors, site: Site, acts_world: dict[str, Any]
) -> None:
    page = visitors()
    page.add_init_script(COUNT)
    sign_in(page, site, acts_world["session"])
    on_pages: set[str] = set()
    with all_cases() as tried:
        for name, acts in ACTS.items():
            for number, act in enumerate(acts, start=1):
                with tried(f"{name} {number}"):
                    do(page, act, acts_world["ids"])
                    on_pages |= {resolve(address).view_name for address in page.evaluate(ADDRESSES)}
        with tried("acts on the pages"):
            assert on_pages <= {name.split()[0] for name in ACTS} | {"messaging:new"}


def do(page: Page, act: Act, ids: dict[str, int]) -> None:
    """Do the act on a fresh page, and see where the focus is."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    if act.held:
        page.route(act.held, hold)
    page.goto(act.path.format(**ids), wait_until="domcontentloaded")
    if act.prepare:
        page.evaluate(act.prepare)
    page.evaluate(MARK_OLD)
    done = [take_step(page, step.format(**ids), presses=not act.held) for step in act.steps][-1]
    for route in held:
        route.continue_()
    if act.sends:
        page.wait_for_function("done => window.done > done && window.done >= window.sent", arg=done)
    page.unroute_all()
    focused = act.focused.format(**ids)
    with suppress(Error):
        page.wait_for_function(HAS_FOCUS, arg=focused, timeout=2000)
    # What comes over the socket may replace it once more.
    page.wait_for_timeout(50)
    where = page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")
    assert page.evaluate(HAS_FOCUS, focused), where


def take_step(page: Page, step: str, *, presses: bool) -> int:
    """Press a control or type into a field, and wait for the responses; returns how many there were before."""
    done = int(page.evaluate("window.done"))
    selector, _typed, text = step.partition(" := ")
    control = page.locator(selector).first
    control.focus()
    if text:
        control.fill(text)
    elif presses:
        control.press("Enter")
    if presses:
        page.wait_for_function("() => window.done >= window.sent")
    return done


def test_a_plain_form_leads_back_to_what_was_acted_on(
    visitors: Visitors, site: Site, acts_world: dict[str, Any]
) -> None:
    page = visitors()
    sign_in(page, site, acts_world["session"])
    cases = {
        "/members/s1/ [formaction$='/follow/']": "[formaction$='/unfollow/']",
        "/members/s1/ [formaction$='/unfollow/']": "[formaction$='/follow/']",
        "/network/blocked/ form[action$='/b10/unblock/'] button": "h1, .person a, .person button",
        "/notifications/ [data-read-all]": "h1",
        "/posts/{quiet}/ .post-head a[href$='/edit/'] > [data-page-dialog] form .btn-primary": "summary",
    }
    with all_cases() as tried:
        for case, focused in cases.items():
            with tried(case):
                path, _space, selectors = case.format(**acts_world["ids"]).partition(" ")
                page.goto(path)
                if ".post-head" in selectors:
                    page.locator(".post-head summary").press("Enter")
                *openers, last = selectors.split(" > ")
                for opener in openers:
                    page.locator(opener).press("Enter")
                with page.expect_navigation():
                    page.locator(last).press("Enter")
                page.wait_for_function(HAS_FOCUS, arg=focused, timeout=5000)


def test_a_field_in_which_the_member_writes_keeps_the_focus(
    visitors: Visitors, site: Site, acts_world: dict[str, Any]
) -> None:
    page = visitors()
    page.add_init_script(COUNT)
    sign_in(page, site, acts_world["session"])
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.goto("/")
    page.route("**/save/", hold)
    page.locator("#post-{liked} [formaction$='/save/']".format(**acts_world["ids"])).press("Enter")
    words = page.get_by_label("What do you want to say?")
    words.press_sequentially("Words")
    held[0].continue_()
    expect(page.locator("#post-{liked} [formaction$='/unsave/']".format(**acts_world["ids"]))).to_be_visible()
    expect(words).to_be_focused()
    page.goto("/posts/{liked}/".format(**acts_world["ids"]))
    reply = page.locator("#comment-{tooled} summary".format(**acts_world["ids"]))
    field = page.locator("#comment-{tooled} textarea".format(**acts_world["ids"]))
    reply.press("Enter")
    field.press_sequentially("More")
    # Escape closes an empty field only.
    field.press("Escape")
    expect(field).to_be_focused()
    field.fill("")
    field.press("Escape")
    expect(reply).to_be_focused()
    expect(field).to_be_hidden()


def test_the_tools_of_a_post_and_of_a_comment_stay_where_they_are(
    visitors: Visitors, site: Site, acts_world: dict[str, Any]
) -> None:
    ids = acts_world["ids"]
    with all_cases() as tried:
        for viewport in (DESKTOP, PHONE):
            page = visitors(viewport=viewport)
            sign_in(page, site, acts_world["session"])
            page.goto("/")
            post, bar = "#post-{liked} ".format(**ids), "#post-{liked} .action-bar > *".format(**ids)
            page.locator(bar).first.scroll_into_view_if_needed()
            with tried(f"reactions {viewport}"):
                before = positions(page, bar)
                for step in ("[aria-label='Other reactions']", "[value='insightful']"):
                    page.locator(f"{post} {step}").press("Enter")
                expect(page.locator(f"{post} [formaction$='/unreact/']")).to_be_focused()
                assert positions(page, bar) == before
                page.locator(f"{post} [formaction$='/unreact/']").press("Enter")
                expect(page.locator(f"{post} [value='like']")).to_be_focused()
            page.goto("/posts/{liked}/".format(**ids))
            tools = "#comment-{tooled} .comment-actions > a, #comment-{tooled} summary".format(**ids)
            with tried(f"a reply {viewport}"):
                before = positions(page, tools)
                page.locator("#comment-{tooled} summary".format(**ids)).press("Enter")
                expect(page.locator("#comment-{tooled} textarea".format(**ids))).to_be_focused()
                assert positions(page, tools) == before


def positions(page: Page, selector: str) -> list[tuple[int, int]]:
    """Where these elements are in the window."""
    boxes = [element.bounding_box() for element in page.locator(selector).all()]
    return [(round(box["x"]), round(box["y"])) for box in boxes if box]


def test_the_focus_can_be_seen_everywhere(visitors: Visitors, site: Site, acts_world: dict[str, Any]) -> None:
    page = visitors()
    sign_in(page, site, acts_world["session"])
    paths = ["/", "/posts/{talk}/", "/network/", "/notifications/", "/messages/{chat}/", "/settings/photo/"]
    with all_cases() as tried:
        for path in paths:
            with tried(path):
                page.goto(path.format(**acts_world["ids"]))
                page.keyboard.press("Tab")
                assert page.evaluate(WITHOUT_RING) == []


def test_on_a_phone_post_opens_the_composer_and_a_new_member_finds_the_next_step(
    visitors: Visitors, site: Site, acts_world: dict[str, Any]
) -> None:
    page = visitors(viewport=PHONE)
    sign_in(page, site, acts_world["new_session"])
    page.goto("/network/")
    post = page.get_by_role("navigation", name="Main pages").get_by_role("link", name="Post")
    post.tap()
    expect(page.get_by_label("What do you want to say?")).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    post.tap()
    expect(page.get_by_label("What do you want to say?")).to_be_focused()
    main = page.get_by_role("main")
    expect(main.get_by_role("link", name="Add a photo")).to_be_visible()
    expect(main.get_by_role("heading", name="People you may know")).to_be_visible()
