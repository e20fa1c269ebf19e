"""Degrees, mutual connections and suggestions."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from network.graph import Mutual, find_degree, mutual_connections, suggest_members, within_two_degrees
from network.pages import MemberPage
from network.services import accept_invitation, block_member, follow_member, ignore_invitation, invite_member
from tests.cast import client_of, connect, make_member
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]

People = Callable[[str], list[User]]


@pytest.fixture
def people(db: None) -> People:
    """Create a member for each character: people("abc") creates "m-a", "m-b" and "m-c"."""
    return lambda letters: [make_member(f"m-{letter}", name=letter.upper()) for letter in letters]


def distance(viewer: User, member: User) -> int | None:
    page: MemberPage = client_of(viewer).get(f"/members/{member.username}/").context["page"]
    return page.degree


def test_the_distance_is_that_of_the_shortest_path(people: People) -> None:
    a, b, c, d, e = people("abcde")
    for one, other in ((a, b), (b, c), (c, d), (d, e)):
        connect(one, other)
    assert [distance(a, other) for other in (b, c, d, e)] == [1, 2, 3, None]
    assert [distance(other, a) for other in (b, c, d, e)] == [1, 2, 3, None]
    connect(a, d)
    assert [distance(a, other) for other in (b, c, d, e)] == [1, 2, 1, 2]


def test_there_is_no_degree_to_the_viewer_or_to_a_member_without_connections(people: People) -> None:
    a, b = people("ab")
    assert distance(a, a) is None
    assert distance(a, b) is None


def test_an_invitation_is_no_path(people: People) -> None:
    a, b, c = people("abc")
    connect(a, b)
    invite_member(inviter=b, invitee=c)
    assert distance(a, c) is None


def test_an_invitation_is_no_part_of_a_path_wherever_it_lies(db: None) -> None:
    """The third degree must not reveal an open invitation to strangers."""
    wrong = []
    for number in range(3):
        for turned in (False, True):
            path = [make_member(f"m{number}-{turned}-{letter}".lower()) for letter in "abcd"]
            for index, (one, other) in enumerate(pairwise(path)):
                if index == number:
                    invite_member(inviter=other if turned else one, invitee=one if turned else other)
                else:
                    connect(one, other)
            if find_degree(path[0], path[3], connected=False, mutual=0) is not None:
                wrong.append((number, turned))
    assert wrong == []


@pytest.mark.parametrize("order", ["abcd", "dcba", "bdac", "cadb"])
def test_who_signed_up_first_does_not_matter(people: People, order: str) -> None:
    made = dict(zip(sorted(order), sorted(people(order), key=lambda member: member.username), strict=True))
    for one, other in ("ab", "bc", "cd"):
        connect(made[one], made[other])
    assert find_degree(made["a"], made["d"], connected=False, mutual=0) == 3


def test_within_two_degrees_are_connections_of_connections_and_followers_in_any_order_of_ids(
    db: None,
) -> None:
    wrong = []
    for number, order in enumerate(("abcdxyz", "zyxdcba", "bdxacyz", "czdaybx")):
        made = {letter: make_member(f"m{number}{letter}") for letter in order}
        for one, other in ("ab", "bc", "cd"):
            connect(made[one], made[other])
        follow_member(follower=made["x"], followed=made["a"])
        follow_member(follower=made["a"], followed=made["y"])
        follow_member(follower=made["d"], followed=made["y"])
        invite_member(inviter=made["a"], invitee=made["z"])
        near = within_two_degrees(made["a"], [member.pk for member in made.values()])
        found = "".join(letter for letter in "abcdxyz" if made[letter].pk in near)
        if found.replace("a", "") != "bcx":
            wrong.append((order, found))
    assert wrong == []


def shared(viewer: User, member: User) -> tuple[int, list[str]]:
    found = mutual_connections(viewer, member)
    return found.count, [row.name for row in found.first]


def test_mutual_connections_are_counted_and_the_first_named(people: People) -> None:
    a, b, *others = people("abzyxwv")
    assert shared(a, b) == (0, [])
    for other in others:
        connect(a, other)
        connect(other, b)
    assert shared(a, b) == (5, ["V", "W", "X"])
    assert shared(b, a) == (5, ["V", "W", "X"])
    assert Mutual(5, []).other_count == 4
    assert Mutual(0, []).other_count == 0


@pytest.mark.parametrize("gone", ["suspended", "deactivated", "blocked by me", "blocking me"])
def test_who_does_not_exist_for_the_viewer_is_no_mutual_connection(people: People, gone: str) -> None:
    a, b, c, d = people("abcd")
    for other in (c, d):
        connect(a, other)
        connect(b, other)
    match gone:
        case "suspended":
            User.objects.filter(pk=c.pk).update(suspended_at=timezone.now())
        case "deactivated":
            User.objects.filter(pk=c.pk).update(is_active=False)
        case "blocked by me":
            block_member(blocker=a, blocked=c)
        case _:
            block_member(blocker=c, blocked=a)
    assert shared(a, b) == (1, ["D"])


def test_mutual_connections_cost_one_query(people: People, django_assert_num_queries: Any) -> None:
    a, b = people("ab")
    mutual_connections(a, b)  # counts how many connections they have
    with django_assert_num_queries(1):
        mutual_connections(a, b)


def suggested(viewer: User, most: int = 10) -> list[tuple[str, int]]:
    return [(member.name, member.mutual) for member in suggest_members(viewer, most=most)]


def test_suggestions_come_by_mutual_connections_then_the_latest_to_join(people: People) -> None:
    a, b, c, d, e, _f, _g = people("abcdefg")
    connect(a, b)
    connect(a, c)
    connect(b, d)
    connect(c, d)
    connect(b, e)
    assert suggested(a) == [("D", 2), ("E", 1), ("G", 0), ("F", 0)]
    assert suggested(a, most=3) == [("D", 2), ("E", 1), ("G", 0)]
    assert suggested(a, most=1) == [("D", 2)]


def test_equals_come_by_name(people: People) -> None:
    a, b, *others = people("abzyx")
    connect(a, b)
    for other in others:
        connect(b, other)
    assert suggested(a) == [("X", 1), ("Y", 1), ("Z", 1)]


def test_members_with_a_connection_row_are_not_suggested(people: People) -> None:
    a, b, c, d, e, f = people("abcdef")
    connect(a, b)
    for other in (c, d, e, f):
        connect(b, other)
    connect(a, c)
    invite_member(inviter=a, invitee=d)
    invite_member(inviter=e, invitee=a)
    ignore_invitation(connection=invite_member(inviter=f, invitee=a), by=a)
    assert suggested(a) == []


def test_followed_members_may_be_suggested(people: People) -> None:
    a, b = people("ab")
    follow_member(follower=a, followed=b)
    assert suggested(a) == [("B", 0)]


@pytest.mark.parametrize("gone", ["suspended", "deactivated", "unconfirmed", "blocked by me", "blocking me"])
def test_members_who_do_not_exist_for_the_viewer_are_not_suggested(people: People, gone: str) -> None:
    a, b, c = people("abc")
    connect(a, b)
    connect(b, c)
    match gone:
        case "suspended":
            User.objects.filter(pk=c.pk).update(suspended_at=timezone.now())
        case "deactivated":
            User.objects.filter(pk=c.pk).update(is_active=False)
        case "unconfirmed":
            User.objects.filter(pk=c.pk).update(joined_at=None)
        case "blocked by me":
            block_member(blocker=a, blocked=c)
        case _:
            block_member(blocker=c, blocked=a)
    assert suggested(a) == []


def test_a_path_through_one_who_is_suspended_does_not_count(people: People) -> None:
    a, b, c = people("abc")
    connect(a, b)
    connect(b, c)
    User.objects.filter(pk=b.pk).update(suspended_at=timezone.now())
    assert suggested(a) == [("C", 0)]


def test_the_viewer_is_never_suggested(people: People) -> None:
    a, b, c = people("abc")
    connect(a, b)
    connect(b, c)
    connect(c, a)
    assert suggested(a) == []


def test_suggestions_cost_five_queries_whatever_the_circle(
    people: People, django_assert_num_queries: Any
) -> None:
    a, *others = people("abcdefghij")
    for number, other in enumerate(others[:-1]):
        row = (
            invite_member(inviter=a, invitee=other) if number % 2 else invite_member(inviter=other, invitee=a)
        )
        accept_invitation(connection=row, by=other if number % 2 else a)
        connect(other, others[-1])
    with django_assert_num_queries(5):
        suggest_members(a, most=9)
    assert suggested(a) == [("J", 8)]
