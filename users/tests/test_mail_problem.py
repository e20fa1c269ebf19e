"""A member to whom mail has failed reads it on each page, and can correct the address."""

import re
import time

import pytest
from django.contrib.auth.models import Permission
from django.core import mail, signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.bounces import suppression
from core.mail import MailClass, Subscription, send_mail
from core.models import SuppressedAddress
from tests.cases import all_cases
from users.accounts.email_addresses import CHECK_SALT
from users.models import User

from .accounts import EMAIL, INSIDE, link_in, sign_in_and_reauthenticate, stable_text
from .conftest import Browser

pytestmark = pytest.mark.django_db

ALICE = "alice@example.org"
CHECK = "/accounts/email/check/"
BANNER = "Mail to alice@example.org cannot be delivered: there is no such mailbox."


def problem_of(member: User) -> str | None:
    return User.objects.get(pk=member.pk).mail_problem


def test_pages_say_what_is_wrong_without_a_query(reauthenticated: Client, alice: User) -> None:
    reauthenticated.get(INSIDE)
    with CaptureQueriesContext(connection) as before:
        assert "page-notice" not in stable_text(reauthenticated.get(INSIDE))
    suppression.record_failure(address=ALICE, status="5.1.1")
    with CaptureQueriesContext(connection) as after:
        page = stable_text(reauthenticated.get(INSIDE))
    assert BANNER in page
    assert f'href="{EMAIL}"' in page
    assert len(after) == len(before)
    assert BANNER in stable_text(reauthenticated.get(EMAIL))
    assert BANNER not in stable_text(Client().get("/accounts/login/"))


def test_the_text_says_why(alice: User) -> None:
    texts = {
        "5.1.1": "there is no such mailbox",
        "4.2.2": "the mailbox is full",
        "5.2.2": "the mailbox is full",
        "4.4.7": "does not answer",
        "5.0.0": "refuses it",
        "complaint": "only messages about your account",
    }
    with all_cases() as case:
        for problem, text in texts.items():
            with case(problem):
                alice.mail_problem = problem
                assert text in alice.mail_problem_text
                assert ALICE in alice.mail_problem_text


def test_a_link_that_arrives_lifts_the_problem(reauthenticated: Client, alice: User) -> None:
    suppression.record_failure(address=ALICE, status="5.1.1")
    page = reauthenticated.post(CHECK, follow=True)
    assert "We have sent a message to alice@example.org" in stable_text(page)
    (link,) = re.findall(r"http://localhost:8000(/accounts/\S+)", str(mail.outbox[0].body))
    visitor = Browser()
    assert visitor.get(link).status_code == 200
    assert problem_of(alice) == "5.1.1"
    visitor.post(link)
    assert problem_of(alice) is None
    assert not SuppressedAddress.objects.exists()
    assert "page-notice" not in stable_text(reauthenticated.get(INSIDE))
    mail.outbox.clear()
    reauthenticated.post(CHECK)
    assert mail.outbox == []


def test_a_changed_address_gets_mail_and_the_old_one_stays_on_the_list(
    reauthenticated: Client, alice: User
) -> None:
    suppression.record_failure(address=ALICE, status="5.1.1")
    suppression.record_failure(address="alice@new.example", status="5.2.1")
    reauthenticated.post(EMAIL, {"email": "alice@new.example", "action_add": ""})
    (message,) = mail.outbox
    assert message.to == ["alice@new.example"]
    reauthenticated.post(link_in(message))
    assert problem_of(alice) is None
    assert list(SuppressedAddress.objects.values_list("address", flat=True)) == [ALICE]
    alice.refresh_from_db()
    assert alice.email == "alice@new.example"


def test_a_link_is_refused_when_it_is_old_forged_or_of_a_former_address(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    suppression.record_failure(address=ALICE, status="5.1.1")
    with monkeypatch.context() as past:
        four_days_ago = time.time() - 4 * 86_400
        past.setattr("django.core.signing.time.time", lambda: four_days_ago)
        old = signing.dumps([alice.pk, ALICE], salt=CHECK_SALT)
    tokens = {
        "old": old,
        "forged": signing.dumps([alice.pk, ALICE], salt="other"),
        "former address": signing.dumps([alice.pk, "old@example.org"], salt=CHECK_SALT),
        "another type": signing.dumps("x", salt=CHECK_SALT),
        "a deleted member": signing.dumps([0, ALICE], salt=CHECK_SALT),
        "long": "x" * 2000,
    }
    with all_cases() as case:
        for name, token in tokens.items():
            with case(name):
                page = Client().post(f"{CHECK}{token}/")
                assert "This link no longer works" in page.content.decode()
                assert problem_of(alice) == "5.1.1"


def test_only_a_signed_in_member_asks_for_the_check(client: Client, reauthenticated: Client) -> None:
    assert client.post(CHECK)["Location"].startswith("/accounts/login/")
    assert reauthenticated.get(CHECK).status_code == 405
    suppression.record_failure(address=ALICE, status="5.1.1")
    answers = [reauthenticated.post(CHECK).status_code for _number in range(4)]
    assert answers == [302, 302, 302, 429]
    assert len(mail.outbox) == 3


def test_staff_allow_an_address_again(mona: User, alice: User, caplog: pytest.LogCaptureFixture) -> None:
    suppression.record_failure(address=ALICE, status="5.1.1")
    row = SuppressedAddress.objects.get()
    User.objects.filter(pk=mona.pk).update(is_staff=True, is_superuser=True)
    browser = Browser()
    sign_in_and_reauthenticate(browser, "mona")
    page = browser.get("/admin/core/suppressedaddress/?q=alice@")
    assert "5.1.1" in page.content.decode()
    browser.post("/admin/core/suppressedaddress/", {"action": "allow_again", "_selected_action": [row.pk]})
    assert not SuppressedAddress.objects.exists()
    assert problem_of(alice) is None
    assert f"row {row.pk} by mona" in caplog.text
    assert "alice@example.org" in browser.get("/admin/").content.decode()


def test_staff_who_may_only_look_cannot_allow_an_address(mona: User, alice: User) -> None:
    suppression.record_failure(address=ALICE, status="5.1.1")
    row = SuppressedAddress.objects.get()
    User.objects.filter(pk=mona.pk).update(is_staff=True)
    mona.user_permissions.add(Permission.objects.get(codename="view_suppressedaddress"))
    browser = Browser()
    sign_in_and_reauthenticate(browser, "mona")
    assert browser.get("/admin/core/suppressedaddress/").status_code == 200
    browser.post("/admin/core/suppressedaddress/", {"action": "allow_again", "_selected_action": [row.pk]})
    assert SuppressedAddress.objects.exists()


def test_a_member_whose_mail_was_stopped_by_mistake_can_reset_the_password(alice: User) -> None:
    suppression.record_failure(address=ALICE, status="5.1.1")
    browser = Browser()
    browser.post("/accounts/password/reset/", {"email": ALICE})
    (message,) = mail.outbox
    page = browser.get(link_in(message), follow=True)
    new = {"password1": "another long sentence", "password2": "another long sentence"}
    browser.post(page.request["PATH_INFO"], new)
    assert problem_of(alice) is None
    assert not SuppressedAddress.objects.exists()


def test_addresses_that_are_lists_or_have_line_breaks_are_refused(alice: User) -> None:
    refused = [
        "a@b.example, c@d.example", "Bob <a@b.example>", "a@b.example\nBcc: c@d.example", "a\r@b.example",
        f"{'a' * 300}@b.example", "group: a@b.example;", "", "a@b.example\0",
    ]  # fmt: skip
    with all_cases() as case:
        for to in refused:
            with case(to), pytest.raises(ValueError, match="one recipient"):
                send_mail(
                    to=to, subject="x", text="x", mail_class=MailClass.BULK,
                    subscription=Subscription("x", "https://x.example/"),
                )  # fmt: skip
