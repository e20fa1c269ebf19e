"""Members as a viewer sees them, by queries that are compiled once: by id, by name, and in the lists by name."""

from collections.abc import Collection

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import Page, after_text_key, make_text_page, read_text_cursor
from users.models import User

from .contact_counts import count_connections
from .models import Member, MemberQuerySet, Viewer, connected_with, name_patterns, viewer_of

PAGE_SIZE = 24
_ORDER = "sort_name"
# Up to this number, connections are sorted in a few milliseconds.
MANY_CONNECTIONS = 1000


def load_members(ids: Collection[int], viewer: Viewer) -> dict[int, Member]:
    """Return the members with these ids as the viewer may see them, by id. One query."""
    return {member.pk: member for member in _MEMBERS.fetch(viewer_id=viewer.pk, members=ids)}


def find_member(username: str, viewer: Viewer) -> Member | None:
    """Return the member if it is visible to the viewer, with the profile. One query."""
    found = _NAMED.fetch(viewer_id=viewer.pk, username=username.lower())
    return found[0] if found else None


def directory_page(viewer: User, words: str, cursor: str | None) -> Page[Member]:
    """Return a page of the members visible to the viewer whose names begin with `words`; of all without words."""
    text, pk = read_text_cursor(cursor)
    patterns = name_patterns(words)
    if words and not patterns:
        return Page([])
    return _make_page(_DIRECTORY.fetch(viewer_id=viewer.pk, patterns=patterns, text=text, pk=pk))


def connections_page(viewer: User, cursor: str | None) -> Page[Member]:
    """Return a page of the viewer's connections."""
    text, pk = read_text_cursor(cursor)
    query = _CONNECTIONS_BY_NAME if _has_many_connections(viewer.pk) else _CONNECTIONS
    return _make_page(query.fetch(viewer_id=viewer.pk, text=text, pk=pk))


def _has_many_connections(viewer_id: int) -> bool:
    """Whether a page of connections is found sooner among all members by name than by sorting all connections."""
    connections = count_connections(viewer_id)
    if connections <= MANY_CONNECTIONS:
        return False
    # About the number of members: ids are given one after the other.
    newest = Member.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return connections**2 > PAGE_SIZE * newest


def following_page(viewer: User, cursor: str | None) -> Page[Member]:
    """Return a page of the members whom the viewer follows."""
    text, pk = read_text_cursor(cursor)
    return _make_page(_FOLLOWED.fetch(viewer_id=viewer.pk, text=text, pk=pk))


def blocked_page(viewer: User, cursor: str | None) -> Page[Member]:
    """Return a page of the members whom the viewer has blocked."""
    text, pk = read_text_cursor(cursor)
    return _make_page(_BLOCKED.fetch(viewer_id=viewer.pk, text=text, pk=pk))


def _make_page(members: list[Member]) -> Page[Member]:
    return make_text_page(members, field=_ORDER, size=PAGE_SIZE)


def _members_query(viewer_id: int | None, members: Collection[int]) -> MemberQuerySet:
    return Member.objects.filter(pk__in=members).for_display(viewer_of(viewer_id))


def _named_query(viewer_id: int | None, username: str) -> MemberQuerySet:
    viewer = viewer_of(viewer_id)
    return (
        Member.objects.visible_to(viewer)
        .for_display(viewer)
        .filter(username=username)
        .select_related("profile")
    )


def _page_query(members: MemberQuerySet, text: str, pk: int) -> MemberQuerySet:
    return members.filter(after_text_key(_ORDER, text, pk)).order_by(_ORDER, "pk")[: PAGE_SIZE + 1]


def _directory_query(viewer_id: int, patterns: list[str], text: str, pk: int) -> MemberQuerySet:
    viewer = User(pk=viewer_id)
    return _page_query(Member.objects.visible_to(viewer).for_display(viewer).matching(patterns), text, pk)


def _connections_query(viewer_id: int, text: str, pk: int) -> MemberQuerySet:
    viewer = User(pk=viewer_id)
    return _page_query(
        Member.objects.connected_to(viewer_id).visible_to(viewer).for_display(viewer), text, pk
    )


def _connections_by_name_query(viewer_id: int, text: str, pk: int) -> MemberQuerySet:
    """The same rows, found by going through all members in the order of the page."""
    viewer = User(pk=viewer_id)
    return _page_query(
        Member.objects.filter(connected_with(viewer)).visible_to(viewer).for_display(viewer), text, pk
    )


def _followed_query(viewer_id: int, text: str, pk: int) -> MemberQuerySet:
    viewer = User(pk=viewer_id)
    return _page_query(Member.objects.followed_by(viewer).visible_to(viewer).for_display(viewer), text, pk)


def _blocked_query(viewer_id: int, text: str, pk: int) -> MemberQuerySet:
    viewer = User(pk=viewer_id)
    return _page_query(Member.objects.blocked_by(viewer).for_display(viewer), text, pk)


_MEMBERS = CompiledQuery(_members_query)
_NAMED = CompiledQuery(_named_query)
# Once for each number of words.
_DIRECTORY = CompiledQuery(_directory_query, pad_to=1)
_CONNECTIONS = CompiledQuery(_connections_query)
_CONNECTIONS_BY_NAME = CompiledQuery(_connections_by_name_query)
_FOLLOWED = CompiledQuery(_followed_query)
_BLOCKED = CompiledQuery(_blocked_query)
