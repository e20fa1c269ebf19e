"""Pages at a width of 320 px and at a zoom of 200 %: nothing is cut off or scrolls sideways."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.cases import all_cases

from .browser import Visitors
from .site import Site
from .test_focus import sign_in

NARROW = (320, 568)
# A window of 1280 × 800 at 200 %.
ZOOMED = (640, 400)
PATHS = [
    "/",
    "/posts/{talk}/",
    "/posts/{talk}/repost/",
    "/posts/{plain}/reactions/",
    "/network/",
    "/network/blocked/",
    "/members/",
    "/members/omar/",
    "/notifications/",
    "/notifications/preferences/",
    "/messages/",
    "/messages/new/",
    "/messages/{chat}/",
    "/messages/{chat}/about/",
    "/settings/profile/",
    "/settings/photo/",
]
# Elements that reach over the right edge of the page.
TOO_WIDE = """
() => [...document.querySelectorAll("body *")].filter((element) =>
  element.checkVisibility() && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
  && getComputedStyle(element).position !== "absolute" && !element.closest(".tabs, pre")
).map((element) => element.outerHTML.slice(0, 120))
"""

# What opens a menu, apart from the bars, which are the same on all pages.
MENUS = "main :is(details[data-menu] > summary, a[data-menu-template]):visible"
PANEL = "details[data-menu][open] > .menu-panel"


def test_narrow_pages_do_not_scroll_sideways(
    visitors: Visitors, site: Site, acts_world: dict[str, Any]
) -> None:
    with all_cases() as tried:
        for viewport in (NARROW, ZOOMED):
            page = visitors(viewport=viewport)
            sign_in(page, site, acts_world["session"])
            for path in PATHS:
                with tried(f"{path} {viewport}"):
                    page.goto(path.format(**acts_world["ids"]), wait_until="domcontentloaded")
                    width = page.evaluate("document.documentElement.scrollWidth")
                    assert (width <= viewport[0], page.evaluate(TOO_WIDE)) == (True, [])
            with tried(f"Send {viewport}"):
                page.goto("/messages/{chat}/".format(**acts_world["ids"]))
                check_send_is_in_sight(page)


def test_a_menu_opens_inside_the_window(visitors: Visitors, site: Site, acts_world: dict[str, Any]) -> None:
    with all_cases() as tried:
        page = visitors(viewport=(320, 700))
        sign_in(page, site, acts_world["session"])
        for path in ("/members/omar/", "/messages/{chat}/", "/posts/{plain}/"):
            page.goto(path.format(**acts_world["ids"]))
            menus = page.locator(MENUS)
            with tried(f"{path} has menus"):
                assert menus.count() > 0
            for number in range(menus.count()):
                with tried(f"{path} {number}"):
                    menus.nth(number).click()
                    expect(page.locator(PANEL)).to_be_in_viewport(ratio=1)
                    page.keyboard.press("Escape")


def check_send_is_in_sight(page: Page) -> None:
    """Assert that the member sees the field and the button of a message without scrolling, also while writing."""
    field = page.get_by_role("textbox", name="Message", exact=True)
    send = page.get_by_role("button", name="Send")
    for text in ("", "Three\nlines of\ntext"):
        field.fill(text)
        expect(field).to_be_in_viewport(ratio=1)
        expect(send).to_be_in_viewport(ratio=1)
