"""Response times reveal nothing: an unknown account causes as many password hashes as a known one.

Only hashing takes long enough to be measured remotely (CWE-208). Mail is sent after the transaction of the response,
one message in every case (see test_account_enumeration).
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from tests.cast import PASSWORD, make_member

from .accounts import LOGIN, RESET, SIGNUP, make_unconfirmed, signup_data
from .conftest import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


class CountingHasher(MD5PasswordHasher):
    """Counts all hashes of passwords: to store, to compare, and to take time."""

    calls: ClassVar[int] = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).calls += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def counting(db: None) -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=["users.tests.test_hash_calls.CountingHasher"]):
        yield


KINDS: dict[str, Callable[[], object]] = {
    "a member": lambda: make_member("known"),
    "unconfirmed": lambda: make_unconfirmed("known"),
    "suspended": lambda: make_member("known", suspended_at=timezone.now()),
    "deactivated": lambda: make_member("known", is_active=False),
}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def known(request: pytest.FixtureRequest) -> None:
    """An account `known`, once of each kind."""
    request.param()


def hashes_of(address: str, data: dict[str, Any]) -> int:
    before = CountingHasher.calls
    Browser().post(address, data)
    return CountingHasher.calls - before


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("login", ["known", "KNOWN", "known@example.org", "Known@Example.ORG"])
def test_a_wrong_password_costs_the_same_for_a_known_and_an_unknown_account(login: str) -> None:
    unknown = login.lower().replace("known", "nobody")
    wrong = {"password": "wrong-password"}
    counts = [hashes_of(LOGIN, {"login": name, **wrong}) for name in (login, unknown)]
    assert counts[0] == counts[1] >= 1


@pytest.mark.usefixtures("known")
def test_sign_up_costs_the_same_for_a_known_and_a_fresh_address() -> None:
    known = hashes_of(SIGNUP, signup_data(email="known@example.org", username="one"))
    fresh = hashes_of(SIGNUP, signup_data(email="fresh@example.org", username="two"))
    assert known == fresh >= 1
    assert len(mail.outbox) == 2


@pytest.mark.usefixtures("known")
def test_a_reset_costs_the_same_for_a_known_and_an_unknown_address() -> None:
    assert [hashes_of(RESET, {"email": f"{name}@example.org"}) for name in ("known", "nobody")] == [0, 0]
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("login", ["alice", "alice@example.org"])
def test_the_right_password_is_hashed_once(login: str) -> None:
    make_member("alice")
    assert hashes_of(LOGIN, {"login": login, "password": PASSWORD}) == 1


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("address", "data"),
    [(SIGNUP, signup_data(email="known@example.org")), (RESET, {"email": "known@example.org"})],
    ids=["sign-up", "reset"],
)
def test_a_stranger_cannot_fill_a_mailbox(address: str, data: dict[str, str]) -> None:
    for number in range(12):
        if "username" in data:
            data = {**data, "username": f"name{number}"}
        Browser().post(address, data)
    assert len(mail.outbox) <= 5
