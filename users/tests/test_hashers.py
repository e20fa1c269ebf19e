"""The limit on concurrent password hashes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from django.contrib.auth import hashers as django_hashers
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client, override_settings

from tests.cast import PASSWORD
from users.accounts import hashers
from users.models import User

from .accounts import sign_in

OURS = ["users.accounts.hashers.Argon2PasswordHasher"]


class Counting(django_hashers.MD5PasswordHasher):
    """Counts the concurrent hashes, and their maximum."""

    lock = Lock()
    now = most = 0

    def encode(self, password: str, salt: str) -> str:
        with self.lock:
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
        Event().wait(0.005)  # long enough for the other threads to start, if the limit lets them
        with self.lock:
            Counting.now -= 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return Counting.encode(self, password, self.decode(encoded)["salt"]) == encoded


class Watched(hashers.LimitedHasher, Counting):
    """The limit around a counting hasher."""


def test_two_at_once_and_the_others_wait() -> None:
    with (
        override_settings(PASSWORD_HASHERS=["users.tests.test_hashers.Watched"], PASSWORD_HASHES_AT_ONCE=2),
        ThreadPoolExecutor(8) as threads,
    ):
        stored = list(threads.map(make_password, [PASSWORD] * 12))
        assert all(threads.map(check_password, [PASSWORD] * 12, stored))
    assert Counting.most == 2


def test_what_was_stored_before_is_still_right() -> None:
    plain = django_hashers.Argon2PasswordHasher()
    with override_settings(PASSWORD_HASHERS=OURS):
        assert check_password(PASSWORD, plain.encode(PASSWORD, "a-salt-of-some-length"))
        assert django_hashers.get_hasher().algorithm == "argon2"


@pytest.fixture
def all_slots_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hashers, "MAX_WAIT_SECONDS", 0.01)
    # The stored password has the second algorithm, so sign-in rehashes it with the first.
    kinds = [*OURS, "django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=kinds, PASSWORD_HASHES_AT_ONCE=1), hashers._hash_slot():
        yield


@pytest.mark.django_db
def test_a_wait_that_is_too_long_is_shown_in_the_form(alice: User, all_slots_taken: None) -> None:
    response = sign_in(Client(), "alice")
    assert response.status_code == 200
    assert "Many people are signing in" in response.content.decode()
