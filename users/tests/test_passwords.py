"""Reset of a forgotten password, and change of a known one."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.cases import all_cases, rolled_back
from tests.cast import PASSWORD, make_member
from users.models import User

from .accounts import (
    CHANGE_PASSWORD,
    RESET,
    is_signed_in,
    link_in,
    make_unconfirmed,
    only_mail,
    sign_in,
)
from .conftest import Browser

pytestmark = pytest.mark.django_db

NEW = "another-horse-entirely"


def signed_in(login: str, password: str = PASSWORD) -> Client:
    browser = Browser()
    sign_in(browser, login, password)
    return browser


def can_sign_in(password: str) -> bool:
    return is_signed_in(signed_in("alice", password))


def open_link(client: Client, link: str) -> str:
    """Open the link of the mail and return the URL of its form."""
    return str(client.get(link)["Location"])


def test_a_forgotten_password_is_replaced(client: Client, alice: User) -> None:
    client.post(RESET, {"email": "ALICE@example.org"})
    assert only_mail().to == ["alice@example.org"]
    form = open_link(client, link_in(only_mail()))
    client.post(form, {"password1": NEW, "password2": NEW})
    assert can_sign_in(NEW)
    assert not can_sign_in(PASSWORD)


def test_the_link_works_once(client: Client, alice: User) -> None:
    client.post(RESET, {"email": "alice@example.org"})
    link = link_in(only_mail())
    client.post(open_link(client, link), {"password1": NEW, "password2": NEW})
    again = Browser()
    response = again.get(link)
    assert response.status_code == 200
    assert "password1" not in response.content.decode()


def test_opening_the_link_changes_nothing(client: Client, alice: User) -> None:
    client.post(RESET, {"email": "alice@example.org"})
    client.get(link_in(only_mail()), follow=True)
    assert can_sign_in(PASSWORD)


def test_a_wrong_link_changes_nothing(alice: User) -> None:
    with all_cases() as case:
        for key in ["1-wrong", "zzzzzzzzzzzzzzzzzzzz-wrong", "0-0", "1-" + "a" * 500]:
            with case(key), rolled_back():
                client = Browser()
                response = client.get(f"/accounts/password/reset/key/{key}/")
                assert response.status_code in {200, 404}
                assert "password1" not in response.content.decode()


def test_a_reset_ends_the_sessions_elsewhere(client: Client, alice: User) -> None:
    elsewhere = signed_in("alice")
    client.post(RESET, {"email": "alice@example.org"})
    client.post(open_link(client, link_in(only_mail())), {"password1": NEW, "password2": NEW})
    assert not is_signed_in(elsewhere)


def test_what_is_no_address_is_refused_at_the_field() -> None:
    with all_cases() as case:
        for email in ["", "alice", "a\x00@example.org", "a@b.c\nBcc: x@example.org"]:
            with case(email), rolled_back():
                client = Browser()
                response = client.post(RESET, {"email": email})
                assert response.context["form"].errors["email"]
                assert mail.outbox == []


@pytest.mark.parametrize("values", [{"suspended_at": timezone.now()}, {"is_active": False}])
def test_a_reset_does_not_let_in_who_is_suspended(client: Client, values: dict[str, Any]) -> None:
    make_member("alice", **values)
    client.post(RESET, {"email": "alice@example.org"})
    for message in mail.outbox:
        for link in re.findall(r"http://testserver(/accounts/password/reset/key/\S+)", str(message.body)):
            client.post(open_link(client, link), {"password1": NEW, "password2": NEW})
    assert not is_signed_in(client)
    assert not can_sign_in(NEW)


def test_a_reset_does_not_confirm_an_address_for_nothing(client: Client) -> None:
    """A reset may count as a confirmation, since its link reached the mailbox; otherwise sign-in stays impossible."""
    make_unconfirmed("alice")
    client.post(RESET, {"email": "alice@example.org"})
    assert not is_signed_in(client)
    assert not can_sign_in(PASSWORD)


@pytest.mark.parametrize(
    ("password", "again", "field"),
    [("short", "short", "password1"), (NEW, "something-else-here", "password2"), ("", "", "password1"),
     ("password123", "password123", "password1"), ("x" * 257, "x" * 257, "password1")],
)  # fmt: skip
def test_a_bad_new_password_is_refused_at_its_field(
    client: Client, alice: User, password: str, again: str, field: str
) -> None:
    client.post(RESET, {"email": "alice@example.org"})
    form = open_link(client, link_in(only_mail()))
    response = client.post(form, {"password1": password, "password2": again})
    assert response.context["form"].errors[field]
    assert can_sign_in(PASSWORD)


def change(client: Client, **values: str) -> Any:
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW, **values}
    return client.post(CHANGE_PASSWORD, data)


def test_a_known_password_is_changed(alice: User) -> None:
    here, elsewhere = signed_in("alice"), signed_in("alice")
    assert change(here).status_code == 302
    assert is_signed_in(here), "the client that changes it stays signed in"
    assert not is_signed_in(elsewhere), "every other session ends"
    assert can_sign_in(NEW)
    assert not can_sign_in(PASSWORD)


def test_a_bad_change_is_refused_at_its_field(alice: User) -> None:
    with all_cases() as case:
        for values, field in [
            ({"oldpassword": "wrong-password"}, "oldpassword"),
            ({"oldpassword": ""}, "oldpassword"),
            ({"password2": "something-else-here"}, "password2"),
            ({"password1": "short", "password2": "short"}, "password1"),
            ({"password1": "alice@example.org", "password2": "alice@example.org"}, "password1"),
            ({"password1": "x" * 100_000, "password2": "x" * 100_000}, "password1"),
        ]:
            with case((values, field)), rolled_back():
                assert change(signed_in("alice"), **values).context["form"].errors[field]
                assert can_sign_in(PASSWORD)


def test_a_visitor_is_asked_to_sign_in(client: Client, alice: User) -> None:
    assert change(client)["Location"].startswith("/accounts/login/")
    assert can_sign_in(PASSWORD)


def test_looking_at_the_page_changes_nothing(alice: User) -> None:
    signed_in("alice").get(CHANGE_PASSWORD, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert can_sign_in(PASSWORD)


def test_without_the_token_of_the_page_nothing_happens(alice: User) -> None:
    with all_cases() as case:
        for path in [RESET, CHANGE_PASSWORD]:
            with case(path), rolled_back():
                client = Client(enforce_csrf_checks=True)
                client.force_login(alice)
                assert client.post(path, {"email": "alice@example.org"}).status_code == 403
                assert mail.outbox == []
