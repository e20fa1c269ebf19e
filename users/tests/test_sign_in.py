"""Sign-in by username or address, and refused attempts."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.cases import all_cases, rolled_back
from tests.cast import PASSWORD, client_of, make_member
from users.models import User

from .accounts import INSIDE, LOGIN, LOGOUT, SENT, is_signed_in, make_unconfirmed, sign_in, stable_text
from .conftest import Browser

pytestmark = pytest.mark.django_db


def test_name_and_address_work_in_any_case(alice: User) -> None:
    with all_cases() as case:
        for login in [
            "alice",
            "ALICE",
            "Alice",
            "alice@example.org",
            "ALICE@EXAMPLE.ORG",
            "Alice@Example.org",
            " alice ",
        ]:
            with case(login), rolled_back():
                client = Browser()
                assert sign_in(client, login)["Location"] == "/"
                assert is_signed_in(client)


def test_a_wrong_pair_stays_outside_and_keeps_what_was_typed(alice: User) -> None:
    with all_cases() as case:
        for login, password in [
            ("alice", "wrong-password"),
            ("alice", PASSWORD.upper()),
            ("alice", f" {PASSWORD}"),
            ("nobody", PASSWORD),
            ("nobody@example.org", PASSWORD),
            ("alice@other.example", PASSWORD),
            ("ali", PASSWORD),
            ("alice%", PASSWORD),
            ("_lice", PASSWORD),
            ("' or 1=1 --", PASSWORD),
            ("a" * 10_000, PASSWORD),
            ("alice", "x" * 100_000),
        ]:
            with case((login, password)), rolled_back():
                client = Browser()
                response = sign_in(client, login, password)
                assert response.status_code == 200
                assert response.context["form"].errors
                assert not is_signed_in(client)
                assert response.context["form"]["login"].value() == login


def test_the_answer_does_not_tell_whether_the_account_exists(client: Client, alice: User) -> None:
    def page(login: str) -> str:
        return stable_text(sign_in(client, login, "wrong-password")).replace(login, "LOGIN")

    assert page("alice") == page("nobody")
    assert page("alice@example.org") == page("nobody@example.org")


def test_an_empty_or_broken_field_is_refused(alice: User) -> None:
    with all_cases() as case:
        for value in ["", "\x00", "alice\x00"]:
            for field in ["login", "password"]:
                with case((field, value)), rolled_back():
                    client = Browser()
                    response = client.post(LOGIN, {"login": "alice", "password": PASSWORD, field: value})
                    assert (response.status_code, is_signed_in(client)) == (200, False)


def test_an_unconfirmed_account_gets_a_new_mail_and_not_in(client: Client) -> None:
    make_unconfirmed("una")
    assert sign_in(client, "una")["Location"] == SENT
    assert not is_signed_in(client)
    assert [message.to for message in mail.outbox] == [["una@example.org"]]


@pytest.mark.parametrize("values", [{"suspended_at": timezone.now()}, {"is_active": False}])
def test_who_is_suspended_or_deactivated_does_not_get_in(client: Client, values: dict[str, object]) -> None:
    make_member("sam", **values)
    sign_in(client, "sam")
    assert not is_signed_in(client)


@pytest.mark.parametrize("values", [{"suspended_at": timezone.now()}, {"is_active": False}])
def test_who_is_suspended_is_out_at_the_next_request_everywhere(
    alice: User, values: dict[str, object]
) -> None:
    browsers = [client_of(alice), client_of(alice)]
    assert all(is_signed_in(browser) for browser in browsers)
    User.objects.filter(pk=alice.pk).update(**values)
    assert not any(is_signed_in(browser) for browser in browsers)


def test_another_browser_name_or_ip_address_does_not_end_the_session(alice: User) -> None:
    with all_cases() as case:
        for headers in [
            {"user-agent": "Another/1.0"},
            {"user-agent": ""},
            {"accept-language": "fa"},
            {"x-forwarded-for": "203.0.113.9"},
        ]:
            with case(headers), rolled_back():
                client = Browser()
                sign_in(client, "alice")
                assert client.get(INSIDE, headers=headers).status_code == 200
                assert client.get(INSIDE, headers=headers, REMOTE_ADDR="198.51.100.7").status_code == 200


def test_it_goes_on_to_where_one_wanted_to_go(alice: User) -> None:
    with all_cases() as case:
        for target in ["/members/", "/network/?page=1"]:
            with case(target), rolled_back():
                client = Browser()
                assert sign_in(client, "alice", next=target)["Location"] == target


def test_a_page_for_members_asks_to_sign_in_and_goes_on_to_itself(client: Client, alice: User) -> None:
    response = client.get("/network/sent/")
    assert response["Location"] == f"{LOGIN}?next=/network/sent/"
    page = client.get(response["Location"]).content.decode()
    assert 'name="next"' in page
    assert 'value="/network/sent/"' in page


HOSTILE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    r"/\evil.example",
    r"\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:evil.example",
    "https:///evil.example",
    "http://testserver@evil.example",
]


def test_sign_in_never_redirects_to_another_site(alice: User) -> None:
    with all_cases() as case:
        for target in HOSTILE:
            with case(target), rolled_back():
                client = Browser()
                assert sign_in(client, "alice", next=target)["Location"] == "/"


def test_another_site_in_the_address_of_the_page_is_ignored(alice: User) -> None:
    with all_cases() as case:
        for target in HOSTILE:
            with case(target), rolled_back():
                client = Browser()
                client.get(LOGIN, {"next": target})
                response = client.post(f"{LOGIN}?next={target}", {"login": "alice", "password": PASSWORD})
                assert response.status_code == 302
                assert "evil" not in response["Location"]
                assert ":" not in response["Location"]


def test_a_new_session_is_made_at_sign_in(client: Client, alice: User) -> None:
    client.get(LOGIN)
    client.session["planted"] = "x"
    client.session.save()
    before = client.session.session_key
    sign_in(client, "alice")
    assert client.session.session_key != before


def test_without_a_csrf_token_sign_in_is_refused(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client, "alice").status_code == 403
    assert not is_signed_in(client)


def test_after_several_wrong_passwords_even_the_right_one_has_to_wait(client: Client, alice: User) -> None:
    for _number in range(6):
        sign_in(client, "alice", "wrong-password")
    sign_in(client, "alice")
    assert not is_signed_in(client)


def test_a_get_of_the_page_does_not_sign_in(client: Client, alice: User) -> None:
    client.get(LOGIN, {"login": "alice", "password": PASSWORD})
    assert not is_signed_in(client)


def test_signing_out_takes_a_post(client: Client, alice: User) -> None:
    sign_in(client, "alice")
    assert client.get(LOGOUT).status_code == 200
    assert is_signed_in(client)
    assert client.post(LOGOUT)["Location"] == "/"
    assert not is_signed_in(client)


def test_signing_out_twice_is_once(client: Client, alice: User) -> None:
    sign_in(client, "alice")
    client.post(LOGOUT)
    assert client.post(LOGOUT).status_code == 302


def test_signing_out_here_leaves_the_other_browser_alone(alice: User) -> None:
    here, there = client_of(alice), client_of(alice)
    here.post(LOGOUT)
    assert not is_signed_in(here)
    assert is_signed_in(there)


def test_signing_out_does_not_lead_to_another_site(alice: User) -> None:
    with all_cases() as case:
        for target in HOSTILE:
            with case(target), rolled_back():
                client = Browser()
                sign_in(client, "alice")
                assert client.post(LOGOUT, {"next": target})["Location"] == "/"
