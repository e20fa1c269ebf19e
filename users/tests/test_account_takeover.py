"""Account takeover by a stolen session, a link or the admin, and how the member recovers the account."""

import datetime
import re
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client, TestCase
from django.utils import timezone

from tests.cast import PASSWORD, client_of
from users.accounts.email_addresses import change_address
from users.models import FormerAddress, User
from users.services import edit_account

from .accounts import (
    CHANGE_PASSWORD,
    EMAIL,
    LOGIN,
    REAUTHENTICATE,
    RESET,
    SIGNUP,
    admin_form_data,
    is_signed_in,
    link_in,
    sign_in,
    sign_in_and_reauthenticate,
    signup_data,
)
from .conftest import Browser

pytestmark = pytest.mark.django_db

OLD, THIEF = "alice@example.org", "thief@evil.example"
NEW = "another-horse-entirely"


def browser_of(member: User) -> Client:
    browser = Browser()
    browser.force_login(member)
    return browser


def restore_link(to: str = OLD) -> str:
    """Return the restore link in the mail to `to` about a change."""
    bodies = [
        str(message.body) for message in mail.outbox if message.to == [to] and "restore" in message.body
    ]
    (link,) = re.findall(r"https?://[^/\s]+(/accounts/email/restore/\S+)", bodies[-1])
    return str(link)


def subjects_to(address: str) -> list[str]:
    return [str(message.subject) for message in mail.outbox if message.to == [address]]


def change(member: User, email: str) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        change_address(user=member, email=email)


def test_a_stolen_session_alone_changes_no_address(alice: User) -> None:
    stolen = browser_of(alice)
    response = stolen.post(EMAIL, {"email": THIEF, "action_add": ""})
    assert response["Location"].startswith(REAUTHENTICATE)
    assert mail.outbox == []
    assert not EmailAddress.objects.filter(email=THIEF).exists()


def test_the_form_goes_on_after_the_password(alice: User) -> None:
    owner = browser_of(alice)
    question = owner.post(EMAIL, {"email": "new@example.org", "action_add": ""})["Location"]
    owner.post(question, {"password": PASSWORD, "next": EMAIL})
    assert [message.to for message in mail.outbox] == [["new@example.org"]]


def test_the_link_in_the_mail_is_worth_nothing_without_the_member_s_session(alice: User) -> None:
    owner = Browser()
    sign_in_and_reauthenticate(owner, "alice")
    owner.post(EMAIL, {"email": THIEF, "action_add": ""})
    link = link_in(mail.outbox[-1])
    eve = browser_of(User.objects.create_user("eve", "eve@example.org", PASSWORD, joined_at=timezone.now()))
    for other in (Browser(), eve):
        assert unquote(other.post(link)["Location"]) == f"{LOGIN}?next={link}"
    assert User.objects.get(pk=alice.pk).email == OLD
    owner.post(link)
    assert User.objects.get(pk=alice.pk).email == THIEF
    assert is_signed_in(owner), "the client that confirms it stays signed in"


def test_an_address_that_waits_to_be_confirmed_resets_nothing(alice: User) -> None:
    """A mistyped address may belong to another person."""
    owner = Browser()
    sign_in_and_reauthenticate(owner, "alice")
    owner.post(EMAIL, {"email": THIEF, "action_add": ""})
    mail.outbox.clear()
    Browser().post(RESET, {"email": THIEF})
    assert [message.to for message in mail.outbox] == [[THIEF]]
    assert "password/reset/key/" not in mail.outbox[0].body


def test_an_unconfirmed_new_address_is_free_for_sign_up(alice: User) -> None:
    owner = Browser()
    sign_in_and_reauthenticate(owner, "alice")
    owner.post(EMAIL, {"email": "nina@example.org", "action_add": ""})
    Browser().post(SIGNUP, signup_data())
    assert User.objects.filter(username="nina").exists()


def test_a_change_ends_all_other_sessions_and_tells_the_old_address(alice: User) -> None:
    elsewhere = browser_of(alice)
    change(alice, THIEF)
    assert not is_signed_in(elsewhere)
    assert subjects_to(OLD) == ["Your address was changed"]
    assert subjects_to(THIEF) == []


def test_the_way_back_restores_the_account_from_one_who_knew_the_password(alice: User) -> None:
    change(alice, THIEF)
    change(alice, "second@evil.example")
    thief = Browser()
    sign_in(thief, "second@evil.example")
    assert is_signed_in(thief)
    link = restore_link()
    owner = Browser()
    assert owner.get(link).status_code == 200
    assert User.objects.get(pk=alice.pk).email == "second@evil.example", "looking changes nothing"
    form = owner.post(link)["Location"]
    owner.post(owner.get(form)["Location"], {"password1": NEW, "password2": NEW})
    assert not is_signed_in(thief)
    rows = EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")
    assert list(rows) == [(OLD, True, True)]
    for login, password, inside in [("alice", PASSWORD, False), (OLD, NEW, True), (THIEF, NEW, False)]:
        browser = Browser()
        sign_in(browser, login, password)
        assert is_signed_in(browser) is inside


def test_the_password_is_void_as_soon_as_the_address_is_back(alice: User) -> None:
    change(alice, THIEF)
    Browser().post(restore_link())
    thief = Browser()
    sign_in(thief, "alice")
    assert not is_signed_in(thief)


def test_the_thief_s_own_way_back_does_not_outlive_the_member_s(alice: User) -> None:
    change(alice, THIEF)
    change(alice, "second@evil.example")
    links = [restore_link(), restore_link(THIEF)]
    Browser().post(links[0])
    for link in links:
        assert Browser().post(link).status_code == 200
    assert User.objects.get(pk=alice.pk).email == OLD


def test_a_later_way_back_leaves_the_earlier_one_open(alice: User) -> None:
    change(alice, THIEF)
    change(alice, "second@evil.example")
    Browser().post(restore_link(THIEF))
    Browser().post(restore_link())
    assert User.objects.get(pk=alice.pk).email == OLD


def test_the_way_back_closes_after_seven_days(alice: User) -> None:
    change(alice, THIEF)
    link = restore_link()
    FormerAddress.objects.update(replaced_at=timezone.now() - datetime.timedelta(days=7))
    assert "Restore my address" not in Browser().get(link).content.decode()
    Browser().post(link)
    assert User.objects.get(pk=alice.pk).email == THIEF


def test_a_token_that_was_not_signed_for_this_opens_nothing(alice: User) -> None:
    change(alice, THIEF)
    link = restore_link()
    for bad in (link[:-3] + "AA/", link.replace("restore/", "restore/x"), "/accounts/email/restore/1/"):
        assert Browser().post(bad).status_code == 200
    assert User.objects.get(pk=alice.pk).email == THIEF


def test_a_rescue_by_staff_holds(alice: User, client: Client) -> None:
    """The former address can no longer reset the password."""
    boss = browser_of(User.objects.create_superuser("boss", "boss@example.org", PASSWORD))
    boss.post(REAUTHENTICATE, {"password": PASSWORD})
    path = f"/admin/users/user/{alice.pk}/change/"
    form = admin_form_data(boss, alice) | {"email": "Rescued@Example.org"}
    response = boss.post(path, form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    mail.outbox.clear()
    for address in (OLD, "rescued@example.org"):
        client.post(RESET, {"email": address})
    assert ["password/reset/key/" in message.body for message in mail.outbox] == [False, True]
    rows = EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")
    assert list(rows) == [("rescued@example.org", True, True)]


def test_a_rescue_by_staff_voids_the_restore_links_in_former_mailboxes(alice: User) -> None:
    """Neither the last nor earlier links work, and the mail does not contain the new address."""
    change(alice, THIEF)
    first = restore_link(OLD)
    mail.outbox.clear()
    row = User.objects.get(pk=alice.pk)
    row.email = "rescued@example.org"
    with TestCase.captureOnCommitCallbacks(execute=True):
        edit_account(user=row)
    (message,) = mail.outbox
    assert message.to == [THIEF]
    assert not re.search(r"restore|rescued|https?://\S+/accounts/", str(message.body))
    assert "The administrators have changed the address" in message.body
    thief = Browser()
    assert thief.post(first).status_code == 200
    assert not FormerAddress.objects.exists()
    assert User.objects.get(pk=alice.pk).email == "rescued@example.org"


def test_the_administration_has_no_other_page_for_addresses() -> None:
    boss = client_of(User.objects.create_superuser("boss", "boss@example.org", PASSWORD))
    assert boss.get("/admin/account/emailaddress/").status_code == 404


def test_a_new_password_is_announced_by_mail(alice: User) -> None:
    owner = Browser()
    sign_in(owner, "alice")
    owner.post(CHANGE_PASSWORD, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    owner.post(RESET, {"email": OLD})
    link: EmailMessage = mail.outbox[-1]
    owner.post(owner.get(link_in(link))["Location"], {"password1": PASSWORD, "password2": PASSWORD})
    assert subjects_to(OLD) == [
        "Your password was changed",
        "Choose a new password",
        "Your password was changed",
    ]


def test_a_sign_in_from_a_new_browser_is_mailed_once(alice: User) -> None:
    first, second = Browser(), Browser()
    sign_in(first, "alice")
    assert mail.outbox == [], "the first one of all is no news"
    for _again in range(2):
        sign_in(second, "alice")
        second.post("/accounts/logout/")
    assert subjects_to(OLD) == ["New sign-in to your account"]
    assert "127.0.0.1" in mail.outbox[0].body


def test_a_reset_link_works_for_an_hour(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from allauth.account.forms import default_token_generator  # noqa: PLC0415

    Browser().post(RESET, {"email": OLD})
    link = link_in(mail.outbox[-1])
    now = default_token_generator._now()
    for minutes, works in [(59, True), (61, False)]:
        later = now + datetime.timedelta(minutes=minutes)
        monkeypatch.setattr(default_token_generator, "_now", lambda later=later: later)
        assert ("password1" in Browser().get(link, follow=True).content.decode()) is works
