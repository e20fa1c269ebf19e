"""Following and unfollowing a member."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from network.events import member_followed
from network.models import Follow
from network.services import CannotReachSelf, NotReachable, block_member, follow_member, unfollow_member
from tests.cases import all_cases, rolled_back
from users.models import User

from .helpers import HTMX, follows, messages_in, post_action, usernames_in

pytestmark = pytest.mark.django_db


def test_following(as_alice: Client, alice: User, charlie: User) -> None:
    response = post_action(as_alice, charlie, "follow")
    assert response["Location"] == "/members/charlie/"
    assert messages_in(response)[0][0] == "success"
    assert follows(alice, charlie)
    assert not follows(charlie, alice)
    assert usernames_in(as_alice.get("/network/following/")) == ["charlie"]


def test_following_twice_is_following_once(as_alice: Client, charlie: User) -> None:
    for _number in range(2):
        assert post_action(as_alice, charlie, "follow").status_code == 302
    assert Follow.objects.count() == 1


def test_unfollowing_and_twice(as_alice: Client, alice: User, charlie: User) -> None:
    follow_member(follower=alice, followed=charlie)
    for _number in range(2):
        assert post_action(as_alice, charlie, "unfollow").status_code == 302
    assert not follows(alice, charlie)
    assert usernames_in(as_alice.get("/network/following/")) == []


def test_a_connection_can_be_followed_too(as_alice: Client, alice: User, bob: User) -> None:
    post_action(as_alice, bob, "follow")
    assert follows(alice, bob)


def test_members_cannot_follow_themselves(as_alice: Client, alice: User) -> None:
    assert messages_in(post_action(as_alice, alice, "follow")) == [("error", "This is your own account.")]
    assert not Follow.objects.exists()
    with pytest.raises(CannotReachSelf):
        follow_member(follower=alice, followed=alice)


def test_after_a_block_it_is_404(as_alice: Client, alice: User, charlie: User) -> None:
    with all_cases() as case:
        for who in ["alice", "charlie"]:
            with case(who), rolled_back():
                pair = (alice, charlie) if who == "alice" else (charlie, alice)
                block_member(blocker=pair[0], blocked=pair[1])
                assert post_action(as_alice, charlie, "follow").status_code == 404
                assert post_action(as_alice, charlie, "unfollow").status_code == 404
                with pytest.raises(NotReachable):
                    follow_member(follower=alice, followed=charlie)
                assert not Follow.objects.exists()


def test_another_members_follow_is_not_ended(as_bob: Client, alice: User, charlie: User) -> None:
    follow_member(follower=alice, followed=charlie)
    post_action(as_bob, charlie, "unfollow")
    assert follows(alice, charlie)


def test_it_takes_a_post_and_a_member(as_alice: Client, charlie: User) -> None:
    with all_cases() as case:
        for action in ["follow", "unfollow"]:
            with case(action), rolled_back():
                client = Client()
                assert as_alice.get(f"/members/charlie/{action}/").status_code == 405
                assert (
                    post_action(client, charlie, action)["Location"]
                    == f"/accounts/login/?next=/members/charlie/{action}/"
                )
                assert post_action(as_alice, "nobody", action).status_code == 404
                assert not Follow.objects.exists()


def test_without_the_token_of_the_page_nothing_happens(alice: User, charlie: User) -> None:
    with all_cases() as case:
        for action in ["follow", "unfollow"]:
            with case(action), rolled_back():
                client = Client(enforce_csrf_checks=True)
                client.force_login(alice)
                assert post_action(client, charlie, action).status_code == 403


def test_htmx_is_answered_with_a_part(as_alice: Client, charlie: User) -> None:
    text = as_alice.post("/members/charlie/follow/", headers=HTMX).content.decode()
    assert "<html" not in text


def test_it_is_announced_once(alice: User, charlie: User) -> None:
    heard: list[tuple[User, User]] = []

    def note(**facts: Any) -> None:
        heard.append((facts["follower"], facts["followed"]))

    member_followed.connect(note)
    try:
        follow_member(follower=alice, followed=charlie)
        assert heard == [(alice, charlie)]
        follow_member(follower=alice, followed=charlie)
        unfollow_member(follower=alice, followed=charlie)
    finally:
        member_followed.disconnect(note)
    assert heard == [(alice, charlie)]


def test_the_database_keeps_one_row_and_never_of_one_member(alice: User, charlie: User) -> None:
    Follow.objects.create(follower=alice, followed=charlie)
    for row in (Follow(follower=alice, followed=charlie), Follow(follower=alice, followed=alice)):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
