"""Enqueues tasks as a web process does.

Reads lines "FIRST NUMBER SEED", or "long NUMBER MILLISECONDS", and answers each with the numbers of effects.
"""

import json
import os
import random
import sys
from datetime import timedelta

import django

django.setup()

from django.db import transaction  # noqa: E402

from core.tasks import enqueue, enqueue_on_commit, prepare_executor  # noqa: E402

from . import effects  # noqa: E402


def produce(first: int, number: int, seed: int) -> set[int]:
    """Enqueue so many tasks, each in a transaction, and some that roll back; return the numbers of their effects."""
    rng = random.Random(seed)
    expected: set[int] = set()
    for name, values, numbers in effects.random_tasks(rng, first, number):
        with transaction.atomic():
            enqueue_on_commit(name, **values)
        expected |= numbers
        if rng.random() < 0.1:
            with transaction.atomic():
                enqueue_on_commit("tests.note", number=-1, milliseconds=0)
                transaction.set_rollback(True)
    return expected


def main() -> None:
    """Serve until the input ends."""
    if "TASKS_AT_USUAL_PACE" not in os.environ:
        enqueue.HANDOVER = timedelta(seconds=2)
    prepare_executor()
    for line in sys.stdin:
        if line.startswith("long"):
            enqueue_on_commit("tests.long", number=int(line.split()[1]), milliseconds=int(line.split()[2]))
            print("[]", flush=True)
            continue
        first, number, seed = (int(word) for word in line.split())
        print(json.dumps(sorted(produce(first, number, seed))), flush=True)


if __name__ == "__main__":
    main()
