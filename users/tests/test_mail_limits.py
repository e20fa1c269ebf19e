"""Limits on mail that strangers trigger, to one mailbox and in total, and its content."""

import time

import pytest
from django.core import mail
from django.test import RequestFactory, override_settings

from tests.cast import make_member
from users.accounts.identifiers import mailbox_key
from users.accounts.mail_limits import may_send

from .accounts import EMAIL, RESET, SIGNUP, sign_in_and_reauthenticate, signup_data
from .conftest import Browser

pytestmark = pytest.mark.django_db

INVOICE = "Pay your invoice 4711 now"


def test_spellings_of_one_mailbox_get_five_mails_together() -> None:
    """Half of the requests are resets, half are sign-ups."""
    browser = Browser()
    for number in range(22):
        browser.post(RESET, {"email": f"victim+{number}@example.org"})
    for number in range(19):
        address = f"v.ictim+s{number}@EXAMPLE.org"
        browser.post(SIGNUP, signup_data(username=f"name{number}", email=address, name=INVOICE))
    assert len(mail.outbox) == 5


def test_mail_without_a_request_counts_too(caplog: pytest.LogCaptureFixture) -> None:
    template = "account/email/password_reset_key"
    for request in (None, RequestFactory().get("/")):
        address = f"{request is None}@example.org"
        sent = [may_send(request, template, address, is_member=True) for _time in range(6)]
        assert sent == [True] * 5 + [False]
        assert may_send(request, "account/email/password_changed", address, is_member=False)
    # A limit by address is that of the request.
    with override_settings(ACCOUNT_RATE_LIMITS={"mail_to_mailbox": "1/m/ip"}):
        requests = [RequestFactory().get("/", REMOTE_ADDR=f"203.0.113.{number}") for number in (1, 2, 2)]
        sent = [may_send(request, template, "x@example.org", is_member=True) for request in (*requests, None)]
        assert sent == [True, True, False, True]
    assert caplog.messages == ["rate limit hit: mail to one mailbox"] * 3


def test_what_counts_as_one_mailbox() -> None:
    cases = {
        "a@example.org": ["A@example.org", "a+x@example.org", "a+x+y@Example.ORG", "a.@example.org"],
        "first.last@example.org": ["firstlast@example.org", "first.last+tag@example.org"],
        "a@b\u00fccher.example": ["a@xn--bcher-kva.example"],
    }
    others = ["b@example.org", "a@example.com", "a-x@example.org", "first_last@example.org"]
    same = {
        address: [mailbox_key(each) == mailbox_key(address) for each in all_]
        for address, all_ in cases.items()
    }
    assert all(all(found) for found in same.values()), same
    assert not {mailbox_key(each) for each in others} & {mailbox_key(each) for each in cases}


def test_typed_text_never_reaches_an_unconfirmed_address() -> None:
    """Neither from sign-up, a reset before confirmation or a change of address, nor from the username."""
    trickster = make_member("trickster", name=INVOICE)
    browser = Browser()
    browser.post(SIGNUP, signup_data(username="evil.example", email="one@example.org"))
    browser.post(RESET, {"email": "one@example.org"})
    member = Browser()
    sign_in_and_reauthenticate(member, trickster.username)
    member.post(EMAIL, {"email": "two@example.org", "action_add": ""})
    assert [message.to for message in mail.outbox] == [["one@example.org"]] * 2 + [["two@example.org"]]
    spoken = [message.subject for message in mail.outbox if "4711" in message.body or "evil" in message.body]
    assert spoken == []


def test_a_member_is_greeted_by_name_at_the_confirmed_address() -> None:
    make_member("ada", name="Ada Byron")
    Browser().post(RESET, {"email": "ada@example.org"})
    assert mail.outbox[0].body.startswith("Hello Ada Byron,")


@override_settings(MAIL_TO_NON_MEMBERS_PER_HOUR=3)
def test_above_the_most_in_an_hour_only_members_get_mail(caplog: pytest.LogCaptureFixture) -> None:
    make_member("ada")
    browser = Browser()
    responses = set()
    for number in range(6):
        response = browser.post(RESET, {"email": f"stranger{number}@example.org"})
        responses.add((response.status_code, response["Location"]))
        assert ("mail to non-members stopped" in caplog.text) is (number >= 3)
    browser.post(SIGNUP, signup_data())
    browser.post(RESET, {"email": "ada@example.org"})
    assert [message.to[0] for message in mail.outbox] == [
        *(f"stranger{number}@example.org" for number in range(3)), "ada@example.org",
    ]  # fmt: skip
    assert len(responses) == 1, "the response does not reveal the limit"
    alarms = [record for record in caplog.records if "mail to non-members stopped" in record.getMessage()]
    assert [(record.name, record.levelname) for record in alarms] == [("security.limit", "ERROR")]
    assert "next hour: 3 were sent" in alarms[0].getMessage()


@override_settings(MAIL_TO_NON_MEMBERS_PER_HOUR=1)
def test_with_the_next_hour_mail_to_strangers_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {}
    for second in (7200, 10_799, 10_800, 14_399, 14_400):
        monkeypatch.setattr(time, "time", lambda second=second: float(second))
        sent[second] = may_send(
            None, "account/email/unknown_account", f"{second}@example.org", is_member=False
        )
    assert sent == {7200: True, 10_799: False, 10_800: True, 14_399: False, 14_400: True}


@override_settings(MAIL_TO_NON_MEMBERS_PER_HOUR=0)
def test_without_a_brake_all_get_theirs() -> None:
    for number in range(4):
        Browser().post(RESET, {"email": f"stranger{number}@example.org"})
    assert len(mail.outbox) == 4
