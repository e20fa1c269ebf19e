"""The list of conversations: each with whom, what was said last, and how much is unread."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import unescape

from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from core.database.pagination import Page, id_cursor, make_page
from core.text.cleaning import clean_line
from network.models import Member
from users.models import User

from . import presence
from .lines import people
from .models import Entry, Membership, Presence
from .models.conversation import MembershipQuerySet

PAGE_SIZE = 20
LONGEST_SNIPPET = 120
# So much of a message is looked at for it.
LONGEST_LOOKED_AT = 2000


@dataclass(frozen=True)
class Row:
    """One conversation in the list of one viewer."""

    membership: Membership
    # The other end of a conversation of two, as far as it exists for the viewer.
    other: Member | None
    newest: Entry | None
    # Who said it; None for the viewer and for those who do not exist for the viewer.
    speaker: Member | None
    is_mine: bool
    is_online: bool

    @property
    def is_hidden(self) -> bool:
        """Whether the last words are of somebody who does not exist for the viewer, in a group."""
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
    def snippet(self) -> str:
        """What was said last, in one line."""
        entry = self.newest
        if entry is None:
            return ""
        if self.is_hidden:
            return _("A message of a member who is not available to you")
        if entry.deleted_at:
            return _("Message deleted")
        if not entry.is_message:
            return _("New members")
        words = clean_line(unescape(strip_tags(entry.html[:LONGEST_LOOKED_AT])))[:LONGEST_SNIPPET]
        return words or (_("Attachment") if entry.attached else "")


def page(memberships: MembershipQuerySet, viewer: User, cursor: str | None) -> Page[Membership]:
    """The page of `memberships` after `cursor`, those with the newest message first."""
    before = id_cursor(cursor)
    if before is not None:
        memberships = memberships.filter(place__lt=before)
    # Equal places are only those of conversations without a message, which nobody else sees.
    found = memberships.select_related("conversation").order_by("-place")[: PAGE_SIZE + 1]
    return make_page(list(found), PAGE_SIZE, lambda row: str(row.place))


@dataclass(frozen=True)
class Material:
    """What the lines of the list are made of."""

    newest: dict[int, Entry]
    # By conversation of two, the member at the other end.
    others: dict[int, int]
    known: dict[int, Member]
    there: dict[int, Presence]


def material(memberships: Sequence[Membership], viewer: User, also: Collection[int] = ()) -> Material:
    """What `rows` needs, and what is known of the members `also` besides. Three queries."""
    places = [membership.place for membership in memberships]
    newest = {entry.conversation_id: entry for entry in Entry.objects.filter(pk__in=places)}
    others = {
        membership.conversation_id: membership.conversation.other_id(viewer.pk)
        for membership in memberships
        if membership.conversation.is_direct
    }
    speakers = {entry.author_id for entry in newest.values() if entry.author_id}
    known = people({*others.values(), *speakers, *also}, viewer)
    return Material(newest, others, known, presence.of(set(others.values()), viewer))


def rows(memberships: Sequence[Membership], viewer: User, gathered: Material | None = None) -> list[Row]:
    """The lines of the list for these memberships of the viewer, in their order. Three queries, or none where the
    material was `gathered` before."""
    found = gathered or material(memberships, viewer)
    online = presence_now(found.there)
    return [
        _row(
            membership,
            viewer,
            found.newest.get(membership.conversation_id),
            found.others,
            found.known,
            online,
        )
        for membership in memberships
    ]


def presence_now(there: dict[int, Presence]) -> set[int]:
    """Those who are there."""
    now = timezone.now()
    return {pk for pk, row in there.items() if row.until > now}


def _row(
    membership: Membership,
    viewer: User,
    newest: Entry | None,
    others: dict[int, int],
    known: dict[int, Member],
    online: set[int],
) -> Row:
    other = known.get(others.get(membership.conversation_id, 0))
    is_mine = newest is not None and newest.author_id == viewer.pk
    speaker = None if newest is None or is_mine else known.get(newest.author_id or 0)
    return Row(membership, other, newest, speaker, is_mine, other is not None and other.pk in online)


def row_html(membership: Membership, viewer: User) -> str:
    """`_inbox_row.html` for one conversation."""
    return get_template("messaging/_inbox_row.html").render({"row": rows([membership], viewer)[0]})
