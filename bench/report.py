"""The bench of the home feed, step by step; every step prints its figures and returns what misses the bar."""

import platform
import statistics
import sys
import time
from urllib.parse import urlencode

from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from core.database.pagination import NEWEST
from feed import timeline
from feed.models import Comment, Post, Reaction
from network.models import Connection
from users.models import User

from . import crowd
from .gthread import threads, workers
from .load import CLIENTS, Load, Server, fetch, gunicorn, measured, session_cookie
from .pages import addresses, cost, signed_in
from .plans import explained, explained_text, plans_of_page

LEAST_SHARE_OF_BARE = 0.5
MOST_QUERIES = 12
MOST_GROWTH = 1.3
ROUNDS = 3
GROWN_POSTS = 500_000

Faults = list[str]


def say(words: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def run(*, members: int, posts: int, seconds: float, growth: bool) -> Faults:
    """The whole bench on the database of the settings; returns what misses the bar, in words."""
    call_command("migrate", verbosity=0)
    _seed(members, posts)
    faults = [*_plan_of_the_feed(), *_plans_of_the_pages(), *_costs(), *_rates(seconds)]
    return [*faults, *_growth(members)] if growth else faults


def _seed(members: int, posts: int) -> None:
    started = time.monotonic()
    crowd.make(members=members, posts=posts, say=lambda words: say(f"  {words}"))
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        [version] = cursor.fetchone()
    say(f"\n== Data, ready after {time.monotonic() - started:.1f} s")
    say(f"Python {platform.python_version()}, PostgreSQL {version}, {platform.machine()}")
    for name, rows in (
        ("members", User.objects),
        ("connections", Connection.objects),
        ("posts", Post.objects),
        ("comments", Comment.objects),
        ("reactions", Reaction.objects),
    ):
        say(f"{rows.count():>10,} {name}")


def _plan_of_the_feed() -> Faults:
    member = User.objects.get(username=crowd.BENCH)
    statement = timeline.newest_ids(connection.vendor, timeline.PAGE_SIZE + 1)
    parameters = {"me": member.pk, "before": NEWEST}
    say(f"\n== The plan of the home feed for {member.username}")
    say(explained_text(statement.sql, parameters))
    return [f"home feed: {fault}" for fault in explained(statement.sql, parameters).faults()]


def _plans_of_the_pages() -> Faults:
    say("\n== The plans of all statements of each page")
    client = signed_in()
    faults: Faults = []
    for name, address in addresses().items():
        plans = plans_of_page(client, address)
        slowest = max(plans, key=lambda plan: plan.milliseconds)
        found = [fault for plan in plans for fault in plan.faults()]
        say(
            f"{name:<28} {len(plans):>3} statements {sum(plan.milliseconds for plan in plans):>7.2f} ms"
            f" {sum(plan.buffers for plan in plans):>6,} buffers, slowest {slowest.milliseconds:.2f} ms"
            f" with at most {max(plan.rows_read for plan in plans):,} rows {'; '.join(found)}"
        )
        faults += [f"{name}: {fault}" for fault in found]
    return faults


def _costs() -> Faults:
    say("\n== Queries and time of each page, in process")
    client = signed_in()
    faults: Faults = []
    for name, address in addresses().items():
        page = cost(client, address)
        say(
            f"{name:<28} {page.queries:>3} queries {page.milliseconds:>7.1f} ms"
            f" {page.cpu:>7.1f} ms CPU {page.size:>8,} bytes"
        )
        if page.queries > MOST_QUERIES:
            faults.append(f"{name}: {page.queries} queries, the limit is {MOST_QUERIES}")
    return faults


def _rates(seconds: float) -> Faults:
    say(
        f"\n== Rate under gunicorn gthread {workers} × {threads}, {CLIENTS} clients, one connection per request"
    )
    cookie = session_cookie(User.objects.get(username=crowd.BENCH))
    home = reverse("feed:home")
    with gunicorn() as server:
        size = len(fetch(server, home, cookie).partition(b"\r\n\r\n")[2])
        bare = f"{reverse('bench_bare')}?{urlencode({'bytes': size})}"
        rounds = [
            _round(server, (bare, home), cookie, seconds / ROUNDS) for _round_number in range(1 + ROUNDS)
        ][1:]
    best = {}
    for name, loads in zip(("bare view", "home feed"), zip(*rounds, strict=True), strict=True):
        best[name] = statistics.median(load.rate for load in loads)
        say(
            f"{name:<12} {best[name]:>7.0f} requests/s {statistics.median(load.cpu for load in loads):>6.2f} ms CPU "
            f"{statistics.median(load.latency for load in loads):>6.1f} ms median, {size:,} bytes"
        )
    share = best["home feed"] / best["bare view"]
    say(f"The home feed has {share:.2f} × the rate of the bare view; the bar is {LEAST_SHARE_OF_BARE}.")
    if share >= LEAST_SHARE_OF_BARE:
        return []
    return [f"home feed: {share:.2f} × the rate of the bare view, the bar is {LEAST_SHARE_OF_BARE}"]


def _round(server: Server, wanted: tuple[str, ...], cookie: str, seconds: float) -> list[Load]:
    """The addresses one after the other, so that what disturbs the machine disturbs all of them."""
    return [measured(server, address, cookie, seconds=seconds) for address in wanted]


def _growth(members: int) -> Faults:
    before = Post.objects.count()
    say(f"\n== Growth from {before:,} to {GROWN_POSTS:,} posts (median time of a page, in process)")
    client = signed_in()
    small = {name: cost(client, address).milliseconds for name, address in addresses().items()}
    crowd.make(members=members, posts=GROWN_POSTS, say=lambda words: say(f"  {words}"))
    faults: Faults = []
    for name, address in addresses().items():
        large = cost(client, address).milliseconds
        say(f"{name:<28} {small[name]:>7.1f} ms {large:>7.1f} ms {large / small[name]:>6.2f} ×")
        if large > MOST_GROWTH * small[name]:
            faults.append(
                f"{name}: {large / small[name]:.2f} × at {GROWN_POSTS:,} posts, the bar is {MOST_GROWTH}"
            )
    return faults
