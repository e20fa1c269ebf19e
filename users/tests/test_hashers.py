"""Passwords are hashed a few at a time, however many are asked for at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from django.contrib.auth import hashers as django_hashers
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client, override_settings

from tests.cast import PASSWORD
from users import hashers
from users.models import User

from .accounts import sign_in

OURS = ["users.hashers.Argon2PasswordHasher"]


class Counting(django_hashers.MD5PasswordHasher):
    """Counts how many hashes are under way, and the most that ever were."""

    lock = Lock()
    now = most = 0

    def encode(self, password: str, salt: str) -> str:
        with self.lock:
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
        Event().wait(0.005)  # long enough for all others to come in, if they may
        with self.lock:
            Counting.now -= 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return Counting.encode(self, password, self.decode(encoded)["salt"]) == encoded


class Watched(hashers.FewAtOnce, Counting):
    """The same limit around a hash that is counted."""


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
def all_turns_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hashers, "PATIENCE", 0.01)
    # The stored password is of the second kind, and is to be hashed anew with the first.
    kinds = [*OURS, "django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=kinds, PASSWORD_HASHES_AT_ONCE=1), hashers._turn():
        yield


@pytest.mark.django_db
def test_a_wait_that_is_too_long_is_shown_in_the_form(alice: User, all_turns_taken: None) -> None:
    answer = sign_in(Client(), "alice")
    assert answer.status_code == 200
    assert "Many people are signing in" in answer.content.decode()
