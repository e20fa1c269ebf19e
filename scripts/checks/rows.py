"""A check, how it ended, and the table of all of them."""

import http.client
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..programs import ProgramMissingError
from ..servers import ServerStartError
from ..visitor import NoAnswer, UnexpectedAnswer

OK, FAILED, ELSEWHERE = "ok", "FAILED", "on your server"
# What a check runs into when the thing is broken; anything else is a fault of the check itself.
TROUBLE = (
    ProgramMissingError,
    ServerStartError,
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    http.client.HTTPException,
    NoAnswer,
    UnexpectedAnswer,
    subprocess.SubprocessError,
)


class CheckFailed(Exception):
    """A check does not hold; the message says what is wrong."""


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


def look(check: str, function: Callable[[], str]) -> Row:
    """Do one check; whatever goes wrong in it is its result."""
    started = time.monotonic()
    try:
        state, detail = OK, function()
    except (CheckFailed, *TROUBLE) as error:
        state, detail = FAILED, str(error) or type(error).__name__
    return Row(check, state, detail, time.monotonic() - started)


def table(rows: list[Row]) -> str:
    """The rows, one below the other; what failed is told in full below."""
    lines = [f"{'':<14} {'check':<54} {'seconds':>7}  detail"]
    for row in rows:
        detail = row.detail.splitlines()[0] if row.detail else ""
        lines.append(f"{row.state:<14} {row.check:<54} {row.seconds:>7.1f}  {detail[:100]}")
    lines += [f"\n{row.check}:\n{row.detail}" for row in rows if not row.holds]
    return "\n".join(lines)
