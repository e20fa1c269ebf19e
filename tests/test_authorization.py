"""The table of tests.authorization against what the product really answers, and against the addresses it really has."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib import admin
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from core import storage
from feed.tests.material import PDF, answer, say
from messaging.models import Membership
from messaging.services import File, start_direct, start_group
from messaging.tests.material import send
from network.services import block_member, invite_member
from notifications.kinds import Kind
from notifications.models import Notification
from notifications.tokens import token_for
from users.audience import Audience
from users.models import Experience, User
from users.tests.accounts import make_unconfirmed

from .authorization import FORMS, TABLE, VISITORS
from .cast import client_of, connect, make_member

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/login/"
METHODS = ("GET", "POST")


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    address: str
    method: str
    expected: tuple[str, ...]


def lines() -> Iterator[Line]:
    """The table, line by line."""
    name = address = ""
    for text in TABLE.strip().splitlines():
        words = text.split()
        if words and not words[0].startswith("#"):
            expected = tuple(words[-len(VISITORS) :])
            *place, method = words[: -len(VISITORS)]
            if len(place) == 2:
                name = place[0]
            address = place[-1] if place else address
            yield Line(name, address, method, expected)


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """The names of all patterns, namespaces included; one without a name is called by what it matches."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + (pattern.name or f"nameless {pattern.pattern}")
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from patterns(pattern, prefix + inner)


@dataclass(frozen=True)
class World:
    """The members, and what the braces of the table stand for."""

    members: dict[str, User]
    words: dict[str, object]

    def client(self, visitor: str) -> Client:
        return client_of(self.members[visitor]) if visitor in self.members else Client()


@pytest.fixture
def world(alice: User, mona: User) -> World:
    cache.clear()
    members = {
        "owner": alice,
        "moderator": mona,
        "stranger": make_member("stranger"),
        "connection": make_member("connection"),
        "staff": make_member("stella", is_staff=True, is_superuser=True),
        "suspended": make_member("sam", suspended_at=timezone.now()),
    }
    connect(alice, members["connection"])
    una = make_unconfirmed("una")
    asking, asked, foe, dora = (make_member(name) for name in ("asking", "asked", "foe", "dora"))
    connect(alice, dora)
    document = storage.store(storage.new_private_name("documents", "pdf"), PDF)
    post = say(alice, "Among us #circle", audience=Audience.CONNECTIONS)
    type(post).objects.filter(pk=post.pk).update(document=document, document_name="plan.pdf")
    picture = storage.store(storage.new_private_name("posts", "webp"), b"RIFF").removesuffix(".webp")
    image = post.images.create(file=picture, width=1, height=1)
    storage.store(image.files[0], b"RIFF")
    comment = answer(post, alice)
    answer(post, alice, "And more", parent=comment)
    block_member(blocker=alice, blocked=foe)
    talk = start_direct(by=alice, other=members["connection"])
    said = send(talk, alice, files=[File(PDF, "plan.pdf")])
    group = start_group(by=alice, members=[members["connection"], dora], title="Harbour")
    words = {
        "post": post.pk,
        "image": image.pk,
        "comment": comment.pk,
        "position": Experience.objects.create(
            user=alice, title="Baker", employer="Bakery", start=timezone.localdate()
        ).pk,
        "got": invite_member(inviter=asking, invitee=alice).pk,
        "sent": invite_member(inviter=alice, invitee=asked).pk,
        "talk": talk.pk,
        "said": said.seq,
        "file": said.attachments.get().pk,
        "group": group.pk,
        "dora": Membership.objects.get(conversation=group, member=dora).pk,
        "news": Notification.objects.get(recipient=alice, kind=Kind.INVITATION).pk,
        "stop": token_for(alice.pk, Kind.COMMENT),
        "picture": default_storage.save("photos/aa/picture.webp", ContentFile(b"RIFF")),
        "private": document,
        "confirmation": EmailConfirmationHMAC(EmailAddress.objects.get(user=una)).key,
    }
    return World(members, words)


def told(response: HttpResponseBase, address: str) -> str:
    """The answer in the words of the table."""
    location = response.headers.get("Location", "")
    if response.status_code == 302 and location.startswith(f"{SIGN_IN}?next={address}"):
        return "in"
    return str(response.status_code)


def ask(world: World, line: Line, visitor: str) -> str:
    """What the visitor is answered; nothing of it stays."""
    address = line.address.format(**world.words)
    client = world.client(visitor)
    with transaction.atomic():
        form = {key: value.format(**world.words) for key, value in FORMS.get(line.name, {}).items()}
        response = client.get(address) if line.method == "GET" else client.post(address, form)
        b"".join(response)  # a file is closed once it is read
        transaction.set_rollback(True)
    return told(response, address)


@pytest.mark.parametrize("line", list(lines()), ids=lambda line: f"{line.method} {line.name} {line.address}")
def test_every_visitor_is_answered_as_the_table_says(world: World, line: Line) -> None:
    found = {visitor: ask(world, line, visitor) for visitor in VISITORS}
    expected = dict(zip(VISITORS, line.expected, strict=True))
    states = {
        visitor for visitor, words in expected.items() if words == "up" and found[visitor] in {"200", "503"}
    }
    assert {**found, **dict.fromkeys(states, "up")} == expected


def test_the_table_knows_every_address_of_the_product() -> None:
    """A pattern that nobody has thought about is missing here, and must not be in the product either."""
    known = {line.name for line in lines()}
    there = {name for name in patterns(get_resolver()) if not name.startswith("admin:")}
    assert known == there


def test_the_table_has_every_method_of_every_address() -> None:
    asked = {(line.address, line.method) for line in lines()}
    assert asked == {(address, method) for address, _method in asked for method in METHODS}


def admin_addresses() -> list[str]:
    """All pages of the admin but its door, with 1 for the row that they ask for."""
    _prefix, resolver = get_resolver().namespace_dict["admin"]
    names = {name for name in patterns(resolver) if not name.startswith("nameless")} - {"login", "logout"}
    found = []
    for name in names:
        ((_pattern, arguments),) = resolver.reverse_dict.getlist(name)[0][0]
        values = {argument: "users" if argument == "app_label" else "1" for argument in arguments}
        found.append(reverse(f"admin:{name}", kwargs=values))
    return sorted(found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("visitor", [visitor for visitor in VISITORS if visitor != "staff"])
def test_nobody_but_staff_gets_into_the_administration(world: World, visitor: str, method: str) -> None:
    client = world.client(visitor)
    addresses = admin_addresses()
    answers = {address: getattr(client, method.lower())(address) for address in addresses}
    inside = {
        address: answer.status_code
        for address, answer in answers.items()
        if not (answer.status_code == 302 and answer["Location"].startswith("/admin/login/"))
    }
    assert inside == {}
    assert len(addresses) > 50


def test_staff_gets_into_the_administration(world: World) -> None:
    client = world.client("staff")
    assert client.get("/admin/").status_code == 200
    answers = {address: client.get(address).status_code for address in admin_addresses()}
    # Rows that are not there (1) lead back to the list; one app's view-on-site and a search without words are 404.
    assert set(answers.values()) <= {200, 302, 403, 404}
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    assert {address: answers[address] for address in lists} == dict.fromkeys(lists, 200)


def test_staff_without_rights_sees_the_door_and_nothing_behind_it(world: World) -> None:
    helper = client_of(make_member("helper", is_staff=True))
    assert helper.get("/admin/").status_code == 200
    assert helper.get("/admin/users/user/").status_code == 403
    assert helper.get(f"/admin/users/user/{world.members['owner'].pk}/change/").status_code == 403


def kept_by_a_cache(response: HttpResponseBase) -> bool:
    """Whether the answer is shown again without asking; a private picture may be kept, and is asked about."""
    rules = set(response.headers.get("Cache-Control", "").split(", "))
    is_picture = response.headers["Content-Type"].startswith("image/")
    return not ("no-store" in rules or (is_picture and {"private", "no-cache"} <= rules))


def test_no_page_of_a_member_is_kept_by_a_cache(world: World) -> None:
    """Whatever it is and whoever wrote its view; public uploads are nobody's."""
    client, kept = world.client("owner"), {}
    for line in lines():
        address = line.address.format(**world.words)
        if line.method != "GET" or line.name == "media":
            continue
        with transaction.atomic():
            answer = client.get(address)
            b"".join(answer)
            transaction.set_rollback(True)
        if answer.status_code == 200 and kept_by_a_cache(answer):
            kept[line.name] = answer.headers.get("Cache-Control")
    assert kept == {}


def test_public_pages_are_served_to_visitors_as_before(client: Client, alice: User) -> None:
    User.objects.update(page_audience=Audience.PUBLIC)
    for address in ("/", "/members/alice/", "/tags/harbour/"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers.get("Cache-Control")) == (200, None)
