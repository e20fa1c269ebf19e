"""A run with random faults on each channel layer, and the proof that the checker would have seen what must not be."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from .cast import CLUB, Cast
from .proxy import CALM, NetworkFaults
from .run import Course, Outcome, Run, run
from .site import Ground, Site, running_site

# Half of what `make chaos` sends, in the same time, and how much of it must be acknowledged.
HALF = Course(messages=20, pace=0.24)
MESSAGES = 250


def test_nothing_is_lost_doubled_reordered_or_told_to_strangers(site: Site, cast: Cast) -> None:
    assert_no_complaint(run(site, cast, 1, HALF))


@pytest.mark.night
def test_nor_through_the_pub_sub_layer(base: Ground, cast: Cast) -> None:
    with running_site(base, layer="pubsub") as other:
        assert_no_complaint(run(other, cast, 2, HALF))


def assert_no_complaint(outcome: Outcome) -> None:
    """Enough was acknowledged, and the checker has nothing to complain of."""
    assert not outcome.complaints, str(outcome)
    assert outcome.acknowledged >= MESSAGES, str(outcome)


async def kill_workers(run: Run) -> None:
    """Twice, kill all of gunicorn's workers right after some sends were acknowledged."""
    for _ in range(2):
        await run.until_acknowledged(4)
        run.kill_workers()


async def ask_on(run: Run) -> None:
    """While it is taken out and comes back, the guest's tab asks for the club, whether it got the event or not."""
    club, guest = run.cast.club, run.cast.people[CLUB[-1]]
    tab = next(tab for tab in run.tabs if tab.conversation == club and tab.person is guest)
    for _ in range(80):
        await asyncio.sleep(0.1)
        tab.watch()


@dataclass(frozen=True)
class Proof:
    """What is broken, the rule that must notice, and the course that brings it to light."""

    broke: str
    rule: str
    course: Course


SHORT = Course(
    messages=5, pace=0.03, with_faults=False, network_faults=CALM, most_seconds=1.5, patience=30.0, comings=1
)


def short(**values: Any) -> Course:
    """A short course without faults, but for `values`."""
    return Course(**{**vars(SHORT), **values})


def patient(**values: Any) -> Course:
    """The same for a server on which nothing is broken: it may take its time."""
    return short(**{"most_seconds": 15.0, "patience": 60.0, **values})


LOSSY = NetworkFaults(drop=0.15, swap=0.1)
REPEATED = NetworkFaults(unanswered=0.15, twice=0.15)
# A break that shows only now and then gets more messages.
PROOFS = (
    Proof(
        "acknowledge_before_commit",
        "acknowledged is stored",
        short(messages=6, deed=kill_workers, patience=12.0),
    ),
    Proof("no_unique_key", "stored once or not at all", short(network_faults=REPEATED)),
    # Not all get an answer: who changes a message whose number another one has gets an error, again and again.
    Proof("no_lock", "numbers have no gap", short(patience=8.0)),
    Proof("out_of_order", "acknowledged in order", short(messages=10)),
    Proof("no_catch_up", "screens are whole", short(network_faults=LOSSY)),
    Proof("bodies_to_all", "no body reaches a non-member", SHORT),
    # Somebody has to write while one is out.
    Proof(
        "gone_still_hears",
        "no body reaches a non-member",
        short(messages=10, pace=0.3, comings=2, deed=ask_on),
    ),
    Proof("unread_guessed", "unread is its definition", short(messages=10)),
    Proof("cursors_go_back", "cursors are kept", short(messages=10)),
)


# By day one server that tells strangers and one that repeats; all of them at night.
BY_DAY = {"bodies_to_all", "no_unique_key"}


def each_proof() -> list[Any]:
    """The proofs as parameters of a test, those that are not in BY_DAY marked for the night."""
    return [
        pytest.param(proof, id=proof.broke, marks=[] if proof.broke in BY_DAY else pytest.mark.night)
        for proof in PROOFS
    ]


@pytest.mark.parametrize("proof", each_proof())
def test_a_broken_server_is_found(site: Site, cast: Cast, proof: Proof) -> None:
    with site.broken(proof.broke, cast.seats):
        outcome = run(site, cast, 0, proof.course)
    assert proof.rule in outcome.rules, str(outcome)


def test_a_client_that_ignores_gaps_is_found(site: Site, cast: Cast) -> None:
    outcome = run(site, cast, 0, short(network_faults=LOSSY, catches_up=False))
    assert {"shows the stored", "screens are whole"} <= outcome.rules, str(outcome)


@pytest.mark.parametrize(
    "course",
    [
        pytest.param(patient(), id="calm"),
        pytest.param(patient(network_faults=LOSSY), id="lossy", marks=pytest.mark.night),
        pytest.param(patient(network_faults=REPEATED), id="repeated", marks=pytest.mark.night),
    ],
)
def test_the_same_courses_are_without_complaint_when_nothing_is_broken(
    site: Site, cast: Cast, course: Course
) -> None:
    outcome = run(site, cast, 0, course)
    assert not outcome.complaints, str(outcome)
