"""Runs the bench of the home feed and other pages: `python -m bench.feed`. See README.md in this folder."""

import argparse
import os
import sys

import django

from scripts.servers import private_postgres


def main() -> int:
    """Run the bench on the PostgreSQL of DATABASE_URL, or a private one; return 0 when all targets are met."""
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description="Measure the home feed.")
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--posts", type=int, default=50_000)
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="how long each page is requested (default: 15)"
    )
    parser.add_argument(
        "--growth", action="store_true", help="also compare with 500,000 posts (takes minutes)"
    )
    options = parser.parse_args()
    with private_postgres() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
        django.setup()
        from .feed_steps import print_line, run_bench  # noqa: PLC0415 -- models need the settings

        problems = run_bench(
            members=options.members, posts=options.posts, seconds=options.seconds, growth=options.growth
        )
        print_line("\n== " + ("All targets are met." if not problems else "Missed targets:"))
        for problem in problems:
            print_line(f"- {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
