"""Fixtures of the browser tests: a site, its mailbox, a browser and its visitors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from .acts import WORLD
from .browser import RESULTS, ContextPool, Visitors, picture, running_browser
from .mailbox import Mailbox
from .site import Site, running_site
from .talkers import Two, make_pairs, people


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """The mail that the site sends."""
    box = Mailbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture(scope="session")
def site(mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An empty LinkUp that really runs."""
    with running_site(tmp_path_factory.mktemp("site"), mailbox.port) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright, running_browser(playwright) as started:
        yield started


@pytest.fixture(scope="session")
def context_pool(browser: Browser, site: Site) -> ContextPool:
    """The browser contexts of all visitors."""
    return ContextPool(browser, site.url)


@pytest.fixture
def visitors(context_pool: ContextPool, site: Site, request: pytest.FixtureRequest) -> Iterator[Visitors]:
    """Opens pages: `visitors(viewport=PHONE)`. Fails at the end when something went wrong on one of them."""
    RESULTS.mkdir(exist_ok=True)
    opened = Visitors(context_pool, site.url)
    yield opened
    if request.session.testsfailed:
        open_pages = (page for page in opened.pages if not page.is_closed())
        for number, page in enumerate(open_pages, start=1):
            picture(page, f"failed-{request.node.name}-{number}")
    opened.leave()
    assert not opened.complaints.open, "\n".join(["On the pages:", *opened.complaints.open])


@pytest.fixture
def page(visitors: Visitors) -> Page:
    """One visitor on a desktop."""
    return visitors()


@pytest.fixture(scope="session")
def pairs(site: Site) -> dict[str, Any]:
    """Pairs of members who may talk to each other."""
    return make_pairs(site)


@pytest.fixture(scope="session")
def acts_world(site: Site) -> dict[str, Any]:
    """The ids of what tests of all acts use, and the sessions of a member with all of it and of a new member."""
    printed: dict[str, Any] = json.loads(site.manage("shell", "--no-imports", "-c", WORLD).splitlines()[-1])
    return printed


@pytest.fixture
def two(visitors: Visitors, site: Site, pairs: dict[str, Any]) -> Two:
    """Nora and Omar, who have not said anything yet."""
    return people(visitors, site, pairs["fresh"].pop())


@pytest.fixture
def old_friends(visitors: Visitors, site: Site, pairs: dict[str, Any]) -> Two:
    """Nora and Omar, who have said much."""
    return people(visitors, site, pairs["history"])
