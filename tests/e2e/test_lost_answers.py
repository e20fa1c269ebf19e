"""The answer to a form is lost on its way, and the button is pressed again."""

from playwright.sync_api import Page, Route, expect

from .browser import Visitors, picture
from .talkers import Two, live

PROVOKED = ("failed request", "ERR_FAILED", "Failed to load resource", "htmx:(afterRequest|sendError)")


class LosesAnswers:
    """Hands requests to the server and drops the first answer that comes back; `stays` leaves the page where it is."""

    def __init__(self, page: Page, pattern: str, *, stays: bool = False) -> None:
        self.lost = 0
        self._stays = stays
        page.route(pattern, self._pass_on)

    def _pass_on(self, route: Route) -> None:
        if route.request.method != "POST" or self.lost:
            route.continue_()
            return
        route.fetch(max_redirects=0)
        self.lost += 1
        if self._stays:
            route.fulfill(status=204)
        else:
            route.abort()


def posts(page: Page, text: str) -> int:
    """How many there are, on a home page that was loaded again."""
    page.goto("/")
    live(page)
    return page.locator("article.post").filter(has_text=text).count()


def test_pressed_again_it_is_posted_and_commented_once(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*PROVOKED)
    nora = two[0].page("/")
    lost = LosesAnswers(nora, "**/posts/")
    words = nora.get_by_role("textbox", name="What do you want to say?")
    words.fill("Said once")
    button = nora.get_by_role("form", name="Write a post").get_by_role("button", name="Post")
    button.click()
    expect(nora.locator("#toasts")).to_contain_text("We could not reach the server")
    expect(words).to_have_value("Said once")
    button.click()
    mine = nora.locator("article.post").filter(has_text="Said once")
    expect(mine).to_have_count(1)
    expect(words).to_have_value("")
    comments = LosesAnswers(nora, "**/comment/")
    mine.get_by_role("link", name="Comment", exact=True).click()
    comment = nora.get_by_role("textbox", name="Your comment")
    comment.fill("Answered once")
    nora.locator(".comment-form").get_by_role("button", name="Comment").click()
    expect(nora.locator("#toasts")).to_contain_text("We could not reach the server")
    nora.locator(".comment-form").get_by_role("button", name="Comment").click()
    expect(nora.locator(".comment").filter(has_text="Answered once")).to_have_count(1)
    expect(comment).to_have_value("")
    picture(nora, "sent-again")
    assert (lost.lost, comments.lost) == (1, 1)
    # The form that came back is another one.
    words.fill("Said twice")
    button.click()
    expect(nora.locator("article.post").filter(has_text="Said twice")).to_have_count(1)
    assert posts(nora, "Said once") == 1
    nora.goto(nora.locator("article.post .post-when a").last.get_attribute("href") or "")
    expect(nora.locator(".comment").filter(has_text="Answered once")).to_have_count(1)


def test_sent_again_from_the_page_loaded_anew_it_is_posted_once(two: Two, visitors: Visitors) -> None:
    visitors.complaints.allow(*PROVOKED)
    nora = two[0].page("/")
    LosesAnswers(nora, "**/posts/")
    words = nora.get_by_role("textbox", name="What do you want to say?")
    words.fill("Said once")
    nora.get_by_role("form", name="Write a post").get_by_role("button", name="Post").click()
    expect(nora.locator("#toasts")).to_contain_text("We could not reach the server")
    nora.reload()
    live(nora)
    expect(words).to_have_value("Said once")
    nora.get_by_role("form", name="Write a post").get_by_role("button", name="Post").click()
    expect(words).to_have_value("")
    assert posts(nora, "Said once") == 1
    assert nora.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []


def test_it_is_stored_once_without_scripts_too(two: Two, visitors: Visitors) -> None:
    page = visitors(javascript=False)
    page.context.add_cookies([{"name": "sessionid", "value": two[0].session, "url": two[0].site.url}])
    page.goto("/settings/skills/")
    lost = LosesAnswers(page, "**/settings/skills/", stays=True)
    page.get_by_label("Skill").fill("Bridges")
    with page.expect_response("**/settings/skills/"):
        page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Added to your profile.").first).to_be_visible()
    expect(page.locator(".entry-row")).to_have_count(1)
    assert lost.lost == 1
