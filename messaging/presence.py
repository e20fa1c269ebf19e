"""Presence: members who have a tab of LinkUp in view, now or a moment ago."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from threading import Lock

from django.db.models import F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from core.database.compiled_queries import CompiledQuery
from core.sockets.publisher import member_topic, publish
from theme.templatetags.theme import words_for_age
from users.models import User

from .models import Membership, Presence
from .models.presence import PresenceQuerySet, may_see_presence
from .topics import presence_topic

# A visible tab reports every 25 seconds (core.sockets.heartbeat); after two missed reports the member is offline.
STAYS = timedelta(seconds=75)
# A member stays online while changing from one page to the next.
GRACE = timedelta(seconds=5)

# Visible tabs of this process, by member.
_in_view: Counter[int] = Counter()
_lock = Lock()


def mark_online(member_id: int) -> None:
    """Count a tab of the member that became visible."""
    with _lock:
        _in_view[member_id] += 1
    was_away = member_id not in online_among([member_id])
    touch([member_id])
    if was_away:
        publish(presence_topic(member_id), {"type": "messaging.presence", "member": member_id})


def mark_away(member_id: int) -> None:
    """Count a tab of the member that was hidden; after the last one, the member was "last seen" now."""
    with _lock:
        _in_view[member_id] -= 1
        last = _in_view[member_id] <= 0
        if last:
            del _in_view[member_id]
    if last:
        now = timezone.now()
        Presence.objects.filter(member=member_id).update(seen_at=now, until=now + GRACE)
        # Visible tabs of the member in other processes answer at once with touch().
        publish(member_topic(member_id), {"type": "messaging.left", "member": member_id})


def clear_tabs() -> None:
    """Forget all tabs in view, for tests."""
    with _lock:
        _in_view.clear()


def touch(member_ids: Collection[int]) -> None:
    """Store that these members have a visible tab now. Two queries."""
    now = timezone.now()
    # A tab may outlive its member's account for a moment.
    there = User.objects.filter(pk__in=member_ids).order_by("pk").values_list("pk", flat=True)
    Presence.objects.bulk_create(
        [Presence(member_id=pk, seen_at=now, until=now + STAYS) for pk in there],
        update_conflicts=True,
        unique_fields=["member"],
        update_fields=["seen_at", "until"],
    )


def online_among(member_ids: Collection[int]) -> set[int]:
    """Return the members among `member_ids` who are online now. One query."""
    there = Presence.objects.filter(member__in=member_ids, until__gt=timezone.now())
    return set(there.values_list("member_id", flat=True)) if member_ids else set()


def describe_for(member_id: int, viewer: User) -> dict[str, object]:
    """Return the member's presence for `viewer`: without permission, like that of a member never seen."""
    return describe(member_id, by_member([member_id], viewer).get(member_id), timezone.now())


def describe(member_id: int, presence: Presence | None, now: datetime) -> dict[str, object]:
    """Return `{"member": …, "online": …, "words": …}` for a member and a presence that the viewer may see."""
    if presence is None:
        return {"member": member_id, "online": False, "words": ""}
    online = presence.until > now
    words = (
        _("online") if online else _("last seen %(when)s") % {"when": words_for_age(presence.seen_at, now)}
    )
    return {"member": member_id, "online": online, "words": words}


def agreed_pairs(watched: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pairs (viewer, other member) in which the viewer may see the other's presence, for pairs (direct
    conversation, viewer). One query for any number."""
    if not watched:
        return set()
    viewers = {viewer for _conversation, viewer in watched}
    others = (
        Membership.objects.filter(conversation__in={conversation for conversation, _viewer in watched})
        .annotate(viewer=F("conversation__memberships__member"))
        .filter(viewer__in=viewers, conversation__pair__isnull=False)
        .exclude(viewer=F("member"))
        .filter(may_see_presence(OuterRef("viewer"), OuterRef("member")))
    )
    return set(others.values_list("viewer", "member"))


def by_member(member_ids: Collection[int], viewer: User) -> dict[int, Presence]:
    """Return the presences that the viewer may see, by member. One query."""
    return (
        {row.member_id: row for row in _VISIBLE.fetch(viewer=viewer.pk, members=member_ids)}
        if member_ids
        else {}
    )


def _visible_query(viewer: int, members: Collection[int]) -> PresenceQuerySet:
    return Presence.objects.filter(member__in=members).visible_to(User(pk=viewer))


_VISIBLE = CompiledQuery(_visible_query)


def publish_pair(one: int, other: int) -> None:
    """Let open tabs check again whether these two members may see each other's presence."""
    for member_id in (one, other):
        publish(presence_topic(member_id), {"type": "messaging.presence", "member": member_id})
