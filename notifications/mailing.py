"""The mail to one member: what is due, unread and still true, in one message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.mail import send_template
from network.models import Member, available_to
from users.models import User

from .away import online_among, unread_conversations
from .kinds import Channel, Kind
from .lines import Line, lines
from .models import Notification
from .preferences import mail_times, wishes
from .tokens import token_for

# Who reads at the moment sees it there; what is unread still so much later is mailed.
LATER = timedelta(minutes=15)
# What does not fit into one mail is behind its link.
MOST = 20
# Lists of mails show a line of words behind the subject; where the preview is short, nothing but this follows it.
BLANKS = "\u034f\u200c\u00a0" * 80


@dataclass(frozen=True)
class Item:
    """One line of a mail: its address is the notification's, which marks it read and leads on."""

    text: str
    html: str
    excerpt: str
    url: str
    # What the button or link says.
    act: str


@transaction.atomic
def send_due(*, member_id: int, now: datetime | None = None) -> bool:
    """Send the member what is due, merged into one mail; returns whether one was sent.

    Nothing leaves in quiet hours or to one who reads at the moment: it waits on. What was read, taken back, or is not
    wanted by mail any more, waits no longer. Two who send at once send once.
    """
    now = now or timezone.now()
    due = list(
        Notification.objects.select_for_update()
        .filter(recipient=member_id)
        .unread()
        .due(now)
        .order_by("-place")
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
    told = lines(_wanted(due, member), member) if member else []
    if member and told:
        _send(member, told)
    sent = [line.notification for line in told]
    # Each row once: a row that its own transaction changed before has its references checked again when that commits
    # (PostgreSQL), which locks the post, and so could wait for one who holds the post and waits for this row.
    _all_of(due).exclude(pk__in=[row.pk for row in sent]).update(mail_due_at=None)
    # What stands on no page cannot be read there: the mail was the reading.
    read = Case(When(on_page=False, then=Value(now)), default=F("read_at"))
    _all_of(sent).update(mail_due_at=None, mailed_at=now, read_at=read)
    return bool(told)


def members_with_due_mail(now: datetime) -> list[int]:
    """Who has mail that should leave by `now`."""
    waiting = Notification.objects.unread().due(now)
    return sorted(set(waiting.values_list("recipient_id", flat=True)))


def _all_of(rows: Sequence[Notification]) -> Any:
    return Notification.objects.filter(pk__in=[row.pk for row in rows])


def _wanted(due: Sequence[Notification], member: User) -> list[Notification]:
    """Those that still hold, are wanted by mail, and were not read elsewhere."""
    holding = set(_all_of(due).holding().values_list("pk", flat=True))
    kinds = wishes([member.pk], {Kind(row.kind) for row in due})
    rows = [row for row in due if row.pk in holding and (member.pk, Kind(row.kind), Channel.MAIL) in kinds]
    chats = {row.pk: int(row.key.partition(":")[2]) for row in rows if row.kind == Kind.MESSAGE}
    waiting = unread_conversations(member.pk, chats.values()) if chats else set()
    return [row for row in rows if row.pk not in chats or chats[row.pk] in waiting]


def _send(member: User, told: Sequence[Line]) -> None:
    kinds = {Kind(line.notification.kind) for line in told}
    only = kinds.pop() if len(kinds) == 1 else None
    stop = absolute(reverse("notifications:unsubscribe", args=[token_for(member.pk, only)]))
    context = {
        "member": member,
        "items": [_item(line) for line in told[:MOST]],
        "more": max(len(told) - MOST, 0),
        "subject": _subject(told),
        # In the list of mails, behind the subject.
        "preview": told[0].excerpt or told[0].text,
        "blanks": BLANKS,
        "count": len(told),
        "kind": only.label if only else "",
        "stop_url": stop,
        "page_url": absolute(reverse("notifications:page")),
        "preferences_url": absolute(reverse("notifications:preferences")),
        "site_url": absolute("/"),
    }
    headers = {
        "List-Unsubscribe": f"<{stop}>",  # RFC 2369
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        "Auto-Submitted": "auto-generated",  # RFC 3834: no answers of the kind "I am on holiday"
    }
    send_template(to=member.email, template="notifications/mail/news", context=context, headers=headers)


def _subject(told: Sequence[Line]) -> str:
    first, more = told[0].subject, len(told) - 1
    if not more:
        return first
    words = ngettext("%(first)s, and %(more)s more", "%(first)s, and %(more)s more", more)
    return words % {"first": first, "more": more}


def _item(line: Line) -> Item:
    path = line.url if not line.notification.on_page else line.notification.get_absolute_url()
    return Item(line.text, line.html, line.excerpt, absolute(path), _act(line))


def _act(line: Line) -> str:
    kind = Kind(line.notification.kind)
    if kind in {Kind.CONNECTION, Kind.FOLLOW}:
        return _("See the profile") if line.count == 1 else _("See who")
    return str(_ACTS[kind])


_ACTS = {
    Kind.INVITATION: gettext_lazy("Answer the invitation"),
    Kind.REACTION: gettext_lazy("See the post"),
    Kind.COMMENT: gettext_lazy("Read the comment"),
    Kind.REPLY: gettext_lazy("Read the reply"),
    Kind.MENTION: gettext_lazy("Read it on LinkUp"),
    Kind.REPOST: gettext_lazy("See the post"),
    Kind.MESSAGE: gettext_lazy("Read the message"),
}


def absolute(path: str) -> str:
    """The whole address of a page of this site."""
    return settings.SITE_URL.rstrip("/") + path
