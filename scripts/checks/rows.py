"""Runs checks, and formats their results as a table."""

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
TROUBLE = (
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
class Row:
    """One line of the table; `state` is OK, FAILED or ELSEWHERE."""

    check: str
    state: str
    detail: str
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return self.state != FAILED


def run_check(check: str, function: Callable[[], str]) -> Row:
    """Run one check; an exception becomes its result."""
    started = time.monotonic()
    try:
        state, detail = OK, function()
    except (CheckFailed, *TROUBLE) as error:
        state, detail = FAILED, str(error) or type(error).__name__
    return Row(check, state, detail, time.monotonic() - started)


def format_table(rows: list[Row]) -> str:
    """Format the rows as a table, followed by the full details of failures."""
    lines = [f"{'':<14} {'check':<54} {'seconds':>7}  detail"]
    for row in rows:
        detail = row.detail.splitlines()[0] if row.detail else ""
        lines.append(f"{row.state:<14} {row.check:<54} {row.seconds:>7.1f}  {detail[:100]}")
    lines += [f"\n{row.check}:\n{row.detail}" for row in rows if not row.holds]
    return "\n".join(lines)
