"""The list of conversations: the other members, the newest message, and the number of unread ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import MAX_ID, Page, id_cursor, make_page
from core.text.cleaning import clean_line
from core.web.fragments import FragmentCache
from network.models import Member
from theme.templatetags.theme import measure_age
from users.models import MemberView, User

from .. import presence
from ..models import Entry, Membership, Presence
from ..models.conversation import MembershipQuerySet
from ..models.entry import EntryQuerySet
from .rendering import load_members

PAGE_SIZE = 20
MAX_REQUESTS_COUNTED = 20
LONGEST_SNIPPET = 120
# Characters of a message that a snippet is made of.
LONGEST_LOOKED_AT = 2000
# About 2 kB each.
MAX_ROWS = 2000

_ROWS = FragmentCache("messaging/_inbox_row.html", "row", max_entries=MAX_ROWS)


class InboxRowView(NamedTuple):
    """Everything that `_inbox_row.html` shows of a conversation: viewers with equal ones share its HTML."""

    conversation: int
    unread: int
    sort_key: int
    box: str
    is_direct: bool
    is_muted: bool
    is_current: bool
    is_online: bool
    is_mine: bool
    other: MemberView | None
    title: str
    # The author of the newest message in a group, where the snippet names them.
    speaker: str
    # The beginning of the newest message, or else what is said of it.
    snippet_html: str
    note: str
    at: datetime | None
    # Age and current year, by theme.templatetags.theme.measure_age.
    age: tuple[str, int] | None
    year: int

    @property
    def snippet(self) -> str:
        """The newest message in one line."""
        return clean_line(unescape(strip_tags(self.snippet_html)))[:LONGEST_SNIPPET] or self.note


@dataclass(frozen=True)
class InboxRow:
    """One conversation in the list of one viewer."""

    membership: Membership
    # The other member of a direct conversation, if available to the viewer.
    other: Member | None
    newest: Entry | None
    # The author of the newest entry; None for the viewer and for members who are not available to the viewer.
    speaker: Member | None
    is_mine: bool
    is_online: bool

    @property
    def is_hidden(self) -> bool:
        """Whether the newest message is of a group's member who is not available to the viewer."""
        entry = self.newest
        if entry is None or self.membership.conversation.is_direct or not entry.is_message:
            return False
        return entry.author_id is not None and not self.is_mine and self.speaker is None

    @property
    def title(self) -> str:
        conversation = self.membership.conversation
        if not conversation.is_direct:
            return conversation.title
        return self.other.display_name if self.other else _("Member not available")

    @property
    def note(self) -> str:
        """What is said of the newest entry where it has no words, or none that the viewer may read."""
        entry = self.newest
        if entry is None:
            return ""
        if self.is_hidden:
            return _("A message of a member who is not available to you")
        if entry.deleted_at:
            return _("Message deleted")
        if not entry.is_message:
            return _("New members")
        return _("Attachment") if entry.attached else ""

    def build_view(self, now: datetime, year: int, *, current: int = 0) -> InboxRowView:
        """What the row shows at `now`; `current` is the id of the conversation that is open."""
        mine, entry = self.membership, self.newest
        is_direct = mine.conversation.is_direct
        is_said = entry is not None and entry.is_message and not self.is_hidden
        has_words = is_said and entry is not None and not entry.deleted_at
        return InboxRowView(
            conversation=mine.conversation_id,
            unread=mine.unread,
            sort_key=mine.sort_key,
            box="inbox" if mine.accepted_at else "declined" if mine.declined_at else "requests",
            is_direct=is_direct,
            is_muted=mine.muted,
            is_current=mine.conversation_id == current,
            is_online=self.is_online,
            is_mine=is_said and self.is_mine,
            other=self.other.cache_key() if self.other else None,
            title=self.title,
            speaker=self.speaker.display_name if is_said and self.speaker and not is_direct else "",
            snippet_html=entry.html[:LONGEST_LOOKED_AT] if entry is not None and has_words else "",
            note=self.note,
            at=entry.created_at if entry else None,
            age=measure_age(entry.created_at, now) if entry else None,
            year=year,
        )


def load_page(viewer: User, cursor: str | None, *, of_requests: bool = False) -> Page[Membership]:
    """Return the page of the viewer's list after `cursor`, or of the requests, those with the newest message first."""
    before = id_cursor(cursor)
    query = _REQUESTS if of_requests else _INBOX
    found = query.fetch(viewer=viewer.pk, before=MAX_ID if before is None else before)
    return make_page(found, PAGE_SIZE, lambda row: str(row.sort_key))


def count_requests(viewer: User) -> int:
    """Return the number of the viewer's requests, at most MAX_REQUESTS_COUNTED."""
    return len(_REQUEST_IDS.fetch(viewer=viewer.pk))


def _page_query(memberships: MembershipQuerySet, before: int) -> MembershipQuerySet:
    # Only conversations without a message have equal sort keys, and only their owner sees those.
    older = memberships.filter(sort_key__lt=before).select_related("conversation")
    return older.order_by("-sort_key")[: PAGE_SIZE + 1]


def _inbox_query(viewer: int, before: int) -> MembershipQuerySet:
    return _page_query(Membership.objects.inbox(User(pk=viewer)), before)


def _requests_query(viewer: int, before: int) -> MembershipQuerySet:
    return _page_query(Membership.objects.requests(User(pk=viewer)), before)


def _request_ids_query(viewer: int) -> "QuerySet[Membership, tuple[int]]":
    return Membership.objects.requests(User(pk=viewer)).values_list("pk")[:MAX_REQUESTS_COUNTED]


def _entries_query(entries: Collection[int]) -> EntryQuerySet:
    return Entry.objects.filter(pk__in=entries)


_INBOX = CompiledQuery(_inbox_query)
_REQUESTS = CompiledQuery(_requests_query)
_REQUEST_IDS = CompiledQuery(_request_ids_query)
_ENTRIES = CompiledQuery(_entries_query)


@dataclass(frozen=True)
class InboxData:
    """What the rows of the list are built from."""

    newest: dict[int, Entry]
    # By direct conversation, the id of the other member.
    others: dict[int, int]
    known: dict[int, Member]
    presences: dict[int, Presence]


def load_inbox_data(memberships: Sequence[Membership], viewer: User, also: Collection[int] = ()) -> InboxData:
    """Load what `build_rows` needs, and the members `also`. Three queries."""
    newest_ids = [membership.sort_key for membership in memberships]
    newest = {entry.conversation_id: entry for entry in _ENTRIES.fetch(entries=newest_ids)}
    others = {
        membership.conversation_id: membership.conversation.other_id(viewer.pk)
        for membership in memberships
        if membership.conversation.is_direct
    }
    speakers = {entry.author_id for entry in newest.values() if entry.author_id}
    known = load_members({*others.values(), *speakers, *also}, viewer)
    return InboxData(newest, others, known, presence.by_member(set(others.values()), viewer))


def build_rows(
    memberships: Sequence[Membership], viewer: User, data: InboxData | None = None
) -> list[InboxRow]:
    """Return the rows of the list for these memberships of the viewer, in their order. Three queries, or none with the
    `data` of load_inbox_data."""
    found = data or load_inbox_data(memberships, viewer)
    online = online_ids(found.presences)
    rows = []
    for membership in memberships:
        newest = found.newest.get(membership.conversation_id)
        other = found.known.get(found.others.get(membership.conversation_id, 0))
        is_mine = newest is not None and newest.author_id == viewer.pk
        speaker = None if newest is None or is_mine else found.known.get(newest.author_id or 0)
        is_online = other is not None and other.pk in online
        rows.append(InboxRow(membership, other, newest, speaker, is_mine, is_online))
    return rows


def online_ids(presences: dict[int, Presence]) -> set[int]:
    """Return the ids of the members who are online."""
    now = timezone.now()
    return {pk for pk, row in presences.items() if row.until > now}


def render_rows(rows: Sequence[InboxRow], *, current: int = 0) -> SafeString:
    """Render rows of the list one after the other; `current` is the id of the conversation that is open."""
    now, year = timezone.now(), timezone.localtime().year
    return _ROWS.render_joined([row.build_view(now, year, current=current) for row in rows])


def render_row(membership: Membership, viewer: User) -> str:
    """Render the row of one conversation."""
    return render_rows(build_rows([membership], viewer))
