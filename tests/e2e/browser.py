"""A browser that writes down what goes wrong on a page, and the accessibility check."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, Response, expect

from scripts.programs import CHROMIUM_ARGUMENTS, ROOT, find_or_install, find_or_install_axe

RESULTS = ROOT / "test-results"
DESKTOP = (1280, 900)
PHONE = (390, 844)
# So long a page may take for what a test waits for, in milliseconds: other browsers may run beside this one.
PATIENCE = 20_000
LIGHT: Literal["light"] = "light"
DARK: Literal["dark"] = "dark"
ARGUMENTS = [
    *CHROMIUM_ARGUMENTS,
    # Pages of one visitor share a process where they can: to start one for each page costs more than the page.
    "--renderer-process-limit=1",
]
# Puts what the browser itself reports of the content security policy where Python can read it.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.effectiveDirective} refused ${event.blockedURI} ${event.sample}`);
});
"""
# Colours may fade from one scheme to the other; contrast counts when they have arrived. A page that Chromium does not
# draw at the moment lets its animations wait, so nobody waits for them longer than a second.
WAIT_FOR_FADES = """
async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const deadline = Date.now() + 3000;
  const ends = (fade) => fade.effect.getComputedTiming().endTime < Infinity;
  // A fade begins with a frame, and the end of one that is inherited can begin the next.
  await frame();
  for (let fades; (fades = document.getAnimations().filter(ends)).length && Date.now() < deadline; await frame()) {
    const left = new Promise((resolve) => setTimeout(resolve, deadline - Date.now()));
    await Promise.race([Promise.all(fades.map((fade) => fade.finished.catch(() => {}))), left]);
  }
}
"""
ALL_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# All that another colour scheme can change.
RULES_OF_COLOURS = ("color-contrast", "link-in-text-block")
RUN_AXE = """
async (runOnly) => {
  const found = await axe.run(document, { resultTypes: ["violations"], runOnly });
  return found.violations.map(({ id, help, impact, nodes }) => ({
    id, help, impact,
    nodes: nodes.map((node) => ({ target: node.target.flat().join(" "), html: node.html, why: node.failureSummary })),
  }));
}
"""


@dataclass
class Complaints:
    """What went wrong on the pages of one visitor. `allow` takes patterns of what a test provokes on purpose."""

    found: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        """Accept complaints that match one of these regular expressions."""
        self.allowed.extend(patterns)

    @property
    def open(self) -> list[str]:
        """What nobody allowed."""
        return [line for line in self.found if not any(re.search(pattern, line) for pattern in self.allowed)]


def _watch(page: Page, complaints: Complaints) -> None:
    """Note everything that a developer would see in red on this page."""

    def note(kind: str, text: str) -> None:
        complaints.found.append(f"{kind} on {page.url}: {text}")

    def on_response(response: Response) -> None:
        if response.status >= 400:
            note(f"answer {response.status}", f"{response.request.method} {response.url}")

    def on_failure(request: Request) -> None:
        # A page that is left aborts what it was still fetching.
        if request.failure != "net::ERR_ABORTED":
            note("failed request", f"{request.method} {request.url} {request.failure}")

    page.on("console", lambda said: note("console", said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: note("script error", str(error)))
    page.on("response", on_response)
    page.on("requestfailed", on_failure)


def _watch_origins(site_url: str, complaints: Complaints) -> Callable[[Request], None]:
    """Return a listener that notes every request to another site."""
    home = urlsplit(site_url).netloc

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != home:
            complaints.found.append(f"third party: {request.method} {request.url}")

    return on_request


class ContextPool:
    """Browser contexts that visitors use one after the other, emptied in between.

    The cache and the renderer process stay: a new context costs five times what a page costs.
    """

    def __init__(self, browser: Browser, site_url: str) -> None:
        self.browser = browser
        self._site_url = site_url
        self._free: defaultdict[str, list[BrowserContext]] = defaultdict(list)
        self._kinds: dict[BrowserContext, str] = {}

    def acquire(self, **options: Any) -> BrowserContext:
        """Return an empty context with these options of Browser.new_context."""
        kind = repr(sorted(options.items()))
        if self._free[kind]:
            return self._free[kind].pop()
        context = self.browser.new_context(base_url=self._site_url, **options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(REPORT_VIOLATIONS)
        # Stays open, and with it the process of the pages.
        context.new_page().goto("/health/")
        self._kinds[context] = kind
        return context

    def release(self, context: BrowserContext) -> None:
        """Close the pages of a context and delete its cookies, storage and routes."""
        keeper, *pages = context.pages
        for page in pages:
            page.close()
        context.unroute_all(behavior="ignoreErrors")
        context.set_offline(offline=False)
        context.clear_cookies()
        session = context.new_cdp_session(keeper)
        session.send("Storage.clearDataForOrigin", {"origin": self._site_url, "storageTypes": "all"})
        session.detach()
        self._free[self._kinds[context]].append(context)


@dataclass
class Visitors:
    """Opens pages, each as a separate visitor with its own cookies, and remembers what went wrong on them."""

    context_pool: ContextPool
    site_url: str
    complaints: Complaints = field(default_factory=Complaints)
    pages: list[Page] = field(default_factory=list)
    _leave: ExitStack = field(default_factory=ExitStack)

    def __call__(
        self,
        *,
        color_scheme: Literal["light", "dark"] = LIGHT,
        viewport: tuple[int, int] = DESKTOP,
        javascript: bool = True,
        timezone: str | None = None,
        own_clock: bool = False,
    ) -> Page:
        """Open a page as a new visitor; `page.goto("/members/")` goes to the site.

        With `own_clock` the test can move the clock of the page.
        """
        width, height = viewport
        context = self.context_pool.acquire(
            color_scheme=color_scheme,
            viewport={"width": width, "height": height},
            has_touch=width < 600,
            is_mobile=width < 600,
            java_script_enabled=javascript,
            locale="en-GB",
            timezone_id=timezone,
            reduced_motion="reduce",
        )
        # Playwright does not give a context its clock back.
        self._leave.callback(context.close if own_clock else partial(self.context_pool.release, context))
        self._listen(context, "request", _watch_origins(self.site_url, self.complaints))
        self._listen(context, "page", self._watch)
        if not javascript:
            # Chromium refuses to preload modules that it would not run.
            self.complaints.allow(r"^failed request on .*\.js csp$")
        page = context.new_page()
        if own_clock:
            page.clock.install()
        return page

    def _listen(self, context: BrowserContext, event: Any, listener: Callable[[Any], None]) -> None:
        context.on(event, listener)
        self._leave.callback(context.remove_listener, event, listener)

    def _watch(self, page: Page) -> None:
        self.pages.append(page)
        _watch(page, self.complaints)

    def leave(self) -> None:
        """Close every page."""
        self._leave.close()
        self.pages.clear()


@contextmanager
def running_browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium, without a window, for the time of the block."""
    expect.set_options(timeout=PATIENCE)
    browser = playwright.chromium.launch(
        executable_path=find_or_install("chromium")["chromium"], args=ARGUMENTS
    )
    try:
        yield browser
    finally:
        browser.close()


def picture(page: Page, name: str, *, full_page: bool = True) -> Path:
    """Take a picture of the page into test-results/, for people to look at; returns its path."""
    path = RESULTS / f"{name}.png"
    page.screenshot(path=path, full_page=full_page, animations="disabled")
    return path


@cache
def _axe() -> str:
    return find_or_install_axe().read_text()


def _describe(violation: dict[str, Any]) -> str:
    elements = "\n".join(
        f"    {node['target']}\n      {node['html'][:200]}" for node in violation["nodes"][:5]
    )
    why = violation["nodes"][0]["why"].replace("\n", "\n    ")
    return f"  {violation['id']} ({violation['impact']}): {violation['help']}\n{elements}\n    {why}"


def accessibility_faults(page: Page, rules: Sequence[str] = ALL_RULES) -> list[dict[str, Any]]:
    """What axe finds on the page as it is now (WCAG 2.2 A and AA, and axe's best practices)."""
    # Scripts that the debugger evaluates are not subject to the page's content security policy.
    if page.evaluate("!window.axe"):
        page.evaluate(f"() => {{ {_axe()} }}")
    faults: list[dict[str, Any]] = json.loads(json.dumps(page.evaluate(RUN_AXE, list(rules))))
    return faults


def check_axe(page: Page) -> None:
    """Assert that axe finds nothing on this page, light and dark."""
    violations: list[str] = []
    for scheme, rules in ((LIGHT, ALL_RULES), (DARK, RULES_OF_COLOURS)):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(WAIT_FOR_FADES)
        violations.extend(f"{scheme}:\n{_describe(fault)}" for fault in accessibility_faults(page, rules))
    page.emulate_media(color_scheme=LIGHT)
    assert not violations, f"Accessibility faults on {page.url}\n" + "\n".join(violations)
