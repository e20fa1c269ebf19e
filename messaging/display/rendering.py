"""Entries as one viewer sees them: HTML for pages, JSON for programs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.safestring import SafeString

from core.database.compiled_queries import CompiledQuery
from core.web.fragments import FragmentStore
from network.models import Member, MemberQuerySet
from users.models import User

from ..models import Entry, EntryView, Membership
from .entry_html import render_entry

# About 2 kB each: a few megabytes of a server process.
MAX_ENTRIES = 2000

_ENTRIES = FragmentStore(MAX_ENTRIES)


@dataclass(frozen=True)
class EntryForViewer:
    """An entry as one viewer sees it: a message as it is now, or a change of the members or the title."""

    entry: Entry
    author: Member | None
    subject: Member | None
    is_mine: bool
    # In a group, a message of an author who is not available to the viewer.
    is_hidden: bool

    @property
    def view(self) -> EntryView:
        """All that the viewer sees of the entry."""
        return self.entry.cache_key(self.author, self.subject, is_mine=self.is_mine, is_hidden=self.is_hidden)

    def __html__(self) -> SafeString:
        """Render `_entry.html`, cached: many tabs show the same message at the same moment."""
        return self.render()

    def render(self, **on_page: bool | str) -> SafeString:
        """Render `_entry.html` for a page, which knows what an entry alone does not: follows, mark, is_found."""
        values = {"entry": self.view, **on_page}
        return _ENTRIES.get_or_render(tuple(values.items()), values, lambda values: render_entry(**values))


def entries_for(
    entries: Sequence[Entry], mine: Membership, viewer: User, known: dict[int, Member] | None = None
) -> list[EntryForViewer]:
    """Return `entries` of one conversation as `viewer` sees them, whose membership is `mine`. Up to two queries, one
    less where the members are `known` (load_members)."""
    if known is None:
        known = load_members(member_ids_in(entries, viewer), viewer)
    prefetch_related_objects(
        [entry for entry in entries if entry.attached and not entry.deleted_at], "attachments"
    )
    direct = mine.conversation.is_direct
    shown = []
    for entry in entries:
        author = known.get(entry.author_id or 0)
        is_mine = entry.author_id == viewer.pk
        is_hidden = (
            entry.is_message and author is None and entry.author_id is not None and not (direct or is_mine)
        )
        subject = known.get(entry.subject_id or 0)
        shown.append(EntryForViewer(entry, author, subject, is_mine=is_mine, is_hidden=is_hidden))
    return shown


def member_ids_in(entries: Iterable[Entry], viewer: User) -> set[int]:
    """Return the ids of the other authors, and of members who joined or left: nobody is named to themselves."""
    authors = {entry.author_id for entry in entries if entry.author_id != viewer.pk}
    return {pk for pk in authors | {entry.subject_id for entry in entries} if pk}


def entries_as_json(entries: Sequence[Entry], mine: Membership, viewer: User) -> list[dict[str, Any]]:
    """Return `entries` as frames and responses contain them (docs/realtime.md). Up to four queries.

    An edit or deletion contains the message as it is now, and nothing where the viewer joined after it was sent.
    """
    changed = {entry.target_id for entry in entries if entry.changes_another and entry.target_id}
    targets = {
        target.pk: target
        for target in (Entry.objects.filter(pk__in=changed, seq__gte=mine.first_seq) if changed else ())
    }
    shown = [targets.get(entry.target_id or 0) if entry.changes_another else entry for entry in entries]
    known = load_members(member_ids_in([*entries, *targets.values()], viewer), viewer)
    once = list({entry.pk: entry for entry in shown if entry}.values())
    visible = {each.entry.pk: each for each in entries_for(once, mine, viewer, known)}
    found = []
    for entry, row in zip(entries, shown, strict=True):
        now = visible.get(row.pk) if row else None
        found.append({
            "seq": entry.seq,
            "kind": entry.kind,
            # Not even the id of an author who is not available to the viewer.
            "author": entry.author_id if entry.author_id in {*known, viewer.pk} else None,
            "client_id": str(entry.client_id) if now and now.is_mine and entry.client_id is not None else None,
            "target": now.entry.seq if now and entry.changes_another else None,
            "at": entry.created_at.isoformat().replace("+00:00", "Z"),
            "text": now.entry.text if now and not now.is_hidden else "",
            "html": now.__html__() if now else "",
        })  # fmt: skip
    return found


def load_members(ids: Collection[int], viewer: User) -> dict[int, Member]:
    """Return the members among `ids` who are available to the viewer, as the viewer may see them. One query."""
    if not ids:
        return {}
    query = _ONE_PERSON if len(ids) == 1 else _PEOPLE
    return {member.pk: member for member in query.fetch(viewer=viewer.pk, members=ids)}


def _people_query(viewer: int, members: Collection[int]) -> MemberQuerySet:
    user = User(pk=viewer)
    return Member.objects.filter(pk__in=members).visible_to(user).for_display(user)


_PEOPLE = CompiledQuery(_people_query)
# Most new entries are of one author.
_ONE_PERSON = CompiledQuery(_people_query, pad_to=1)
