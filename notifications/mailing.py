"""Notification mail: when it is due, and one message for all that is due, unread and still valid."""

import logging
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Case, Exists, F, Max, OuterRef, QuerySet, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.database.compiled_queries import CompiledQuery
from core.mail import MailClass, Subscription, declare_mail, send_template
from core.mail_headers import LONGEST_SUBJECT
from core.tasks import enqueue_on_commit
from network.models import Member, available_to
from users.models import User

from .away import online_among, quote_unread_messages, unread_conversations
from .display.notification_view import NotificationView, build_views
from .kinds import Channel, Kind
from .models import Activity, Notification
from .preferences.deliveries import Delivery, mail_times, wanted_deliveries
from .preferences.unsubscribe_tokens import token_for
from .replies.cutting import MARK
from .replies.reply_addresses import TargetKind, find_target, make_reply_address

logger = logging.getLogger(__name__)

TEMPLATE = declare_mail("notifications/mail/notifications", MailClass.NOTIFICATION)

# Delay of mail to members with a page in view; it is sent if the notification is still unread then.
LATER = timedelta(minutes=15)
# Minimum time between two mails about the same thing: for members who read it by mail alone, and where an actor undoes
# and repeats an action.
REST = timedelta(hours=1)
# Most notifications in one mail; the rest is behind a link.
MOST = 20
EXCERPT_WIDTH = 56

_ACTION_LABELS = {
    Kind.INVITATION: gettext_lazy("Answer the invitation"),
    Kind.REACTION: gettext_lazy("See the post"),
    Kind.COMMENT: gettext_lazy("Read the comment"),
    Kind.REPLY: gettext_lazy("Read the reply"),
    Kind.MENTION: gettext_lazy("Read it"),
    Kind.REPOST: gettext_lazy("See the post"),
    Kind.MESSAGE: gettext_lazy("Read the message"),
}


@dataclass(frozen=True)
class MailItem:
    """One notification in a mail. Its address is the notification's, which marks it read and redirects."""

    text: str
    html: str
    excerpt: str
    url: str
    # The label of the button or link.
    action_label: str

    @property
    def excerpt_lines(self) -> list[str]:
        """The excerpt for the text part, in lines so short that no mail program folds them when it quotes them."""
        wrapper = textwrap.TextWrapper(EXCERPT_WIDTH, break_long_words=False, break_on_hyphens=False)
        return [line for text in self.excerpt.split("\n") for line in wrapper.wrap(text)]

    @classmethod
    def from_view(cls, view: NotificationView) -> Self:
        notification = view.notification
        path = notification.get_absolute_url() if notification.on_page else view.url
        kind = Kind(notification.kind)
        if kind in {Kind.CONNECTION, Kind.FOLLOW}:
            label = _("See the profile") if view.count == 1 else _("See who")
        else:
            label = str(_ACTION_LABELS[kind])
        return cls(view.text, view.html, view.excerpt, absolute_url(path), label)


def schedule_mail(rows: Sequence[Notification], wanted: set[Delivery]) -> None:
    """Set when the mail of each notification is due (not saved yet): one each, however many activities join it.

    A notification whose mailed activities were all taken back is mailed like a new one.
    """
    unscheduled = [
        row
        for row in rows
        if (row.recipient_id, Kind(row.kind), Channel.MAIL) in wanted and not row.mail_due_at
    ]
    mailed = {row.pk for row in unscheduled if row.mailed_at}
    if mailed:
        mailed = {pk for (pk,) in _WITH_VALID_ACTIVITY.fetch(notifications=mailed)}
    unmailed = [row for row in unscheduled if row.pk not in mailed]
    if not unmailed:
        return
    now = timezone.now()
    times = mail_times({row.recipient_id for row in unmailed}, now)
    for row in unmailed:
        if row.on_page or row.kind == Kind.MESSAGE:
            last = row.mailed_at  # an unread conversation has one mail anyway
        else:
            same = Notification.objects.filter(recipient=row.recipient_id, kind=row.kind, key=row.key)
            last = same.aggregate(last=Max("mailed_at"))["last"]
        row.mail_due_at = max(times[row.recipient_id], last + REST) if last else times[row.recipient_id]
    due = sorted({row.recipient_id for row in unmailed if row.mail_due_at and row.mail_due_at <= now})
    if due:
        enqueue_on_commit("notifications.mail", members=due)


def _with_valid_activity_query(notifications: Collection[int]) -> "QuerySet[Notification, tuple[int]]":
    valid = Activity.objects.still_valid().filter(notification=OuterRef("pk"))
    return Notification.objects.filter(Exists(valid), pk__in=notifications).values_list("pk")


_WITH_VALID_ACTIVITY = CompiledQuery(_with_valid_activity_query, pad_to=1)


@transaction.atomic
def send_due(*, member_id: int, now: datetime | None = None) -> bool:
    """Send all due notifications of the member in one mail; return whether a mail was sent.

    In quiet hours, and while the member has a page in view, the mail is postponed. Notifications that were read or
    taken back, or whose kind is turned off for mail, are no longer due. Concurrent calls send one mail.
    """
    now = now or timezone.now()
    due = list(
        Notification.objects.select_for_update()
        .filter(recipient=member_id)
        .unread()
        .due(now)
        .order_by("-sort_key")
    )
    if not due:
        return False
    moment = mail_times([member_id], now)[member_id]
    if moment == now and online_among([member_id]):
        moment = now + LATER
    if moment > now:
        _all_of(due).update(mail_due_at=moment)
        return False
    member = Member.objects.filter(available_to(AnonymousUser()), pk=member_id).first()
    views = build_views(_select_for_mail(due, member), member) if member else []
    if member and views:
        _send_mail(member, views)
    sent = [view.notification for view in views]
    # Update each row once: PostgreSQL checks the references of a row that its own transaction changed twice again at
    # commit, which locks the post, and could deadlock with a transaction that holds the post and waits for this row.
    _all_of(due).exclude(pk__in=[row.pk for row in sent]).update(mail_due_at=None)
    # A notification that is on no page cannot be marked read there: it counts as read once it is mailed.
    read = Case(When(on_page=False, then=Value(now)), default=F("read_at"))
    _all_of(sent).update(mail_due_at=None, mailed_at=now, read_at=read)
    return bool(views)


def members_with_due_mail(now: datetime) -> list[int]:
    """The ids of the members who have mail due by `now`, sorted."""
    waiting = Notification.objects.unread().due(now)
    return sorted(set(waiting.values_list("recipient_id", flat=True)))


def send_all_due() -> int:
    """Send the due mail of all members; return the number of mails."""
    sent = 0
    for member in members_with_due_mail(timezone.now()):
        try:
            sent += send_due(member_id=member)
        except Exception:
            # One failure must not stop the mails to other members; it is tried again next time.
            logger.exception("the mail to member %d could not be sent", member)
    return sent


def _all_of(rows: Sequence[Notification]) -> Any:
    return Notification.objects.filter(pk__in=[row.pk for row in rows])


def _select_for_mail(due: Sequence[Notification], member: User) -> list[Notification]:
    """Those of `due` that are still valid, wanted by mail, and not read elsewhere."""
    valid = set(_all_of(due).still_valid().values_list("pk", flat=True))
    wanted = wanted_deliveries([member.pk], {Kind(row.kind) for row in due})
    rows = [row for row in due if row.pk in valid and (member.pk, Kind(row.kind), Channel.MAIL) in wanted]
    conversations = {row.pk: int(row.key.partition(":")[2]) for row in rows if row.kind == Kind.MESSAGE}
    unread = unread_conversations(member.pk, conversations.values()) if conversations else set()
    return [row for row in rows if row.pk not in conversations or conversations[row.pk] in unread]


def _send_mail(member: User, views: Sequence[NotificationView]) -> None:
    kinds = {Kind(view.notification.kind) for view in views}
    only = kinds.pop() if len(kinds) == 1 else None
    stop = absolute_url(reverse("notifications:unsubscribe", args=[token_for(member.pk, only)]))
    target = find_target(member, views)
    items = [MailItem.from_view(view) for view in views[:MOST]]
    if target and target.kind is TargetKind.CONVERSATION:
        # Other mails do not contain messages; an answer needs to know what it answers.
        items[0] = replace(items[0], excerpt=quote_unread_messages(member, target.pk, target.seen))
    context = {
        "member": member,
        "reply_mark": MARK if target else "",
        "items": items,
        "more": max(len(views) - MOST, 0),
        "subject": _write_subject(views),
        "preview": items[0].excerpt or items[0].text,
        "count": len(views),
        "kind": only.label if only else "",
        "stop_url": stop,
        "page_url": absolute_url(reverse("notifications:page")),
        "preferences_url": absolute_url(reverse("notifications:preferences")),
    }
    send_template(
        to=member.email,
        template=TEMPLATE,
        context=context,
        subscription=Subscription(f"{only or 'all'}.notifications", stop),
        thread=_find_thread(views),
        headers={"Reply-To": make_reply_address(target)} if target else None,
    )


def _write_subject(views: Sequence[NotificationView]) -> str:
    """What happened last, and how many other things did: the name is shortened so that all of it fits."""
    more = len(views) - 1
    if not more:
        return views[0].write_subject(LONGEST_SUBJECT)
    words = ngettext("%(first)s, and %(more)s more", "%(first)s, and %(more)s more", more)
    room = LONGEST_SUBJECT - len(words % {"first": "", "more": more})
    return words % {"first": views[0].write_subject(room), "more": more}


def _find_thread(views: Sequence[NotificationView]) -> str:
    """The post or conversation that all of the mail is about; "" when there is none, or several."""
    matters = {_find_matter(view.notification) for view in views}
    return matters.pop() if len(matters) == 1 else ""


def _find_matter(row: Notification) -> str:
    if row.kind == Kind.MESSAGE:
        return f"conversation.{row.key.partition(':')[2]}"
    return f"post.{row.post_id}" if row.post_id else ""


def absolute_url(path: str) -> str:
    """The absolute URL of a path of this site."""
    return settings.SITE_URL.rstrip("/") + path
