"""No response reveals whether an address belongs to an account: same status, same redirects, same text."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.cast import make_member
from users.models import User

from .accounts import (
    EMAIL,
    LOGIN,
    RESET,
    SIGNUP,
    make_unconfirmed,
    sign_in_and_reauthenticate,
    signup_data,
    stable_text,
)
from .conftest import Browser

pytestmark = pytest.mark.django_db

FRESH = "fresh@example.org"


@pytest.fixture(params=["member", "member in capitals", "unconfirmed", "suspended", "deactivated"])
def known(request: pytest.FixtureRequest) -> str:
    """An address of an account, once of each kind of account."""
    match request.param:
        case "unconfirmed":
            make_unconfirmed("known")
        case "suspended":
            make_member("known", suspended_at=timezone.now())
        case "deactivated":
            make_member("known", is_active=False)
        case _:
            make_member("known")
    return "KNOWN@Example.org" if "capitals" in request.param else "known@example.org"


def trace(response: Any, email: str) -> tuple[list[tuple[str, int]], int, str]:
    """Return what a visitor can observe of a response: redirects, final status and text."""
    text = stable_text(response)
    for written in (email, email.lower()):
        text = text.replace(written, "ADDRESS")
    return list(response.redirect_chain), response.status_code, text


def test_sign_up(known: str) -> None:
    def submit(email: str, username: str) -> Any:
        return Browser().post(SIGNUP, signup_data(email=email, username=username), follow=True)

    assert trace(submit(FRESH, "one"), FRESH) == trace(submit(known, "two"), known)
    assert User.objects.filter(username="one").exists()
    assert not User.objects.filter(username="two").exists()
    assert [message.to[0].lower() for message in mail.outbox] == [FRESH, "known@example.org"]


def test_sign_up_hashes_as_often_for_a_known_address(known: str) -> None:
    """The password of the existing account does not change."""
    before = User.objects.get(username="known").password
    Browser().post(SIGNUP, signup_data(email=known, username="two", password1="another-good-password"))
    assert User.objects.get(username="known").password == before


def test_reset(known: str) -> None:
    def submit(email: str) -> Any:
        return Browser().post(RESET, {"email": email}, follow=True)

    assert trace(submit(FRESH), FRESH) == trace(submit(known), known)


def test_sign_in(known: str) -> None:
    def submit(email: str) -> Any:
        return Browser().post(LOGIN, {"login": email, "password": "wrong-password"}, follow=True)

    assert trace(submit(FRESH), FRESH) == trace(submit(known), known)


@pytest.fixture
def as_changer(db: None) -> Client:
    """A client of a member that changes the address."""
    make_member("changer")
    browser = Browser()
    sign_in_and_reauthenticate(browser, "changer")
    return browser


def test_change_of_the_address(as_changer: Client, known: str) -> None:
    def submit(email: str) -> Any:
        return as_changer.post(EMAIL, {"email": email, "action_add": ""}, follow=True)

    assert trace(submit(known), known) == trace(submit(FRESH), FRESH)
    assert len(mail.outbox) == 2


def test_the_page_of_the_address_after_a_change(as_changer: Client, known: str) -> None:
    """The page reveals no more later than in the first response."""

    def page_after(email: str) -> str:
        as_changer.post(EMAIL, {"email": email, "action_add": ""}, follow=True)
        return trace(as_changer.get(EMAIL, follow=True), email)[2]

    assert page_after(known) == page_after(FRESH)


def test_the_mail_to_a_known_address_offers_no_confirmation(client: Client, known: str) -> None:
    client.post(SIGNUP, signup_data(email=known))
    (message,) = mail.outbox
    assert "confirm-email/" not in message.body
    assert RESET in message.body
