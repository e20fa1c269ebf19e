"""The record of a run: what every client sent, was answered, heard and showed, and what was done to the servers."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What an event may be about.
SEND, ACKNOWLEDGED, REFUSED = "send", "acknowledged", "refused"
EDIT, EDITED = "edit", "edited"
DELETE, DELETED = "delete", "deleted"
READ = "read"  # the server has acknowledged a cursor
HEARD = "heard"  # a frame, or the answer to a question
SHOWS, SCREEN = "shows", "screen"  # a line that was shown; all that is shown at the end
FAULT, NOTE = "fault", "note"


@dataclass(frozen=True)
class Event:
    """One thing that happened: `at` seconds after the beginning, to `who` (a tab, or "" for a fault)."""

    number: int
    at: float
    what: str
    who: str = ""
    member: int = 0
    conversation: int = 0
    data: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        details = json.dumps(self.data, ensure_ascii=False, default=str)
        where = f"conversation {self.conversation} " if self.conversation else ""
        return f"{self.number:>6} {self.at:8.3f} {self.who or '-':<10} {self.what:<12} {where}{details}"


class History:
    """Grows only. The number of an event is its index."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._began = time.monotonic()

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def note(self, what: str, who: str = "", *, member: int = 0, conversation: int = 0, **data: Any) -> Event:
        """Write down what has happened now; returns it."""
        at = time.monotonic() - self._began
        event = Event(len(self.events), at, what, who, member, conversation, data)
        self.events.append(event)
        return event

    def of(self, *whats: str) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.what in whats]

    def write(self, path: Path) -> None:
        """Keep the record as lines of text."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{event}\n" for event in self.events), encoding="utf-8")
