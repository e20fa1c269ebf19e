"""The plan of faults comes from the seed alone, and no kind is left out."""

import random

from .faults import KINDS, Hand, plan


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan(random.Random(7), 8.0) == plan(random.Random(7), 8.0)
    assert plan(random.Random(7), 8.0) != plan(random.Random(8), 8.0)


def test_each_kind_comes_at_least_once_and_in_time() -> None:
    planned = plan(random.Random(7), 8.0)
    assert {each.kind for each in planned} == set(KINDS)
    assert all(0.5 <= each.at <= 8.0 for each in planned)


def test_there_is_a_hand_for_each_kind() -> None:
    assert all(callable(getattr(Hand, kind)) for kind in KINDS)
