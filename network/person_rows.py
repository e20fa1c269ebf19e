"""Members in a list as HTML: each row is rendered once for all viewers who see the same."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from core.web.fragments import FragmentCache
from users.models import MemberView

from .models import Member
from .relations import Relation, RelationView

# About 2 kB each: about 8 MB of a server process.
MAX_ROWS = 4000

_ROWS = FragmentCache("network/_person_row.html", "row", max_entries=MAX_ROWS)


class PersonRow(NamedTuple):
    """Everything that a row shows, as far as the viewer may see it: equal rows share the same HTML."""

    member: MemberView
    headline: str
    note: str = ""
    # The number of mutual connections with the viewer, which the row shows instead of the note.
    mutual: int = 0
    # None in lists that offer no buttons.
    relation: RelationView | None = None

    @property
    def words(self) -> str:
        """The muted line."""
        if not self.mutual:
            return self.note
        words = ngettext("%(counter)s mutual connection", "%(counter)s mutual connections", self.mutual)
        return words % {"counter": self.mutual}


def person_row(
    member: Member, *, note: str = "", mutual: int = 0, relation: Relation | None = None
) -> PersonRow:
    """Return the row of a member who was fetched for the viewer (MemberQuerySet.for_display)."""
    buttons = relation.cache_key() if relation else None
    return PersonRow(member.cache_key(), member.shown_headline, note, mutual, buttons)


def render_rows(rows: Sequence[PersonRow]) -> SafeString:
    """Render rows of an element of class "people"."""
    return _ROWS.render_joined(rows)


def render_people(people: Iterable[Relation]) -> SafeString:
    """Render members with their locations and the viewer's buttons."""
    return render_rows(
        [person_row(each.member, note=each.member.shown_location, relation=each) for each in people]
    )


def render_suggestions(people: Iterable[Relation]) -> SafeString:
    """Render members with their mutual connections, or their locations where there are none."""
    return render_rows(
        [
            person_row(each.member, note=each.member.shown_location, mutual=each.member.mutual, relation=each)
            for each in people
        ]
    )


def render_invitations(invitations: Iterable[tuple[Relation, str]]) -> SafeString:
    """Render members with the notes of their invitations."""
    return render_rows([person_row(each.member, note=note, relation=each) for each, note in invitations])
