"""A finding, and how questions are asked."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from django.conf import settings

from core.observability.redaction import redact

from .hints import cure_for


class Verdict(IntEnum):
    """How well it is; the worst of all decides."""

    OK = 0
    WARNING = 1
    FAILURE = 2

    @property
    def word(self) -> str:
        return ("ok", "warning", "failure")[self]


@dataclass(frozen=True)
class Finding:
    """What was found about `subject`, and the cure, which is empty where nothing needs one."""

    subject: str
    verdict: Verdict
    text: str
    cure: str = ""


# Yields verdict, what was found, and the cure.
Answer = tuple[Verdict, str, str]
Question = Callable[[], Iterator[Answer]]


def ok(text: str) -> Answer:
    """It is as it should be."""
    return Verdict.OK, text, ""


def warning(text: str, cure: str) -> Answer:
    """It works, but not as it should."""
    return Verdict.WARNING, text, cure


def failure(text: str, cure: str) -> Answer:
    """It does not work."""
    return Verdict.FAILURE, text, cure


def examine(questions: Iterable[tuple[str, Question]]) -> Iterator[Finding]:
    """Ask each question in turn; one that breaks is a failure of its subject, and the others are asked all the same.

    Errors are told by class and text, with addresses' passwords taken out.
    """
    for subject, question in questions:
        try:
            for verdict, text, cure in question():
                yield Finding(subject, verdict, redact(text), cure)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is a finding
            text = " ".join(traceback.format_exception_only(error)).strip().splitlines()[0]
            yield Finding(subject, Verdict.FAILURE, redact(text), cure_for(error))


def is_production() -> bool:
    """Whether the settings are those of a server; DEBUG does not make them others, it makes them wrong."""
    return not settings.DEMO_NETWORK
