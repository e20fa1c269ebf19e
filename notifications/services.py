"""What happens to notifications: they come, are read, are forgotten; and what members choose."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.sockets.publisher import member_topic, publish
from core.tasks import enqueue_on_commit
from feed.models import Post
from network.graph import within_two_degrees
from network.reach import reached_by_mail
from users.models import User

from .kinds import ABOUT, Channel, Kind, channels_of
from .models import Fact, Notification, Preference, QuietHours
from .preferences import Wish, mail_times, wishes

# The same is mailed again after that long at the earliest: to those who read it in mail alone, and where somebody does,
# takes back and does again.
REST = timedelta(hours=1)
# What needs no permission and may be done to any number of people: beyond network.reach, it is not mailed.
ANSWERS = frozenset({Kind.COMMENT, Kind.REPLY, Kind.REACTION, Kind.REPOST, Kind.FOLLOW})
# So often a line may be read in the very moment in which it is told on.
TRIES = 10

_silent: ContextVar[bool] = ContextVar("notifications_silent", default=False)


@dataclass(frozen=True)
class News:
    """Something to tell one member: of which kind, about what, and the row that makes it true (fields of Fact)."""

    recipient_id: int
    kind: Kind
    key: str = ""
    post: Post | None = None
    source: Mapping[str, models.Model] = field(default_factory=dict)

    @property
    def line(self) -> tuple[int, str, str]:
        """What tells one unread line from all others."""
        return self.recipient_id, self.kind.value, self.key


@contextmanager
def silently() -> Iterator[None]:
    """Meanwhile notifications are stored only: no mail, nothing in open tabs. For making a past that nobody lived."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


@transaction.atomic
def tell(*, actor: User, news: Iterable[News]) -> None:
    """Tell members what `actor` did, each at most once: of several news for one member the first counts.

    Everything of one kind about one thing joins the line that the member has not read yet. The actor is told nothing,
    and nobody what they do not want to hear. That each may know of it, the caller has made sure.
    """
    firsts: dict[int, News] = {}
    for item in news:
        if item.recipient_id != actor.pk:
            firsts.setdefault(item.recipient_id, item)
    wanted = wishes(firsts.keys(), {item.kind for item in firsts.values()})
    if not _silent.get():
        wanted -= _mails_of_strangers(actor, firsts.values())
        wanted -= _mails_beyond_reach(actor, firsts.values(), wanted)
    channels = [Channel.PAGE] if _silent.get() else list(Channel)
    told = [
        item
        for _member, item in sorted(firsts.items())
        if any((item.recipient_id, item.kind, channel) in wanted for channel in channels)
    ]
    if not told:
        return
    rows = _open_lines(told, wanted)
    _plan_mail(list(rows.values()), wanted)
    facts = Fact.objects.bulk_create(
        [Fact(notification=rows[item.line], actor=actor, **item.source) for item in told]
    )
    for fact in facts:
        fact.notification.place, fact.notification.latest_at = fact.pk, fact.created_at
    _save(list(rows.values()))
    _announce(list(rows.values()))


def _mails_of_strangers(actor: User, news: Collection[News]) -> set[Wish]:
    """The mails to members whom a stranger names: those find it on their page."""
    named = {item.recipient_id for item in news if item.kind is Kind.MENTION}
    far = named - within_two_degrees(actor, named) if named else set()
    return {(member, Kind.MENTION, Channel.MAIL) for member in far}


def _mails_beyond_reach(actor: User, news: Collection[News], wanted: Collection[Wish]) -> set[Wish]:
    """The mails about answers to more people than one reaches in a day: those find the answer on their page."""
    answers = [
        (item.recipient_id, item.kind, Channel.MAIL)
        for item in sorted(news, key=lambda item: item.kind is Kind.REPLY)  # whose post it is comes first
        if item.kind in ANSWERS
    ]
    mailed = [wish for wish in answers if wish in wanted]
    reached = reached_by_mail(actor, [wish[0] for wish in mailed]) if mailed else set()
    return {wish for wish in mailed if wish[0] not in reached}


def _save(rows: Sequence[Notification]) -> None:
    fields = ["place", "latest_at", "on_page", "mail_due_at"]
    if len(rows) == 1:
        rows[0].save(update_fields=fields)  # the usual case, at a third of the price
    else:
        Notification.objects.bulk_update(rows, fields)


def _open_lines(told: Sequence[News], wanted: set[Wish]) -> dict[tuple[int, str, str], Notification]:
    """The unread line for each of the news, locked; new where there was none. `told` is in the order of members, so
    that two who tell the same members never wait for each other."""
    missing = {item.line: item for item in told}
    found: dict[tuple[int, str, str], Notification] = {}
    for _try in range(TRIES):
        Notification.objects.bulk_create(
            [
                Notification(recipient_id=item.recipient_id, kind=item.kind, key=item.key, post=item.post)
                for item in missing.values()
            ],
            ignore_conflicts=True,
        )
        found |= {(row.recipient_id, row.kind, row.key): row for row in _locked(missing.values())}
        missing = {line: item for line, item in missing.items() if line not in found}
        if not missing:
            break
    else:
        raise RuntimeError("a line was read again and again while it was told on")
    for (member, kind, _key), row in found.items():
        row.on_page = (member, Kind(kind), Channel.PAGE) in wanted
    return found


def _locked(items: Iterable[News]) -> list[Notification]:
    same: dict[tuple[str, str], list[int]] = {}
    for item in items:
        same.setdefault((item.kind.value, item.key), []).append(item.recipient_id)
    lines = Q()
    for (kind, key), members in same.items():
        lines |= Q(kind=kind, key=key, recipient__in=members)
    return list(
        Notification.objects.select_for_update().filter(lines, read_at=None).order_by("recipient", "pk")
    )


def _plan_mail(rows: Sequence[Notification], wanted: set[Wish]) -> None:
    """Say when the mail of each line should leave: one for each line, however much joins it.

    A line of which all was taken back is like a new one.
    """
    if _silent.get():
        return
    waiting = [
        row
        for row in rows
        if (row.recipient_id, Kind(row.kind), Channel.MAIL) in wanted and not row.mail_due_at
    ]
    told = {row.pk for row in waiting if row.mailed_at}
    if told:
        told &= set(
            Fact.objects.holding().filter(notification__in=told).values_list("notification", flat=True)
        )
    mailed = [row for row in waiting if row.pk not in told]
    if not mailed:
        return
    now = timezone.now()
    times = mail_times({row.recipient_id for row in mailed}, now)
    for row in mailed:
        last = _last_mailed(row)
        row.mail_due_at = max(times[row.recipient_id], last + REST) if last else times[row.recipient_id]
    due = sorted({row.recipient_id for row in mailed if row.mail_due_at and row.mail_due_at <= now})
    if due:
        enqueue_on_commit("notifications.mail", members=due)


def _last_mailed(row: Notification) -> datetime | None:
    """When the same was mailed last, where that was not read on the page: an unread conversation is one mail anyway."""
    if row.on_page or row.kind == Kind.MESSAGE:
        return row.mailed_at
    former = Notification.objects.filter(recipient=row.recipient_id, kind=row.kind, key=row.key)
    last: datetime | None = former.aggregate(last=models.Max("mailed_at"))["last"]
    return last


def _announce(rows: Sequence[Notification]) -> None:
    for row in rows:
        if row.on_page and not _silent.get():
            publish(member_topic(row.recipient_id), {"type": "notifications.changed", "notification": row.pk})


@transaction.atomic
def mark_read(*, notification: Notification) -> None:
    """The member has seen to it; a mail that still waits is not needed. Twice is once."""
    read = Notification.objects.filter(pk=notification.pk, read_at=None).update(
        read_at=timezone.now(), mail_due_at=None
    )
    if read:
        _announce([notification])


@transaction.atomic
def mark_all_read(*, member: User, up_to: int | None = None) -> None:
    """The same for all that stands on the member's page, or what stood there when `up_to` was the newest place."""
    unread = Notification.objects.filter(recipient=member, on_page=True, read_at=None)
    if up_to is not None:
        unread = unread.filter(place__lte=up_to)
    if unread.update(read_at=timezone.now(), mail_due_at=None):
        publish(member_topic(member.pk), {"type": "notifications.changed", "notification": None})


@transaction.atomic
def forget_between(*, one: User, two: User) -> None:
    """Two members vanish for each other: what one did is not told to the other any more, even after they make up."""
    Fact.objects.filter(
        Q(notification__recipient=one, actor=two) | Q(notification__recipient=two, actor=one)
    ).delete()
    facts = Fact.objects.filter(notification=OuterRef("pk"))
    empty = Notification.objects.filter(~Exists(facts), recipient__in=[one, two])
    ids = [row.pk for row in empty.select_for_update().order_by("recipient", "pk")]
    # A line that somebody told on meanwhile is not empty any more.
    empty.filter(pk__in=ids).delete()
    for member in (one, two):
        publish(member_topic(member.pk), {"type": "notifications.changed", "notification": None})


@transaction.atomic
def choose(*, member: User, choices: Mapping[tuple[Kind, Channel], bool]) -> None:
    """Store what the member wants of each kind and channel; only what differs from the default takes a row."""
    for (kind, channel), wanted in choices.items():
        if channel not in channels_of(kind):
            continue
        same = Preference.objects.filter(member=member, kind=kind, channel=channel)
        if wanted == ABOUT[kind].default(channel):
            same.delete()
        else:
            Preference.objects.update_or_create(
                member=member, kind=kind, channel=channel, defaults={"wanted": wanted}
            )


@transaction.atomic
def stop_mail(*, member: User, kinds: Iterable[Kind]) -> None:
    """No mail about these kinds from now on, nor any that waits."""
    kinds = list(kinds)
    choose(member=member, choices={(kind, Channel.MAIL): False for kind in kinds})
    Notification.objects.filter(recipient=member, kind__in=kinds, read_at=None).update(mail_due_at=None)


@transaction.atomic
def set_quiet_hours(*, member: User, start: time, end: time, zone: str) -> None:
    """Let mail wait between two times of the day, in the time zone `zone`."""
    QuietHours.objects.update_or_create(member=member, defaults={"start": start, "end": end, "zone": zone})


@transaction.atomic
def clear_quiet_hours(*, member: User) -> None:
    """Let mail leave at any time."""
    QuietHours.objects.filter(member=member).delete()
