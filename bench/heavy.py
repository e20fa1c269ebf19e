"""Pages of a member with very much of everything, beside the same pages when there was little:
`python -m bench.heavy`.

In the crowd of the other benches, a member gets 30,000 connections, 5,000 unread notifications, a post with 20,000
comments and a conversation of 200,000 messages. Measured is the whole page in process, database included.
"""

import argparse
import os
import sys

import django

from scripts.servers import private_postgres

MOST_GROWTH = 1.3
# Below this difference in milliseconds, the ratio of two medians says nothing.
NOISE = 0.5


def main() -> int:
    """Run the bench on the PostgreSQL of DATABASE_URL, or a private one; 0 when every page holds its bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.heavy", description=__doc__)
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--posts", type=int, default=50_000)
    options = parser.parse_args()
    with private_postgres() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
        django.setup()
        return run(options.members, options.posts)


def run(members: int, posts: int) -> int:
    """Make the crowd and the member, measure, grow, measure again; 1 when a page grew by more than MOST_GROWTH."""
    from django.core.management import call_command  # noqa: PLC0415 -- models exist from here on
    from django.test import Client  # noqa: PLC0415

    from core.database.lru_cache import clear_caches  # noqa: PLC0415

    from . import crowd  # noqa: PLC0415
    from .crowd.heavy import MUCH, make_heavy_member  # noqa: PLC0415
    from .pages import PageCost, create_client, measure_page  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    crowd.create_crowd(members=members, posts=posts, report_progress=print)
    heavy = make_heavy_member()
    client = Client()
    client.force_login(heavy.member)

    def measure_all() -> dict[str, PageCost]:
        pages = [(client, heavy.addresses()), (create_client(), heavy.addresses_for_others())]
        return {
            name: measure_page(visitor, address)
            for visitor, addresses in pages
            for name, address in addresses.items()
        }

    little = measure_all()
    heavy.grow(MUCH)
    clear_caches()  # counts of contacts are kept for minutes, in which nobody gets 30,000
    much = measure_all()
    print(f"{'':<24} {'little':>8} {'much':>8} {'ratio':>6} {'queries':>8}   (milliseconds, medians; {MUCH})")
    grown = 0
    for (name, before), after in zip(little.items(), much.values(), strict=True):
        ratio = after.milliseconds / before.milliseconds
        is_over = ratio > MOST_GROWTH and after.milliseconds - before.milliseconds > NOISE
        grown += is_over
        print(
            f"{name:<24} {before.milliseconds:>8.1f} {after.milliseconds:>8.1f} {ratio:>5.2f}× {after.queries:>8}"
            f"{'   over the bar' if is_over else ''}"
        )
    return int(grown > 0)


if __name__ == "__main__":
    sys.exit(main())
