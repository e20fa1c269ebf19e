"""The bench of the home feed: `python -m bench.feed`. See README.md beside it."""

import argparse
import os
import sys

import django

from scripts.servers import private_postgres


def main() -> int:
    """Run the bench on the PostgreSQL of DATABASE_URL, or a private one; 0 when every figure holds its bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description="Measure the home feed.")
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--posts", type=int, default=50_000)
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="how long each address is asked for (default: 15)"
    )
    parser.add_argument(
        "--growth", action="store_true", help="also compare with 500,000 posts (takes minutes)"
    )
    options = parser.parse_args()
    with private_postgres() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
        django.setup()
        from .report import run, say  # noqa: PLC0415 -- models can be imported once the settings stand

        faults = run(
            members=options.members, posts=options.posts, seconds=options.seconds, growth=options.growth
        )
        say("\n== " + ("Every figure holds its bar." if not faults else "Below the bar:"))
        for fault in faults:
            say(f"- {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
