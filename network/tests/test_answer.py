"""Accepting, ignoring and withdrawing an invitation."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from network.models import Block, Connection
from network.services import (
    AlreadyConnected,
    CannotReachSelf,
    NotReachable,
    accept_invitation,
    block_member,
    ignore_invitation,
    invite_member,
    remove_connection,
    withdraw_invitation,
)
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.models import User

from .helpers import HTMX, are_connected, find_connection, has_invited, messages_in, post_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(alice: User, charlie: User) -> Connection:
    """Charlie has invited Alice."""
    return invite_member(inviter=charlie, invitee=alice, note="Hello")


def test_accepting_connects(as_alice: Client, alice: User, charlie: User, invitation: Connection) -> None:
    response = post_answer(as_alice, invitation, "accept")
    assert (response.status_code, response["Location"]) == (302, "/network/")
    assert messages_in(response) == [("success", "You are connected.")]
    assert are_connected(alice, charlie)
    row = find_connection(alice, charlie)
    assert row is not None
    assert row.connected_at is not None


def test_the_services_check_whose_invitation_it_is(
    alice: User, charlie: User, mona: User, invitation: Connection
) -> None:
    """Without the checks of a view: a command or another app may call the services."""
    from_mona = invite_member(inviter=mona, invitee=charlie)
    before = list(Connection.objects.order_by("pk").values())
    for action in (accept_invitation, ignore_invitation):
        # Mona's invitation to Charlie is another one than Charlie's invitation to Alice.
        for row, by in ((invitation, mona), (invitation, charlie), (from_mona, alice), (from_mona, mona)):
            with pytest.raises((NotReachable, CannotReachSelf)):
                action(connection=row, by=by)
    for row, by in ((invitation, alice), (invitation, mona), (from_mona, charlie)):
        withdraw_invitation(connection=row, by=by)
    assert list(Connection.objects.order_by("pk").values()) == before


def test_accepting_twice_is_accepting_once(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    post_answer(as_alice, invitation, "accept")
    first = Connection.objects.get().connected_at
    assert post_answer(as_alice, invitation, "accept").status_code == 302
    assert Connection.objects.get().connected_at == first


def test_ignoring_hides_the_invitation_and_notifies_no_member(
    as_alice: Client, as_charlie: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    before = as_charlie.get("/network/sent/").context["invitations"]
    assert post_answer(as_alice, invitation, "ignore").status_code == 302
    assert has_invited(charlie, alice)
    assert as_alice.get("/network/").context["invitations"] == []
    after = as_charlie.get("/network/sent/").context["invitations"]
    assert [relation.member for relation, _note in after] == [relation.member for relation, _note in before]
    page = as_charlie.get("/members/alice/").content.decode()
    assert "Invitation sent" in page
    assert "gnored" not in page


def test_ignoring_twice_is_once_and_an_ignored_one_can_still_be_accepted(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    for _number in range(2):
        assert post_answer(as_alice, invitation, "ignore").status_code == 302
    post_answer(as_alice, invitation, "accept")
    assert are_connected(alice, charlie)
    assert Connection.objects.get().ignored_at is None


def test_ignoring_a_connection_changes_nothing(alice: User, charlie: User, invitation: Connection) -> None:
    assert accept_invitation(connection=invitation, by=alice) == find_connection(alice, charlie)
    ignore_invitation(connection=invitation, by=alice)
    assert are_connected(alice, charlie)
    assert Connection.objects.get().ignored_at is None


def test_withdrawing_takes_it_back(
    as_charlie: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    response = post_answer(as_charlie, invitation, "withdraw")
    assert messages_in(response) == [("success", "Invitation withdrawn.")]
    assert find_connection(alice, charlie) is None


def test_withdrawing_twice_is_once(as_charlie: Client, charlie: User, invitation: Connection) -> None:
    post_answer(as_charlie, invitation, "withdraw")
    assert post_answer(as_charlie, invitation, "withdraw").status_code in {302, 404}
    withdraw_invitation(connection=invitation, by=charlie)
    assert not Connection.objects.exists()


def test_an_accepted_invitation_is_not_withdrawn_and_the_message_says_so(
    as_charlie: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    accept_invitation(connection=invitation, by=alice)
    response = post_answer(as_charlie, invitation, "withdraw")
    assert are_connected(alice, charlie)
    assert [level for level, _words in messages_in(response)] == ["error"]
    with pytest.raises(AlreadyConnected):
        withdraw_invitation(connection=invitation, by=charlie)


def test_htmx_shows_a_refusal_beside_the_buttons(
    as_charlie: Client, alice: User, invitation: Connection
) -> None:
    accept_invitation(connection=invitation, by=alice)
    response = as_charlie.post(f"/network/invitations/{invitation.pk}/withdraw/", headers=HTMX)
    text = response.content.decode()
    assert (response.status_code, "<html" in text) == (200, False)
    assert "You are connected" in text
    assert "Connected" in text


def test_after_a_withdrawal_accepting_is_404(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    withdraw_invitation(connection=invitation, by=charlie)
    assert post_answer(as_alice, invitation, "accept").status_code == 404
    with pytest.raises(NotReachable):
        accept_invitation(connection=invitation, by=alice)
    assert find_connection(alice, charlie) is None


@pytest.mark.parametrize("action", ["accept", "ignore"])
def test_who_asked_cannot_answer(
    as_charlie: Client, alice: User, charlie: User, invitation: Connection, action: str
) -> None:
    assert post_answer(as_charlie, invitation, action).status_code == 404
    assert has_invited(charlie, alice)
    with pytest.raises(CannotReachSelf):
        accept_invitation(connection=invitation, by=charlie)


def test_who_was_asked_cannot_withdraw(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    assert post_answer(as_alice, invitation, "withdraw").status_code == 404
    assert has_invited(charlie, alice)


@pytest.mark.parametrize("action", ["accept", "ignore", "withdraw"])
def test_a_stranger_gets_404(
    mona: User, alice: User, charlie: User, invitation: Connection, action: str
) -> None:
    assert post_answer(client_of(mona), invitation, action).status_code == 404
    assert has_invited(charlie, alice)


def test_a_stranger_cannot_answer_through_the_service(
    mona: User, alice: User, charlie: User, invitation: Connection
) -> None:
    with pytest.raises(NotReachable):
        accept_invitation(connection=invitation, by=mona)
    assert has_invited(charlie, alice)


@pytest.mark.parametrize("action", ["accept", "ignore", "withdraw"])
def test_a_visitor_is_asked_to_sign_in(client: Client, invitation: Connection, action: str) -> None:
    path = f"/network/invitations/{invitation.pk}/{action}/"
    assert client.post(path)["Location"] == f"/accounts/login/?next={path}"
    assert client.get(path).status_code == 302
    assert not Connection.objects.get().is_connected


@pytest.mark.parametrize("action", ["accept", "ignore", "withdraw"])
def test_looking_changes_nothing(as_alice: Client, invitation: Connection, action: str) -> None:
    assert as_alice.get(f"/network/invitations/{invitation.pk}/{action}/").status_code == 405
    assert (Connection.objects.get().is_connected, Connection.objects.get().ignored_at) == (False, None)


def test_what_is_no_invitation_is_404(as_alice: Client) -> None:
    with all_cases() as case:
        for pk in ["0", "abc", "-1", "9" * 30, "999999999999999999", "1%00"]:
            with case(pk), rolled_back():
                for action in ("accept", "ignore", "withdraw"):
                    response = as_alice.post(f"/network/invitations/{pk}/{action}/")
                    assert response.status_code == (400 if "%00" in pk else 404)


def test_after_a_block_there_is_nothing_to_accept(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    with rolled_back():
        block_member(blocker=charlie, blocked=alice)
        assert post_answer(as_alice, invitation, "accept").status_code == 404
        with pytest.raises(NotReachable):
            accept_invitation(connection=invitation, by=alice)
    # A block that another program has written, with the invitation still there.
    Block.objects.create(blocker=charlie, blocked=alice)
    with pytest.raises(NotReachable):
        accept_invitation(connection=invitation, by=alice)


def test_an_invitation_of_one_who_is_suspended_waits_unseen(
    as_alice: Client, charlie: User, invitation: Connection
) -> None:
    User.objects.filter(pk=charlie.pk).update(suspended_at=timezone.now())
    page = as_alice.get("/network/")
    assert page.context["invitations"] == []
    assert page.context["badges"]["invitations"] == 0, "the badge counts what the page shows"


@pytest.mark.parametrize(("action", "words"), [("accept", "Connected"), ("ignore", "Accept")])
def test_htmx_is_answered_with_the_new_buttons_alone(
    as_alice: Client, invitation: Connection, action: str, words: str
) -> None:
    response = as_alice.post(f"/network/invitations/{invitation.pk}/{action}/", headers=HTMX)
    assert response.status_code == 200
    assert "<html" not in response.content.decode()
    assert words in response.content.decode()


def test_htmx_gets_the_connect_button_back_after_a_withdrawal(
    as_charlie: Client, invitation: Connection
) -> None:
    text = as_charlie.post(f"/network/invitations/{invitation.pk}/withdraw/", headers=HTMX).content.decode()
    assert "/members/alice/invite/" in text
    assert "<html" not in text


def test_ending_a_connection_leaves_strangers(as_alice: Client, alice: User, bob: User) -> None:
    response = as_alice.post("/members/bob/disconnect/")
    assert response["Location"] == "/members/bob/"
    assert find_connection(alice, bob) is None
    assert as_alice.post("/members/bob/disconnect/").status_code == 302


def test_either_may_end_it(as_bob: Client, alice: User, bob: User) -> None:
    as_bob.post("/members/alice/disconnect/")
    assert find_connection(alice, bob) is None


def test_ending_what_is_no_connection_leaves_an_invitation_alone(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    as_alice.post("/members/charlie/disconnect/")
    assert has_invited(charlie, alice)
    with pytest.raises(CannotReachSelf):
        remove_connection(member=alice, other=alice)


def test_a_stranger_cannot_end_the_connection_of_two(as_charlie: Client, alice: User, bob: User) -> None:
    as_charlie.post("/members/bob/disconnect/")
    as_charlie.post("/members/alice/disconnect/")
    assert are_connected(alice, bob)


def test_ending_takes_a_post_and_a_member(as_alice: Client, client: Client, alice: User, bob: User) -> None:
    assert as_alice.get("/members/bob/disconnect/").status_code == 405
    assert client.post("/members/bob/disconnect/").status_code == 302
    assert are_connected(alice, bob)


def test_the_badge_counts_what_waits(alice: User, charlie: User, invitation: Connection) -> None:
    invite_member(inviter=make_member("dora"), invitee=alice)

    def badge(member: User) -> Any:
        return client_of(member).get("/network/").context["badges"]["invitations"]

    assert (badge(alice), badge(charlie)) == (2, 0)
    ignore_invitation(connection=invitation, by=alice)
    assert badge(alice) == 1
