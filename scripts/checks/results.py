"""Runs checks and formats their results as a table."""

import http.client
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..programs import ProgramMissingError
from ..servers import ServerStartError
from ..visitor import NoResponse, UnexpectedResponse

OK, FAILED, ELSEWHERE = "ok", "FAILED", "on your server"
# Exceptions of a failed check; all others are errors of the check itself.
CHECK_ERRORS = (
    ProgramMissingError,
    ServerStartError,
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    http.client.HTTPException,
    NoResponse,
    UnexpectedResponse,
    subprocess.SubprocessError,
)


class CheckFailed(Exception):
    """A check failed; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """The result of one check; `state` is OK, FAILED or ELSEWHERE."""

    check: str
    state: str
    detail: str
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        return self.state != FAILED


def run_check(check: str, function: Callable[[], str]) -> CheckResult:
    """Run one check; an expected exception becomes a FAILED result."""
    started = time.monotonic()
    try:
        state, detail = OK, function()
    except (CheckFailed, *CHECK_ERRORS) as error:
        state, detail = FAILED, str(error) or type(error).__name__
    return CheckResult(check, state, detail, time.monotonic() - started)


def format_table(results: list[CheckResult]) -> str:
    """Format the results as a table, followed by the full details of failures."""
    lines = [f"{'':<14} {'check':<54} {'seconds':>7}  detail"]
    for result in results:
        detail = result.detail.splitlines()[0] if result.detail else ""
        lines.append(f"{result.state:<14} {result.check:<54} {result.seconds:>7.1f}  {detail[:100]}")
    lines += [f"\n{result.check}:\n{result.detail}" for result in results if not result.succeeded]
    return "\n".join(lines)
