"""The security log of sign-ins: it names the account and never contains a typed password (R9.6)."""

import pytest
from django.contrib.auth.signals import user_login_failed
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from tests.cases import all_cases
from tests.cast import PASSWORD, make_member
from users.models import User

from .accounts import CHANGE_PASSWORD, REAUTHENTICATE, sign_in

pytestmark = pytest.mark.django_db


def lines_of(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == logger]


@pytest.mark.parametrize("login", ["alice", " ALICE ", "Alice@Example.org"])
def test_a_failed_sign_in_names_the_account(
    client: Client, alice: User, caplog: pytest.LogCaptureFixture, login: str
) -> None:
    sign_in(client, login, "not-the-password-of-alice")
    assert lines_of(caplog, "security.login") == ["sign-in failed: account alice"]
    assert "not-the-password" not in caplog.text


def test_a_password_typed_as_the_name_is_not_written(
    client: Client, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(client, PASSWORD, PASSWORD)
    sign_in(client, PASSWORD.upper(), PASSWORD)
    sign_in(client, "somebody-else", PASSWORD)
    one, again, other = lines_of(caplog, "security.login")
    assert PASSWORD not in caplog.text
    assert one == again != other
    assert one.startswith("sign-in failed: account (unknown ")


def test_a_good_sign_in_is_not_written(client: Client, alice: User, caplog: pytest.LogCaptureFixture) -> None:
    sign_in(client, "alice")
    assert lines_of(caplog, "security.login") == []


def test_any_credentials_are_logged_by_what_they_name(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    make_member("none")  # None is no name
    nobody, account = "(unknown ", "alice"
    cases: list[tuple[dict[str, object], str]] = [
        ({}, nobody),
        ({"username": None}, nobody),
        ({"username": "", "email": None}, nobody),
        ({"username": "x\x00y"}, nobody),
        ({"email": "y" * 9999}, nobody),
        ({"username": "alice"}, account),
        ({"email": "alice@example.org"}, account),
        ({"username": "alice", "email": "nobody@example.org"}, account),
    ]
    with all_cases() as case:
        for credentials, name in cases:
            with case(credentials):
                caplog.clear()
                user_login_failed.send(sender="tests", credentials=credentials, request=None)
                assert lines_of(caplog, "security.login")[0].startswith(f"sign-in failed: account {name}")


@pytest.mark.parametrize("address", [REAUTHENTICATE, CHANGE_PASSWORD])
def test_a_wrong_password_of_one_who_is_signed_in_counts_too(
    as_alice: Client, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    wrong = "not-the-password"
    as_alice.post(address, {"password": wrong, "oldpassword": wrong, "password1": wrong, "password2": wrong})
    assert lines_of(caplog, "security.login") == ["sign-in failed: account alice"]


def test_the_queries_are_as_many_for_a_known_name_as_for_an_unknown_one(alice: User) -> None:
    counts = []
    for login in ("alice", "nobody"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            sign_in(Client(), login, "not-the-password")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_limit_shown_in_the_form_is_logged(
    client: Client, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"login_failed": "2/m/key"}):
        for _ in range(3):
            sign_in(client, "alice", "not-the-password")
    assert lines_of(caplog, "security.limit") == ["rate limit hit: too_many_login_attempts"]
    assert len(lines_of(caplog, "security.login")) == 2
