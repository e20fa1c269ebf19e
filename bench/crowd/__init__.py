"""Synthetic members and posts for benches: any number, created in bulk, less realistic than the demo network."""

from collections.abc import Callable

from django.db import connection, transaction
from django.test.utils import override_settings

from users.models import User

from .connections import connect_members
from .conversations import create_conversations
from .members import BENCH, CROWD, create_members
from .posts import create_posts

MIN_MEMBERS = 50

ReportProgress = Callable[[str], None]


class CrowdRefused(Exception):
    """The members and posts cannot be created; the message says why."""


# With DEBUG Django formats and stores every statement, which takes a third of the time.
@override_settings(DEBUG=False)
def create_crowd(*, members: int, posts: int, report_progress: ReportProgress) -> None:
    """Create `members` with connections and conversations, and `posts`.

    One member is BENCH, with about thirty connections. When the members exist already, only missing posts are added.
    Raises CrowdRefused when another number of members exists, or when the numbers are too small.
    """
    if members < MIN_MEMBERS or posts < 0:
        raise CrowdRefused(f"at least {MIN_MEMBERS} members and no negative number of posts are needed")
    found = User.objects.filter(CROWD).count()
    if found == 0:
        with transaction.atomic():
            ids = create_members(members)
            connect_members(ids)
            messages = create_conversations(ids[0], members)
        report_progress(f"{members:,} members with connections and {messages:,} messages are created.")
    elif found != members:
        raise CrowdRefused(
            f"there is a crowd of {found:,} members already; use an empty database for another number"
        )
    create_posts(posts, report_progress=report_progress)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


__all__ = ["BENCH", "CROWD", "MIN_MEMBERS", "CrowdRefused", "create_crowd"]
