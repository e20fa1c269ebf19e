"""Entries as one viewer sees them: HTML for the page, and what a program needs beside it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.safestring import SafeString

from core.database.compiled_queries import CompiledQuery
from core.web.fragments import FragmentCache
from network.models import Member, MemberQuerySet
from users.models import User

from ..models import Entry, EntryView, Membership

# About 2 kB each: a few megabytes of a server process.
MAX_ENTRIES = 2000

_ENTRIES = FragmentCache("messaging/_entry.html", "line", max_entries=MAX_ENTRIES)


@dataclass(frozen=True)
class Line:
    """One line of a conversation: a message as it is now, or somebody's coming and going."""

    entry: Entry
    author: Member | None
    subject: Member | None
    is_mine: bool
    # In a group, words of somebody who does not exist for the viewer.
    is_hidden: bool

    @property
    def view(self) -> EntryView:
        """All that the viewer sees of the line."""
        return self.entry.cache_key(self.author, self.subject, is_mine=self.is_mine, is_hidden=self.is_hidden)

    def __html__(self) -> SafeString:
        """`_entry.html`, cached: many tabs are shown the same message at the same moment."""
        return _ENTRIES.render(self.view)


def lines(
    entries: Sequence[Entry], mine: Membership, viewer: User, known: dict[int, Member] | None = None
) -> list[Line]:
    """The lines of `entries` of one conversation, for `viewer`, whose membership is `mine`. Up to two queries, one less
    where the `people_in` the entries are `known`."""
    if known is None:
        known = people(people_in(entries), viewer)
    prefetch_related_objects(
        [entry for entry in entries if entry.attached and not entry.deleted_at], "attachments"
    )
    direct = mine.conversation.is_direct
    return [_line(entry, known, viewer, direct=direct) for entry in entries]


def people_in(entries: Iterable[Entry]) -> set[int]:
    """The ids of all who wrote, came or went."""
    return {pk for entry in entries for pk in (entry.author_id, entry.subject_id) if pk}


def _line(entry: Entry, known: dict[int, Member], viewer: User, *, direct: bool) -> Line:
    author = known.get(entry.author_id or 0)
    return Line(
        entry,
        author,
        known.get(entry.subject_id or 0),
        is_mine=entry.author_id == viewer.pk,
        is_hidden=entry.is_message and author is None and entry.author_id is not None and not direct,
    )


def as_json(entries: Sequence[Entry], mine: Membership, viewer: User) -> list[dict[str, Any]]:
    """`entries` as frames and answers carry them (docs/realtime.md). Up to four queries.

    The change of a message carries the message as it is now, and nothing where the viewer came after it was said.
    """
    changed = {entry.target_id for entry in entries if entry.changes_another and entry.target_id}
    targets = {
        target.pk: target
        for target in (Entry.objects.filter(pk__in=changed, seq__gte=mine.first_seq) if changed else ())
    }
    shown = [targets.get(entry.target_id or 0) if entry.changes_another else entry for entry in entries]
    known = people(people_in([*entries, *targets.values()]), viewer)
    drawn = {line.entry.pk: line for line in lines(_each_once(shown), mine, viewer, known)}
    return [
        _as_json(entry, drawn.get(row.pk) if row else None, {*known, viewer.pk})
        for entry, row in zip(entries, shown, strict=True)
    ]


def _each_once(entries: Iterable[Entry | None]) -> list[Entry]:
    return list({entry.pk: entry for entry in entries if entry}.values())


def _as_json(entry: Entry, line: Line | None, known: Collection[int]) -> dict[str, Any]:
    own = line is not None and line.is_mine and entry.client_id is not None
    speaks = line is not None and not line.is_hidden
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        # Of one who does not exist for the viewer, not even the id.
        "author": entry.author_id if entry.author_id in known else None,
        "client_id": str(entry.client_id) if own else None,
        "target": line.entry.seq if line and entry.changes_another else None,
        "at": entry.created_at.isoformat().replace("+00:00", "Z"),
        "text": line.entry.text if line and speaks else "",
        "html": line.__html__() if line else "",
    }


def people(ids: Collection[int], viewer: User) -> dict[int, Member]:
    """Those of `ids` who exist for the viewer, as the viewer may see them. One query."""
    return {member.pk: member for member in _PEOPLE.fetch(viewer=viewer.pk, members=ids)} if ids else {}


def _people_query(viewer: int, members: Collection[int]) -> MemberQuerySet:
    who = User(pk=viewer)
    return Member.objects.filter(pk__in=members).visible_to(who).for_display(who)


_PEOPLE = CompiledQuery(_people_query)
