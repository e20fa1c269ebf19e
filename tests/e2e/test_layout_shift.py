"""Nothing moves while a page arrives slowly: Cumulative Layout Shift on a line of 200 kB/s, with an empty cache."""

from playwright.sync_api import Page

from tests.cases import all_cases

from .talkers import Two

BYTES_PER_SECOND = 200_000
LATENCY_MS = 60
MAX_SHIFT = 0.01
PAGES = (
    "/",
    "/network/",
    "/network/connections/",
    "/members/",
    "/messages/",
    "/notifications/",
    "/settings/profile/",
    "/settings/privacy/",
    "/saved/",
)
# Sums up the shifts that no input of the visitor caused (web.dev/cls).
OBSERVE = """
window.layoutShift = 0;
window.shifted = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.layoutShift += entry.value;
    for (const { node, previousRect, currentRect } of entry.sources) {
      window.shifted.push(JSON.stringify([node?.outerHTML?.slice(0, 80) ?? node?.nodeName, previousRect, currentRect]));
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


def test_nothing_moves_while_a_page_arrives(old_friends: Two) -> None:
    nora = old_friends[0]
    page = nora.page("/")
    for number in range(3):
        page.get_by_label("What do you want to say?").fill(
            f"Post number {number}, which has some words in it. " * 4
        )
        page.get_by_role("button", name="Post").click()
        page.get_by_text(f"Post number {number}").first.wait_for()
    page.add_init_script(OBSERVE)
    slow_down(page)
    with all_cases() as case:
        # Side columns are on the home page; a conversation is beside the list.
        for width, height, paths in ((1280, 900, ("/", nora.path)), (390, 844, (*PAGES, nora.path))):
            page.set_viewport_size({"width": width, "height": height})
            for path in paths:
                with case(f"{path} at {width} px"):
                    page.goto(path)
                    page.wait_for_load_state("networkidle")
                    shifted = "\n".join(page.evaluate("window.shifted"))
                    assert page.evaluate("window.layoutShift") <= MAX_SHIFT, shifted


def slow_down(page: Page) -> None:
    """Give the page a slow line, and no cache."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": BYTES_PER_SECOND,
            "uploadThroughput": BYTES_PER_SECOND,
        },
    )
