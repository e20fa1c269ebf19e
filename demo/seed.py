"""Creates the demo network: sixty members, two hundred posts, sixty days."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from notifications.services import without_delivery
from users.models import User

from . import connections, content, conversations, notifications, people, schedule
from .player import Player

SEED = "linkup"

Log = Callable[[str], None]


def demo_exists() -> bool:
    """Return whether the demo network exists, or another member has one of its usernames."""
    return User.objects.filter(username__in=content.load_members()).exists()


@dataclass(frozen=True)
class Plan:
    """The plan of the demo network: joining times, connections, and acts."""

    joined: dict[str, datetime]
    connections: connections.PlannedConnections
    acts: list[schedule.Act]


def plan_network(now: datetime) -> Plan:
    """Plan the sixty days before `now`; apart from the times the plan is always the same."""
    members = content.load_members().values()
    acts = schedule.plan_acts(content.load_decks(), now, _seeded_rng("times"))
    planned = connections.plan_connections(
        members, content.load_posts(), content.load_connections(), _seeded_rng("ties")
    )
    joined = schedule.plan_joining_times(members, acts, now, _seeded_rng("joining"))
    acts += schedule.plan_reactions(acts, members, planned.connected, now, _seeded_rng("reactions"))
    return Plan(joined, planned, sorted(acts, key=lambda act: act.at))


@transaction.atomic
def create_demo_network(*, log: Log, now: datetime | None = None, with_pictures: bool = True) -> None:
    """Create the demo network in one transaction. Calls `log` with its progress; `now` defaults to this moment."""
    now = now or timezone.now()
    plan, fixed = plan_network(now), content.load_connections()
    with without_delivery():
        members = people.create_members(
            content.load_members().values(), plan.joined, with_pictures=with_pictures, log=log
        )
        connections.create_connections(
            plan.connections, fixed, members, plan.joined, now=now, rng=_seeded_rng("dates"), log=log
        )
        player = Player(members, with_pictures=with_pictures)
        player.play_all(plan.acts)
    for name, row in fixed.by_member.items():
        for key in row.get("saved", []):
            player.save_post(name, key)
    notifications.date_notifications(now)
    log(f"{len(player.posts)} posts and {len(player.comments)} comments are written.")
    with without_delivery():
        messages = conversations.create_conversations(
            content.load_conversations(), members, now=now, with_pictures=with_pictures
        )
    log(f"{len(messages)} messages are sent.")


def _seeded_rng(purpose: str) -> random.Random:
    """Return a random number generator for one purpose, seeded alike each time."""
    return random.Random(f"{SEED}:{purpose}")  # noqa: S311 -- repeatable on purpose
