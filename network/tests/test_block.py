"""Blocking hides the two members from each other on every page."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from network.events import member_blocked
from network.graph import mutual_connections, suggest_members
from network.models import Block, Connection, Follow, Member
from network.services import CannotReachSelf, block_member, follow_member, invite_member, unblock_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, connect
from users.models import User

from .helpers import are_connected, blocks, messages_in, post_action, usernames_in

pytestmark = pytest.mark.django_db


def test_blocking_ends_the_connection_and_follows(as_alice: Client, alice: User, bob: User) -> None:
    follow_member(follower=alice, followed=bob)
    follow_member(follower=bob, followed=alice)
    response = post_action(as_alice, bob, "block")
    assert response["Location"] == "/network/blocked/"
    assert messages_in(response)[0][0] == "success"
    assert blocks(alice, bob)
    assert not Connection.objects.exists()
    assert not Follow.objects.exists()


def test_who_blocks_on_a_member_s_page_is_not_led_back_to_it(as_alice: Client, bob: User) -> None:
    assert post_action(as_alice, bob, "block", next="/members/bob/")["Location"] == "/network/blocked/"


def test_who_blocks_elsewhere_is_led_back_there(as_alice: Client, bob: User) -> None:
    assert post_action(as_alice, bob, "block", next="/messages/")["Location"] == "/messages/"


def test_an_open_invitation_goes_too(as_alice: Client, alice: User, charlie: User) -> None:
    with all_cases() as case:
        for inviter in ["alice", "charlie"]:
            with case(inviter), rolled_back():
                pair = (alice, charlie) if inviter == "alice" else (charlie, alice)
                invite_member(inviter=pair[0], invitee=pair[1])
                post_action(as_alice, charlie, "block")
                assert not Connection.objects.exists()


@pytest.fixture
def blocked_pair(alice: User, bob: User, charlie: User) -> tuple[User, User]:
    """Alice has blocked Bob; both are connected to Charlie."""
    connect(alice, charlie)
    connect(bob, charlie)
    block_member(blocker=alice, blocked=bob)
    return alice, bob


PAGES = [
    "/members/",
    "/network/",
    "/network/sent/",
    "/network/connections/",
    "/network/following/",
    "/network/suggested/",
]


@pytest.mark.parametrize("path", PAGES)
def test_neither_shows_on_the_other_s_pages(blocked_pair: tuple[User, User], path: str) -> None:
    alice, bob = blocked_pair
    assert "/members/bob/" not in client_of(alice).get(path).content.decode()
    assert "/members/alice/" not in client_of(bob).get(path).content.decode().replace(
        'href="/members/bob/"', ""
    )


def test_the_page_of_each_is_404_for_the_other(blocked_pair: tuple[User, User]) -> None:
    alice, bob = blocked_pair
    assert client_of(alice).get("/members/bob/").status_code == 404
    assert client_of(bob).get("/members/alice/").status_code == 404


def test_the_response_is_the_same_as_for_an_unknown_member(blocked_pair: tuple[User, User]) -> None:
    as_bob = client_of(blocked_pair[1])
    one, other = as_bob.get("/members/alice/"), as_bob.get("/members/alibe/")
    assert one.content.decode().count("alice") == other.content.decode().count("alibe")


@pytest.mark.parametrize("query", ["alice", "ali", "Álvarez"])
def test_a_search_for_the_name_finds_no_member(blocked_pair: tuple[User, User], query: str) -> None:
    assert usernames_in(client_of(blocked_pair[1]).get("/members/", {"q": query})) == []


def test_a_third_still_sees_both(blocked_pair: tuple[User, User], charlie: User) -> None:
    assert usernames_in(client_of(charlie).get("/network/connections/")) == ["alice", "bob"]


def test_neither_is_counted_as_a_mutual_connection(
    blocked_pair: tuple[User, User], charlie: User, mona: User
) -> None:
    alice, bob = blocked_pair
    connect(mona, bob)
    connect(mona, charlie)
    for member, viewer in ((mona, alice), (charlie, alice)):
        assert "bob" not in [row.username for row in mutual_connections(viewer, member).first]
    assert mutual_connections(alice, mona).count == 1, "Charlie alone; Bob does not exist for Alice"
    page = client_of(alice).get("/members/mona/").content.decode()
    assert "/members/bob/" not in page
    assert "Bob" not in page


def test_neither_leads_to_a_suggestion(alice: User, bob: User, mona: User) -> None:
    connect(bob, mona)
    assert [member.mutual for member in suggest_members(alice, most=5) if member.pk == mona.pk] == [1]
    block_member(blocker=bob, blocked=alice)
    assert [member.mutual for member in suggest_members(alice, most=5) if member.pk == mona.pk] == [0]
    assert bob.pk not in [member.pk for member in suggest_members(alice, most=5)]


@pytest.mark.parametrize("action", ["invite", "follow", "unfollow", "disconnect", "block"])
def test_no_action_reaches_the_other(blocked_pair: tuple[User, User], action: str) -> None:
    alice, bob = blocked_pair
    assert post_action(client_of(alice), bob, action).status_code == 404
    assert post_action(client_of(bob), alice, action).status_code == 404


def test_only_the_one_who_blocked_sees_it_and_lifts_it(blocked_pair: tuple[User, User]) -> None:
    alice, bob = blocked_pair
    assert usernames_in(client_of(alice).get("/network/blocked/")) == ["bob"]
    assert usernames_in(client_of(bob).get("/network/blocked/")) == []
    assert post_action(client_of(bob), alice, "unblock").status_code == 404
    assert blocks(alice, bob)
    assert post_action(client_of(alice), bob, "unblock")["Location"] == "/network/blocked/"
    assert not blocks(alice, bob)


def test_after_lifting_it_they_are_strangers(blocked_pair: tuple[User, User]) -> None:
    alice, bob = blocked_pair
    unblock_member(blocker=alice, blocked=bob)
    assert not are_connected(alice, bob)
    page = client_of(alice).get("/members/bob/")
    assert page.context["page"].relation.state.value == "stranger"


def test_unblocking_twice_is_404_over_http_and_changes_nothing_in_the_service(
    blocked_pair: tuple[User, User],
) -> None:
    alice, bob = blocked_pair
    unblock_member(blocker=alice, blocked=bob)
    unblock_member(blocker=alice, blocked=bob)
    assert post_action(client_of(alice), bob, "unblock").status_code == 404


def test_both_may_block_and_each_lifts_the_own(alice: User, bob: User) -> None:
    block_member(blocker=alice, blocked=bob)
    block_member(blocker=bob, blocked=alice)
    unblock_member(blocker=alice, blocked=bob)
    assert not Member.objects.visible_to(alice).filter(pk=bob.pk).exists()
    unblock_member(blocker=bob, blocked=alice)
    assert Member.objects.visible_to(alice).filter(pk=bob.pk).exists()


def test_members_cannot_block_themselves(as_alice: Client, alice: User) -> None:
    assert messages_in(post_action(as_alice, alice, "block")) == [("error", "This is your own account.")]
    assert not Block.objects.exists()
    with pytest.raises(CannotReachSelf):
        block_member(blocker=alice, blocked=alice)


def test_it_takes_a_post_and_a_member(as_alice: Client, charlie: User) -> None:
    with all_cases() as case:
        for action in ["block", "unblock"]:
            with case(action), rolled_back():
                client = Client()
                assert as_alice.get(f"/members/charlie/{action}/").status_code == 405
                assert post_action(client, charlie, action)["Location"].startswith("/accounts/login/")
                assert post_action(as_alice, "nobody", action).status_code == 404
                assert not Block.objects.exists()


def test_without_the_token_of_the_page_nothing_happens(alice: User, charlie: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert post_action(client, charlie, "block").status_code == 403
    assert not Block.objects.exists()


def test_it_is_announced_once(alice: User, charlie: User) -> None:
    heard: list[tuple[User, User]] = []

    def note(**facts: Any) -> None:
        heard.append((facts["blocker"], facts["blocked"]))

    member_blocked.connect(note)
    try:
        block_member(blocker=alice, blocked=charlie)
        assert heard == [(alice, charlie)]
        block_member(blocker=alice, blocked=charlie)
    finally:
        member_blocked.disconnect(note)
    assert heard == [(alice, charlie)]


def test_the_database_keeps_one_row_and_never_of_one_member(alice: User, charlie: User) -> None:
    Block.objects.create(blocker=alice, blocked=charlie)
    for row in (Block(blocker=alice, blocked=charlie), Block(blocker=alice, blocked=alice)):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


def test_the_database_keeps_one_row_per_pair_of_connections(alice: User, charlie: User, mona: User) -> None:
    low, high = sorted((alice, charlie), key=lambda member: member.pk)
    Connection.objects.create(low=low, high=high, inviter=low)
    for row in (
        Connection(low=low, high=high, inviter=high),
        Connection(low=high, high=low, inviter=low),
        Connection(low=low, high=low, inviter=low),
        Connection(low=low, high=max(mona, high, key=lambda member: member.pk), inviter=mona),
    ):
        if row.high_id == mona.pk:
            row.inviter = charlie if charlie.pk != row.low_id else alice
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
