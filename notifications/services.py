"""Write operations on notifications, preferences and quiet hours."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import time

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.sockets.publisher import member_topic, publish
from core.tasks import enqueue_on_commit
from network.graph import within_two_degrees
from network.reach import reached_by_mail
from users.models import User

from .digest.schedule import Frequency
from .drafts import NotificationDraft, UnreadKey, pack_drafts
from .kinds import KIND_INFO, Channel, Kind, channels_of
from .mailing import schedule_mail
from .models import Activity, DigestSchedule, Notification, Preference, QuietHours
from .preferences.deliveries import Delivery, wanted_deliveries

# Actions that need no permission and can reach any number of members: beyond network.reach, they are not mailed.
REACH_LIMITED_KINDS = frozenset({Kind.COMMENT, Kind.REPLY, Kind.REACTION, Kind.REPOST, Kind.FOLLOW})
# Most attempts to lock an unread notification that is marked read concurrently.
TRIES = 10
SCHEDULES_AT_ONCE = 1000

# Most recipients that are notified within the request; more are notified by a task (decision 0055).
MOST_AT_ONCE = 5
NOTIFY_TASK = "notifications.notify_members"

_without_delivery: ContextVar[bool] = ContextVar("notifications_without_delivery", default=False)


@contextmanager
def without_delivery() -> Iterator[None]:
    """Only store notifications in this context: no mail and no socket events. For demo data with past dates."""
    token = _without_delivery.set(True)
    try:
        yield
    finally:
        _without_delivery.reset(token)


@transaction.atomic
def notify_members(*, actor: User, drafts: Iterable[NotificationDraft]) -> None:
    """Notify members of what `actor` did; of several drafts for one member the first counts.

    An activity joins the recipient's unread notification of the same kind and key. The actor gets none, nor does a
    member who turned the kind off. The caller makes sure that each recipient may know of it. More than MOST_AT_ONCE
    members are notified by a task, so that the request takes no longer the more there are.
    """
    first_drafts: dict[int, NotificationDraft] = {}
    for draft in drafts:
        if draft.recipient_id != actor.pk:
            first_drafts.setdefault(draft.recipient_id, draft)
    if len(first_drafts) <= MOST_AT_ONCE or _without_delivery.get():
        store_notifications(actor=actor, drafts=first_drafts.values())
        return
    packed = pack_drafts(first_drafts.values())
    enqueue_on_commit(NOTIFY_TASK, actor=actor.pk, drafts=packed, done_at=timezone.now().isoformat())


@transaction.atomic
def store_notifications(*, actor: User, drafts: Collection[NotificationDraft]) -> None:
    """Store notifications as `notify_members` describes, with at most one draft for each member, and deliver them."""
    first_drafts = {draft.recipient_id: draft for draft in drafts}
    wanted = wanted_deliveries(first_drafts.keys(), {draft.kind for draft in first_drafts.values()})
    if not _without_delivery.get():
        wanted -= _undeliverable_mails(actor, first_drafts.values(), wanted)
    channels = [Channel.PAGE] if _without_delivery.get() else list(Channel)
    accepted = [
        draft
        for _member, draft in sorted(first_drafts.items())
        if any((draft.recipient_id, draft.kind, channel) in wanted for channel in channels)
    ]
    if not accepted:
        return
    by_key = _lock_or_create_unread(accepted, wanted)
    rows = list(by_key.values())
    if not _without_delivery.get():
        schedule_mail(rows, wanted)
    activities = Activity.objects.bulk_create(
        [Activity(notification=by_key[draft.unread_key], actor=actor, **draft.source) for draft in accepted]
    )
    for activity in activities:
        activity.notification.sort_key, activity.notification.latest_at = activity.pk, activity.created_at
    fields = ["sort_key", "latest_at", "on_page", "mail_due_at"]
    if len(rows) == 1:
        rows[0].save(update_fields=fields)  # the usual case, at a third of the cost
    else:
        Notification.objects.bulk_update(rows, fields)
    _publish_changes(rows)


def _undeliverable_mails(
    actor: User, drafts: Collection[NotificationDraft], wanted: Collection[Delivery]
) -> set[Delivery]:
    """The mails not to send: mentions by strangers, and answers beyond the actor's daily reach. The page shows both."""
    mentioned = {draft.recipient_id for draft in drafts if draft.kind is Kind.MENTION}
    strangers = mentioned - within_two_degrees(actor, mentioned) if mentioned else set()
    answers = [
        (draft.recipient_id, draft.kind, Channel.MAIL)
        for draft in sorted(
            drafts, key=lambda draft: draft.kind is Kind.REPLY
        )  # the post's author comes first
        if draft.kind in REACH_LIMITED_KINDS
    ]
    mails = [delivery for delivery in answers if delivery in wanted]
    reachable = reached_by_mail(actor, [delivery[0] for delivery in mails]) if mails else set()
    return {(member, Kind.MENTION, Channel.MAIL) for member in strangers} | {
        delivery for delivery in mails if delivery[0] not in reachable
    }


def _lock_or_create_unread(
    drafts: Sequence[NotificationDraft], wanted: set[Delivery]
) -> dict[UnreadKey, Notification]:
    """The unread notification of each draft, locked; created where there is none. `drafts` are sorted by recipient, so
    that two transactions for the same members cannot deadlock."""
    missing = {draft.unread_key: draft for draft in drafts}
    found: dict[UnreadKey, Notification] = {}
    for _try in range(TRIES):
        Notification.objects.bulk_create(
            [
                Notification(recipient_id=draft.recipient_id, kind=draft.kind, key=draft.key, post=draft.post)
                for draft in missing.values()
            ],
            ignore_conflicts=True,
        )
        recipients: dict[tuple[str, str], list[int]] = {}
        for recipient, kind, key in missing:
            recipients.setdefault((kind, key), []).append(recipient)
        condition = Q()
        for (kind, key), members in recipients.items():
            condition |= Q(kind=kind, key=key, recipient__in=members)
        unread = Notification.objects.select_for_update().filter(condition, read_at=None)
        found |= {(row.recipient_id, row.kind, row.key): row for row in unread.order_by("recipient", "pk")}
        missing = {key: draft for key, draft in missing.items() if key not in found}
        if not missing:
            break
    else:
        raise RuntimeError("a notification was marked read again and again while an activity was added to it")
    for (member, kind, _key), row in found.items():
        row.on_page = (member, Kind(kind), Channel.PAGE) in wanted
    return found


def _publish_changes(rows: Sequence[Notification]) -> None:
    for row in rows:
        if row.on_page and not _without_delivery.get():
            publish(member_topic(row.recipient_id), {"type": "notifications.changed", "notification": row.pk})


@transaction.atomic
def mark_read(*, notification: Notification) -> None:
    """Mark a notification read and cancel its pending mail. Marking it twice changes nothing."""
    read = Notification.objects.filter(pk=notification.pk, read_at=None).update(
        read_at=timezone.now(), mail_due_at=None
    )
    if read:
        _publish_changes([notification])


@transaction.atomic
def mark_all_read(*, member: User, up_to: int | None = None) -> None:
    """Mark all notifications on the member's page read, or those up to the sort key `up_to`."""
    unread = Notification.objects.filter(recipient=member, on_page=True, read_at=None)
    if up_to is not None:
        unread = unread.filter(sort_key__lte=up_to)
    if unread.update(read_at=timezone.now(), mail_due_at=None):
        publish(member_topic(member.pk), {"type": "notifications.changed", "notification": None})


@transaction.atomic
def delete_notifications_between(*, one: User, two: User) -> None:
    """Delete the notifications that two members caused for each other; a later unblock does not bring them back."""
    Activity.objects.filter(
        Q(notification__recipient=one, actor=two) | Q(notification__recipient=two, actor=one)
    ).delete()
    activities = Activity.objects.filter(notification=OuterRef("pk"))
    empty = Notification.objects.filter(~Exists(activities), recipient__in=[one, two])
    ids = [row.pk for row in empty.select_for_update().order_by("recipient", "pk")]
    # A notification that got a new activity meanwhile is no longer empty.
    empty.filter(pk__in=ids).delete()
    for member in (one, two):
        publish(member_topic(member.pk), {"type": "notifications.changed", "notification": None})


@transaction.atomic
def set_preferences(*, member: User, choices: Mapping[tuple[Kind, Channel], bool]) -> None:
    """Store which kinds and channels the member wants; only differences from the defaults are stored."""
    for (kind, channel), wanted in choices.items():
        if channel not in channels_of(kind):
            continue
        same = Preference.objects.filter(member=member, kind=kind, channel=channel)
        if wanted == KIND_INFO[kind].wanted_by_default(channel):
            same.delete()
        else:
            Preference.objects.update_or_create(
                member=member, kind=kind, channel=channel, defaults={"wanted": wanted}
            )


@transaction.atomic
def stop_mail(*, member: User, kinds: Iterable[Kind]) -> None:
    """Turn mail about these kinds off, and cancel pending mail."""
    kinds = list(kinds)
    set_preferences(member=member, choices={(kind, Channel.MAIL): False for kind in kinds})
    Notification.objects.filter(recipient=member, kind__in=kinds, read_at=None).update(mail_due_at=None)


@transaction.atomic
def set_quiet_hours(*, member: User, start: time, end: time, zone: str) -> None:
    """Postpone mail between two times of day in the time zone `zone`."""
    QuietHours.objects.update_or_create(member=member, defaults={"start": start, "end": end, "zone": zone})


@transaction.atomic
def clear_quiet_hours(*, member: User) -> None:
    """Remove the member's quiet hours."""
    QuietHours.objects.filter(member=member).delete()


@transaction.atomic
def set_digest(*, member: User, frequency: Frequency, weekday: int | None = None, zone: str = "") -> None:
    """Choose how often the member gets the digest; without `weekday` and `zone` these stay as they are.

    A day or week that has had its digest gets no second one.
    """
    add_digest_schedules([member.pk])
    row = DigestSchedule.objects.select_for_update().get(member=member)
    former = (row.frequency, row.weekday, row.zone)
    row.frequency = frequency
    row.weekday = row.weekday if weekday is None else weekday
    row.zone = zone or row.zone
    if (row.frequency, row.weekday, row.zone) == former:
        return
    row.reschedule(timezone.now())
    row.save(update_fields=["frequency", "weekday", "zone", "next_at"])


def add_digest_schedules(member_ids: Collection[int]) -> None:
    """Add the site's default schedule, in the zone of their quiet hours, for those members who have none."""
    zones = dict(QuietHours.objects.filter(member__in=member_ids).values_list("member_id", "zone"))
    rows = [
        DigestSchedule(member_id=pk, zone=zones.get(pk, ""), frequency=settings.DIGEST_DEFAULT)
        for pk in member_ids
    ]
    for row in rows:
        row.schedule_next(timezone.now())
    DigestSchedule.objects.bulk_create(rows, ignore_conflicts=True)


def add_missing_digest_schedules() -> int:
    """Add the default schedule for all members who have none; return how many. In batches, each stored at once."""
    missing = User.objects.filter(
        ~Exists(DigestSchedule.objects.filter(member=OuterRef("pk"))), joined_at__isnull=False
    )
    added = 0
    while batch := list(missing.order_by("pk").values_list("pk", flat=True)[:SCHEDULES_AT_ONCE]):
        add_digest_schedules(batch)
        added += len(batch)
    return added
