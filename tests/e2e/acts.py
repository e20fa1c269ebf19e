"""Every act by which a part of a page changes: where it is in the templates, and how a member does it by keyboard."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from django.urls import resolve

from scripts.programs import ROOT
from tests.testkit.shell_scripts import SIGN_IN_FUNCTION

# A tag with the Django tags and variables in it, an attribute that sends a request, and the link of a dialog.
TAG = re.compile(r"<[a-z](?:\{%.*?%\}|\{\{.*?\}\}|[^>{]|\{)*?>", re.DOTALL)
VALUE = r'="((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"'
REQUEST = re.compile(r"\s(hx-(?:get|post|put|patch|delete)|data-action)" + VALUE)
HREF = re.compile(r"\shref" + VALUE)
INCLUDE = re.compile(r'\{% include "components/_(action_button|pager)\.html" with (.*?) %\}', re.DOTALL)
URL = re.compile(r'\{% url "([\w:]+)"')
# Of what is included with an address, the including template says whose address it is.
COMPONENTS = ("components/_action_button.html", "components/_pager.html")
# Rows of lists have their addresses from formats: "_edit_address = AddressFormat("feed:edit_comment")".
FORMAT = re.compile(r'^_(\w+_address) = AddressFormat\("([\w:]+)"\)', re.MULTILINE)
# The modules of these rows, by the name that the template has for a row.
ROWS = {
    "comment": ROOT / "feed" / "comment_rows.py",
    "action": ROOT / "network" / "relations.py",
    "row": ROOT / "notifications" / "display" / "notification_view.py",
}
# What the script of the home page requests itself.
BY_SCRIPT = {"feed:home"}


def templates() -> Iterator[tuple[str, str]]:
    """The name and the text of every template of the apps."""
    for folder in sorted(ROOT.glob("*/templates")):
        for path in sorted(folder.rglob("*.html")):
            yield str(path.relative_to(folder)), path.read_text(encoding="utf-8")


def acts_in_templates() -> set[str]:
    """The acts of all templates: names of URLs; of more rows, "pager of" the template with the link to them."""
    found = set(BY_SCRIPT)
    for name, text in templates():
        if name.startswith("theme/gallery/"):
            continue
        if name not in COMPONENTS:
            found |= {act for tag in TAG.findall(text) for act in _acts_of_tag(name, text, tag)}
        for component, values in INCLUDE.findall(text):
            if component == "pager":
                found.add(f"pager of {name}")
            elif action := re.search(r"\baction=(\w+)", values):
                found |= _names(name, text, f"{{{{ {action[1]} }}}}")
    return found


def _acts_of_tag(name: str, text: str, tag: str) -> Iterator[str]:
    if "data-in-dialog=" in tag:
        href = HREF.search(tag)
        assert href, f"{name}: a dialog without a page: {tag}"
        # Of the menus that posts share, the links are relative to the address of the post.
        names = URL.findall(href[1]) or _formats(href[1])
        yield from names or [resolve(urljoin("/posts/1/", href[1])).view_name]
    for attribute, value in REQUEST.findall(tag):
        if 'rel="next"' in tag:
            yield f"pager of {name}"
        elif attribute != "data-action" or 'data-menu-template="own-' not in tag:
            # The links of such a menu, which follow the address of a row, are found in its template.
            yield from _names(name, text, value)


def _names(name: str, text: str, value: str) -> set[str]:
    """The names of the URLs in an attribute, or of those that the template gives to its variable."""
    if named := URL.findall(value) or _formats(value):
        return set(named)
    variable = re.search(r"\{\{ (\w+)", value)
    by_tag = variable and set(re.findall(rf'\{{% url "([\w:]+)"[^%]* as {variable[1]} %\}}', text))
    return by_tag or {f"{value} in {name}"}


def _formats(value: str) -> set[str]:
    """The names of the URLs that the address of a row, `{{ comment.edit_address }}`, can have."""
    found = re.fullmatch(r"\{\{ (\w+)\.(\w*address) \}\}", value)
    if not found or found[1] not in ROWS:
        return set()
    formats = FORMAT.findall(ROWS[found[1]].read_text(encoding="utf-8"))
    return {name for each, name in formats if found[2] in (each, "address")}


# Runs in the page: the addresses of the acts on it, but for the links to more rows.
ADDRESSES = """
() => {
  const names = ["hx-get", "hx-post", "hx-delete"];
  const addresses = names.flatMap((name) =>
    [...document.querySelectorAll(`[${name}]:not([rel="next"])`)].map((element) => element.getAttribute(name)));
  const links = [...document.querySelectorAll("a[data-in-dialog]")].map((link) => link.href);
  return [...addresses, ...links].map((address) => new URL(address, location.href).pathname);
}
"""


@dataclass(frozen=True)
class Act:
    """How a member does an act by keyboard, and what has the focus afterwards.

    A step is the selector of a control to press, or of a field with what is typed: "selector := text". What the page
    requests by itself at the address `held` arrives while the focus is on the last control of the steps. Words in
    braces are ids of the world of the test.
    """

    path: str
    steps: tuple[str, ...]
    focused: str
    held: str = ""
    # The last step sends a request.
    sends: bool = True
    # Runs in the page first.
    prepare: str = ""


def _on(post: str, *steps: str, then: str, path: str = "/", sends: bool = True) -> Act:
    """An act on the card of a post, after which `then`, in the card, has the focus."""
    card = f"#post-{{{post}}}"
    steps = tuple(step if step.startswith("[data-page-dialog]") else f"{card} {step}" for step in steps)
    return Act(path, steps, f"{card} {then}", sends=sends)


_MORE = ".post-head .btn-icon"
_OTHERS = "[aria-label='Other reactions']"
_TALK = "[data-comments]:has(#comments-of-{talk})"
_COMMENT = "#post-{talk} .action-bar [data-focus-field]"
_NEW_WORDS = "[data-page-dialog] textarea := Other words"
_SEND = "[data-page-dialog] form [type='submit']"
_CLOSE = "[data-page-dialog] form [data-dialog-close]"
_NEW_ROW = ":not([data-old])"

# In the order in which they are done: what one leaves, the next finds.
ACTS: dict[str, tuple[Act, ...]] = {
    "feed:react": (
        _on("talk", "[value='like']", then="[formaction$='/unreact/']"),
        _on("plain", _OTHERS, "[value='insightful']", then="[formaction$='/unreact/']"),
    ),
    "feed:unreact": (_on("talk", "[formaction$='/unreact/']", then="[value='like']"),),
    "feed:save": (_on("talk", "[formaction$='/save/']", then="[formaction$='/unsave/']"),),
    "feed:unsave": (_on("talk", "[formaction$='/unsave/']", then="[formaction$='/save/']"),),
    "feed:inline_comments": (
        Act("/", (_COMMENT,), f"{_TALK} > .card > .comment-form textarea"),
        # Again, where it is loaded.
        Act("/", (_COMMENT, _COMMENT), f"{_TALK} > .card > .comment-form textarea", sends=False),
        Act("/posts/{talk}/", (_COMMENT,), "#comments > .comment-form textarea", sends=False),
    ),
    "feed:comment": (
        Act(
            "/",
            (
                _COMMENT,
                f"{_TALK} > .card > .comment-form textarea := Well",
                f"{_TALK} > .card > .comment-form .btn",
            ),
            "#comments-of-{talk} > .comment:last-child",
        ),
        Act(
            "/posts/{talk}/",
            (
                "#comment-{first} .reply-box > summary",
                "#comment-{first} textarea:focus := Yes",
                "#comment-{first} form .btn",
            ),
            "#replies-to-{first} > .comment:last-child",
        ),
        Act(
            "/posts/{talk}/",
            ("#comment-{first} .reply-box > summary", "#comment-{first} .reply-box > summary"),
            "#comment-{first} textarea",
            sends=False,
        ),
    ),
    "feed:edit_comment": (
        Act(
            "/",
            (_COMMENT, "#comment-{mine} [href$='/edit/']", _NEW_WORDS, _SEND),
            "#comment-{mine} [href$='/edit/']",
        ),
        Act(
            "/posts/{quiet}/",
            ("#comment-{alone} [href$='/edit/']", _CLOSE),
            "#comment-{alone} [href$='/edit/']",
            sends=False,
        ),
    ),
    "feed:delete_comment": (
        Act("/", (_COMMENT, "#comment-{mine} [href$='/delete/']", _SEND), "#comment-{asked} *"),
        Act("/posts/{quiet}/", ("#comment-{alone} [href$='/delete/']", _SEND), "#comments h2"),
    ),
    "feed:replies": (
        Act("/", (_COMMENT, "#replies-to-{asked} [hx-get]"), "#replies-to-{asked} > .comment:nth-child(4) *"),
    ),
    "pager of feed/_replies_page.html": (
        Act("/comments/{asked}/replies/", (".pager a",), f".comment{_NEW_ROW} *"),
    ),
    "pager of feed/_comments_page.html": (
        Act("/posts/{talk}/", ("#comments-of-{talk} > .pager a",), f".comment{_NEW_ROW} *"),
    ),
    "feed:repost": (
        _on("talk", "[href$='/repost/']", _SEND, then="[href$='/repost/']"),
        _on("plain", "[href$='/repost/']", _CLOSE, then="[href$='/repost/']", sends=False),
    ),
    "feed:edit": (
        _on("own", _MORE, "[href$='edit/']", _NEW_WORDS, _SEND, then=_MORE),
        _on("own", _MORE, "[href$='edit/']", _CLOSE, then=_MORE, sends=False),
    ),
    "feed:delete": (
        Act(
            "/",
            ("#post-{own} .post-head .btn-icon", "#post-{own} [href$='delete/']", _SEND),
            "#post-{quiet} *",
        ),
        # A post that was shared.
        Act(
            "/",
            ("#post-{shared} .post-head .btn-icon", "#post-{shared} [href$='/delete/']", _SEND),
            "#post-{shared_from} *",
        ),
    ),
    "feed:publish": (
        Act("/", ("#compose-text := New words", "#compose .btn-primary"), "#posts > :first-child > article"),
    ),
    "feed:home": (
        Act(
            "/",
            ("[data-new-posts] a",),
            "#posts > :first-child > article",
            # The script hides the link where nothing is new.
            prepare="const link = document.querySelector('[data-new-posts] a'); link.hidden = false;"
            "Object.defineProperty(link, 'hidden', { set() {} })",
        ),
    ),
    "pager of feed/_posts_page.html": (Act("/", ("#posts > .pager a",), f".post-in-list{_NEW_ROW} *"),),
    "pager of feed/reactions.html": (
        Act("/posts/{plain}/reactions/", (".pager a",), f".person{_NEW_ROW} *"),
    ),
    "feed:by_member": (
        Act("/members/omar/", ("a[href$='/posts/']",), "[href$='/posts/']", held="**/posts/"),
    ),
    "users:next_step": (Act("/", ("#compose-text := Words",), "#compose-text", held="**/next-step/"),),
    "network:suggested": (
        Act("/", (".stream-right a",), ".stream-right .card [href='/network/']", held="**/suggested/"),
    ),
    "network:invite": (
        Act(
            "/network/", ("[formaction='/members/s0/invite/']",), "[data-relation] [formaction$='/withdraw/']"
        ),
        Act(
            "/members/s1/",
            ("[href$='/invite/']", "[data-page-dialog] textarea := We met", _SEND),
            "[data-relation] [formaction$='/withdraw/']",
        ),
        Act("/members/s2/", ("[href$='/invite/']", _CLOSE), "[href$='/invite/']", sends=False),
    ),
    "network:withdraw": (
        Act("/network/sent/", ("[formaction$='/withdraw/']",), "[formaction='/members/s1/invite/']"),
    ),
    "network:accept": (
        Act("/network/", ("[formaction$='/accept/']",), "#invitations > :first-child [data-relation]"),
    ),
    "network:ignore": (
        Act("/network/", ("[formaction$='/ignore/']",), "#invitations > :first-child [data-relation]"),
    ),
    "pager of network/_invitations.html": (
        Act("/network/", ("#invitations .pager a",), f".person{_NEW_ROW} *"),
    ),
    "pager of network/_directory_page.html": (
        Act("/members/", (".people .pager a",), f".person{_NEW_ROW} *"),
    ),
    "pager of network/_people_page.html": (
        Act("/network/connections/", (".pager a",), f".person{_NEW_ROW} *"),
    ),
    "pager of network/blocked.html": (Act("/network/blocked/", (".pager a",), f".person{_NEW_ROW}"),),
    "notifications:read": (
        Act("/notifications/", (".notification-read",), "#notifications > :first-child .notification-link"),
    ),
    "pager of notifications/_rows.html": (
        Act("/notifications/", ("[data-pager] a",), f".notification{_NEW_ROW} .notification-link"),
    ),
    "pager of messaging/_inbox.html": (
        Act("/messages/", ("[data-pager] a",), f"[data-conversation]{_NEW_ROW} *"),
    ),
    "pager of messaging/search.html": (
        Act("/messages/{chat}/search/?q=line", ("[data-pager] a",), f".found-result{_NEW_ROW} *"),
    ),
    "{{ find_url }} in messaging/_recipient_picker.html": (
        Act("/messages/new/", ("#choice-words := Con",), "#choice-words"),
    ),
}

# The world of the walk, and the session of the member who does all this.
WORLD = (
    SIGN_IN_FUNCTION
    + """
import json
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from feed import services as feed
from feed.models import Post, Reaction
from messaging import services as messaging
from messaging.models import Membership
from messaging.services.log import append_entry
from network.models import Block, Connection
from users.audience import Audience
from users.models import User

def member(username, name):
    return User.objects.create_user(username, f"{username}@example.org", None, name=name, joined_at=timezone.now())

def bind(one, other, state=Connection.State.CONNECTED):
    low, high = sorted((one, other), key=lambda each: each.pk)
    at = timezone.now() if state == Connection.State.CONNECTED else None
    return Connection(low=low, high=high, inviter=one, state=state, connected_at=at)

def say(author, text):
    return feed.publish_post(author=author, text=text)

def comment(post, author, text="Well", parent=None):
    return feed.comment_on_post(post=post, author=author, text=text, parent=parent)

with transaction.atomic():
    fia, omar, new = member("fia", "Fia Lund"), member("omar", "Omar Idrissi"), member("nell", "Nell Novak")
    known = [member(f"c{n}", f"Connection {n}") for n in range(26)]
    asking = [member(f"i{n}", f"Inviting {n}") for n in range(28)]
    barred = [member(f"b{n}", f"Blocked {n}") for n in range(26)]
    strangers = [member(f"s{n}", f"Stranger {n}") for n in range(4)]
    Connection.objects.bulk_create([
        bind(fia, omar),
        *(bind(fia, each) for each in known),
        *(bind(known[0], each) for each in strangers),
        *(bind(each, fia, Connection.State.INVITED) for each in asking),
    ])
    Block.objects.bulk_create([Block(blocker=fia, blocked=each) for each in barred])
    for number in range(21):
        comment(say(fia, f"Mine {number}"), omar)
    plain, talk = say(omar, "A plain post"), say(omar, "A post to talk about")
    quiet = say(fia, "A post with one comment")
    own = say(fia, "A post of mine")
    shared_from = say(known[0], "A post that is shared")
    shared = feed.repost_post(post=shared_from, by=fia, text="", audience=Audience.MEMBERS)
    Reaction.objects.bulk_create([
        Reaction(post=plain, member=each, kind="like") for each in [omar, *known, *asking, *strangers]
    ])
    Post.objects.filter(pk=plain.pk).update(like_count=57)
    first = [comment(talk, omar, f"Comment {n}") for n in range(22)][0]
    mine = comment(talk, fia, "A comment of mine")
    asked = comment(talk, omar, "A question")
    for number in range(25):
        comment(talk, known[1], f"Reply {number}", parent=asked)
    alone = comment(quiet, fia, "The only comment")
    liked = say(omar, "A post to react to")
    tooled = comment(liked, fia, "A comment with tools")
    for each in known[:22]:
        chat = messaging.start_direct(by=fia, other=each)
        entry = append_entry(chat, author=each, text="Line", html="<p>Line</p>", search_text="line")
        Membership.objects.filter(conversation=chat).update(sort_key=entry.pk)
    for number in range(24):
        append_entry(chat, author=fia, text="Line", html="<p>Line</p>", search_text="line")
    ids = {name: row.pk for name, row in globals().copy().items() if isinstance(row, Model) and row.pk}
    print(json.dumps({"ids": ids, "session": sign_in(fia), "new_session": sign_in(new)}))
"""
)
