"""The page of one conversation as one member sees it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from core.database.compiled_queries import CompiledQuery
from core.web.fragments import FragmentCache
from network.models import Member, available_to
from users.models import User

from .. import presence
from ..models import Conversation, Membership
from ..models.conversation import MembershipQuerySet
from ..services.send import MAX_UNANSWERED_MESSAGES
from . import inbox
from .history import HistoryWindow
from .inbox import InboxRow
from .rendering import EntryForViewer, entries_for, member_ids_in

# Repeat the author's name after a gap of this length.
NAME_AGAIN_AFTER = timedelta(minutes=10)
# Years of days, about 300 bytes each.
MAX_DAYS = 1000

_DAYS = FragmentCache("messaging/_day.html", "heading", max_entries=MAX_DAYS)


@dataclass(frozen=True)
class EntryRow:
    """A entry, and how it stands among the others."""

    entry: EntryForViewer
    # The day that begins with it, or None.
    day: date | None
    # Whether it is the first that the viewer has not read.
    is_first_unread: bool
    # Whether the entry before is of the same author and day, so that the author is not named again.
    follows: bool
    # The state of an own message: sent, delivered or read; else empty.
    mark: str


class EntryGroup(NamedTuple):
    """Consecutive entries with the days that begin among them, perhaps below the line above the first unread one."""

    is_first_unread: bool
    html: SafeString


class DayView(NamedTuple):
    """The heading of a day; `more` is "true" or "false" in the first one of a part: whether there are older entries."""

    day: date
    more: str


@dataclass(frozen=True)
class ConversationPage:
    """Everything that the page of a conversation shows beside the list."""

    mine: Membership
    conversation: Conversation
    window: HistoryWindow
    entry_rows: list[EntryRow]
    # The other member of a direct conversation, if available to the viewer.
    other: Member | None
    presence: dict[str, object]
    cursors: list[dict[str, int]]
    members: int
    sent_unanswered: int
    waits: bool

    @property
    def title(self) -> str:
        if not self.conversation.is_direct:
            return self.conversation.title
        return self.other.display_name if self.other else _("Member not available")

    @property
    def cursors_json(self) -> str:
        return json.dumps(self.cursors)

    @property
    def is_reachable(self) -> bool:
        """Whether there is a member to write to."""
        return self.other is not None or not self.conversation.is_direct

    @property
    def is_full(self) -> bool:
        """Whether the request has as many messages as it may have until it is answered."""
        return self.waits and self.sent_unanswered >= MAX_UNANSWERED_MESSAGES

    @property
    def newest(self) -> int:
        """The newest number that the page shows."""
        return self.window.last if self.window.has_later else self.conversation.last_seq


@dataclass(frozen=True)
class ConversationSidebar:
    """The viewer's membership, and the memberships of the list beside the conversation."""

    mine: Membership
    memberships: list[Membership]
    next: str
    requests: int


def load_sidebar(viewer: User, conversation_id: int) -> ConversationSidebar | None:
    """Return the viewer's membership with those of the list beside it, or None for a non-member. One query."""
    size = inbox.PAGE_SIZE
    found = _SIDEBAR.fetch(viewer=viewer.pk, conversation=conversation_id)
    mine = next((row for row in found if row.conversation_id == conversation_id), None)
    if mine is None:
        return None
    box = [
        row
        for row in found
        if row.is_request == mine.is_request and (row.declined_at is None or not row.is_request)
    ]
    page = box[:size]
    requests = [row for row in found if row.is_request and row.declined_at is None]
    return ConversationSidebar(
        mine, page, str(page[-1].sort_key) if len(box) > size else "", min(len(requests), size)
    )


def build_conversation_page(
    viewer: User, sidebar: ConversationSidebar, window: HistoryWindow
) -> tuple[ConversationPage, list[InboxRow]]:
    """Return what the page of a conversation shows, and the rows of the list beside it. Up to five queries."""
    mine, conversation = sidebar.mine, sidebar.mine.conversation
    others = _OTHERS.fetch(viewer=viewer.pk, conversation=conversation.pk)
    other_id = conversation.other_id(viewer.pk) if conversation.is_direct else 0
    data = inbox.load_inbox_data([*sidebar.memberships, mine], viewer, member_ids_in(window.entries, viewer))
    cursors = [
        {"member": row.member_id, "delivered": row.delivered_seq, "read": row.read_seq}
        for row in others
        if row.is_there and row.accepted_at  # type: ignore[attr-defined]  # annotated above
    ]
    entries = entries_for(window.entries, mine, viewer, data.known)
    waits = conversation.is_direct and any(row.is_request for row in others)
    page = ConversationPage(
        mine=mine,
        conversation=conversation,
        window=window,
        entry_rows=build_entry_rows(entries, mine, cursors),
        other=data.known.get(other_id),
        presence=presence.describe(other_id, data.presences.get(other_id), timezone.now())
        if other_id in data.known
        else {},
        cursors=cursors,
        members=len(others) + 1,
        sent_unanswered=sum(each.entry.is_message and each.is_mine for each in entries) if waits else 0,
        waits=waits,
    )
    return page, inbox.build_rows(sidebar.memberships, viewer, data)


def build_entry_rows(
    entries: Sequence[EntryForViewer], mine: Membership, cursors: Sequence[dict[str, int]]
) -> list[EntryRow]:
    """Return the entries with their days, runs of one author, the first unread one, and the state of own messages."""
    rows: list[EntryRow] = []
    before: EntryForViewer | None = None
    is_divided = mine.unread == 0
    for shown in entries:
        entry = shown.entry
        is_new_day = before is None or _day_of(before) != _day_of(shown)
        is_first_unread = (
            not is_divided and entry.is_message and not shown.is_mine and entry.seq > mine.read_seq
        )
        is_divided = is_divided or is_first_unread
        # The author is not named again above a message that follows the last one closely.
        follows = (
            before is not None
            and not (is_new_day or is_first_unread)
            and (before.entry.is_message and entry.is_message)
            and before.entry.author_id == entry.author_id
            and entry.created_at - before.entry.created_at < NAME_AGAIN_AFTER
        )
        mark = mark_of(entry.seq, cursors) if shown.is_mine and entry.is_message else ""
        rows.append(EntryRow(shown, _day_of(shown) if is_new_day else None, is_first_unread, follows, mark))
        before = shown
    return rows


def group_entries(
    rows: Sequence[EntryRow], *, found: int | None = None, more: bool | None = None
) -> list[EntryGroup]:
    """Return the entries with their days as HTML, cut where the unread ones begin.

    `found` is the number of a found entry; `more` is given for a part of the page: whether there are older entries.
    """
    more_once = "" if more is None else str(more).lower()
    groups: list[tuple[bool, list[SafeString]]] = [(False, [])]
    for row in rows:
        if row.day:
            groups[-1][1].append(_DAYS.render(DayView(row.day, more_once)))
            more_once = ""
        if row.is_first_unread:
            groups.append((True, []))
        is_found = row.entry.entry.seq == found
        groups[-1][1].append(row.entry.render(follows=row.follows, mark=row.mark, is_found=is_found))
    return [EntryGroup(is_first_unread, mark_safe("".join(parts))) for is_first_unread, parts in groups]


def mark_of(seq: int, cursors: Sequence[dict[str, int]]) -> str:
    """Return the state of an own message: "sent", "delivered" when all others have received it, "read" when all have
    read it."""
    if cursors and all(cursor["read"] >= seq for cursor in cursors):
        return "read"
    return "delivered" if cursors and all(cursor["delivered"] >= seq for cursor in cursors) else "sent"


def _sidebar_query(viewer: int, conversation: int) -> MembershipQuerySet:
    member, size = User(pk=viewer), inbox.PAGE_SIZE
    tops = [
        list_of.order_by("-sort_key").values("pk")[: size + 1]
        for list_of in (Membership.objects.inbox(member), Membership.objects.requests(member))
    ]
    wanted = Q(conversation=conversation) | Q(pk__in=tops[0]) | Q(pk__in=tops[1])
    return Membership.objects.of(member).filter(wanted).select_related("conversation").order_by("-sort_key")


def _others_query(viewer: int, conversation: int) -> MembershipQuerySet:
    available = ExpressionWrapper(available_to(User(pk=viewer), "member"), BooleanField())
    return (
        Membership.objects.within(conversation)
        .exclude(member=viewer)
        .annotate(is_there=available)
        .order_by("pk")
    )


_SIDEBAR = CompiledQuery(_sidebar_query)
_OTHERS = CompiledQuery(_others_query)


def _day_of(shown: EntryForViewer) -> date:
    return timezone.localdate(shown.entry.created_at)
