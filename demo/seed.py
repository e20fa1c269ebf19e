"""Makes the demo network as a whole: sixty members, two hundred posts, sixty days."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from notifications.services import silently
from users.models import User

from . import connections as ties
from . import content, conversations, notifications, people, schedule
from .player import Stage

SEED = "linkup"

Say = Callable[[str], None]


def is_here() -> bool:
    """Whether the demo network was made before, or anybody else has taken one of its names."""
    return User.objects.filter(username__in=content.members()).exists()


@dataclass(frozen=True)
class Plan:
    """The demo network before it is made: who joins when, who is tied to whom, who does what."""

    joined: dict[str, datetime]
    ties: ties.Ties
    acts: list[schedule.Act]


def planned(now: datetime) -> Plan:
    """The plan of the sixty days that end `now`; but for the times it is always the same."""
    members = content.members().values()
    acts = schedule.written(content.decks(), now, _dice("times"))
    tied = ties.planned(members, content.posts(), content.ties(), _dice("ties"))
    joined = schedule.joining_times(members, acts, now, _dice("joining"))
    acts += schedule.reactions(acts, members, tied.connected, now, _dice("reactions"))
    return Plan(joined, tied, sorted(acts, key=lambda act: act.at))


@transaction.atomic
def make_demo_network(*, say: Say, now: datetime | None = None, with_pictures: bool = True) -> None:
    """Make the demo network in one transaction. `say` is told how far it is; `now` is this moment by default."""
    now = now or timezone.now()
    plan, fixed = planned(now), content.ties()
    with silently():
        members = people.make_members(
            content.members().values(), plan.joined, with_pictures=with_pictures, say=say
        )
        ties.make(plan.ties, fixed, members, plan.joined, now=now, dice=_dice("dates"), say=say)
        stage = Stage(members, with_pictures=with_pictures)
        stage.play(plan.acts)
    for name, tie in fixed.of.items():
        for key in tie.get("saved", []):
            stage.save(name, key)
    notifications.date_notifications(now)
    say(f"{len(stage.posts)} posts and {len(stage.comments)} comments are written.")
    with silently():
        said = conversations.make(content.talks(), members, now=now, with_pictures=with_pictures)
    say(f"{len(said)} messages are sent.")


def _dice(purpose: str) -> random.Random:
    """A source of chance for one purpose, the same each time."""
    return random.Random(f"{SEED}:{purpose}")  # noqa: S311 -- repeatable on purpose
