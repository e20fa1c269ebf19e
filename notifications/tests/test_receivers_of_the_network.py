"""Who is told of invitations, connections, follows and blocks."""

import pytest

from feed.tests.factories import react, say
from network import services
from network.models import Connection
from notifications.models import Fact, Notification
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.models import User
from users.services import confirm_member
from users.tests.accounts import make_unconfirmed

from .factories import told

pytestmark = pytest.mark.django_db


def test_the_invited_is_told(alice: User, charlie: User) -> None:
    services.invite_member(inviter=charlie, invitee=alice)
    assert told(alice) == ["Charlie asked to connect with you"]
    assert told(charlie) == []


def test_an_invitation_that_was_withdrawn_is_told_no_more(alice: User, charlie: User) -> None:
    connection = services.invite_member(inviter=charlie, invitee=alice)
    services.withdraw_invitation(connection=connection, by=charlie)
    assert told(alice) == []


def test_an_invitation_that_was_answered_waits_no_more(alice: User, charlie: User) -> None:
    with all_cases() as case:
        for verb in [services.accept_invitation, services.ignore_invitation]:
            with case(verb), rolled_back():
                connection = services.invite_member(inviter=charlie, invitee=alice)
                verb(connection=connection, by=alice)
                assert told(alice) == []


def test_the_one_who_asked_is_told_of_the_yes(alice: User, charlie: User) -> None:
    connect(alice, charlie)
    assert told(alice) == ["Charlie accepted your invitation"]
    assert told(charlie) == []


def test_of_two_who_invite_each_other_the_first_is_told(alice: User, charlie: User) -> None:
    services.invite_member(inviter=alice, invitee=charlie)
    services.invite_member(inviter=charlie, invitee=alice)
    assert told(alice) == ["Charlie accepted your invitation"]
    assert told(charlie) == []


def test_a_connection_that_ended_is_told_no_more(alice: User, bob: User) -> None:
    services.remove_connection(member=bob, other=alice)
    assert told(alice) == []
    assert not Connection.objects.exists()


def test_the_followed_is_told_and_those_unfollowed_are_not(alice: User, charlie: User) -> None:
    services.follow_member(follower=charlie, followed=alice)
    assert told(alice) == ["Charlie started following you"]
    services.unfollow_member(follower=charlie, followed=alice)
    assert told(alice) == []


def test_following_again_is_one_person(alice: User, charlie: User) -> None:
    for _time in range(3):
        services.follow_member(follower=charlie, followed=alice)
        services.unfollow_member(follower=charlie, followed=alice)
    services.follow_member(follower=charlie, followed=alice)
    assert told(alice) == ["Charlie started following you"]
    assert Notification.objects.count() == 1


def test_a_block_takes_away_what_the_two_told_each_other(alice: User, charlie: User, mona: User) -> None:
    services.follow_member(follower=charlie, followed=alice)
    services.follow_member(follower=mona, followed=alice)
    services.follow_member(follower=alice, followed=charlie)
    services.block_member(blocker=alice, blocked=charlie)
    assert told(alice) == ["Mona started following you"]
    assert not Notification.objects.filter(recipient=charlie).exists()
    assert not Fact.objects.filter(actor=charlie).exists()


def test_who_makes_up_after_a_block_is_not_told_what_was_before(alice: User, charlie: User) -> None:
    """Whoever of the two blocked: neither hears of what the other did, which is there still."""
    for blocker, blocked in ((alice, charlie), (charlie, alice)):
        react(say(alice), charlie)
        react(say(charlie), alice)
        assert len(told(alice)) == len(told(charlie)) == 1
        services.block_member(blocker=blocker, blocked=blocked)
        services.unblock_member(blocker=blocker, blocked=blocked)
        assert told(alice) == told(charlie) == []


def test_many_are_two_by_name_and_the_rest_by_number(alice: User) -> None:
    for name in ("dan", "eve", "fay", "gil", "hal"):
        services.follow_member(follower=make_member(name), followed=alice)
    assert told(alice) == ["Hal, Gil and 3 others started following you"]


def test_two_and_three_are_named_properly(alice: User) -> None:
    for name in ("dan", "eve"):
        services.follow_member(follower=make_member(name), followed=alice)
    assert told(alice) == ["Eve and Dan started following you"]
    services.follow_member(follower=make_member("fay"), followed=alice)
    assert told(alice) == ["Fay, Eve and 1 other started following you"]


def test_who_joins_is_told_to_nobody(alice: User) -> None:
    confirm_member(user=make_unconfirmed("una"))
    assert not Notification.objects.exists()
