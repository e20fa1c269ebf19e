"""Inviting a member to connect."""

from typing import Any

import pytest
from django.test import Client

from network.events import connection_made, invitation_sent
from network.models import Connection
from network.services import (
    AlreadyConnected,
    AlreadyInvited,
    CannotReachSelf,
    NotReachable,
    block_member,
    ignore_invitation,
    invite_member,
)
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.models import User

from .helpers import HTMX, are_connected, find_connection, has_invited, messages_in, post_action

pytestmark = pytest.mark.django_db


def test_an_invitation_is_sent_with_its_note(as_alice: Client, alice: User, charlie: User) -> None:
    response = post_action(as_alice, charlie, "invite", note="We met in Oslo.\r\nRemember?")
    assert (response.status_code, response["Location"]) == (302, "/members/charlie/")
    assert messages_in(response) == [("success", "Invitation sent.")]
    row = find_connection(alice, charlie)
    assert row is not None
    assert (row.inviter_id, row.invitee_id, row.note) == (alice.pk, charlie.pk, "We met in Oslo.\nRemember?")
    assert not row.is_connected


def test_the_note_is_optional(as_alice: Client, alice: User, charlie: User) -> None:
    post_action(as_alice, charlie, "invite")
    assert has_invited(alice, charlie)


def test_the_form_has_a_page_of_its_own_which_changes_nothing(
    as_alice: Client, alice: User, charlie: User
) -> None:
    page = as_alice.get("/members/charlie/invite/")
    assert page.status_code == 200
    assert 'name="note"' in page.content.decode()
    assert find_connection(alice, charlie) is None


def test_whichever_of_the_two_is_older_there_is_one_row(alice: User, charlie: User) -> None:
    one, other = invite_member(inviter=charlie, invitee=alice), find_connection(alice, charlie)
    assert one == other
    assert (one.low_id, one.high_id) == tuple(sorted((alice.pk, charlie.pk)))


def test_the_other_sees_it_with_the_note(as_alice: Client, as_charlie: Client, charlie: User) -> None:
    post_action(as_alice, charlie, "invite", note="Hello <b>there</b>")
    page = as_charlie.get("/network/").content.decode()
    assert "Alice Álvarez" in page
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in page


def refusal(client: Client, member: User | str) -> list[tuple[str, str]]:
    return messages_in(post_action(client, member, "invite"))


def test_inviting_twice_is_inviting_once(as_alice: Client, alice: User, charlie: User) -> None:
    post_action(as_alice, charlie, "invite", note="first")
    assert refusal(as_alice, charlie) == [
        ("success", "Invitation sent."),
        ("error", "You have already sent an invitation."),
    ]
    row = Connection.objects.get()
    assert (row.note, has_invited(alice, charlie)) == ("first", True)
    with pytest.raises(AlreadyInvited):
        invite_member(inviter=alice, invitee=charlie)


def test_members_cannot_invite_themselves(as_alice: Client, alice: User) -> None:
    assert refusal(as_alice, alice) == [("error", "This is your own account.")]
    assert not Connection.objects.exists()
    with pytest.raises(CannotReachSelf):
        invite_member(inviter=alice, invitee=alice)


def test_a_connection_cannot_be_invited(as_alice: Client, alice: User, bob: User) -> None:
    assert refusal(as_alice, bob) == [("error", "You are already connected.")]
    assert are_connected(alice, bob)
    with pytest.raises(AlreadyConnected):
        invite_member(inviter=bob, invitee=alice)


def test_crossing_invitations_connect(
    as_alice: Client, as_charlie: Client, alice: User, charlie: User
) -> None:
    post_action(as_alice, charlie, "invite")
    post_action(as_charlie, alice, "invite")
    assert are_connected(alice, charlie)
    assert Connection.objects.count() == 1


def test_who_ignored_an_invitation_can_still_ask_and_connects(alice: User, charlie: User) -> None:
    ignore_invitation(connection=invite_member(inviter=alice, invitee=charlie), by=charlie)
    row = invite_member(inviter=charlie, invitee=alice)
    assert row.is_connected
    assert row.ignored_at is None


def test_an_ignored_inviter_sees_the_same_messages_as_any_inviter(
    as_alice: Client, alice: User, charlie: User
) -> None:
    ignore_invitation(connection=invite_member(inviter=alice, invitee=charlie), by=charlie)
    assert refusal(as_alice, charlie) == [("error", "You have already sent an invitation.")]


def test_where_one_has_blocked_the_other_it_is_404(as_alice: Client, alice: User, charlie: User) -> None:
    with all_cases() as case:
        for blocker in ["invitee", "inviter"]:
            with case(blocker), rolled_back():
                pair = (
                    {"blocker": charlie, "blocked": alice}
                    if blocker == "invitee"
                    else {"blocker": alice, "blocked": charlie}
                )
                block_member(**pair)
                assert post_action(as_alice, charlie, "invite").status_code == 404
                assert as_alice.get("/members/charlie/invite/").status_code == 404
                with pytest.raises(NotReachable):
                    invite_member(inviter=alice, invitee=charlie)
                assert not Connection.objects.exists()


@pytest.mark.parametrize("values", [{"joined_at": None}, {"is_active": False}])
def test_who_does_not_exist_for_others_is_404(as_alice: Client, values: dict[str, Any]) -> None:
    make_member("hidden", **values)
    assert post_action(as_alice, "hidden", "invite").status_code == 404
    assert post_action(as_alice, "nobody", "invite").status_code == 404


def test_a_bad_note_is_refused_at_the_field_and_kept(as_alice: Client, alice: User, charlie: User) -> None:
    with all_cases() as case:
        for note in ["x" * 301, "x" * 100_000]:
            with case(note), rolled_back():
                response = post_action(as_alice, charlie, "invite", note=note)
                assert response.status_code == 422
                assert list(response.context["form"].errors) == ["note"]
                assert response.context["form"]["note"].value() == note
                assert find_connection(alice, charlie) is None


def test_an_honest_note_is_stored_unharmed(as_alice: Client, charlie: User) -> None:
    with all_cases() as case:
        for note in ["x" * 300, "a < b && c > d", "O'Brien", "می\u200cخواهم 👩‍👩‍👧", "delete from orders"]:
            with case(note), rolled_back():
                post_action(as_alice, charlie, "invite", note=note)
                assert Connection.objects.get().note == note


def test_a_visitor_is_asked_to_sign_in(client: Client, alice: User) -> None:
    assert post_action(client, alice, "invite")["Location"] == "/accounts/login/?next=/members/alice/invite/"
    assert not Connection.objects.exists()


def test_without_the_token_of_the_page_nothing_happens(alice: User, charlie: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert post_action(client, charlie, "invite").status_code == 403
    assert not Connection.objects.exists()


def test_htmx_is_answered_with_the_new_buttons_alone(as_alice: Client, charlie: User) -> None:
    response = as_alice.post("/members/charlie/invite/", headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in text
    assert "Invitation sent" in text
    assert "/withdraw/" in text


def test_htmx_shows_a_refusal_beside_the_buttons(as_alice: Client, bob: User) -> None:
    text = as_alice.post("/members/bob/invite/", headers=HTMX).content.decode()
    assert "You are already connected." in text
    assert "<html" not in text


def test_it_goes_back_to_where_the_form_stood(as_alice: Client, charlie: User) -> None:
    with all_cases() as case:
        for wanted, goes_to in [("/members/?q=c", "/members/?q=c"), ("https://evil.example/", None)]:
            with case((wanted, goes_to)), rolled_back():
                assert post_action(as_alice, charlie, "invite", next=wanted)["Location"] == (
                    goes_to or "/members/charlie/"
                )


def test_the_facts_are_announced_once(alice: User, charlie: User) -> None:
    heard: list[str] = []

    def note_invitation(**facts: Any) -> None:
        heard.append(f"{facts['connection'].inviter_id} asked")

    def note_connection(**facts: Any) -> None:
        heard.append(f"{facts['by'].pk} completed")

    invitation_sent.connect(note_invitation)
    connection_made.connect(note_connection)
    try:
        invite_member(inviter=alice, invitee=charlie)
        with pytest.raises(AlreadyInvited):
            invite_member(inviter=alice, invitee=charlie)
        invite_member(inviter=charlie, invitee=alice)
    finally:
        invitation_sent.disconnect(note_invitation)
        connection_made.disconnect(note_connection)
    assert heard == [f"{alice.pk} asked", f"{charlie.pk} completed"]
