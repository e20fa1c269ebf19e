"""Helpers of tests of accounts: sign-up data, sign-in, and the mails and pages of accounts."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from tests.cast import PASSWORD, make_member
from users.models import User

SIGNUP = "/accounts/signup/"
LOGIN = "/accounts/login/"
LOGOUT = "/accounts/logout/"
RESET = "/accounts/password/reset/"
REAUTHENTICATE = "/accounts/reauthenticate/"
CHANGE_PASSWORD = "/accounts/password/change/"
EMAIL = "/accounts/email/"
SENT = "/accounts/confirm-email/"
# A page that only members may open.
INSIDE = "/network/"


def signup_data(**values: Any) -> dict[str, Any]:
    """Return valid data of the sign-up form."""
    return {
        "name": "Nina Newcomer",
        "username": "nina",
        "email": "nina@example.org",
        "password1": PASSWORD,
        **values,
    }


def make_unconfirmed(username: str, **values: Any) -> User:
    """Create an account whose address is not confirmed."""
    user = make_member(username, joined_at=None, **values)
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    return user


def sign_in(client: Client, login: str, password: str = PASSWORD, **values: str) -> Any:
    return client.post(LOGIN, {"login": login, "password": password, **values})


def sign_in_and_reauthenticate(client: Client, login: str) -> None:
    """Sign in and reauthenticate, for pages that require a recent password."""
    sign_in(client, login)
    client.post(REAUTHENTICATE, {"password": PASSWORD})


def is_signed_in(client: Client) -> bool:
    """Return whether the client is signed in."""
    return client.get(INSIDE).status_code == 200


def only_mail() -> EmailMessage:
    (message,) = mail.outbox
    return message


def link_in(message: EmailMessage) -> str:
    """Return the path of the only link to this site in a mail."""
    links = set(re.findall(r"http://testserver(/accounts/\S+)", str(message.body)))
    (link,) = links
    return str(link)


def stable_text(response: Any) -> str:
    """Return the text of a page without its random parts: CSRF tokens and nonces."""
    text = response.content.decode()
    return re.sub(r'nonce="[^"]*"', "", re.sub(r"\b[A-Za-z0-9]{64}\b", "", text))


def admin_form_data(browser: Client, member: User) -> dict[str, Any]:
    """Return the data that the admin page of `member` submits without changes."""
    page = browser.get(f"/admin/users/user/{member.pk}/change/")
    initial = page.context["adminform"].form.initial
    form = {
        key: value for key, value in initial.items() if isinstance(value, str | int) and value is not False
    }
    form |= {"joined_at_0": "2026-01-01", "joined_at_1": "00:00"}
    for shown in page.context["inline_admin_formsets"]:
        rows = shown.formset
        form |= {f"{rows.prefix}-{key}": value for key, value in rows.management_form.initial.items()}
        for row in rows.forms:
            form |= {f"{row.prefix}-{key}": value for key, value in row.initial.items()}
    return form
