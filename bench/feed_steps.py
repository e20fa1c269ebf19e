"""The steps of bench.feed: each prints its measurements and returns the missed targets."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
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
from .gunicorn_config import threads, workers
from .gunicorn_load import (
    CLIENTS,
    GunicornProcess,
    LoadResult,
    create_session_cookie,
    fetch_page_size,
    measure_load,
    run_gunicorn,
)
from .pages import create_client, list_pages, measure_page
from .query_plans import explain_as_text, explain_page, explain_query

RESULT = ROOT / "test-results" / "bench-feed.json"
HOME, BASELINE = "home", "bare view"
MIN_SHARE_OF_BASELINE = 0.5
MAX_CPU_MS = 5.0
MAX_QUERIES = 12
MAX_GROWTH = 1.3
ROUNDS = 3
GROWN_POSTS = 500_000

Problems = list[str]


def print_line(text: str = "") -> None:
    """Print a line without buffering."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_bench(*, members: int, posts: int, seconds: float, growth: bool) -> Problems:
    """Run all steps on the database of the settings; return the missed targets."""
    call_command("migrate", verbosity=0)
    _seed(members, posts)
    problems = [*_explain_feed(), *_explain_pages(), *_measure_pages(), *_measure_load(seconds)]
    return [*problems, *_measure_growth(members, seconds)] if growth else problems


def _seed(members: int, posts: int) -> None:
    started = time.monotonic()
    crowd.create_crowd(members=members, posts=posts, report_progress=lambda text: print_line(f"  {text}"))
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        [version] = cursor.fetchone()
    print_line(f"\n== Data, ready after {time.monotonic() - started:.1f} s")
    print_line(f"Python {platform.python_version()}, PostgreSQL {version}, {platform.machine()}")
    for name, rows in (
        ("members", User.objects),
        ("connections", Connection.objects),
        ("posts", Post.objects),
        ("comments", Comment.objects),
        ("reactions", Reaction.objects),
    ):
        print_line(f"{rows.count():>10,} {name}")


def _explain_feed() -> Problems:
    member = User.objects.get(username=crowd.BENCH)
    statement = timeline.compile_newest_ids(connection.vendor, timeline.PAGE_SIZE + 1)
    parameters = {"viewer": member.pk, "before": MAX_ID}
    print_line(f"\n== The plan of the home feed for {member.username}")
    print_line(explain_as_text(statement.sql, parameters))
    return [f"home feed: {problem}" for problem in explain_query(statement.sql, parameters).find_problems()]


def _explain_pages() -> Problems:
    print_line("\n== The plans of all statements of each page")
    client = create_client()
    problems: Problems = []
    for name, path in list_pages().items():
        plans = explain_page(client, path)
        slowest = max(plans, key=lambda plan: plan.milliseconds)
        found = [problem for plan in plans for problem in plan.find_problems()]
        print_line(
            f"{name:<28} {len(plans):>3} statements {sum(plan.milliseconds for plan in plans):>7.2f} ms"
            f" {sum(plan.buffers for plan in plans):>6,} buffers, slowest {slowest.milliseconds:.2f} ms"
            f" with at most {max(plan.rows_read for plan in plans):,} rows {'; '.join(found)}"
        )
        problems += [f"{name}: {problem}" for problem in found]
    return problems


def _measure_pages() -> Problems:
    print_line("\n== Queries and time of each page, in process")
    client = create_client()
    problems: Problems = []
    for name, path in list_pages().items():
        page = measure_page(client, path)
        print_line(
            f"{name:<28} {page.queries:>3} queries {page.milliseconds:>7.1f} ms"
            f" {page.cpu:>7.1f} ms CPU {page.size:>8,} bytes"
        )
        if page.queries > MAX_QUERIES:
            problems.append(f"{name}: {page.queries} queries, the target is {MAX_QUERIES}")
    return problems


def _measure_load(seconds: float) -> Problems:
    """Measure the pages and the bare view in turns, so that other load on the machine affects all of them."""
    print_line(
        f"\n== Pages under gunicorn gthread {workers} × {threads}, {CLIENTS} clients, one connection per request, "
        "compressed"
    )
    cookie = create_session_cookie(User.objects.get(username=crowd.BENCH))
    with run_gunicorn() as server:
        pages = list_pages()
        sizes = {name: fetch_page_size(server, path, cookie) for name, path in pages.items()}
        bare = {BASELINE: f"{reverse('bench_bare')}?{urlencode({'bytes': sizes[HOME].html})}"}
        wanted = bare | pages
        sizes[BASELINE] = fetch_page_size(server, bare[BASELINE], cookie)
        rounds = [
            {
                name: measure_load(server, path, cookie, seconds=seconds / ROUNDS)
                for name, path in wanted.items()
            }
            for _round in range(1 + ROUNDS)
        ][1:]
    loads = {name: _median([each[name] for each in rounds]) for name in wanted}
    print_line(
        f"{'':<28} {'requests/s':>10} {'CPU ms':>7} {'p50 ms':>7} {'p99 ms':>7} {'HTML':>8} {'wire':>7}"
    )
    for name, load in loads.items():
        print_line(
            f"{name:<28} {load.rate:>10.0f} {load.cpu:>7.2f} {load.p50:>7.1f} {load.p99:>7.1f} "
            f"{sizes[name].html:>8,} {sizes[name].wire:>7,}"
        )
    rows = {name: asdict(load) | asdict(sizes[name]) for name, load in loads.items()}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"conditions": _conditions(seconds), "pages": rows}, indent=1))
    return _find_load_problems(loads)


def _find_load_problems(loads: Mapping[str, LoadResult]) -> Problems:
    """Compare the loads of the pages with the targets; print the share of the bare view's rate."""
    share = loads[HOME].rate / loads[BASELINE].rate
    print_line(
        f"The home feed has {share:.2f} × the rate of the bare view; the target is {MIN_SHARE_OF_BASELINE}."
    )
    problems = [
        f"{name}: {load.cpu:.1f} ms of CPU, the target is {MAX_CPU_MS}"
        for name, load in loads.items()
        if load.cpu > MAX_CPU_MS
    ]
    if share < MIN_SHARE_OF_BASELINE:
        problems.append(
            f"home feed: {share:.2f} × the rate of the bare view, the target is {MIN_SHARE_OF_BASELINE}"
        )
    return problems


def _conditions(seconds: float) -> str:
    """Describe the machine, the load and the data."""
    return (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}, "
        f"gunicorn gthread {workers} × {threads}, {CLIENTS} clients, {seconds:g} s each page, one connection per "
        f"request, gzip; "
        f"{User.objects.count():,} members, {Post.objects.count():,} posts"
    )


def _median(loads: Sequence[LoadResult]) -> LoadResult:
    return LoadResult(*(statistics.median(values) for values in zip(*map(astuple, loads), strict=True)))


def _measure_growth(members: int, seconds: float) -> Problems:
    """Compare the CPU time of each page before and after the data grows.

    Afterwards it is measured in the same server, in a new one, and in the process that created the data.
    """
    before = Post.objects.count()
    print_line(f"\n== Growth from {before:,} to {GROWN_POSTS:,} posts (milliseconds of CPU per page)")
    cookie = create_session_cookie(User.objects.get(username=crowd.BENCH))

    def measure_pages_cpu(server: GunicornProcess) -> dict[str, float]:
        for path in list_pages().values():
            measure_load(server, path, cookie, seconds=seconds / 10)
        return {
            name: measure_load(server, path, cookie, seconds=seconds / ROUNDS).cpu
            for name, path in list_pages().items()
        }

    with run_gunicorn() as lasting:
        small = measure_pages_cpu(lasting)
        crowd.create_crowd(
            members=members, posts=GROWN_POSTS, report_progress=lambda text: print_line(f"  {text}")
        )
        seeded = {name: measure_page(create_client(), path).cpu for name, path in list_pages().items()}
        large = measure_pages_cpu(lasting)
    with run_gunicorn() as fresh:
        new = measure_pages_cpu(fresh)
    problems: Problems = []
    print_line(f"{'':<28} {'before':>7} {'same server':>12} {'new server':>11} {'this process':>13}")
    for name, was in small.items():
        print_line(
            f"{name:<28} {was:>7.2f} {large[name]:>6.2f} {large[name] / was:>4.2f}× "
            f"{new[name]:>5.2f} {new[name] / was:>4.2f}× {seeded[name]:>13.2f}"
        )
        if large[name] > MAX_GROWTH * was:
            problems.append(
                f"{name}: {large[name] / was:.2f} × at {GROWN_POSTS:,} posts, the target is {MAX_GROWTH}"
            )
    return problems
