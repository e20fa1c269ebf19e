"""`make chaos-tasks`: kills workers and Redis while tasks run, once for each seed.

Ends with 1 when the checker complains.
"""

import argparse
import sys
import time

from .site import run_seed, running_site


def main(arguments: list[str]) -> int:
    """Run the seeds that are asked for, and say how each went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds (10)")
    chosen = parser.parse_args(arguments)
    begun, complaints = time.monotonic(), []
    with running_site() as site:
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            started = time.monotonic()
            broken = run_seed(site, seed)
            complaints = site.complaints()
            print(
                f"seed {seed}: {broken}, {time.monotonic() - started:.1f} s, {complaints or 'well'}",
                flush=True,
            )
            if complaints:
                break
        seconds = time.monotonic() - begun
        print(f"the worker ended by itself {site.restarts} times")
        print(
            f"{chosen.seeds} seeds, {len(site.expected)} effects, {seconds:.0f} s: {complaints or '0 lost, 0 doubled'}"
        )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
