"""Sign-up through its pages: successful and refused sign-ups, and the data kept after a refusal."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from network.models import Member
from tests.cases import all_cases, rolled_back
from tests.cast import PASSWORD
from users.models import Profile, User

from .accounts import SENT, SIGNUP, is_signed_in, link_in, only_mail, sign_in, signup_data, stable_text
from .conftest import Browser

pytestmark = pytest.mark.django_db


def errors(response: Any) -> dict[str, list[str]]:
    return dict(response.context["form"].errors)


def test_the_page_opens(client: Client) -> None:
    page = stable_text(client.get(SIGNUP))
    for name in signup_data():
        assert f'name="{name}"' in page


def test_sign_up_and_confirmation_make_a_member(client: Client) -> None:
    response = client.post(SIGNUP, signup_data())
    assert (response.status_code, response["Location"]) == (302, SENT)
    nina = User.objects.get()
    assert (nina.username, nina.email, nina.name) == ("nina", "nina@example.org", "Nina Newcomer")
    assert (nina.joined_at, nina.sort_name) == (None, "nina newcomer")
    assert Profile.objects.filter(user=nina).exists()
    assert not is_signed_in(client)
    assert only_mail().to == ["nina@example.org"]

    link = link_in(only_mail())
    assert client.get(link).status_code == 200
    assert not User.objects.filter(joined_at__isnull=False).exists(), "opening the link changes nothing yet"
    client.post(link)
    assert User.objects.filter(pk=nina.pk, joined_at__isnull=False).exists()
    assert EmailAddress.objects.get().verified
    sign_in(client, "nina")
    assert is_signed_in(client)


def test_the_page_after_sign_up_says_to_look_for_the_mail(client: Client) -> None:
    response = client.post(SIGNUP, signup_data(), follow=True)
    assert response.status_code == 200
    assert "mail" in stable_text(response)


def test_confirming_twice_is_confirming_once(client: Client) -> None:
    client.post(SIGNUP, signup_data())
    link = link_in(only_mail())
    client.post(link)
    joined_at = User.objects.get().joined_at
    again = client.post(link)
    assert again.status_code in {200, 302, 404}
    assert User.objects.get().joined_at == joined_at


def test_a_wrong_key_confirms_nothing() -> None:
    with all_cases() as case:
        for method in ["get", "post"]:
            for key in [
                "wrong",
                "MQ:1abc:xxxxxxxxxxxxxxxxxxx",
                "a" * 3000,
                "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA:1:x",
            ]:
                with case((key, method)), rolled_back():
                    client = Browser()
                    client.post(SIGNUP, signup_data())
                    response = getattr(client, method)(f"/accounts/confirm-email/{key}/")
                    assert response.status_code in {200, 302, 404}
                    assert User.objects.get().joined_at is None


def test_an_unconfirmed_account_cannot_sign_in_and_is_hidden(client: Client) -> None:
    client.post(SIGNUP, signup_data())
    assert sign_in(client, "nina")["Location"] == SENT
    assert not is_signed_in(client)
    assert not Member.objects.visible_to(User(pk=999_999)).filter(username="nina").exists()


def test_name_and_address_are_stored_in_lower_case(client: Client) -> None:
    client.post(SIGNUP, signup_data(username="NiNa", email="Nina@EXAMPLE.org"))
    nina = User.objects.get()
    assert (nina.username, nina.email) == ("nina", "nina@example.org")
    assert EmailAddress.objects.get().email == "nina@example.org"


def test_a_name_that_differs_only_in_case_is_refused_at_its_field(alice: User) -> None:
    with all_cases() as case:
        for username in ["alice", "ALICE", "Alice"]:
            with case(username), rolled_back():
                client = Browser()
                response = client.post(SIGNUP, signup_data(username=username))
                assert list(errors(response)) == ["username"]
                assert User.objects.count() == 1
                assert mail.outbox == []


BAD = [
    ("username", "admin"),
    ("username", "Settings"),
    ("username", "a.d.m.i.n"),
    ("username", "ni"),
    ("username", "n" * 31),
    ("username", "n" * 100_000),
    ("username", "ni na"),
    ("username", "nína"),
    ("username", "nina\u200b"),
    ("username", "\u202enina"),
    ("username", "<script>alert(1)</script>"),
    ("username", "nina\x00"),
    ("username", ""),
    ("name", ""),
    ("name", "   "),
    ("name", "Ni\u200bna"),
    ("name", "Nina \u202egro.elpmaxe"),
    ("name", "\u3164"),
    ("name", "N" + "\u0301" * 9),
    ("name", "n" * 81),
    ("name", "n" * 100_000),
    ("name", "Nina\x00"),
    ("name", "Your invoice http://evil.example"),
    ("name", "Nina \uff57\uff57\uff57\uff0eevil.example"),
    ("name", "Pay at WWW.evil.example"),
    ("name", "nina@evil.example"),
    ("name", "Nina \uff20 home"),
    ("username", "www.evil.example"),
    ("email", ""),
    ("email", "nina"),
    ("email", "nina@"),
    ("email", "nina@example.org\nBcc: all@example.org"),
    ("email", "nina@example.org, other@example.org"),
    ("email", "n" * 300 + "@example.org"),
    ("email", "n" * 65 + "@example.org"),
    ("email", "Nina <nina@example.org>"),
    ("email", "nina@stra\u00dfe.example"),
    ("email", "nina\x00@example.org"),
    ("email", "<script>@example.org"),
    ("password1", ""),
    ("password1", "short"),
    ("password1", "password123"),
    ("password1", "nina@example.org"),
    ("password1", "x" * 257),
]


def test_a_bad_value_is_refused_at_its_field(client: Client) -> None:
    with all_cases() as case:
        for field, value in BAD:
            with case(f"{field} {value[:40]!r}"), rolled_back():
                response = client.post(SIGNUP, signup_data(**{field: value}))
                assert list(errors(response)) == [field]
                assert errors(response)[field][0]
                assert User.objects.count() == 0
                assert mail.outbox == []


def test_what_was_typed_is_still_there_after_a_refusal_but_not_the_password(client: Client) -> None:
    page = stable_text(
        client.post(SIGNUP, signup_data(username="admin", name="Nina O'Brien", email="nina@example.org"))
    )
    assert 'value="admin"' in page
    assert 'value="Nina O&#x27;Brien"' in page
    assert 'value="nina@example.org"' in page
    assert PASSWORD not in page


def test_markup_in_a_name_is_shown_as_it_was_typed() -> None:
    with all_cases() as case:
        for name in ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"]:
            with case(name), rolled_back():
                client = Browser()
                page = client.post(SIGNUP, signup_data(name=name, username="admin")).content.decode()
                assert "<script>alert" not in page
                assert "<img src=x" not in page
                assert "49" not in page.split('name="name"')[1][:200]


@pytest.mark.parametrize(
    "name", ["O'Brien", "Anne-Marie d’Arc", "علی\u200cرضا", "李雷", "delete from users", "AMZN"]
)
def test_an_honest_name_is_taken(client: Client, name: str) -> None:
    client.post(SIGNUP, signup_data(name=name))
    assert User.objects.get().name == name
    assert name not in only_mail().body, "a stranger's words reach no mailbox"


def test_one_who_is_signed_in_is_sent_on(as_alice: Client) -> None:
    assert as_alice.get(SIGNUP).status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_up_never_redirects_to_another_site(client: Client, target: str) -> None:
    response = client.post(SIGNUP, signup_data(next=target))
    assert response["Location"] == SENT
    link = link_in(only_mail())
    assert "evil" not in link
    assert "evil" not in client.post(link)["Location"]


def test_a_visitor_who_only_looks_changes_nothing(client: Client) -> None:
    client.get(SIGNUP, signup_data())
    assert User.objects.count() == 0


def test_without_the_token_of_the_page_nothing_happens() -> None:
    assert Client(enforce_csrf_checks=True).post(SIGNUP, signup_data()).status_code == 403
    assert User.objects.count() == 0


def test_after_many_tries_it_asks_to_wait(client: Client) -> None:
    codes = [client.post(SIGNUP, signup_data(username="admin")).status_code for _number in range(25)]
    assert codes[0] == 200
    assert codes[-1] == 429
