"""What is masked before it reaches a log, and what stays readable."""

import logging
import string
import sys
import time
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.middleware.csrf import get_token
from django.test import RequestFactory, override_settings
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from core.observability.redaction import MASK, Redaction, redact
from tests.cases import all_cases
from users.models import User

words = st.text(string.ascii_letters + string.digits, min_size=8, max_size=40)
NAMES = (
    "password",
    "new_password1",
    "token",
    "csrfmiddlewaretoken",
    "sessionid",
    "api_key",
    "AWS_SECRET_ACCESS_KEY",
)


@given(st.sampled_from(NAMES), words)
def test_what_is_called_a_secret_is_masked_in_every_spelling(name: str, secret: str) -> None:
    secret = f"zQ{secret}"
    spellings = (
        f"GET /x?{name}={secret}&next=/",
        f"{{'{name}': '{secret}', 'b': 1}}",
        f'{{"{name}": "{secret}"}}',
        f"<QueryDict {{'{name}': {secret}}}>",
        f"{name}='{secret}'",
        f"set {name}={secret}; secure",
    )
    for text in spellings:
        assert secret not in redact(text)
        assert MASK in redact(text)


MASKED = {
    "postgres://linkup:hunter2@db:5432/x": "postgres://linkup:[masked]@db:5432/x",
    "redis://:p@ss@host:6379/0 is away": "redis://:[masked]@host:6379/0 is away",
    "Cookie: sessionid=abc; csrftoken=def": "Cookie: [masked]",
    "Set-Cookie: a=b\nAccept: x": "Set-Cookie: [masked]\nAccept: x",
    "Authorization: Bearer abc": "Authorization: [masked]",
    "sent Bearer abcdefghijklmnop.qrs": "sent Bearer [masked]",
    'Signature "9b1f_x-y" does not match': "Signature [masked] does not match",
    "the password: hunter2 was wrong": "the password: [masked] was wrong",
    "DETAIL:  Failing row contains (1, Dear Bob).": "DETAIL:  Failing row contains [masked]",
    "Key (email)=(bob@example.org) already exists.": "Key (email)=[masked] already exists.",
    "Key (lower(name))=(bob (x)) already exists.": "Key (lower(name))=[masked] already exists.",
    # Whatever follows the value of a key.
    "Key (email)=(a@b)": "Key (email)=[masked]",
    "Key (email)=(a@b": "Key (email)=[masked]",
    "key 0f3b8a6d2c914e57a0b1c2d3 is old": "key [masked] is old",
    "/accounts/confirm-email/MQ:1abcde:x_y-z0/": "/accounts/confirm-email/[masked]/",
    "/media/photos/3f/3f00c1a2b3c4d5e6f708192a3b4c5d6e.webp": "/media/photos/3f/[masked]",
}
READABLE = (
    "Not Found: /members/alice/",
    "Forbidden (CSRF token missing.): /posts/12/react/",
    "Forbidden (CSRF cookie not set.): /accounts/login/",
    "psycopg2.errors.InvalidPassword: FATAL:  password authentication failed",
    "/accounts/password/reset/key/2-set-password/",
    "/jobs/senior-engineer-for-2026-in-the-north/",
    "/static/theme/app.3f2a1b4c5d6e.css",
    '  File "/srv/linkup/core/management/commands/generate_secret_key.py", line 12, in handle',
    "the database linkup at host db.example port 5432 does not answer",
    "KeyError: 'token'",
)


@pytest.mark.django_db
def test_what_is_masked_and_what_stays_readable(alice: User) -> None:
    with all_cases() as case:
        with case("what is masked and what stays readable"):
            expected = {**MASKED, **{text: text for text in READABLE}}
            assert {text: redact(text) for text in expected} == expected
        with case("the links of our mails are masked"):
            token = default_token_generator.make_token(alice)
            key = signing.dumps(alice.pk, salt="confirm")
            reset = reverse("account_reset_password_from_key", kwargs={"uidb36": "1z", "key": token})
            for secret, path in ((token, reset), (key, reverse("account_confirm_email", args=[key]))):
                assert secret not in redact(f"Not Found: {path}")
                assert redact(f"Not Found: {path}").endswith(f"/{MASK}/")
                assert secret.split(":")[-1] not in redact(f"bad value {secret} given")
        with case("tokens without a name are masked"):
            token = get_token(RequestFactory().get("/"))
            assert token not in redact(f"unexpected {token} in form")
            assert make_password("hunter2").split("$")[-1]
        with case("the filter masks the lines of loggers that are not ours"):
            try:
                raise ValueError("token=abcdef")
            except ValueError:
                error = sys.exc_info()
            record = logging.LogRecord(
                "server", 20, "/x.py", 1, "%(r)s", ({"r": "GET /x?token=abcdef"},), error
            )
            assert Redaction().filter(record)
            assert record.getMessage() == f"GET /x?token={MASK}"
            assert record.exc_text
            assert record.exc_text.endswith(f"ValueError: token={MASK}")


SECRET = "correct horse battery staple"
SETTINGS: list[dict[str, Any]] = [
    {"SECRET_KEY": SECRET},
    {"EMAIL_HOST_PASSWORD": SECRET},
    {"REDIS_URL": f"redis://:{SECRET}@h/0"},
    {"REDIS_URL": "redis://:correct%20horse%20battery%20staple@h/0"},
    {"DATABASES": {"default": {"PASSWORD": SECRET}}},
    {"STORAGES": {"default": {"OPTIONS": {"secret_key": SECRET}}}},
]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_secrets_of_the_settings_are_masked_wherever_they_stand() -> None:
    with all_cases() as case:
        for values in SETTINGS:
            with case(values), override_settings(**values):
                assert redact(f"could not use {SECRET}!") == f"could not use {MASK}!"
        # What is no address hides nothing and breaks nothing.
        with case("half an address"), override_settings(REDIS_URL="redis://[half/0"):
            assert redact("hello") == "hello"


@given(st.text(max_size=300))
def test_any_text_can_be_masked_and_masking_again_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_no_text_takes_long_to_mask() -> None:
    pieces = ["a", "token", "password=", "/", "://a:", "a:", "'secret", "a-", "1a", "-", ":123456:"]
    pieces += ["'token':", '"', "Key (", "Key (a)=(", "Key (a)=(b) ", "Failing row contains "]
    pieces += ["bearer ", "cookie: ", 'Signature "']
    slow = {}
    for piece in (*pieces, *map("".join, permutations(pieces[-9:], 2))):
        started = time.process_time()
        redact(piece * (10_000 // len(piece)))
        if (seconds := time.process_time() - started) > 0.2:
            slow[piece] = seconds
    assert slow == {}
