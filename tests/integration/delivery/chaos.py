"""`make chaos`: runs with random faults, one for each seed. Ends with 1 when the checker complains of any."""

import argparse
import sys
import time

from .run import Course, run
from .site import ground, running_site

# Every second seed each.
LAYERS = ("core", "pubsub")


def main(arguments: list[str]) -> int:
    """Run the seeds that are asked for, and say how each went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds (10)")
    chosen = parser.parse_args(arguments)
    failed, messages, began = [], 0, time.monotonic()
    with ground(chosen.seeds) as base:
        runs = list(enumerate(base.casts, start=chosen.first_seed))
        for slot, layer in enumerate(LAYERS):
            with running_site(base, layer=layer) as site:
                for seed, cast in runs[slot :: len(LAYERS)]:
                    outcome = run(site, cast, seed, Course())
                    messages += outcome.acknowledged
                    said = f"{len(outcome.complaints)} complaints, {outcome.figures}"
                    print(f"seed {seed} ({layer}): {said}", flush=True)
                    if outcome.complaints:
                        failed.append(seed)
                        print(outcome, flush=True)
    seconds = time.monotonic() - began
    print(
        f"{chosen.seeds} seeds, {messages} messages acknowledged, {seconds:.0f} s; failed: {failed or 'none'}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
