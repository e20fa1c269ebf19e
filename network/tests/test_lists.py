"""The network pages: invitations, connections, followed and blocked members, suggestions; and their query counts."""

from collections.abc import Callable
from itertools import product

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from network.models import Block, Connection, Follow
from network.services import block_member, follow_member, invite_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, connect, make_member
from users.models import Profile, User

from .helpers import HTMX, usernames_in

pytestmark = pytest.mark.django_db

LISTS = [f"/network/{part}" for part in ("", "sent/", "connections/", "following/", "blocked/", "suggested/")]
PAGED = [path for path in LISTS if path != "/network/suggested/"]


def test_it_opens_with_nothing_to_list(as_alice: Client) -> None:
    with all_cases() as case:
        for path in LISTS:
            with case(path), rolled_back():
                assert as_alice.get(path).status_code == 200


def test_a_visitor_is_asked_to_sign_in() -> None:
    with all_cases() as case:
        for path in LISTS:
            with case(path), rolled_back():
                client = Client()
                assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


def test_it_is_for_looking(as_alice: Client) -> None:
    with all_cases() as case:
        for method, path in product(("post", "put", "delete"), LISTS):
            with case(f"{method!r}, {path!r}"):
                assert getattr(as_alice, method)(path).status_code == 405


def test_a_bad_cursor_is_a_bad_request(as_alice: Client) -> None:
    with all_cases() as case:
        for page, path in product(("abc", "-1", "9" * 30, "1.5", "ä"), PAGED):
            with case(f"{page!r}, {path!r}"):
                assert as_alice.get(path, {"page": page}).status_code == 400


Fill = Callable[[User, User], object]
FILLS: dict[str, Fill] = {
    "/network/": lambda me, other: invite_member(inviter=other, invitee=me, note="Hello"),
    "/network/sent/": lambda me, other: invite_member(inviter=me, invitee=other),
    "/network/connections/": connect,
    "/network/following/": lambda me, other: follow_member(follower=me, followed=other),
    "/network/blocked/": lambda me, other: block_member(blocker=me, blocked=other),
}


def usernames(client: Client, path: str, cursor: str = "") -> tuple[list[str], str]:
    response = client.get(path, {"page": cursor} if cursor else {})
    assert response.status_code == 200
    if path in {"/network/", "/network/sent/"}:
        found = [relation.member.username for relation, _note in response.context["invitations"]]
    else:
        found = usernames_in(response)
    return found, response.context["next"]


@pytest.mark.both
def test_everybody_comes_once_over_all_pages(alice: User) -> None:
    made = [make_member(f"member{number:02}", name="Same") for number in range(50)]
    expected = [member.username for member in made]
    with all_cases() as case:
        for path, fill in FILLS.items():
            with case(path), rolled_back():
                for other in made:
                    fill(alice, other)
                client, listed, cursor = client_of(alice), list[str](), ""
                for _page in range(5):
                    found, cursor = usernames(client, path, cursor)
                    listed += found
                    if not cursor:
                        break
                is_newest_first = path in {"/network/", "/network/sent/"}
                assert listed == (expected[::-1] if is_newest_first else expected)


def test_each_list_contains_the_rows_of_its_kind_and_direction_alone(alice: User) -> None:
    kinds = ("received", "sent", "connected", "followed", "blocked")
    for kind, fill in zip(kinds, FILLS.values(), strict=True):
        own, turned = make_member(kind), make_member(f"{kind}-turned")
        fill(alice, own)
        fill(turned, alice)
        fill(own, turned)
    expected = [
        ["received", "sent-turned"],
        ["received-turned", "sent"],
        ["connected", "connected-turned"],
        ["followed"],
        ["blocked"],
    ]
    client = client_of(alice)
    assert [sorted(usernames(client, path)[0]) for path in FILLS] == expected


@pytest.mark.parametrize("path", [path for path in FILLS if path != "/network/blocked/"])
@pytest.mark.parametrize(
    "values", [{"suspended_at": timezone.now()}, {"is_active": False}], ids=["suspended", "off"]
)
def test_who_is_suspended_is_not_listed(
    alice: User, charlie: User, path: str, values: dict[str, object]
) -> None:
    FILLS[path](alice, charlie)
    User.objects.filter(pk=charlie.pk).update(**values)
    assert usernames(client_of(alice), path) == ([], "")


def test_htmx_is_answered_with_the_rows_alone(alice: User, charlie: User) -> None:
    with all_cases() as case:
        for path in ["/network/connections/", "/network/following/"]:
            with case(path), rolled_back():
                FILLS[path](alice, charlie)
                text = client_of(alice).get(path, headers=HTMX).content.decode()
                assert "<html" not in text
                assert "/members/charlie/" in text


@pytest.mark.both
def test_suggestions_are_a_part_of_a_page(as_alice: Client, charlie: User) -> None:
    text = as_alice.get("/network/suggested/").content.decode()
    assert "<html" not in text
    assert "/members/charlie/" in text


def create_members(me: User, friend: User, count: int) -> None:
    """Create `count` members in every relation to `me`, in bulk."""
    kinds = "connected", "inviting", "invited", "blocked"
    people = [
        User(
            username=f"{kind}{count}-{index}",
            email=f"{kind}{count}-{index}@example.org",
            joined_at=me.joined_at,
        )
        for kind in kinds
        for index in range(count)
    ]
    for person in people:
        person.refresh_sort_name()
    made = User.objects.bulk_create(people)
    Profile.objects.bulk_create([Profile(user=person) for person in made])
    groups = {kind: [person for person in made if person.username.startswith(kind)] for kind in kinds}
    state = Connection.State.CONNECTED
    rows = [make_pair(me, person, me, state) for person in groups["connected"]]
    rows += [make_pair(friend, person, person, state) for person in groups["connected"]]
    rows += [make_pair(me, person, person) for person in groups["inviting"]]
    rows += [make_pair(me, person, me) for person in groups["invited"]]
    Connection.objects.bulk_create(rows)
    Follow.objects.bulk_create([Follow(follower=me, followed=person) for person in groups["connected"]])
    Block.objects.bulk_create([Block(blocker=me, blocked=person) for person in groups["blocked"]])


def make_pair(one: User, other: User, inviter: User, state: int = Connection.State.INVITED) -> Connection:
    low, high = sorted((one, other), key=lambda member: member.pk)
    return Connection(low=low, high=high, inviter=inviter, state=state, note="Hello")


# R11: no page needs more than 12 queries, and 50 rows need no more than 2.
def test_a_page_costs_the_same_for_two_rows_and_for_fifty(charlie: User) -> None:
    me = make_member("me")
    client = client_of(me)
    paths = [*LISTS, "/members/", "/members/?q=c", "/members/charlie/", "/members/me/", "/settings/"]

    def queries(path: str) -> list[str]:
        with CaptureQueriesContext(database) as captured:
            assert client.get(path, follow=True).status_code == 200
        return [query["sql"] for query in captured.captured_queries]

    for path in paths:
        client.get(path, follow=True)
    create_members(me, charlie, 2)
    few = [queries(path) for path in paths]
    create_members(me, charlie, 48)
    with all_cases() as case:
        for path, before in zip(paths, few, strict=True):
            with case(path):
                many = queries(path)
                assert len(before) == len(many) <= 12, "\n".join(many)
