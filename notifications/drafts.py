"""Drafts of notifications, and their packed form: the arguments of a task, which are ids only."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models

from feed.models import Comment, Post, readers_among
from messaging.models import Membership
from network.models import Member
from users.models import User

from .kinds import Kind
from .models import Activity

# Recipient, kind and key: there is at most one unread notification of each.
UnreadKey = tuple[int, str, str]
# Of the drafts of one act that differ in the recipient alone: kind, key, post, source and the recipients, as JSON.
PackedDrafts = dict[str, Any]


@dataclass(frozen=True)
class NotificationDraft:
    """An activity for one recipient: its kind, the thing that it is about, and its source row (fields of Activity)."""

    recipient_id: int
    kind: Kind
    key: str = ""
    post: Post | None = None
    source: Mapping[str, models.Model] = field(default_factory=dict)

    @property
    def unread_key(self) -> UnreadKey:
        """What identifies the unread notification that the activity joins."""
        return self.recipient_id, self.kind.value, self.key


def pack_drafts(drafts: Iterable[NotificationDraft]) -> list[PackedDrafts]:
    """Return the drafts as JSON, with one entry for all that differ in the recipient alone."""
    packed: dict[tuple[object, ...], PackedDrafts] = {}
    for draft in drafts:
        source = {name: row.pk for name, row in draft.source.items()}
        post = draft.post.pk if draft.post else None
        shared = {"kind": draft.kind.value, "key": draft.key, "post": post, "source": source}
        group = packed.setdefault(
            (draft.kind, draft.key, post, *source.items()), {**shared, "recipients": []}
        )
        group["recipients"].append(draft.recipient_id)
    return list(packed.values())


def load_drafts(
    packed: Collection[PackedDrafts], *, actor: User, done_at: datetime
) -> list[NotificationDraft]:
    """Return the drafts that are still to be stored, of what `actor` did at `done_at`.

    Left out are drafts whose post or source was deleted, recipients who may no longer read it, and those who have the
    activity already. The posts stay locked until the transaction ends, as they are when the activity is stored at once.
    """
    posts = _lock_posts(packed)
    drafts: list[NotificationDraft] = []
    for group in packed:
        source = _load_source(group["source"], posts)
        post = posts.get(group["post"])
        if source is None or (group["post"] and post is None):
            continue
        kind, key = Kind(group["kind"]), group["key"]
        # The recipient of a repost reads the repost, not only the original.
        readable = source.get("shared", post)
        recipients = _still_reached(kind, key, readable, actor, group["recipients"])
        recipients -= _notified_among(recipients, kind, key, actor, source, done_at)
        drafts += [NotificationDraft(pk, kind, key, post, source) for pk in sorted(recipients)]
    return drafts


def _lock_posts(packed: Collection[PackedDrafts]) -> dict[int, Post]:
    ids = {pk for group in packed for pk in (group["post"], group["source"].get("shared")) if pk}
    # In the order of ids, as feed.services locks a post and its original.
    rows = Post.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows} if ids else {}


def _load_source(ids: Mapping[str, int], posts: Mapping[int, Post]) -> dict[str, models.Model] | None:
    """The source rows by the fields of Activity; None when one was deleted. A comment with replies stays as a row."""
    source: dict[str, models.Model | None] = {}
    for name, pk in ids.items():
        if name == "shared":
            source[name] = posts.get(pk)
        else:
            model: Any = Activity._meta.get_field(name).related_model
            rows = Comment.objects.filter(deleted_at=None) if model is Comment else model._default_manager
            source[name] = rows.filter(pk=pk).first()
    found = {name: row for name, row in source.items() if row is not None}
    return found if len(found) == len(source) else None


def _still_reached(
    kind: Kind, key: str, post: models.Model | None, actor: User, recipients: Collection[int]
) -> set[int]:
    """Those who may know of it now. Of a message, those for whom it is still unread, and who want to hear of it."""
    if isinstance(post, Post):
        return {member.pk for member in readers_among(recipients, post=post, actor=actor)}
    available = Member.objects.visible_to(actor).filter(pk__in=recipients)
    if kind is Kind.MESSAGE:
        waiting = Membership.objects.waiting().filter(conversation=int(key.partition(":")[2]))
        available = available.filter(pk__in=waiting.values("member"))
    return set(available.values_list("pk", flat=True))


def _notified_among(
    recipients: Collection[int],
    kind: Kind,
    key: str,
    actor: User,
    source: Mapping[str, models.Model],
    done_at: datetime,
) -> set[int]:
    """Those who have this activity: by its source, or else by when it was stored."""
    same = Activity.objects.filter(actor=actor, notification__recipient__in=recipients)
    if source:
        same = same.filter(**source)
    else:
        same = same.filter(notification__kind=kind, notification__key=key, created_at__gte=done_at)
    return set(same.values_list("notification__recipient_id", flat=True))
