"""Findings of the doctor, and how its checks run."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from django.conf import settings

from core.observability.redaction import redact

from .hints import hint_for


class Verdict(IntEnum):
    """The verdict on one finding; the worst one decides the exit code."""

    OK = 0
    WARNING = 1
    FAILURE = 2

    @property
    def label(self) -> str:
        return ("ok", "warning", "failure")[self]


@dataclass(frozen=True)
class Finding:
    """What was found about `subject`, and a hint what to do, empty for OK."""

    subject: str
    verdict: Verdict
    text: str
    hint: str = ""


# Yields verdict, what was found, and the hint.
CheckResult = tuple[Verdict, str, str]
Check = Callable[[], Iterator[CheckResult]]


def report_ok(text: str) -> CheckResult:
    """Return a result without a problem."""
    return Verdict.OK, text, ""


def report_warning(text: str, hint: str) -> CheckResult:
    """Return a result for what works, but not as it should."""
    return Verdict.WARNING, text, hint


def report_failure(text: str, hint: str) -> CheckResult:
    """Return a result for what does not work."""
    return Verdict.FAILURE, text, hint


def collect_findings(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run each check in turn; an exception is a failure of its subject, and the other checks still run.

    Errors are shown by class and text, without the passwords of URLs.
    """
    for subject, check in checks:
        try:
            for verdict, text, hint in check():
                yield Finding(subject, verdict, redact(text), hint)
        except Exception as error:  # noqa: BLE001 -- every exception is a finding
            text = " ".join(traceback.format_exception_only(error)).strip().splitlines()[0]
            yield Finding(subject, Verdict.FAILURE, redact(text), hint_for(error))


def is_production() -> bool:
    """Return whether the settings are those of a server; DEBUG does not change that, it is an error there."""
    return not settings.DEMO_NETWORK
