"""The page of one conversation as one member sees it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from network.models import Member, available_to
from users.models import User

from .. import presence
from ..models import Conversation, Membership
from ..services.send import MOST_UNANSWERED
from . import inbox
from .history import Window
from .inbox import Row
from .rendering import Line, lines, people_in

# Past this, one who goes on writing is named anew.
BREATH = timedelta(minutes=10)


@dataclass(frozen=True)
class Place:
    """A line, and how it stands among the others."""

    line: Line
    # The day that begins with it.
    day: date | None
    # Whether what the viewer has not read begins with it.
    is_first_unread: bool
    # Whether the line before is of the same author and day, so that nobody needs to be named again.
    follows: bool
    # What became of an own message: sent, delivered or read.
    mark: str


@dataclass(frozen=True)
class Talk:
    """Everything on the right side of the page."""

    mine: Membership
    conversation: Conversation
    window: Window
    places: list[Place]
    # The other end of a conversation of two, as far as it exists for the viewer.
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
        """Whether the other end is there to be written to."""
        return self.other is not None or not self.conversation.is_direct

    @property
    def is_full(self) -> bool:
        """Whether a request holds as many messages as it may until it is answered."""
        return self.waits and self.sent_unanswered >= MOST_UNANSWERED

    @property
    def newest(self) -> int:
        """The newest number that the page knows of."""
        return self.window.last if self.window.has_later else self.conversation.last_seq


@dataclass(frozen=True)
class Standing:
    """The viewer's side of a conversation, and what stands in the list beside it. One query."""

    mine: Membership
    beside: list[Membership]
    next: str
    requests: int


def standing(viewer: User, conversation_id: int) -> Standing | None:
    """The viewer's membership with the list beside it, or None where the viewer is not in. One query."""
    size = inbox.PAGE_SIZE
    tops = [
        list_of.order_by("-place").values("pk")[: size + 1]
        for list_of in (Membership.objects.inbox(viewer), Membership.objects.requests(viewer))
    ]
    wanted = Q(conversation=conversation_id) | Q(pk__in=tops[0]) | Q(pk__in=tops[1])
    found = list(
        Membership.objects.of(viewer).filter(wanted).select_related("conversation").order_by("-place")
    )
    mine = next((row for row in found if row.conversation_id == conversation_id), None)
    if mine is None:
        return None
    box = [row for row in found if row.is_request == mine.is_request and _is_listed(row)]
    page = box[:size]
    requests = [row for row in found if row.is_request and row.declined_at is None]
    return Standing(mine, page, str(page[-1].place) if len(box) > size else "", min(len(requests), size))


def talk(viewer: User, side: Standing, window: Window) -> tuple[Talk, list[Row]]:
    """What the page of a conversation shows, and the list beside it. Up to five queries."""
    mine, conversation = side.mine, side.mine.conversation
    others = list(
        Membership.objects.within(conversation)
        .exclude(member=viewer)
        .annotate(is_there=ExpressionWrapper(available_to(viewer, "member"), BooleanField()))
        .order_by("pk")
    )
    other_id = conversation.other_id(viewer.pk) if conversation.is_direct else 0
    gathered = inbox.material([*side.beside, mine], viewer, people_in(window.entries))
    cursors = [
        {"member": row.member_id, "delivered": row.delivered_seq, "read": row.read_seq}
        for row in others
        if row.is_there and row.accepted_at  # type: ignore[attr-defined]  # annotated above
    ]
    drawn = lines(window.entries, mine, viewer, gathered.known)
    waits = conversation.is_direct and any(row.is_request for row in others)
    told = presence.told(other_id, gathered.there.get(other_id), timezone.now()) if other_id else {}
    page = Talk(
        mine=mine,
        conversation=conversation,
        window=window,
        places=places(drawn, mine, cursors),
        other=gathered.known.get(other_id),
        presence=told if other_id in gathered.known else {},
        cursors=cursors,
        members=len(others) + 1,
        sent_unanswered=sum(line.entry.is_message and line.is_mine for line in drawn) if waits else 0,
        waits=waits,
    )
    return page, inbox.rows(side.beside, viewer, gathered)


def places(drawn: Sequence[Line], mine: Membership, cursors: Sequence[dict[str, int]]) -> list[Place]:
    """The lines with their days, runs of one author, the beginning of what is unread, and what became of one's own."""
    found: list[Place] = []
    before: Line | None = None
    divided = mine.unread == 0
    for line in drawn:
        entry = line.entry
        new_day = before is None or _day(before) != _day(line)
        unread = not divided and entry.is_message and not line.is_mine and entry.seq > mine.read_seq
        divided = divided or unread
        follows = not new_day and not unread and _follows(before, line)
        mark = mark_of(entry.seq, cursors) if line.is_mine and entry.is_message else ""
        found.append(Place(line, _day(line) if new_day else None, unread, follows, mark))
        before = line
    return found


def mark_of(seq: int, cursors: Iterable[dict[str, int]]) -> str:
    """What became of an own message: "sent", "delivered" when every other has got it, "read" when every other has."""
    told = list(cursors)
    if told and all(cursor["read"] >= seq for cursor in told):
        return "read"
    return "delivered" if told and all(cursor["delivered"] >= seq for cursor in told) else "sent"


def _is_listed(row: Membership) -> bool:
    return row.declined_at is None or not row.is_request


def _day(line: Line) -> date:
    return timezone.localdate(line.entry.created_at)


def _follows(before: Line | None, line: Line) -> bool:
    if before is None or not (before.entry.is_message and line.entry.is_message):
        return False
    same = before.entry.author_id == line.entry.author_id
    return same and line.entry.created_at - before.entry.created_at < BREATH
