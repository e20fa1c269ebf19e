"""A crowd for benches: any number of members and posts, made in bulk, alike but not believable."""

from collections.abc import Callable

from django.db import connection, transaction
from django.test.utils import override_settings

from users.models import User

from .graph import tie_members
from .people import BENCH, CROWD, make_people
from .posts import make_posts
from .talks import make_talks

FEWEST = 50

Say = Callable[[str], None]


class NotTheSameCrowd(Exception):
    """There is a crowd of another size, which cannot grow."""


# With DEBUG Django formats and remembers every statement, which takes a third of the time.
@override_settings(DEBUG=False)
def make(*, members: int, posts: int, say: Say) -> None:
    """Make a crowd of `members`, one of them BENCH with about thirty connections, their conversations, and `posts`.

    Where the crowd is already, only the posts that are missing are added. Raises NotTheSameCrowd when it has another
    number of members.
    """
    found = User.objects.filter(CROWD).count()
    if found == 0:
        with transaction.atomic():
            people = make_people(members)
            tie_members(people)
            said = make_talks(people[0], members)
        say(f"{members:,} members have joined, know each other, and have sent {said:,} messages.")
    elif found != members:
        raise NotTheSameCrowd(f"there is a crowd of {found:,} members already")
    make_posts(posts, say=say)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


__all__ = ["BENCH", "CROWD", "FEWEST", "NotTheSameCrowd", "make"]
