"""Domains in any script: both spellings of a domain are one mailbox and one account."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.models import User

from .accounts import (
    EMAIL,
    SIGNUP,
    is_signed_in,
    link_in,
    only_mail,
    sign_in,
    sign_in_and_reauthenticate,
    signup_data,
)
from .conftest import Browser

pytestmark = pytest.mark.django_db

STORED = "nina@xn--kln-sna.example"
SPELLINGS = [
    "nina@köln.example",
    STORED,
    "Nina@KÖLN.example",
    "nina@XN--KLN-SNA.example",
    "nina@ko\u0308ln.example",
]


def test_an_account_has_one_address_in_every_spelling_of_its_domain(client: Client) -> None:
    with all_cases() as case:
        for spelling in SPELLINGS:
            with case(f"sign-up as {spelling}"), rolled_back():
                client.post(SIGNUP, signup_data(email=spelling))
                assert User.objects.get().email == STORED
                assert only_mail().to == [STORED]
                Client().post(link_in(only_mail()))
                for other in SPELLINGS:
                    Client().post(SIGNUP, signup_data(username="other", email=other))
                    assert User.objects.count() == 1
                    fresh = Browser()
                    sign_in(fresh, other)
                    assert is_signed_in(fresh)
            mail.outbox.clear()


def test_a_taken_address_stays_with_its_account_in_every_spelling(alice: User) -> None:
    User.objects.filter(pk=make_member("nina").pk).update(email=STORED)
    EmailAddress.objects.filter(user__username="nina").update(email=STORED)
    browser = Browser()
    sign_in_and_reauthenticate(browser, "alice")
    for spelling in SPELLINGS:
        mail.outbox.clear()
        browser.post(EMAIL, {"email": spelling, "action_add": ""})
        # allauth asks the owner, so that nobody learns whether the address has an account; confirming changes nothing.
        for message in mail.outbox:
            assert message.to == [STORED]
            browser.post(link_in(message))
        assert User.objects.get(pk=alice.pk).email == "alice@example.org"


def test_the_own_address_in_another_spelling_is_no_change() -> None:
    nina = make_member("nina")
    User.objects.filter(pk=nina.pk).update(email=STORED)
    EmailAddress.objects.filter(user=nina).update(email=STORED)
    browser = Browser()
    sign_in_and_reauthenticate(browser, "nina")
    for spelling in SPELLINGS:
        response = browser.post(EMAIL, {"email": spelling, "action_add": ""})
        assert response.context["form"].errors["email"]
    assert EmailAddress.objects.filter(user=nina).count() == 1
