"""A journey in a real browser through nginx and TLS: what production sends breaks none of its policies."""

from django.conf import settings
from playwright.sync_api import Page, expect, sync_playwright

from scripts.stack import Stack
from tests.e2e.browser import REPORT_VIOLATIONS, running_browser
from tests.e2e.journey import photo

from .people import PASSWORD


def test_a_journey_in_a_browser_breaks_no_policy(stack: Stack) -> None:
    complaints: list[str] = []
    with sync_playwright() as playwright, running_browser(playwright) as browser:
        # The certificate is a throw-away one that nobody has signed.
        context = browser.new_context(base_url=stack.origin, ignore_https_errors=True)
        context.add_init_script(REPORT_VIOLATIONS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )
        journey(page)
        context.close()
    assert complaints == []


def journey(page: Page) -> None:
    """Sign in, show a photo, post with a picture, react, comment, look around."""
    page.goto("/accounts/login/")
    page.get_by_label("Username or e-mail address").fill("bob")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    compose = page.get_by_role("form", name="Write a post")
    compose.get_by_label("What do you want to say?").fill("Behind nginx")
    compose.locator("input[name=images]").set_input_files(photo("navy"))
    compose.get_by_role("button", name="Post").click()
    post = page.get_by_role("article", name="Post by bob")
    expect(post.get_by_role("img").last).to_be_visible()
    post.get_by_role("button", name="Like", exact=True).click()
    expect(post.get_by_role("button", name="Like", exact=True)).to_have_attribute("aria-pressed", "true")
    post.get_by_role("link", name="Comment").click()
    page.get_by_label("Your comment").fill("Seen through TLS")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Seen through TLS")).to_be_visible()
    exchange_messages(page)
    for address in ("/members/bob/", "/network/", "/members/", "/settings/profile/", "/settings/photo/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")


def exchange_messages(page: Page) -> None:
    """Write the first message to alice and two more in the open conversation, whose scripts come in bundles."""
    page.goto("/messages/to/alice/")
    page.get_by_role("main").get_by_role("textbox").fill("The first one")
    page.get_by_role("main").get_by_role("button", name="Send").click()
    expect(page.locator("#conversation[data-ready]")).to_be_visible()
    bundles = page.locator("script[type=module][src^='/static/bundles/']")
    expect(bundles).to_have_count(len(settings.SCRIPT_BUNDLES))
    expect(page.locator("script[type=module]:not([src^='/static/bundles/'])")).to_have_count(0)
    for text in ("The second one", "The third one"):
        field = page.get_by_role("textbox", name="Message", exact=True)
        field.fill(text)
        field.press("Enter")
        sent = page.locator("[data-log] li.entry").filter(has_text=text)
        expect(sent.locator("[data-mark]")).to_have_attribute("data-mark", "sent")
