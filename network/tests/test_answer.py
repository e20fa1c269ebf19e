"""Accepting and ignoring an invitation, and taking an own one back."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from network.models import Connection
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

from .standing import HTMX, answer, connected, invited, tie, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(alice: User, charlie: User) -> Connection:
    """Charlie has asked Alice."""
    return invite_member(inviter=charlie, invitee=alice, note="Hello")


def test_accepting_connects(as_alice: Client, alice: User, charlie: User, invitation: Connection) -> None:
    response = answer(as_alice, invitation, "accept")
    assert (response.status_code, response["Location"]) == (302, "/network/")
    assert told(response) == [("success", "You are connected.")]
    assert connected(alice, charlie)
    row = tie(alice, charlie)
    assert row is not None
    assert row.connected_at is not None


def test_the_verbs_themselves_know_whose_invitation_it_is(
    alice: User, charlie: User, mona: User, invitation: Connection
) -> None:
    """No view has looked before: a command or another app may call them."""
    from_mona = invite_member(inviter=mona, invitee=charlie)
    before = list(Connection.objects.order_by("pk").values())
    for verb in (accept_invitation, ignore_invitation):
        # Mona has invited Charlie herself, which is another invitation than the one that Charlie sent.
        for row, by in ((invitation, mona), (invitation, charlie), (from_mona, alice), (from_mona, mona)):
            with pytest.raises((NotReachable, CannotReachSelf)):
                verb(connection=row, by=by)
    for row, by in ((invitation, alice), (invitation, mona), (from_mona, charlie)):
        withdraw_invitation(connection=row, by=by)
    assert list(Connection.objects.order_by("pk").values()) == before


def test_accepting_twice_is_accepting_once(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    answer(as_alice, invitation, "accept")
    first = Connection.objects.get().connected_at
    assert answer(as_alice, invitation, "accept").status_code == 302
    assert Connection.objects.get().connected_at == first


def test_ignoring_takes_it_out_of_sight_and_tells_nobody(
    as_alice: Client, as_charlie: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    before = as_charlie.get("/network/sent/").context["invitations"]
    assert answer(as_alice, invitation, "ignore").status_code == 302
    assert invited(charlie, alice)
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
        assert answer(as_alice, invitation, "ignore").status_code == 302
    answer(as_alice, invitation, "accept")
    assert connected(alice, charlie)
    assert Connection.objects.get().ignored_at is None


def test_ignoring_a_connection_changes_nothing(alice: User, charlie: User, invitation: Connection) -> None:
    accept_invitation(connection=invitation, by=alice)
    ignore_invitation(connection=invitation, by=alice)
    assert connected(alice, charlie)
    assert Connection.objects.get().ignored_at is None


def test_withdrawing_takes_it_back(
    as_charlie: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    response = answer(as_charlie, invitation, "withdraw")
    assert told(response) == [("success", "The invitation is withdrawn.")]
    assert tie(alice, charlie) is None


def test_withdrawing_twice_is_once(as_charlie: Client, charlie: User, invitation: Connection) -> None:
    answer(as_charlie, invitation, "withdraw")
    assert answer(as_charlie, invitation, "withdraw").status_code in {302, 404}
    withdraw_invitation(connection=invitation, by=charlie)
    assert not Connection.objects.exists()


def test_one_that_was_accepted_meanwhile_stands_and_the_words_say_so(
    as_charlie: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    accept_invitation(connection=invitation, by=alice)
    response = answer(as_charlie, invitation, "withdraw")
    assert connected(alice, charlie)
    assert [level for level, _words in told(response)] == ["error"]
    with pytest.raises(AlreadyConnected):
        withdraw_invitation(connection=invitation, by=charlie)


def test_htmx_is_told_of_a_refusal_beside_the_buttons(
    as_charlie: Client, alice: User, invitation: Connection
) -> None:
    accept_invitation(connection=invitation, by=alice)
    response = as_charlie.post(f"/network/invitations/{invitation.pk}/withdraw/", headers=HTMX)
    text = response.content.decode()
    assert (response.status_code, "<html" in text) == (200, False)
    assert "you are connected" in text
    assert "Connected" in text


def test_after_a_withdrawal_accepting_is_404(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    withdraw_invitation(connection=invitation, by=charlie)
    assert answer(as_alice, invitation, "accept").status_code == 404
    with pytest.raises(NotReachable):
        accept_invitation(connection=invitation, by=alice)
    assert tie(alice, charlie) is None


@pytest.mark.parametrize("verb", ["accept", "ignore"])
def test_who_asked_cannot_answer(
    as_charlie: Client, alice: User, charlie: User, invitation: Connection, verb: str
) -> None:
    assert answer(as_charlie, invitation, verb).status_code == 404
    assert invited(charlie, alice)
    with pytest.raises(CannotReachSelf):
        accept_invitation(connection=invitation, by=charlie)


def test_who_was_asked_cannot_withdraw(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    assert answer(as_alice, invitation, "withdraw").status_code == 404
    assert invited(charlie, alice)


@pytest.mark.parametrize("verb", ["accept", "ignore", "withdraw"])
def test_a_stranger_gets_404(
    mona: User, alice: User, charlie: User, invitation: Connection, verb: str
) -> None:
    assert answer(client_of(mona), invitation, verb).status_code == 404
    assert invited(charlie, alice)


def test_a_stranger_cannot_answer_by_the_verb(
    mona: User, alice: User, charlie: User, invitation: Connection
) -> None:
    with pytest.raises(NotReachable):
        accept_invitation(connection=invitation, by=mona)
    assert invited(charlie, alice)


@pytest.mark.parametrize("verb", ["accept", "ignore", "withdraw"])
def test_a_visitor_is_asked_to_sign_in(client: Client, invitation: Connection, verb: str) -> None:
    path = f"/network/invitations/{invitation.pk}/{verb}/"
    assert client.post(path)["Location"] == f"/accounts/login/?next={path}"
    assert client.get(path).status_code == 302
    assert not Connection.objects.get().is_connected


@pytest.mark.parametrize("verb", ["accept", "ignore", "withdraw"])
def test_looking_changes_nothing(as_alice: Client, invitation: Connection, verb: str) -> None:
    assert as_alice.get(f"/network/invitations/{invitation.pk}/{verb}/").status_code == 405
    assert (Connection.objects.get().is_connected, Connection.objects.get().ignored_at) == (False, None)


def test_what_is_no_invitation_is_404(as_alice: Client) -> None:
    with all_cases() as case:
        for pk in ["0", "abc", "-1", "9" * 30, "999999999999999999", "1%00"]:
            with case(pk), rolled_back():
                for verb in ("accept", "ignore", "withdraw"):
                    response = as_alice.post(f"/network/invitations/{pk}/{verb}/")
                    assert response.status_code == (400 if "%00" in pk else 404)


def test_after_a_block_there_is_nothing_to_accept(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    block_member(blocker=charlie, blocked=alice)
    assert answer(as_alice, invitation, "accept").status_code == 404
    with pytest.raises(NotReachable):
        accept_invitation(connection=invitation, by=alice)


def test_an_invitation_of_one_who_is_suspended_waits_unseen(
    as_alice: Client, charlie: User, invitation: Connection
) -> None:
    User.objects.filter(pk=charlie.pk).update(suspended_at=timezone.now())
    page = as_alice.get("/network/")
    assert page.context["invitations"] == []
    assert page.context["badges"]["invitations"] == 0, "the badge counts what the page shows"


@pytest.mark.parametrize(("verb", "words"), [("accept", "Connected"), ("ignore", "Accept")])
def test_htmx_is_answered_with_the_new_buttons_alone(
    as_alice: Client, invitation: Connection, verb: str, words: str
) -> None:
    response = as_alice.post(f"/network/invitations/{invitation.pk}/{verb}/", headers=HTMX)
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
    assert tie(alice, bob) is None
    assert as_alice.post("/members/bob/disconnect/").status_code == 302


def test_either_may_end_it(as_bob: Client, alice: User, bob: User) -> None:
    as_bob.post("/members/alice/disconnect/")
    assert tie(alice, bob) is None


def test_ending_what_is_no_connection_leaves_an_invitation_alone(
    as_alice: Client, alice: User, charlie: User, invitation: Connection
) -> None:
    as_alice.post("/members/charlie/disconnect/")
    assert invited(charlie, alice)
    with pytest.raises(CannotReachSelf):
        remove_connection(member=alice, other=alice)


def test_a_stranger_cannot_end_the_connection_of_two(as_charlie: Client, alice: User, bob: User) -> None:
    as_charlie.post("/members/bob/disconnect/")
    as_charlie.post("/members/alice/disconnect/")
    assert connected(alice, bob)


def test_ending_takes_a_post_and_a_member(as_alice: Client, client: Client, alice: User, bob: User) -> None:
    assert as_alice.get("/members/bob/disconnect/").status_code == 405
    assert client.post("/members/bob/disconnect/").status_code == 302
    assert connected(alice, bob)


def test_the_badge_counts_what_waits(alice: User, charlie: User, invitation: Connection) -> None:
    invite_member(inviter=make_member("dora"), invitee=alice)

    def badge(member: User) -> Any:
        return client_of(member).get("/network/").context["badges"]["invitations"]

    assert (badge(alice), badge(charlie)) == (2, 0)
    ignore_invitation(connection=invitation, by=alice)
    assert badge(alice) == 1
