"""What a request costs grows with its size alone, whatever it contains, in whichever field: CPU seconds
and memory of one worker of gunicorn, measured from outside."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from scripts.stack import Stack

from .conftest import FaultTable
from .input_fields import InputField, list_fields, once_everywhere
from .one_worker import OneWorker, one_worker

# What comes first, and what is then repeated, one after the other.
ATOMS: dict[str, tuple[str, ...]] = {
    "marks out of order": ("a", "\u0315", "\u0316"),
    "marks that come apart": ("a", "\u0344", "\u0316"),
    "vowels of Tibetan": ("\u0f40", "\u0f73", "\u0f74"),
    **{atom: ("", atom) for atom in (
        "://[", "://", "[[],[", "%41", "**", "_a_", "![](", "[a](", "<!-", "&#x", "@a ", "#a ", "\r\n", "\r\n> ", "~~",
        "| ", "a.b", "www.", "a@", "``", "\\", "- ", "=?", ";a=", ",", '"', "%00", "..", "//", "1", " a", "\u200d",
        "\ufb00", "\ud55c", "\ufdfa", "\u0130", "\U0001f1e6", "\x00", "a:", "(", "en,", "q=", "0-,",
    )},
}  # fmt: skip
SIGNS = tuple(ATOMS)
SLOW_ONCE = ("marks out of order", "://[", "%41", "[[],[")
SIZES = ("the field's most", "all that fits", "before cleaning")
# Seconds of the processor. The most is that of two passwords that are hashed on a busy machine; a doubling may cost
# three times as much and this besides, since the kernel counts in hundredths.
MOST, SLACK = 1.0, 0.05
# Megabytes: a form of nothing but escapes takes eighty while it is read, in each of the four threads.
MOST_MEMORY = 320
TRIES = 5
EXAMPLES = 40


@pytest.fixture(scope="module")
def worker(stack: Stack) -> Iterator[OneWorker]:
    with one_worker(stack) as serving:
        yield serving


@dataclass(frozen=True)
class Case:
    """Words of one kind in one field, as long as fits there or as the field's own limits let pass."""

    field: InputField
    sign: str
    size: str = "all that fits"

    def words(self, share: float = 1.0) -> bytes:
        lead, *repeated = ATOMS[self.sign]
        each = len(self.field.written("".join(repeated))) or 1
        times = (self.field.room - 10) // each
        if self.size != "all that fits" and self.field.most:
            longest = self.field.most * (4 if self.size == "before cleaning" else 1)
            times = min(times, longest // len("".join(repeated)))
        written = (self.field.written(atom) * int(times * share) for atom in repeated)
        return self.field.written(lead) + b"".join(written)

    def fault(self, worker: OneWorker) -> str:
        """What is wrong with the cost, or "". It is the least of several tries: others use the machine too."""
        whole = half = math.inf
        for _try in range(TRIES):
            seconds, status = worker.seconds_for(self.field.filled(self.words()))
            if status >= 500:
                return f"{self.field}, {self.sign!r}, {self.size}: status {status}"
            whole = min(whole, seconds)
            if whole <= SLACK:
                return ""
            half = min(half, worker.seconds_for(self.field.filled(self.words(0.5)))[0])
            if whole <= MOST and whole <= 3 * half + SLACK:
                return ""
        return (
            f"{self.field}, {self.sign!r}, {self.size}: {half:.2f} s for a half, {whole:.2f} s for the whole"
        )


def cases_to_try(fields: list[InputField]) -> list[Case]:
    """Everywhere once, each field with another kind of words; what has been slow before; and any of all others."""
    cases = [Case(field, SIGNS[turn % len(SIGNS)]) for turn, field in enumerate(once_everywhere(fields))]
    cases += [
        Case(field, sign, size)
        for field in fields
        if field.who != "staff" and field.name in {"name", "text"} and field.way in {"form", "parts"}
        for sign in SLOW_ONCE
        for size in SIZES[field.most == 0 :][:1]
    ]

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, phases=[Phase.generate])
    @given(st.sampled_from(fields), st.sampled_from(SIGNS), st.sampled_from(SIZES))
    def draw(field: InputField, sign: str, size: str) -> None:
        cases.append(Case(field, sign, size))

    draw()
    return list(dict.fromkeys(cases))


@pytest.mark.parametrize(
    "share", [pytest.param(4, id="a quarter"), pytest.param(1, id="all", marks=pytest.mark.night)]
)
def test_what_a_request_costs_grows_with_its_size_alone(
    worker: OneWorker, table: FaultTable, share: int
) -> None:
    """By day each fourth case: by their order that is some of each page and of each kind of words."""
    fields, before = list_fields(worker), worker.peak()
    cases = cases_to_try(fields)[::share]
    faults = [fault for case in cases if (fault := case.fault(worker))]
    grown = worker.peak() - before
    table.record_count("hostile words everywhere", "fields", len(fields))
    table.record_count("hostile words everywhere", "requests measured", len(cases))
    table.record_count("hostile words everywhere", "MB of memory more", grown)
    assert faults == []
    assert grown < MOST_MEMORY
    assert len(fields) > 300
