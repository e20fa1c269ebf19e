"""Members who talk to each other, signed in without a form, so that each test begins where it matters."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.testkit.shell_scripts import SIGN_IN_FUNCTION

from .browser import Visitors
from .site import Site

PAIRS = 48
# Pairs who do not know each other.
STRANGERS = 4
HISTORY = 180

SCRIPT = (
    SIGN_IN_FUNCTION
    + f"""
import json
from django.db import transaction
from django.utils import timezone
from messaging import services
from messaging.models import Membership
from messaging.services.log import append_entry
from network.models import Connection
from users.models import User

def member(username, name):
    return User.objects.create_user(username, f"{{username}}@example.org", None, name=name, joined_at=timezone.now())

def pair(index, know_each_other=True):
    nora = member(f"nora{{index}}", "Nora Bakke")
    omar = member(f"omar{{index}}", "Omar Idrissi")
    low, high = sorted((nora, omar), key=lambda each: each.pk)
    if know_each_other:
        Connection.objects.create(
            low=low, high=high, inviter=low, state=Connection.State.CONNECTED, connected_at=timezone.now()
        )
    talk = services.start_direct(by=nora, other=omar)
    if index == 0:
        for number in range({HISTORY}):
            text = f"Line {{number}}"
            entry = append_entry(talk, author=(nora, omar)[number % 2], text=text, html=f"<p>{{text}}</p>")
        Membership.objects.filter(conversation=talk).update(
            sort_key=entry.pk, read_seq=entry.seq, delivered_seq=entry.seq
        )
    return {{"conversation": talk.pk, "sessions": [sign_in(nora), sign_in(omar)]}}

with transaction.atomic():
    print(json.dumps([pair(index, index < {PAIRS}) for index in range({PAIRS + STRANGERS})]))
"""
)


AGAIN = (
    SIGN_IN_FUNCTION
    + """
from users.models import User
print(sign_in(User.objects.get(pk={pk})))
"""
)


def page_member(page: Page) -> int:
    """The id of the member for whom the page was made."""
    return int(page.evaluate("document.body.dataset.member"))


@dataclass
class Person:
    """One member with a browser of the own, and the conversation with the other."""

    visitors: Visitors
    site: Site
    session: str
    conversation: int

    @property
    def path(self) -> str:
        return f"/messages/{self.conversation}/"

    def signs_in_again(self, page: Page) -> None:
        """Give the browser of `page` a new session, after the first one has ended."""
        self.session = self.site.manage(
            "shell", "--no-imports", "-c", AGAIN.format(pk=page_member(page))
        ).strip()
        page.context.add_cookies([{"name": "sessionid", "value": self.session, "url": self.site.url}])

    def page(self, path: str = "", prepare: Callable[[Page], None] | None = None, **looks: Any) -> Page:
        """The conversation (or `path`) in a new browser in which the member is signed in."""
        page = self.visitors(**looks)
        page.context.add_cookies([{"name": "sessionid", "value": self.session, "url": self.site.url}])
        return self.tab(page, path, prepare)

    def tab(self, page: Page, path: str = "", prepare: Callable[[Page], None] | None = None) -> Page:
        """The same in a given tab; waits until the page is live."""
        if prepare:
            prepare(page)
        page.goto(path or self.path)
        ready(page)
        if prepare is not without_socket:
            live(page)
        return page


Two = tuple[Person, Person]


def live(page: Page) -> None:
    """Wait until the page has its socket."""
    expect(page.locator("html")).to_have_attribute("data-connection", "open")


def ready(page: Page) -> None:
    """Wait until the scripts of the conversation listen, where one is open."""
    expect(page.locator("[data-conversation-page]:not([data-ready])")).to_have_count(0)


def without_socket(page: Page) -> None:
    """No socket of this page is ever answered."""

    def refuse(socket: WebSocketRoute) -> None:
        socket.close(code=1011)

    page.route_web_socket("**/ws/", refuse)


def hide(page: Page) -> None:
    """Nobody looks at this page from the beginning."""
    page.add_init_script(
        "Object.defineProperty(document, 'visibilityState', { get: () => window.seen ? 'visible' : 'hidden' })"
    )


def show(page: Page, *, seen: bool = True) -> None:
    """Somebody looks at a page that was hidden from the beginning; or nobody does any more."""
    page.evaluate(
        "seen => { window.seen = seen; document.dispatchEvent(new Event('visibilitychange')) }", seen
    )


class Wire:
    """The socket of one page on its way to the server, which can be cut, and on which frames get lost."""

    def __init__(self) -> None:
        # Frames of these types do not reach the page.
        self.lost: set[str] = set()
        # How many sockets the page has opened so far.
        self.opened = 0
        self._is_cut = False
        self._socket: WebSocketRoute | None = None

    def tap(self, page: Page) -> None:
        """Take the socket of this page, before it loads."""
        page.route_web_socket("**/ws/", self._serve)

    def _serve(self, socket: WebSocketRoute) -> None:
        self.opened += 1
        self._socket = socket
        if not self._is_cut:
            socket.connect_to_server().on_message(lambda said: self._pass_on(socket, said))

    def _pass_on(self, socket: WebSocketRoute, said: str | bytes) -> None:
        if json.loads(said)["type"] not in self.lost:
            socket.send(said)

    def say(self, frame: dict[str, Any]) -> None:
        """Send the page `frame`, as the server would."""
        assert self._socket
        self._socket.send(json.dumps(frame))

    def close(self, code: int) -> None:
        """Close the socket in the page."""
        assert self._socket
        self._socket.close(code=code)

    def cut(self, page: Page) -> None:
        """From now on the page waits for an answer that does not come."""
        self._is_cut = True
        before = self.opened
        self.close(1012)
        while self.opened == before:
            page.wait_for_timeout(50)

    def mend(self) -> None:
        """The next socket of the page is answered."""
        self._is_cut = False
        self.close(1012)


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def write(page: Page, text: str) -> None:
    """Write and press Enter."""
    composer(page).fill(text)
    composer(page).press("Enter")


def line(page: Page, text: str) -> Locator:
    """The line of the conversation that says `text`, acknowledged or not."""
    return page.locator("[data-log] li.entry").filter(has_text=text)


def mark(page: Page, text: str, name: str) -> None:
    """Wait until the own message `text` is marked `name`."""
    expect(line(page, text).locator("[data-mark]")).to_have_attribute("data-mark", name)


def make_pairs(site: Site) -> dict[str, Any]:
    """Pairs that nobody has used yet: `history`, the one that has said much, `strangers`, and `fresh`, the others."""
    ids = json.loads(site.manage("shell", "--no-imports", "-c", SCRIPT).strip().splitlines()[-1])
    return {"history": ids[0], "fresh": ids[1:PAIRS], "strangers": ids[PAIRS:]}


def people(visitors: Visitors, site: Site, pair: dict[str, Any]) -> Two:
    """Nora and Omar of this pair."""
    nora, omar = (Person(visitors, site, session, pair["conversation"]) for session in pair["sessions"])
    return nora, omar
