"""Reads every line that the test run logs, as production would write it, and fails the run when one tells a secret.

Secrets are gathered where they are made: session keys, CSRF tokens, signed values, reset tokens, passwords set or
tried, and the longer texts that people store. Each worker of a parallel run reads its own lines. A line that a test
logs on purpose, to see it masked, never gets here unmasked: it passes the formatter of production.
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

SHORTEST_TOKEN = 20
SHORTEST_TEXT = 24
SHORTEST_PASSWORD = 8
# Texts and passwords are sought letter by letter, so only the latest are; tokens are looked up, all of them.
LATEST = 60

_runs = (
    re.compile(rf"[\w-]{{{SHORTEST_TOKEN},}}", re.ASCII),
    re.compile(rf"[A-Za-z0-9]{{{SHORTEST_TOKEN},}}"),
)


def tokens_of(text: str) -> set[str]:
    """What in `text` is long enough for a token, with its hyphens and without: a link may glue a number before it."""
    return {token for run in _runs for token in run.findall(text)}


class Scan(logging.Handler):
    """Knows the secrets made so far, and the lines that told one."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(LineFormatter(SECURITY_LINE_FORMAT))
        self.lines = 0
        self.told: list[str] = []
        self._tokens: set[str] = set()
        self._texts: deque[str] = deque(maxlen=LATEST)

    def learn_token(self, secret: str) -> None:
        self._tokens |= tokens_of(secret)

    def learn_text(self, text: str, shortest: int = SHORTEST_TEXT) -> None:
        # Repetitions such as "xxxxxxxx" stand in lines for other reasons.
        if len(text) >= shortest and len(set(text)) >= shortest // 2:
            self._texts.append(text)

    def secrets_in(self, line: str) -> set[str]:
        """The secrets that `line` tells."""
        known = {PASSWORD, *self._texts}
        return {secret for secret in known if secret in line} | (self._tokens & tokens_of(line))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        line = self.format(record)
        if self.secrets_in(line):
            self.told.append(f"{os.environ.get('PYTEST_CURRENT_TEST', '?')}: {line[:300]}")


def _listen(scan: Scan, patch: pytest.MonkeyPatch) -> None:
    """Hear of each secret from the place in Django that makes or meets it."""
    after(patch, csrf, "_get_new_csrf_string", lambda result, *args: scan.learn_token(result))
    after(patch, csrf, "_mask_cipher_secret", lambda result, *args: scan.learn_token(result))
    after(patch, Signer, "sign", lambda result, *args: scan.learn_token(result))
    tokens = "_make_token_with_timestamp"
    after(patch, PasswordResetTokenGenerator, tokens, lambda result, *args: scan.learn_token(result))
    for hasher in BasePasswordHasher.__subclasses__():
        if "encode" in vars(hasher):
            after(
                patch,
                hasher,
                "encode",
                lambda result, *args: scan.learn_text(str(args[1]), SHORTEST_PASSWORD),
            )


def after(patch: pytest.MonkeyPatch, owner: Any, name: str, hear: Callable[..., None]) -> None:
    """Let `hear(result, *args)` know of each call of `owner.name`, which works as before."""
    original = getattr(owner, name)

    def heard(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        hear(result, *args)
        return result

    patch.setattr(owner, name, heard)


def _learn_from_row(scan: Scan, sender: Any, instance: Any) -> None:
    if sender is Session:
        scan.learn_token(instance.session_key)
        return
    for field in sender._meta.concrete_fields:
        if isinstance(field, TextField):
            scan.learn_text(str(instance.__dict__.get(field.attname) or ""))


@pytest.fixture(scope="session", autouse=True)
def log_scan() -> Iterator[Scan]:
    """The scan of this worker's lines; the run fails at its end when a line told a secret."""
    scan = Scan()

    def learn(sender: Any, instance: Any, **kwargs: Any) -> None:
        _learn_from_row(scan, sender, instance)

    with pytest.MonkeyPatch.context() as patch:
        _listen(scan, patch)
        post_save.connect(learn, dispatch_uid="tests.log_scan")
        logging.getLogger().addHandler(scan)
        try:
            yield scan
        finally:
            logging.getLogger().removeHandler(scan)
            post_save.disconnect(dispatch_uid="tests.log_scan")
    if scan.told:
        pytest.fail("The log told secrets:\n" + "\n".join(scan.told), pytrace=False)
