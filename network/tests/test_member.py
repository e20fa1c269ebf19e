"""The page of a member: who may open it, its content and its actions."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from network.services import follow_member, invite_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, connect, make_member
from users.audience import Audience
from users.models import User

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_it_opens_for_members(as_charlie: Client, alice: User) -> None:
    page = text_of(as_charlie, "/members/alice/")
    assert "Alice Álvarez" in page
    assert "@alice" in page


def test_the_case_of_the_name_does_not_matter(as_charlie: Client, alice: User) -> None:
    with all_cases() as case:
        for name in ["ALICE", "Alice", "aLiCe"]:
            with case(name), rolled_back():
                assert as_charlie.get(f"/members/{name}/").context["page"].member.pk == alice.pk


def test_a_public_page_opens_for_visitors_and_offers_no_acts(client: Client) -> None:
    make_member("open", name="Open Page", page_audience=Audience.PUBLIC)
    page = text_of(client, "/members/open/")
    assert "Open Page" in page
    for action in ("invite", "follow", "block"):
        assert f"/members/open/{action}/" not in page


def test_a_visitor_gets_the_same_answer_for_a_hidden_and_an_unknown_member(
    client: Client, alice: User
) -> None:
    """The same for a suspended or unconfirmed member: a redirect to sign-in."""
    make_member("suspended", page_audience=Audience.PUBLIC, suspended_at=timezone.now())
    make_member("unconfirmed", page_audience=Audience.PUBLIC, joined_at=None)
    for name in ("alice", "nobody", "suspended", "unconfirmed"):
        response = client.get(f"/members/{name}/")
        assert (response.status_code, response["Location"]) == (
            302,
            f"/accounts/login/?next=/members/{name}/",
        )


def test_a_member_gets_404_for_who_does_not_exist(as_alice: Client) -> None:
    with all_cases() as case:
        for name in ["nobody", "suspended", "unconfirmed", "off"]:
            with case(name), rolled_back():
                make_member("suspended", suspended_at=timezone.now())
                make_member("unconfirmed", joined_at=None)
                make_member("off", is_active=False)
                assert as_alice.get(f"/members/{name}/").status_code == 404


def test_what_is_no_name_is_404(as_alice: Client) -> None:
    with all_cases() as case:
        for name in [
            "a" * 31,
            "a" * 1000,
            "ä",
            "a b",
            "a%20b",
            "..%2f",
            "%3Cscript%3E",
            "a'b",
            "a;b",
            "9" * 31,
        ]:
            with case(name), rolled_back():
                assert as_alice.get(f"/members/{name}/").status_code == 404


def test_the_page_is_for_looking(as_alice: Client, bob: User) -> None:
    with all_cases() as case:
        for method in ["post", "put", "patch", "delete"]:
            with case(method), rolled_back():
                assert getattr(as_alice, method)("/members/bob/").status_code == 405


def acts(client: Client, name: str) -> set[str]:
    """Return the actions on the page of a member."""
    return set(
        re.findall(
            rf'(?:/members/{name}|/network/invitations/\d+)/(\w+)/"', text_of(client, f"/members/{name}/")
        )
    )


def test_a_stranger_is_offered_to_connect_follow_and_block(as_charlie: Client, alice: User) -> None:
    assert acts(as_charlie, "alice") >= {"invite", "follow", "block"}
    assert not acts(as_charlie, "alice") & {"accept", "withdraw", "disconnect", "unfollow"}


def test_a_connection_is_offered_to_end_it(as_bob: Client, alice: User) -> None:
    assert acts(as_bob, "alice") >= {"disconnect", "block"}
    assert not acts(as_bob, "alice") & {"invite", "accept", "withdraw"}


def test_who_asked_is_offered_to_withdraw_and_who_was_asked_to_answer(alice: User, charlie: User) -> None:
    invite_member(inviter=alice, invitee=charlie)
    assert "withdraw" in acts(client_of(alice), "charlie")
    assert acts(client_of(charlie), "alice") >= {"accept", "ignore"}
    assert not acts(client_of(charlie), "alice") & {"invite", "withdraw"}


def test_a_follower_is_offered_to_stop(alice: User, charlie: User) -> None:
    follow_member(follower=alice, followed=charlie)
    assert "unfollow" in acts(client_of(alice), "charlie")


def test_on_the_own_page_one_is_offered_to_edit_and_nothing_else(as_alice: Client) -> None:
    assert not acts(as_alice, "alice") & {"invite", "follow", "block", "disconnect"}
    assert "/settings/" in text_of(as_alice, "/members/alice/")


@pytest.mark.both
def test_shared_connections_are_named(alice: User, bob: User, charlie: User, mona: User) -> None:
    connect(charlie, bob)
    assert "You both know Bob" in text_of(client_of(alice), "/members/charlie/")
    assert "2nd degree" in text_of(client_of(alice), "/members/charlie/")
    connect(alice, mona)
    connect(charlie, mona)
    page = " ".join(text_of(client_of(alice), "/members/charlie/").split())
    assert "You both know Bob and 1 other" in page


def test_the_note_of_an_invitation_is_not_on_the_page_of_a_third(
    as_bob: Client, alice: User, charlie: User
) -> None:
    invite_member(inviter=charlie, invitee=alice, note="between-the-two")
    assert "between-the-two" not in text_of(as_bob, "/members/alice/")
    assert "between-the-two" not in text_of(as_bob, "/members/charlie/")


def test_an_address_for_mail_shows_nowhere(
    as_bob: Client, as_charlie: Client, client: Client, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(page_audience=Audience.PUBLIC)
    for browser in (as_bob, as_charlie, client):
        assert "alice@example.org" not in text_of(browser, "/members/alice/")
