"""A crowd for benches: any number of members and posts, made in bulk, alike but not believable."""

from collections.abc import Callable

from django.db import connection, transaction
from django.test.utils import override_settings

from users.models import User

from .conversations import make_talks
from .graph import tie_members
from .people import BENCH, CROWD, make_people
from .posts import make_posts

FEWEST = 50

Say = Callable[[str], None]


class CrowdRefused(Exception):
    """A crowd of this size cannot be made here, with the reason as text."""


# With DEBUG Django formats and remembers every statement, which takes a third of the time.
@override_settings(DEBUG=False)
def make(*, members: int, posts: int, say: Say) -> None:
    """Make a crowd of `members`, one of them BENCH with about thirty connections, their conversations, and `posts`.

    Where the crowd is already, only the posts that are missing are added. Raises CrowdRefused when it has another
    number of members, or when the numbers are too small.
    """
    if members < FEWEST or posts < 0:
        raise CrowdRefused(f"at least {FEWEST} members and no negative number of posts are needed")
    found = User.objects.filter(CROWD).count()
    if found == 0:
        with transaction.atomic():
            people = make_people(members)
            tie_members(people)
            said = make_talks(people[0], members)
        say(f"{members:,} members have joined, know each other, and have sent {said:,} messages.")
    elif found != members:
        raise CrowdRefused(
            f"there is a crowd of {found:,} members already; use an empty database for another one"
        )
    make_posts(posts, say=say)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


__all__ = ["BENCH", "CROWD", "FEWEST", "CrowdRefused", "make"]
