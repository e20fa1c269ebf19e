"""Change of the address: nothing changes before the new address is confirmed."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.models import User

from .accounts import EMAIL, is_signed_in, link_in, sign_in, sign_in_and_reauthenticate, stable_text
from .conftest import Browser

pytestmark = pytest.mark.django_db

NEW = "alice@new.example"


def ask(client: Client, email: str = NEW) -> None:
    client.post(EMAIL, {"email": email, "action_add": ""})


def address_of(member: User) -> str:
    return User.objects.get(pk=member.pk).email


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    assert client.get(EMAIL)["Location"].startswith("/accounts/login/")
    assert client.post(EMAIL, {"email": NEW, "action_add": ""}).status_code == 302
    assert mail.outbox == []


def test_the_page_shows_the_address(reauthenticated: Client) -> None:
    assert "alice@example.org" in stable_text(reauthenticated.get(EMAIL))


def test_the_address_changes_when_the_new_one_is_confirmed(reauthenticated: Client, alice: User) -> None:
    ask(reauthenticated)
    assert address_of(alice) == "alice@example.org"
    assert mail.outbox[0].to == [NEW]
    link = link_in(mail.outbox[0])
    reauthenticated.get(link)
    assert address_of(alice) == "alice@example.org"
    reauthenticated.post(link)
    assert address_of(alice) == NEW
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")) == [
        (NEW, True, True)
    ]
    fresh = Browser()
    sign_in(fresh, NEW)
    assert is_signed_in(fresh)


def test_the_day_of_joining_stays(reauthenticated: Client, alice: User) -> None:
    ask(reauthenticated)
    reauthenticated.post(link_in(mail.outbox[0]))
    assert User.objects.get(pk=alice.pk).joined_at == alice.joined_at


def test_until_then_the_old_address_signs_in_and_the_new_one_does_not(reauthenticated: Client) -> None:
    ask(reauthenticated)
    for login, inside in [("alice@example.org", True), (NEW, False)]:
        browser = Browser()
        sign_in(browser, login)
        assert is_signed_in(browser) is inside


def test_asking_twice_keeps_one_open_change(reauthenticated: Client, alice: User) -> None:
    ask(reauthenticated, "first@new.example")
    ask(reauthenticated, "second@new.example")
    open_changes = EmailAddress.objects.filter(user=alice, verified=False).values_list("email", flat=True)
    assert list(open_changes) == ["second@new.example"]


def test_the_link_of_a_change_that_was_replaced_changes_nothing(reauthenticated: Client, alice: User) -> None:
    ask(reauthenticated, "first@new.example")
    ask(reauthenticated, "second@new.example")
    reauthenticated.post(link_in(mail.outbox[0]))
    assert address_of(alice) == "alice@example.org"


def test_what_is_no_address_is_refused_at_the_field_and_kept(reauthenticated: Client, alice: User) -> None:
    with all_cases() as case:
        refused = ["", "alice", "a@b", "x" * 300 + "@example.org", "a\x00@example.org", "a@b.c\nBcc: x"]
        refused += ["x" * 65 + "@example.org", "a@b.example, c@d.example", "Al <a@b.example>"]
        for email in refused:
            with case(email), rolled_back():
                response = reauthenticated.post(EMAIL, {"email": email, "action_add": ""})
                assert response.status_code == 200
                assert response.context["form"].errors["email"]
                assert response.context["form"]["email"].value() == email
                assert EmailAddress.objects.filter(user=alice).count() == 1
                assert mail.outbox == []


def test_the_own_address_is_not_a_change(reauthenticated: Client, alice: User) -> None:
    response = reauthenticated.post(EMAIL, {"email": "ALICE@example.org", "action_add": ""})
    assert response.context["form"].errors["email"]
    assert EmailAddress.objects.filter(user=alice).count() == 1


def test_the_address_of_another_account_is_never_taken(reauthenticated: Client, alice: User) -> None:
    make_member("eve")
    ask(reauthenticated, "EVE@example.org")
    assert address_of(alice) == "alice@example.org"
    assert not EmailAddress.objects.filter(
        user=alice, email__iexact="eve@example.org", verified=True
    ).exists()


def test_an_address_that_was_taken_meanwhile_changes_nothing_and_says_so(
    reauthenticated: Client, alice: User
) -> None:
    ask(reauthenticated)
    User.objects.create_user("eve", NEW)
    response = reauthenticated.post(link_in(mail.outbox[0]), follow=True)
    assert response.status_code == 200
    assert "Unable to confirm" in stable_text(response)
    assert address_of(alice) == "alice@example.org"
    assert list(EmailAddress.objects.filter(user=alice, verified=True).values_list("email", "primary")) == [
        ("alice@example.org", True)
    ]


def test_of_two_who_ask_for_the_same_address_only_the_first_gets_a_link(
    reauthenticated: Client, alice: User
) -> None:
    charlie = make_member("charlie")
    as_charlie = Browser()
    sign_in_and_reauthenticate(as_charlie, "charlie")
    ask(as_charlie)
    ask(reauthenticated)
    (link,) = [link_in(message) for message in mail.outbox if "confirm-email" in message.body]
    as_charlie.post(link)
    assert (address_of(alice), address_of(charlie)) == ("alice@example.org", NEW)


def test_the_old_address_can_be_kept(reauthenticated: Client, alice: User) -> None:
    ask(reauthenticated)
    reauthenticated.post(EMAIL, {"email": NEW, "action_remove": ""})
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", flat=True)) == [
        "alice@example.org"
    ]


def test_the_only_address_cannot_be_removed(reauthenticated: Client, alice: User) -> None:
    reauthenticated.post(EMAIL, {"email": "alice@example.org", "action_remove": ""})
    assert EmailAddress.objects.filter(user=alice, verified=True).count() == 1


def test_looking_changes_nothing(reauthenticated: Client, alice: User) -> None:
    reauthenticated.get(EMAIL, {"email": NEW, "action_add": ""})
    assert EmailAddress.objects.filter(user=alice).count() == 1
