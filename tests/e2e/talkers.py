"""Members who talk to each other, signed in without a form, so that each test begins where it matters."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from .browser import Visitors
from .site import Site

PAIRS = 32
HISTORY = 180

SCRIPT = f"""
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.utils import timezone
from messaging import services
from messaging.models import Membership
from messaging.services.log import append
from network.models import Connection
from users.models import User

def member(username, name):
    return User.objects.create_user(username, f"{{username}}@example.org", None, name=name, joined_at=timezone.now())

def signed_in(member):
    session = SessionStore()
    session[SESSION_KEY] = str(member.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = member.get_session_auth_hash()
    session.create()
    return session.session_key

def pair(place):
    nora = member(f"nora{{place}}", "Nora Bakke")
    omar = member(f"omar{{place}}", "Omar Idrissi")
    low, high = sorted((nora, omar), key=lambda each: each.pk)
    Connection.objects.create(
        low=low, high=high, inviter=low, state=Connection.State.CONNECTED, connected_at=timezone.now()
    )
    talk = services.start_direct(by=nora, other=omar)
    if place == 0:
        for number in range({HISTORY}):
            text = f"Line {{number}}"
            entry = append(talk, author=(nora, omar)[number % 2], text=text, html=f"<p>{{text}}</p>")
        Membership.objects.filter(conversation=talk).update(
            place=entry.pk, read_seq=entry.seq, delivered_seq=entry.seq
        )
    return {{"conversation": talk.pk, "sessions": [signed_in(nora), signed_in(omar)]}}

with transaction.atomic():
    print(json.dumps([pair(place) for place in range({PAIRS})]))
"""


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
    expect(page.locator("[data-talk]:not([data-ready])")).to_have_count(0)


def without_socket(page: Page) -> None:
    """No socket of this page is ever answered."""

    def refuse(socket: WebSocketRoute) -> None:
        socket.close(code=1011)

    page.route_web_socket("**/ws/", refuse)


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
    """Pairs that nobody has used yet: `history`, the one that has said much, and `fresh`, the others."""
    told = json.loads(site.manage("shell", "--no-imports", "-c", SCRIPT).strip().splitlines()[-1])
    return {"history": told[0], "fresh": told[1:]}


def people(visitors: Visitors, site: Site, pair: dict[str, Any]) -> Two:
    """Nora and Omar of this pair."""
    nora, omar = (Person(visitors, site, session, pair["conversation"]) for session in pair["sessions"])
    return nora, omar
