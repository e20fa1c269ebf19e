"""The pages that benches request, and what one costs in queries and time, measured in process."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from feed.models import Post, PostTag, Tag
from feed.timeline import load_home_page
from messaging.models import Conversation
from network.models import Connection, Member
from users.audience import Audience
from users.models import User

from .crowd import BENCH

REPETITIONS = 25


@dataclass(frozen=True)
class PageCost:
    """The cost of a page: statements, medians of elapsed and CPU milliseconds, bytes."""

    queries: int
    milliseconds: float
    cpu: float
    size: int


def create_client() -> Client:
    """Return a test client in which BENCH is signed in."""
    client = Client()
    client.force_login(User.objects.get(username=BENCH))
    return client


def list_pages() -> dict[str, str]:
    """Return the paths of the pages by name, each the busiest of its kind that BENCH may see."""
    bench = User.objects.get(username=BENCH)
    friend = Member.objects.connected_to(bench.pk).order_by("pk")[0]
    paired = Connection.objects.other_ends(bench.pk)
    stranger = Member.objects.visible_to(bench).exclude(pk=bench.pk).exclude(pk__in=paired).order_by("pk")[0]
    writer = User.objects.get(pk=_most_frequent(Post.objects.all(), "author"))
    tag = Tag.objects.get(pk=_most_frequent(PostTag.objects.all(), "tag"))
    post = Post.objects.filter(audience=Audience.PUBLIC, is_repost=False).latest("pk")
    longest = Conversation.objects.visible_to(bench).order_by("last_seq", "pk").last()
    if longest is None:
        raise LookupError("BENCH has no conversation.")
    return {
        "home": reverse("feed:home"),
        "home, page 2": f"{reverse('feed:home')}?page={_home_cursor(bench)}",
        "member (connection)": friend.get_absolute_url(),
        "member (stranger)": stranger.get_absolute_url(),
        "member (me)": bench.get_absolute_url(),
        "posts of the busiest member": reverse("feed:by_member", args=[writer.username]),
        "busiest tag": reverse("feed:tag", args=[tag.name]),
        "saved": reverse("feed:saved"),
        "post with comments": post.get_absolute_url(),
        "network": reverse("network:overview"),
        "connections": reverse("network:connections"),
        "directory": reverse("network:directory"),
        "directory, search": f"{reverse('network:directory')}?q=ma",
        "reactions": reverse("feed:reactions", args=[post.pk]),
        "notifications": reverse("notifications:page"),
        "settings, privacy": reverse("users:privacy"),
        "messages": reverse("messaging:inbox"),
        "conversation": longest.get_absolute_url(),
    }


def measure_page(client: Client, path: str, *, repetitions: int = REPETITIONS) -> PageCost:
    """Return the cost of a page after a first request has filled the caches."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    queries = len(captured)  # counted before the next request empties the log
    times, cpu = [], []
    for _ in range(repetitions):
        started, used = time.perf_counter(), time.process_time()
        client.get(path)
        times.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - used))
    return PageCost(queries, statistics.median(times), statistics.median(cpu), len(response.content))


def _home_cursor(member: User) -> str:
    return load_home_page(member, None).next


def _most_frequent(rows: QuerySet[Any], field: str) -> int:
    """Return the most frequent value of `field`."""
    found: int = rows.values_list(field).annotate(times=Count("pk")).order_by("-times", field)[0][0]
    return found
