"""Who is notified of invitations, connections, follows and blocks."""

import pytest

from feed.tests.factories import react, say
from network import services
from network.models import Connection
from notifications.models import Activity, Notification
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.models import User
from users.services import confirm_member
from users.tests.accounts import make_unconfirmed

from .factories import page_texts

pytestmark = pytest.mark.django_db


def test_the_invitee_is_notified(alice: User, charlie: User) -> None:
    services.invite_member(inviter=charlie, invitee=alice)
    assert page_texts(alice) == ["Charlie asked to connect with you"]
    assert page_texts(charlie) == []


def test_a_withdrawn_invitation_is_not_shown(alice: User, charlie: User) -> None:
    connection = services.invite_member(inviter=charlie, invitee=alice)
    services.withdraw_invitation(connection=connection, by=charlie)
    assert page_texts(alice) == []


def test_an_answered_invitation_is_not_shown(alice: User, charlie: User) -> None:
    with all_cases() as case:
        for verb in [services.accept_invitation, services.ignore_invitation]:
            with case(verb), rolled_back():
                connection = services.invite_member(inviter=charlie, invitee=alice)
                verb(connection=connection, by=alice)
                assert page_texts(alice) == []


def test_the_inviter_is_notified_of_the_acceptance(alice: User, charlie: User) -> None:
    connect(alice, charlie)
    assert page_texts(alice) == ["Charlie accepted your invitation"]
    assert page_texts(charlie) == []


def test_of_two_members_inviting_each_other_the_first_is_notified(alice: User, charlie: User) -> None:
    services.invite_member(inviter=alice, invitee=charlie)
    services.invite_member(inviter=charlie, invitee=alice)
    assert page_texts(alice) == ["Charlie accepted your invitation"]
    assert page_texts(charlie) == []


def test_a_removed_connection_is_not_shown(alice: User, bob: User) -> None:
    services.remove_connection(member=bob, other=alice)
    assert page_texts(alice) == []
    assert not Connection.objects.exists()


def test_a_followed_member_is_notified_until_unfollowed(alice: User, charlie: User) -> None:
    services.follow_member(follower=charlie, followed=alice)
    assert page_texts(alice) == ["Charlie started following you"]
    services.unfollow_member(follower=charlie, followed=alice)
    assert page_texts(alice) == []


def test_following_again_counts_one_person(alice: User, charlie: User) -> None:
    for _time in range(3):
        services.follow_member(follower=charlie, followed=alice)
        services.unfollow_member(follower=charlie, followed=alice)
    services.follow_member(follower=charlie, followed=alice)
    assert page_texts(alice) == ["Charlie started following you"]
    assert Notification.objects.count() == 1


def test_a_block_deletes_the_notifications_between_two_members(
    alice: User, charlie: User, mona: User
) -> None:
    services.follow_member(follower=charlie, followed=alice)
    services.follow_member(follower=mona, followed=alice)
    services.follow_member(follower=alice, followed=charlie)
    services.block_member(blocker=alice, blocked=charlie)
    assert page_texts(alice) == ["Mona started following you"]
    assert not Notification.objects.filter(recipient=charlie).exists()
    assert not Activity.objects.filter(actor=charlie).exists()


def test_unblocking_does_not_bring_notifications_back(alice: User, charlie: User) -> None:
    """In both directions; the reactions still exist."""
    for blocker, blocked in ((alice, charlie), (charlie, alice)):
        react(say(alice), charlie)
        react(say(charlie), alice)
        assert len(page_texts(alice)) == len(page_texts(charlie)) == 1
        services.block_member(blocker=blocker, blocked=blocked)
        services.unblock_member(blocker=blocker, blocked=blocked)
        assert page_texts(alice) == page_texts(charlie) == []


def test_two_members_are_named_and_the_rest_is_counted(alice: User) -> None:
    for name in ("dan", "eve", "fay", "gil", "hal"):
        services.follow_member(follower=make_member(name), followed=alice)
    assert page_texts(alice) == ["Hal, Gil and 3 others started following you"]


def test_two_and_three_are_named_properly(alice: User) -> None:
    for name in ("dan", "eve"):
        services.follow_member(follower=make_member(name), followed=alice)
    assert page_texts(alice) == ["Eve and Dan started following you"]
    services.follow_member(follower=make_member("fay"), followed=alice)
    assert page_texts(alice) == ["Fay, Eve and 1 other started following you"]


def test_a_new_member_notifies_nobody(alice: User) -> None:
    confirm_member(user=make_unconfirmed("una"))
    assert not Notification.objects.exists()
