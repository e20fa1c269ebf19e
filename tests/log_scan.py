"""Scans all log lines of the test run, as production formats them, and fails the run when one contains a secret.

Secrets are recorded where Django creates them: session keys, CSRF tokens, signed values, reset tokens, passwords, and
longer texts of members. Each worker of a parallel run scans its own lines. Lines that tests log to see them masked are
masked here, too, because they pass production's formatter.
"""

import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import BasePasswordHasher
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.models import Session
from django.core.signing import Signer
from django.db.models import TextField
from django.db.models.signals import post_save
from django.middleware import csrf

from core.observability.log_lines import LineFormatter
from professional_network.settings.logs import SECURITY_LINE_FORMAT

from .cast import PASSWORD

MIN_TOKEN = 20
MIN_TEXT = 24
MIN_PASSWORD = 8
# Each line is searched for the latest texts and passwords only; tokens are looked up in a set.
MAX_TEXTS = 60

_runs = (
    re.compile(rf"[\w-]{{{MIN_TOKEN},}}", re.ASCII),
    re.compile(rf"[A-Za-z0-9]{{{MIN_TOKEN},}}"),
)


def find_tokens(text: str) -> set[str]:
    """Return the words long enough for a token, with and without hyphens: links put a number before the token."""
    return {token for run in _runs for token in run.findall(text)}


class SecretScanner(logging.Handler):
    """Collects the secrets created so far, and the log lines that contain one."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(LineFormatter(SECURITY_LINE_FORMAT))
        self.lines = 0
        self.leaks: list[str] = []
        self._tokens: set[str] = set()
        self._texts: deque[str] = deque(maxlen=MAX_TEXTS)

    def learn_token(self, secret: str) -> None:
        self._tokens |= find_tokens(secret)

    def learn_text(self, text: str, shortest: int = MIN_TEXT) -> None:
        # Repetitions such as "xxxxxxxx" are in lines for other reasons.
        if len(text) >= shortest and len(set(text)) >= shortest // 2:
            self._texts.append(text)

    def find_secrets(self, line: str) -> set[str]:
        """Return the secrets in `line`."""
        known = {PASSWORD, *self._texts}
        return {secret for secret in known if secret in line} | (self._tokens & find_tokens(line))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        line = self.format(record)
        if self.find_secrets(line):
            self.leaks.append(f"{os.environ.get('PYTEST_CURRENT_TEST', '?')}: {line[:300]}")


def _record_secrets(scan: SecretScanner, patch: pytest.MonkeyPatch) -> None:
    """Patch the functions of Django that create secrets or receive passwords."""
    call_after(patch, csrf, "_get_new_csrf_string", lambda result, *args: scan.learn_token(result))
    call_after(patch, csrf, "_mask_cipher_secret", lambda result, *args: scan.learn_token(result))
    call_after(patch, Signer, "sign", lambda result, *args: scan.learn_token(result))
    tokens = "_make_token_with_timestamp"
    call_after(patch, PasswordResetTokenGenerator, tokens, lambda result, *args: scan.learn_token(result))
    for hasher in BasePasswordHasher.__subclasses__():
        if "encode" in vars(hasher):
            call_after(
                patch,
                hasher,
                "encode",
                lambda result, *args: scan.learn_text(str(args[1]), MIN_PASSWORD),
            )


def call_after(patch: pytest.MonkeyPatch, owner: Any, name: str, callback: Callable[..., None]) -> None:
    """Call `callback(result, *args)` after each call of `owner.name`."""
    original = getattr(owner, name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        callback(result, *args)
        return result

    patch.setattr(owner, name, wrapper)


def _learn_from_row(scan: SecretScanner, sender: Any, instance: Any) -> None:
    if sender is Session:
        scan.learn_token(instance.session_key)
        return
    for field in sender._meta.concrete_fields:
        if isinstance(field, TextField):
            scan.learn_text(str(instance.__dict__.get(field.attname) or ""))


@pytest.fixture(scope="session", autouse=True)
def log_scan() -> Iterator[SecretScanner]:
    """SecretScanner the log lines of this worker; fail at the end of the run when one contained a secret."""
    scan = SecretScanner()

    def learn(sender: Any, instance: Any, **kwargs: Any) -> None:
        _learn_from_row(scan, sender, instance)

    with pytest.MonkeyPatch.context() as patch:
        _record_secrets(scan, patch)
        post_save.connect(learn, dispatch_uid="tests.log_scan")
        logging.getLogger().addHandler(scan)
        try:
            yield scan
        finally:
            logging.getLogger().removeHandler(scan)
            post_save.disconnect(dispatch_uid="tests.log_scan")
    if scan.leaks:
        pytest.fail("The log contains secrets:\n" + "\n".join(scan.leaks), pytrace=False)
