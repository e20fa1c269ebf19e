"""The bench of the home feed, step by step; every step prints its figures and returns what misses the bar."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple
from urllib.parse import urlencode

from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from core.database.pagination import MAX_ID
from feed import timeline
from feed.models import Comment, Post, Reaction
from network.models import Connection
from scripts.programs import ROOT
from users.models import User

from . import crowd
from .gthread import threads, workers
from .load import CLIENTS, Load, Server, fetch_page, gunicorn, measured, session_cookie
from .pages import addresses, cost, signed_in
from .plans import explained, explained_text, plans_of_page

RESULT = ROOT / "test-results" / "bench-feed.json"
HOME, BARE = "home", "bare view"
LEAST_SHARE_OF_BARE = 0.5
MOST_CPU = 5.0
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
    faults = [*_plan_of_the_feed(), *_plans_of_the_pages(), *_costs(), *_served(seconds)]
    return [*faults, *_growth(members, seconds)] if growth else faults


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
    statement = timeline.compile_newest_ids(connection.vendor, timeline.PAGE_SIZE + 1)
    parameters = {"viewer": member.pk, "before": MAX_ID}
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


def _served(seconds: float) -> Faults:
    """Every page under gunicorn beside the bare view, in turns, so that what disturbs the machine disturbs all."""
    say(
        f"\n== Pages under gunicorn gthread {workers} × {threads}, {CLIENTS} clients, one connection per request, "
        "compressed"
    )
    cookie = session_cookie(User.objects.get(username=crowd.BENCH))
    with gunicorn() as server:
        pages = addresses()
        sizes = {name: fetch_page(server, address, cookie) for name, address in pages.items()}
        bare = {BARE: f"{reverse('bench_bare')}?{urlencode({'bytes': sizes[HOME].html})}"}
        wanted = bare | pages
        sizes[BARE] = fetch_page(server, bare[BARE], cookie)
        rounds = [
            {
                name: measured(server, address, cookie, seconds=seconds / ROUNDS)
                for name, address in wanted.items()
            }
            for _round in range(1 + ROUNDS)
        ][1:]
    loads = {name: _median([each[name] for each in rounds]) for name in wanted}
    say(f"{'':<28} {'requests/s':>10} {'CPU ms':>7} {'p50 ms':>7} {'p99 ms':>7} {'HTML':>8} {'wire':>7}")
    for name, load in loads.items():
        say(
            f"{name:<28} {load.rate:>10.0f} {load.cpu:>7.2f} {load.p50:>7.1f} {load.p99:>7.1f} "
            f"{sizes[name].html:>8,} {sizes[name].wire:>7,}"
        )
    rows = {name: asdict(load) | asdict(sizes[name]) for name, load in loads.items()}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"conditions": _conditions(seconds), "pages": rows}, indent=1))
    share = loads[HOME].rate / loads[BARE].rate
    say(f"The home feed has {share:.2f} × the rate of the bare view; the bar is {LEAST_SHARE_OF_BARE}.")
    faults = [
        f"{name}: {load.cpu:.1f} ms of CPU, the bar is {MOST_CPU}"
        for name, load in loads.items()
        if load.cpu > MOST_CPU
    ]
    if share < LEAST_SHARE_OF_BARE:
        faults.append(f"home feed: {share:.2f} × the rate of the bare view, the bar is {LEAST_SHARE_OF_BARE}")
    return faults


def _conditions(seconds: float) -> str:
    """In which circumstances the figures came about."""
    return (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}, "
        f"gunicorn gthread {workers} × {threads}, {CLIENTS} clients, {seconds:g} s each page, one connection per "
        f"request, gzip; "
        f"{User.objects.count():,} members, {Post.objects.count():,} posts"
    )


def _median(loads: Sequence[Load]) -> Load:
    return Load(*(statistics.median(values) for values in zip(*map(astuple, loads), strict=True)))


def _growth(members: int, seconds: float) -> Faults:
    """CPU of each page in a server that stays, while the data grows, in a new one, and in the process that seeded."""
    before = Post.objects.count()
    say(f"\n== Growth from {before:,} to {GROWN_POSTS:,} posts (milliseconds of CPU per page)")
    cookie = session_cookie(User.objects.get(username=crowd.BENCH))

    def cpu_of_pages(server: Server) -> dict[str, float]:
        for address in addresses().values():
            measured(server, address, cookie, seconds=seconds / 10)
        return {
            name: measured(server, address, cookie, seconds=seconds / ROUNDS).cpu
            for name, address in addresses().items()
        }

    with gunicorn() as lasting:
        small = cpu_of_pages(lasting)
        crowd.make(members=members, posts=GROWN_POSTS, say=lambda words: say(f"  {words}"))
        seeded = {name: cost(signed_in(), address).cpu for name, address in addresses().items()}
        large = cpu_of_pages(lasting)
    with gunicorn() as fresh:
        new = cpu_of_pages(fresh)
    faults: Faults = []
    say(f"{'':<28} {'before':>7} {'same server':>12} {'new server':>11} {'this process':>13}")
    for name, was in small.items():
        say(
            f"{name:<28} {was:>7.2f} {large[name]:>6.2f} {large[name] / was:>4.2f}× "
            f"{new[name]:>5.2f} {new[name] / was:>4.2f}× {seeded[name]:>13.2f}"
        )
        if large[name] > MOST_GROWTH * was:
            faults.append(
                f"{name}: {large[name] / was:.2f} × at {GROWN_POSTS:,} posts, the bar is {MOST_GROWTH}"
            )
    return faults
