"""What a page may weigh in a busy network: queries, HTML, elements, and bytes on the wire at a first visit."""

import gzip
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.files.script_bundles import write_bundle
from feed.models import Post, PostImage, Reaction
from feed.tests.factories import answer, pass_on, react, say
from messaging.services import start_direct
from messaging.tests.factories import send
from network.services import invite_member
from users.models import User

from .cases import all_cases
from .cast import client_of, connect, make_member

pytestmark = pytest.mark.slow

MAX_QUERIES = 12
MAX_HTML = 80_000
MAX_ELEMENTS = 1200
MAX_FIRST_LOAD = 100_000
MAX_FIRST_LOAD_OF_MESSAGES = 130_000
# What a quiet member of an association writes: some 200 characters with a mention, a tag and an address.
TEXT = (
    "We measured the deck after rain, for @writer1 who asked: 41 litres for nine minutes, then six. " * 2
    + "#bridges"
)
# And to one person, who reads it at once.
CHAT = "Twelve millimetres, then. I shall bring the long ruler tomorrow, and the good camera if it is dry."


class Elements(HTMLParser):
    """Counts the elements of a page as a browser does: what is in a <template> is no part of the document."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += not self._templates
        self._templates += tag == "template"

    def handle_endtag(self, tag: str) -> None:
        self._templates -= tag == "template"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += not self._templates


@cache
def size_on_the_wire(path: str) -> int:
    """The bytes of a static file as a browser gets it."""
    found = finders.find(path)
    assert found, path
    data = Path(found).read_bytes()
    return len(data) if path.endswith(".woff2") else len(gzip.compress(data, 9))


@cache
def sizes_of_bundles() -> dict[str, tuple[str, int]]:
    """The name of the bundle, and its bytes as a browser gets it, by script."""

    def read(script: str) -> str:
        return Path(finders.find(script) or "").read_text()

    sizes: dict[str, tuple[str, int]] = {}
    earlier: list[tuple[str, list[str]]] = []
    for name, scripts in settings.SCRIPT_BUNDLES.items():
        text, modules = write_bundle(scripts, read, earlier=earlier)
        earlier.append((f"{name}.js", modules))
        sizes |= dict.fromkeys(scripts, (name, len(gzip.compress(text.encode(), 9))))
    return sizes


@dataclass(frozen=True)
class Weight:
    """What one page takes."""

    queries: int
    html: int
    elements: int
    first_load: int


def weigh(client: Client, address: str) -> Weight:
    """Ask for a page twice: queries are counted when templates and the like are loaded."""
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"
    html = response.content.decode()
    elements = Elements()
    elements.feed(html)
    static = {path.partition("#")[0] for path in re.findall(r'(?:src|href)="/static/([^"]+)"', html)}
    modules = set(re.findall(r'(?:src|modulepreload" href)="/static/([^"]+/js/[^"]+)"', html))
    bundles = dict(sizes_of_bundles()[script] for script in modules & sizes_of_bundles().keys())
    files = [size_on_the_wire(path) for path in static - modules]
    return Weight(
        len(captured),
        len(response.content),
        elements.count,
        len(gzip.compress(response.content, 6)) + sum(files) + sum(bundles.values()),
    )


def fill_feed(alice: User, writers: list[User]) -> Post:
    """Publish more posts than a page shows, as members do; return one with more comments than a page shows."""
    posts: list[Post] = []
    for number in range(22):
        author = alice if number % 10 == 3 else writers[number % 12]
        post = say(author, TEXT)
        if number % 5 == 0:
            PostImage.objects.create(post=post, file=f"posts/{number}", width=800, height=600)
        if number % 8 == 7:
            post = pass_on(posts[-1], by=author, text="Worth reading")
        for kind, member in list(zip(Reaction.Kind, writers, strict=False))[: number % 4]:
            react(post, member, kind)
        posts.append(post)
    for writer in writers[:10]:
        comment = answer(posts[0], writer, TEXT)
        for other in writers[:3]:
            answer(posts[0], other, "I agree", parent=comment)
    return posts[0]


@pytest.fixture
def busy(alice: User, bob: User) -> dict[str, str]:
    """The pages of a busy member by name: full lists of posts, comments, people, messages and notifications."""
    writers = [
        make_member(f"writer{number}", headline="Structural engineer for bridges") for number in range(30)
    ]
    for writer in writers[:12]:
        connect(alice, writer)
    for writer in writers[12:18]:
        invite_member(inviter=writer, invitee=alice)
    post = fill_feed(alice, writers)
    conversation = start_direct(by=alice, other=bob)
    for number in range(60):
        send(conversation, alice if number % 3 else bob, f"{CHAT} {number}")
    return {
        "home": "/",
        "post": post.get_absolute_url(),
        "tag": "/tags/bridges/",
        "posts of a member": "/members/writer1/posts/",
        "member": "/members/writer1/",
        "me": alice.get_absolute_url(),
        "network": "/network/",
        "connections": "/network/connections/",
        "directory": "/members/",
        "notifications": "/notifications/",
        "settings": "/settings/profile/",
        "messages": "/messages/",
        "conversation": conversation.get_absolute_url(),
    }


def test_no_page_weighs_more_than_it_may(alice: User, busy: dict[str, str]) -> None:
    client = client_of(alice)
    weights = {name: weigh(client, address) for name, address in busy.items()}
    weights["sign-in"] = weigh(Client(), "/accounts/login/")
    print(*(f"{name:20} {weight}" for name, weight in weights.items()), sep="\n")
    with all_cases() as case:
        for name, weight in weights.items():
            most = MAX_FIRST_LOAD_OF_MESSAGES if name in {"messages", "conversation"} else MAX_FIRST_LOAD
            with case(f"{name}: {weight}"):
                assert weight.queries <= MAX_QUERIES
                assert weight.html <= MAX_HTML
                assert weight.elements <= MAX_ELEMENTS
                assert weight.first_load <= most
