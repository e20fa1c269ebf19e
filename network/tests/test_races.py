"""Concurrent actions on one pair: one row, never connected while blocked, no errors but domain errors."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from network import services
from network.events import connection_made
from network.models import Block, Connection, Follow
from network.services import NetworkError
from tests.cast import client_of, make_member
from users.models import User
from users.tests.races import at_once, hold, is_free, meet

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

ROUNDS = 12


@pytest.fixture
def pair() -> tuple[User, User]:
    return make_member("ann"), make_member("ben")


def invite(one: User, other: User) -> Callable[[], object]:
    return lambda: services.invite_member(inviter=one, invitee=other)


def block(one: User, other: User) -> Callable[[], object]:
    return lambda: services.block_member(blocker=one, blocked=other)


def follow(one: User, other: User) -> Callable[[], object]:
    return lambda: services.follow_member(follower=one, followed=other)


def accept(row: Connection, by: User) -> Callable[[], object]:
    return lambda: services.accept_invitation(connection=row, by=by)


def withdraw(row: Connection, by: User) -> Callable[[], object]:
    return lambda: services.withdraw_invitation(connection=row, by=by)


def ignore(row: Connection, by: User) -> Callable[[], object]:
    return lambda: services.ignore_invitation(connection=row, by=by)


def disconnect(one: User, other: User) -> Callable[[], object]:
    return lambda: services.remove_connection(member=one, other=other)


def run(*acts: Callable[[], object]) -> list[type[NetworkError] | None]:
    """Return the domain error of each action, None for a success; any other exception fails the test."""
    results = at_once(*acts)
    faults = [
        result for result in results if isinstance(result, Exception) and not isinstance(result, NetworkError)
    ]
    assert faults == []
    assert_invariants()
    return [type(result) if isinstance(result, NetworkError) else None for result in results]


def assert_invariants() -> None:
    pairs = list(Connection.objects.values_list("low", "high"))
    assert len(pairs) == len(set(pairs))
    assert all(low < high for low, high in pairs)
    blocked = {tuple(sorted(row)) for row in Block.objects.values_list("blocker", "blocked")}
    assert not blocked & set(pairs), "a connection between two members of whom one blocks the other"
    followed = {tuple(sorted(row)) for row in Follow.objects.values_list("follower", "followed")}
    assert not blocked & followed, "a follow between two members of whom one blocks the other"


def reset() -> None:
    for model in (Connection, Follow, Block):
        model.objects.all().delete()


def test_both_invite_at_once_and_are_connected(pair: tuple[User, User]) -> None:
    ann, ben = pair
    for _round in range(ROUNDS):
        reset()
        assert run(invite(ann, ben), invite(ben, ann)) == [None, None]
        assert Connection.objects.get().is_connected


def test_one_invites_several_times_at_once_and_once_counts(pair: tuple[User, User]) -> None:
    ann, ben = pair
    for _round in range(ROUNDS):
        reset()
        results = run(*[invite(ann, ben)] * 3)
        assert sorted(results, key=str) == sorted(
            [None, services.AlreadyInvited, services.AlreadyInvited], key=str
        )
        assert not Connection.objects.get().is_connected


@pytest.mark.parametrize("blocker", [0, 1])
def test_an_invitation_and_a_block_at_once(pair: tuple[User, User], blocker: int) -> None:
    for _round in range(ROUNDS):
        reset()
        results = run(invite(*pair), block(pair[blocker], pair[1 - blocker]))
        assert results[1] is None
        assert results[0] in {None, services.NotReachable}
        assert (Connection.objects.count(), Block.objects.count()) == (0, 1)


@pytest.mark.parametrize("blocker", [0, 1])
def test_accepting_and_blocking_at_once(pair: tuple[User, User], blocker: int) -> None:
    ann, ben = pair
    for _round in range(ROUNDS):
        reset()
        row = services.invite_member(inviter=ann, invitee=ben)
        run(accept(row, ben), block(pair[blocker], pair[1 - blocker]))
        assert (Connection.objects.count(), Block.objects.count()) == (0, 1)


def test_accepting_and_withdrawing_at_once_is_one_of_the_two(pair: tuple[User, User]) -> None:
    ann, ben = pair
    for _round in range(ROUNDS * 2):
        reset()
        row = services.invite_member(inviter=ann, invitee=ben)
        accepted, withdrawn = run(accept(row, ben), withdraw(row, ann))
        if Connection.objects.exists():
            assert Connection.objects.get().is_connected
            assert (accepted, withdrawn) == (None, services.AlreadyConnected)
        else:
            assert (accepted, withdrawn) == (services.NotReachable, None)


def test_accepting_and_ignoring_at_once_connects(pair: tuple[User, User]) -> None:
    ann, ben = pair
    for _round in range(ROUNDS):
        reset()
        row = services.invite_member(inviter=ann, invitee=ben)
        assert run(accept(row, ben), ignore(row, ben)) == [None, None]
        assert (Connection.objects.get().is_connected, Connection.objects.get().ignored_at) == (True, None)


def test_accepting_twice_at_once_announces_one_connection(pair: tuple[User, User]) -> None:
    heard: list[int] = []

    def note(**facts: Any) -> None:
        heard.append(facts["connection"].pk)

    ann, ben = pair
    connection_made.connect(note)
    try:
        for _round in range(ROUNDS):
            reset()
            row = services.invite_member(inviter=ann, invitee=ben)
            assert run(accept(row, ben), accept(row, ben)) == [None, None]
    finally:
        connection_made.disconnect(note)
    assert len(heard) == len(set(heard)) == ROUNDS


def test_ending_and_inviting_at_once(pair: tuple[User, User]) -> None:
    ann, ben = pair
    for _round in range(ROUNDS):
        reset()
        services.accept_invitation(connection=services.invite_member(inviter=ann, invitee=ben), by=ben)
        ended, asked = run(disconnect(ann, ben), invite(ben, ann))
        assert ended is None
        assert asked in {None, services.AlreadyConnected}
        assert not Connection.objects.connected().exists()


def test_following_twice_at_once_is_once(pair: tuple[User, User]) -> None:
    for _round in range(ROUNDS):
        reset()
        assert run(follow(*pair), follow(*pair)) == [None, None]
        assert Follow.objects.count() == 1


@pytest.mark.parametrize("blocker", [0, 1])
def test_following_and_blocking_at_once(pair: tuple[User, User], blocker: int) -> None:
    for _round in range(ROUNDS):
        reset()
        run(follow(*pair), block(pair[blocker], pair[1 - blocker]))
        assert (Follow.objects.count(), Block.objects.count()) == (0, 1)


def test_both_block_at_once(pair: tuple[User, User]) -> None:
    ann, ben = pair
    for _round in range(ROUNDS):
        reset()
        assert run(block(ann, ben), block(ben, ann), block(ann, ben)) == [None, None, None]
        assert Block.objects.count() == 2


def test_many_acts_on_crossing_pairs_do_not_lock_each_other_up() -> None:
    people = [make_member(f"person{number}") for number in range(4)]
    for _round in range(4):
        reset()
        run(*(invite(one, other) for one in people for other in people if one != other))
        assert Connection.objects.connected().count() == 6


def test_two_browsers_at_once_are_both_answered(pair: tuple[User, User]) -> None:
    ann, ben = pair
    browsers = [client_of(ann), client_of(ben)]
    for browser in browsers:
        browser.raise_request_exception = False
    for _round in range(4):
        reset()
        responses = at_once(
            lambda: browsers[0].post("/members/ben/invite/"), lambda: browsers[1].post("/members/ann/invite/")
        )
        assert [response.status_code for response in responses] == [302, 302]
        assert Connection.objects.get().is_connected


@pytest.mark.postgres_only
def test_every_act_on_a_pair_waits_for_the_one_before_at_the_member_with_the_smaller_id(
    pair: tuple[User, User],
) -> None:
    """Two actions that each lock one of the two members would wait for each other."""
    ann, ben = pair
    first, second = User.objects.filter(pk=ann.pk), User.objects.filter(pk=ben.pk)
    # Without ORDER BY, PostgreSQL now finds Ben's row first.
    first.update(headline="Here for longer")
    wrong = []
    for one, other in ((ann, ben), (ben, ann)):
        reset()
        row = services.invite_member(inviter=other, invitee=one)
        acts = {
            "ignore": ignore(row, one),
            "withdraw": withdraw(row, other),
            "invite": invite(one, other),
            "accept": accept(row, one),
            "follow": follow(one, other),
            "disconnect": disconnect(one, other),
            "block": block(one, other),
        }
        for name, act in acts.items():
            met = meet(hold(first), act, look=lambda: is_free(second))
            if not (met.waited and met.seen):
                wrong.append((name, one.username, met))
    assert wrong == []


@pytest.mark.postgres_only
def test_an_act_waits_neither_for_a_third_member_nor_for_new_references_to_the_two(
    pair: tuple[User, User],
) -> None:
    cleo = make_member("cleo")

    def elsewhere() -> None:
        hold(User.objects.filter(pk=cleo.pk))()
        Follow.objects.create(follower=pair[0], followed=cleo)
        with connection.cursor() as query:
            query.execute("SET CONSTRAINTS ALL IMMEDIATE")  # locks the follower now, not at the commit

    assert not meet(elsewhere, invite(*pair)).waited
