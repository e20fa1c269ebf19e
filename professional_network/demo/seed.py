"""Makes the demo network as a whole: sixty members, two hundred posts, sixty days."""

import random
from collections.abc import Callable
from datetime import datetime
from itertools import chain

from django.db import transaction
from django.utils import timezone

from users.models import User

from . import diary, library, people, ties
from .stage import Stage

SEED = "linkup"

Say = Callable[[str], None]


def is_here() -> bool:
    """Whether the demo network was made before, or anybody else has taken one of its names."""
    return User.objects.filter(username__in=library.members()).exists()


@transaction.atomic
def make_demo_network(*, say: Say, now: datetime | None = None, with_pictures: bool = True) -> None:
    """Make the demo network in one transaction. Everything but the times is the same each time.

    `say` is told how far it is; `now` is when the sixty days end (default: this moment).
    """
    now = now or timezone.now()
    texts = library.members()
    acts = diary.written(library.decks(), now, _dice("times"))
    tied = ties.planned(texts.values(), library.posts(), library.ties(), _dice("ties"))
    joined = diary.joining_times(texts.values(), acts, now, _dice("joining"))
    acts += diary.reactions(acts, texts.values(), tied.connected, now, _dice("reactions"))

    members = people.make_members(texts.values(), joined, with_pictures=with_pictures, say=say)
    ties.make(tied, library.ties(), members, joined, now=now, dice=_dice("dates"), say=say)
    stage = Stage(members, with_pictures=with_pictures)
    stage.play(sorted(acts, key=lambda act: act.at))
    saved = chain.from_iterable(
        [(name, key) for key in tie.get("saved", [])] for name, tie in library.ties().of.items()
    )
    for name, key in saved:
        stage.save(name, key)
    say(f"{len(stage.posts)} posts and {len(stage.comments)} comments are written.")


def _dice(purpose: str) -> random.Random:
    """A source of chance for one purpose, the same each time."""
    return random.Random(f"{SEED}:{purpose}")  # noqa: S311 -- repeatable on purpose
