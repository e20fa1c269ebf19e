"""Whoever does not exist for a viewer is in nothing that the viewer is answered, and behind no address that acts.

One world in which such members have done everything there is to do with Alice, read through the table of addresses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from feed import services as feed
from feed.models import Comment, Post
from feed.tests.factories import PDF, answer, pass_on, react, say
from messaging.models import Attachment, Conversation, Entry
from messaging.services import File, start_direct, start_group
from messaging.tests.factories import send
from network.models import Connection, Viewer
from network.services import block_member, follow_member, invite_member
from notifications.models import Activity, Notification
from users.audience import Audience
from users.models import User

from .authorization import FORMS, VISITORS
from .cast import client_of, connect, make_member
from .demo_data import stored_rows
from .test_authorization import Line, lines

pytestmark = pytest.mark.django_db

# What makes them disappear: for Alice all of it, for everybody the last three.
FATES = ("foe", "hunter", "suspended", "unconfirmed", "inactive")
FOR_EVERYBODY = FATES[2:]
# How they are tied to Alice before: a connection who does everything, one who invites her, one whom she invites.
TIES = ("friend", "asking", "asked")
# Ids that stand for nothing else.
FIRST_ID = 7_770_001
MODES: tuple[dict[str, str], ...] = ({}, {"HX-Request": "true"}, {"Accept": "application/json"})
# Where Alice reads whom she has blocked, by name.
OWN_BLOCKS = {"network:blocked"}


@dataclass(frozen=True)
class Ids:
    """What the braces of the table can stand for."""

    values: dict[str, list[int]]

    def addresses(self, line: Line) -> Iterator[str]:
        """The line's address with each id at its place; the parts of posts and conversations with all of them."""
        found = [line.address]
        for word, ids in self.values.items():
            found = [
                text.replace(f"{{{word}}}", str(pk))
                for text in found
                for pk in (ids if f"{{{word}}}" in text else [0])
            ]
        return iter(found)


def hidden_names(*fates: str) -> list[str]:
    return [f"{fate}.{tie}" for fate in fates for tie in TIES]


def make_people() -> dict[str, User]:
    return {
        name: make_member(
            name,
            pk=FIRST_ID + number,
            # Initials and words that nobody else has.
            name=f"{chr(0x100 + 2 * number)}rno {chr(0x100 + 2 * number)}orn",
            headline=f"Pilot {name}",
            photo=f"photos/zz/{name}",
        )
        for number, name in enumerate(hidden_names(*FATES))
    }


def do_everything(him: User, alice: User, connection: User, hers: Post) -> None:
    """What a connection does with Alice: in public, among members, in messages; and what she does with his."""
    for other in (alice, connection):
        connect(other, him)
    follow_member(follower=him, followed=alice)
    follow_member(follower=alice, followed=him)
    his = say(him, "His words #circle", audience=Audience.PUBLIC)
    feed.edit_post(post=his, text="His words, changed #circle", audience=Audience.PUBLIC)
    comment = answer(hers, him)
    for author in (alice, him):
        answer(hers, author, parent=comment)
        answer(his, author)
    react(hers, him)
    react(his, alice)
    feed.save_post(post=his, member=alice)
    pass_on(hers, him, audience=Audience.PUBLIC)
    pass_on(hers, him, "Look #circle", audience=Audience.PUBLIC)
    pass_on(his, alice, "Look #circle", audience=Audience.PUBLIC)
    talk = start_direct(by=him, other=alice)
    send(talk, him, "Words for her", files=[File(PDF, "plan.pdf")])


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, User]]:
    """Everybody, before anybody is hidden; made once, for each test takes back what it changes."""
    with stored_rows(django_db_blocker):
        yield make_everybody()


def make_everybody() -> dict[str, User]:
    cache.clear()
    alice, connection, stranger = make_member("alice"), make_member("connection"), make_member("stranger")
    connect(alice, connection)
    hidden = make_people()
    hers = say(alice, "Her words #circle", audience=Audience.PUBLIC)
    for fate in FATES:
        friend = hidden[f"{fate}.friend"]
        do_everything(friend, alice, connection, hers)
        connect(stranger, friend)
        invite_member(inviter=hidden[f"{fate}.asking"], invitee=alice)
        invite_member(inviter=alice, invitee=hidden[f"{fate}.asked"])
    friends = [hidden[f"{fate}.friend"] for fate in FATES]
    group = start_group(by=alice, members=[connection, *friends], title="Harbour")
    for friend in (*friends, connection):
        send(group, friend, "Words for all", files=[File(PDF, "plan.pdf")])
    return {"alice": alice, "stranger": stranger, "connection": connection, **hidden}


def hide(people: dict[str, User]) -> None:
    alice = people["alice"]
    for tie in TIES:
        block_member(blocker=alice, blocked=people[f"foe.{tie}"])
        block_member(blocker=people[f"hunter.{tie}"], blocked=alice)
        for fate, change in (
            ("suspended", {"suspended_at": timezone.now()}),
            ("unconfirmed", {"joined_at": None}),
            ("inactive", {"is_active": False}),
        ):
            User.objects.filter(username=f"{fate}.{tie}").update(**change)


def ids_for(viewer: Viewer) -> Ids:
    """The ids of all that the viewer may see, or is in."""
    conversations = list(
        Conversation.objects.visible_to(viewer).order_by("-pk").values_list("pk", flat=True)
    )[:3]
    hers = Post.objects.visible_to(viewer).filter(author__username="alice")
    below = Comment.objects.visible_to(viewer).filter(post__in=hers)
    news = Notification.objects.filter(recipient=viewer.pk or 0)
    return Ids(
        {
            "post": list(hers.values_list("pk", flat=True)),
            "comment": list(below.order_by("pk").values_list("pk", flat=True)[:3]),
            "talk": conversations,
            "group": conversations,
            "said": [1, 2],
            "news": list(news.values_list("pk", flat=True)[:3]),
        }
    )


def traces(body: str, hidden: list[User]) -> set[str]:
    """What the body holds of them; headlines, links and photos have the username in them."""
    marks = {mark for user in hidden for mark in (user.username, user.initials, user.name, str(user.pk))}
    return {mark for mark in marks if mark in body}


def modes_of(line: Line) -> tuple[dict[str, str], ...]:
    """The ways in which the address is asked: as a page, by a script for a part of it, by a program."""
    if line.name.startswith("messaging:"):
        return MODES
    return MODES[:2] if line.name.startswith(("feed:", "network:", "notifications:")) else MODES[:1]


def pages(is_member: bool) -> Iterator[Line]:
    """The lines of the table that have something to read, besides the doors and what is the same for everybody."""
    for line in lines():
        nothing = {"405", "302"} if is_member else {"405", "302", "in"}
        place = VISITORS.index("owner" if is_member else "anonymous")
        is_same = line.name.startswith(("account_", "health")) or line.name in {
            "media",
            "metrics",
            "readiness",
        }
        if line.method == "GET" and not is_same and line.expected[place] not in nothing:
            yield line


def answers(client: Client, ids: Ids, is_member: bool, most_modes: int) -> Iterator[tuple[str, str, str]]:
    """What the client reads at every address: the pattern's name, the address and the body."""
    extra = [
        Line("network:directory", "/members/?q=foe", "GET", ()),
        Line("messaging:inbox", "/messages/?box=requests", "GET", ()),
        Line("messaging:new", "/messages/new/?q=rno", "GET", ()),
        Line("messaging:about", "/messages/{group}/about/?q=rno", "GET", ()),
        Line("messaging:search", "/messages/{talk}/search/?q=words", "GET", ()),
    ]
    with transaction.atomic():
        for line in (*pages(is_member), *(extra if is_member else ())):
            for address in ids.addresses(line):
                for mode in modes_of(line)[:most_modes]:
                    response = client.get(address, headers=mode)
                    yield line.name, address, b"".join(response).decode(errors="replace")
        transaction.set_rollback(True)


def leaks(
    people: dict[str, User], viewer: str, fates: tuple[str, ...], most_modes: int = len(MODES)
) -> dict[str, set[str]]:
    """What the viewer reads of those who are hidden by `fates`, by the name of the pattern."""
    hidden = [people[name] for name in hidden_names(*fates)]
    who = people.get(viewer)
    client = client_of(who) if who else Client()
    found: dict[str, set[str]] = {}
    for name, address, body in answers(client, ids_for(who or AnonymousUser()), who is not None, most_modes):
        is_own_list = name in OWN_BLOCKS and viewer == "alice"
        if seen := traces(body, [user for user in hidden if not (is_own_list and "foe" in user.username)]):
            found.setdefault(f"{name} {address}", set()).update(seen)
    return found


def test_nothing_that_anybody_is_answered_holds_those_who_do_not_exist_for_them(
    people: dict[str, User],
) -> None:
    """Read once before, so that what is remembered of them is remembered, and the world is known to hold them."""
    seen = leaks(people, "alice", FATES, most_modes=1)
    assert len({address.partition(" ")[0] for address in seen}) > 15, seen
    hide(people)
    # Visitors are shown nobody whose page is not for everyone, hidden or not.
    for viewer, fates in (("alice", FATES), ("stranger", FOR_EVERYBODY), ("visitor", FATES)):
        assert leaks(people, viewer, fates) == {}, viewer


def ask(client: Client, line: Line, address: str) -> int:
    """The status of the answer; nothing of it stays."""
    with transaction.atomic():
        form = FORMS.get(line.name, {})
        response = client.get(address) if line.method == "GET" else client.post(address, form)
        b"".join(response)
        transaction.set_rollback(True)
    return response.status_code


def ids_of_hidden(people: dict[str, User]) -> dict[str, Ids]:
    """For lines that have this word: what hidden members made, of each kind one for each fate."""

    def each(model: type[Model], path: str, **conditions: object) -> list[int]:
        found = [
            model._default_manager.filter(**{f"{path}__username__startswith": fate}, **conditions).first()
            for fate in FATES
        ]
        return [row.pk for row in found if row]

    group = Conversation.objects.get(title="Harbour")
    spoken = Entry.objects.filter(conversation=group, author__username__contains=".").values_list(
        "seq", flat=True
    )
    alice = people["alice"]
    of_others = Activity.objects.exclude(actor__username__contains=".").values("notification")
    of_hidden = Notification.objects.filter(recipient=alice).exclude(pk__in=of_others)
    return {
        "post": Ids({"post": each(Post, "author", original=None), "image": [1]}),
        "comment": Ids({"comment": each(Comment, "author", post__author=alice)}),
        "got": Ids({"got": each(Connection, "inviter", state=Connection.State.INVITED)}),
        "sent": Ids({"sent": [row.pk for row in Connection.objects.sent_by(alice)]}),
        "news": Ids({"news": list(of_hidden.values_list("pk", flat=True)[:10])}),
        "said": Ids({"talk": [group.pk], "said": list(spoken)}),
        "file": Ids(
            {
                "talk": [group.pk],
                "file": each(Attachment, "entry__author", entry__conversation=group),
            }
        ),
    }


def test_what_may_not_be_seen_is_404_at_every_address_that_reads_or_changes_it(
    people: dict[str, User],
) -> None:
    ids = ids_of_hidden(people)
    hide(people)
    client = client_of(people["alice"])
    found: dict[str, int] = {}
    asked = 0
    for line in lines():
        words = [word for word in ids if f"{{{word}}}" in line.address]
        addresses = list(ids[words[0]].addresses(line)) if words else []
        if "/alice/" in line.address:
            addresses = [line.address.replace("/alice/", f"/{fate}.asking/") for fate in FATES]
        if line.expected[VISITORS.index("owner")] == "405":
            continue
        for address in addresses:
            asked += 1
            if (status := ask(client, line, address)) != 404:
                found[f"{line.method} {address}"] = status
    assert found == {}
    assert asked > 200


def test_what_is_seen_and_belongs_to_somebody_else_is_403_where_it_would_be_changed(
    people: dict[str, User],
) -> None:
    """Posts, quotes and shares; comments and replies, also for the author of the post; messages."""
    alice, stranger, friend = people["alice"], people["stranger"], people["foe.friend"]
    group = Conversation.objects.get(title="Harbour")
    changes = [
        line
        for line in lines()
        if line.name.partition(":")[2] in {"edit", "delete", "edit_comment", "delete_comment"}
    ]
    found: dict[str, int] = {}
    for viewer in (alice, stranger, friend):
        posts = Post.objects.visible_to(viewer).exclude(author=viewer).order_by("is_repost", "pk")
        comments = Comment.objects.visible_to(viewer).exclude(author=viewer)
        entries = Entry.objects.shown_to(viewer).messages().filter(conversation=group).exclude(author=viewer)
        ids = Ids(
            {
                "post": [posts[0].pk, *posts.filter(is_repost=True).values_list("pk", flat=True)[:2]],
                "comment": [
                    row.pk for row in (comments.filter(parent=None)[0], comments.exclude(parent=None)[0])
                ],
                "talk": [group.pk],
                "said": list(entries.values_list("seq", flat=True)[:2]),
            }
        )
        client = client_of(viewer)
        for line in changes:
            if viewer == stranger and line.name.startswith("messaging:"):
                continue
            for address in ids.addresses(line):
                if (status := ask(client, line, address)) != 403:
                    found[f"{viewer} {line.method} {address}"] = status
    assert found == {}


def test_numbers_stay_and_what_stands_behind_them_holds_nobody_out_of_sight() -> None:
    """Counts of posts are totals; lists say why they are shorter; notifications count those who are there."""
    abby, anna, foe, ghost = (make_member(name) for name in ("abby", "anna", "foe", "ghost"))
    post, quiet = say(abby, "Mine"), say(abby, "Also mine")
    for member in (anna, foe, ghost):
        react(post, member)
        answer(post, member)
    for member in (foe, ghost):
        react(quiet, member)
        answer(quiet, member)
    client = client_of(abby)
    assert re.search(r"\d other", client.get("/notifications/").content.decode())
    assert client.get("/notifications/unread/").json()["unread"] == 4
    block_member(blocker=foe, blocked=abby)
    User.objects.filter(pk=ghost.pk).update(suspended_at=timezone.now())
    page = client.get(f"/posts/{post.pk}/").content.decode()
    assert "3 comments" in page
    assert page.count('class="comment"') == 1
    page = client.get(f"/posts/{quiet.pk}/").content.decode()
    assert "No comments to show" in page
    assert "No comments yet" not in page
    page = client.get(f"/posts/{quiet.pk}/reactions/").content.decode()
    assert "No reactions to show" in page
    assert "No reactions yet" not in page
    assert not re.search(r"\d other", client.get("/notifications/").content.decode())
    # Those about the quiet post are gone with those who did it.
    assert client.get("/notifications/unread/").json()["unread"] == 2
