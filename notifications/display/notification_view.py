"""A notification as its recipient sees it: the sentence, the excerpt, the icon, the link and the row of the page."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import NamedTuple

from django.db.models import QuerySet, prefetch_related_objects
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.database.compiled_queries import CompiledQuery
from core.web.address_formats import AddressFormat
from core.web.fragments import FragmentCache
from feed.models import Comment, Post, Reaction
from network.member_queries import load_members
from network.models import Member
from theme.templatetags.theme import measure_age
from users.models import MemberView, User

from ..kinds import Kind
from ..models import Activity, Notification

# The number of members shown by name; the others are counted.
NAMED = 2
EXCERPT = 160
# The most and the fewest characters of a name in the subject of a mail.
NAME_IN_SUBJECT = 30
SHORTEST_NAME_IN_SUBJECT = 8

# About 2 kB each: about 4 MB of a server process.
MAX_ROWS = 2000

Format = Callable[..., str]

_ROWS = FragmentCache("notifications/_row.html", "row", max_entries=MAX_ROWS)

_follow_address = AddressFormat("notifications:follow")
_read_address = AddressFormat("notifications:read")
_conversation_address = AddressFormat("messaging:conversation")

# Sentences that depend on more than the kind.
_MENTION_IN_COMMENT = "mention_in_comment"
_REPLY_TO_COMMENT = "reply_to_comment"
# By kind, or by one of the names above. Only our own sentences are format strings; names are inserted as values.
_SENTENCES: dict[str, Promise] = {
    _MENTION_IN_COMMENT: gettext_lazy("{who} mentioned you in a comment"),
    _REPLY_TO_COMMENT: gettext_lazy("{who} replied to your comment"),
    Kind.INVITATION: gettext_lazy("{who} asked to connect with you"),
    Kind.CONNECTION: gettext_lazy("{who} accepted your invitation"),
    Kind.FOLLOW: gettext_lazy("{who} started following you"),
    Kind.REACTION: gettext_lazy("{who} reacted to your post"),
    Kind.COMMENT: gettext_lazy("{who} commented on your post"),
    Kind.REPLY: gettext_lazy("{who} replied where you commented"),
    Kind.MENTION: gettext_lazy("{who} mentioned you in a post"),
    Kind.REPOST: gettext_lazy("{who} shared your post"),
    Kind.MESSAGE: gettext_lazy("{who} wrote to you"),
}


@dataclass(frozen=True)
class NotificationView:
    """One notification for display: `people` are the latest `NAMED` of `count` members, `activity` the latest one."""

    notification: Notification
    people: list[Member]
    count: int
    activity: Activity

    @property
    def text(self) -> str:
        """The sentence as plain text, for mail and screen readers."""
        return self._sentence([isolate(member.display_name) for member in self.people], str.format)

    def write_subject(self, longest: int) -> str:
        """Return at most `longest` characters for a mail: the latest name, truncated, and the count of others."""
        name = self.people[0].display_name
        room = longest - len(self._sentence([isolate("")], str.format))
        room -= len(isolate(name)) - len(name)
        shown = Truncator(name).chars(max(min(room, NAME_IN_SUBJECT), SHORTEST_NAME_IN_SUBJECT))
        return self._sentence([isolate(str(shown))], str.format)

    @property
    def html(self) -> str:
        """The sentence as escaped HTML, with the names in bold."""
        names = [_bold(member.display_name) for member in self.people]
        return self._sentence(names, format_html)

    def _sentence(self, names: Sequence[str], insert: Format) -> str:
        return _write_sentence(self.sentence_name, names, self.count, insert)

    @property
    def sentence_name(self) -> str:
        """The key of its sentence."""
        comment, kind = self.activity.comment, self.notification.kind
        if kind == Kind.MENTION and comment:
            return _MENTION_IN_COMMENT
        recipient = self.notification.recipient_id
        if kind == Kind.REPLY and comment and comment.parent and comment.parent.author_id == recipient:
            return _REPLY_TO_COMMENT
        return kind

    @property
    def excerpt(self) -> str:
        """The beginning of the comment, quote or post; for a single member, the invitation's note or the headline."""
        return _write_excerpt(self.source_html, self.note)

    @property
    def source_html(self) -> str:
        """The HTML of the comment, quote or post, or ""."""
        source = self._source
        return source.html if source else ""

    @property
    def note(self) -> str:
        """Without a comment, quote or post: the single member's note of the invitation or headline; else ""."""
        if self._source or self.count > 1 or self.notification.kind == Kind.MESSAGE:
            return ""
        invitation = self.activity.connection if self.notification.kind == Kind.INVITATION else None
        return (invitation.note if invitation else "") or self.people[0].headline

    @property
    def _source(self) -> Comment | Post | None:
        activity = self.activity
        return activity.comment or (
            activity.shared if activity.shared and activity.shared.text else self.notification.post
        )

    @property
    def icon(self) -> str:
        reaction = self.activity.reaction
        return Reaction.Kind(reaction.kind).icon if reaction else self.notification.icon

    @property
    def url(self) -> str:
        """The address of what happened: the comment, the post, the conversation, the member or the list of members."""
        target = self.activity.comment or self.notification.post
        if target:
            return target.get_absolute_url()
        kind = self.notification.kind
        if kind == Kind.MESSAGE:
            return _conversation_address(self.notification.key.partition(":")[2])
        if kind == Kind.INVITATION:
            return reverse("network:overview")
        if kind == Kind.CONNECTION and self.count > 1:
            return reverse("network:connections")
        return self.people[0].get_absolute_url()

    @property
    def row_html(self) -> SafeString:
        """The row of the page. It needs no request, so that the socket can send the same HTML."""
        return render_rows([self])

    def cache_key(self, now: datetime, year: int) -> "NotificationRow":
        """What the row of the page shows at `now`."""
        row = self.notification
        return NotificationRow(
            row.pk,
            row.sort_key,
            row.kind,
            self.icon,
            row.is_unread,
            row.latest_at,
            measure_age(row.latest_at, now),
            year,
            tuple(member.cache_key() for member in self.people),
            self.count,
            self.sentence_name,
            self.source_html,
            self.note,
        )


class NotificationRow(NamedTuple):
    """Everything that the row of a notification shows."""

    pk: int
    sort_key: int
    kind: str
    icon: str
    is_unread: bool
    latest_at: datetime
    # Its age, by theme.templatetags.theme.measure_age.
    age: tuple[str, int]
    # The current year: dates of this year are shown without it.
    year: int
    # The latest members, and the number of all.
    people: tuple[MemberView, ...]
    people_count: int
    sentence_name: str
    source_html: str
    note: str

    @property
    def sentence(self) -> str:
        """The sentence as escaped HTML, with the names in bold."""
        names = [_bold(member.display_name) for member in self.people]
        return _write_sentence(self.sentence_name, names, self.people_count, format_html)

    @property
    def excerpt(self) -> str:
        return _write_excerpt(self.source_html, self.note)

    @property
    def address(self) -> str:
        return _follow_address(self.pk)

    @property
    def read_address(self) -> str:
        return _read_address(self.pk)


def render_rows(views: Sequence[NotificationView]) -> SafeString:
    """Render rows of the page, one after the other."""
    now, year = timezone.now(), timezone.localtime().year
    return _ROWS.render_joined([view.cache_key(now, year) for view in views])


def build_views(rows: Sequence[Notification], viewer: User) -> list[NotificationView]:
    """The views of `rows`, which are visible to `viewer`, in the same order. Up to four queries."""
    ranked = defaultdict(list)
    for notification, actor, latest, _rank, count in _ACTORS.fetch(notifications=[row.pk for row in rows]):
        ranked[notification].append((actor, latest, count))
    wanted = [latest for actors in ranked.values() for _actor, latest, _count in actors]
    activities = {activity.pk: activity for activity in _ACTIVITIES.fetch(activities=wanted)}
    people = load_members({activity.actor_id for activity in activities.values()}, viewer)
    prefetch_related_objects(list(rows), "post")
    views = []
    for row in rows:
        # A notification whose activities were deleted between the queries has no actors and is left out.
        actors = [each for each in ranked[row.pk] if each[0] in people and each[1] in activities]
        if actors:
            _actor, latest, count = actors[0]
            views.append(
                NotificationView(row, [people[each[0]] for each in actors], count, activities[latest])
            )
    return views


def _actors_query(notifications: Collection[int]) -> QuerySet[Activity, tuple[int, int, int, int, int]]:
    return Activity.objects.still_valid().latest_actors(notifications, most=NAMED)


def _activities_query(activities: Collection[int]) -> QuerySet[Activity]:
    found = Activity.objects.filter(pk__in=activities)
    return found.select_related("comment__parent", "reaction", "shared", "connection")


_ACTORS = CompiledQuery(_actors_query)
_ACTIVITIES = CompiledQuery(_activities_query)


def _write_sentence(sentence: str, names: Sequence[str], count: int, insert: Format) -> str:
    """Write the sentence with the names; `count` members include those that are not named."""
    first, *rest = names
    others = count - len(names)
    if rest and others:
        who = ngettext("{first}, {second} and {count} other", "{first}, {second} and {count} others", others)
    elif rest:
        who = _("{first} and {second}")
    elif others:
        who = ngettext("{first} and {count} other", "{first} and {count} others", others)
    else:
        who = "{first}"
    inserted = insert(who, first=first, second=rest[0] if rest else "", count=others)
    return insert(str(_SENTENCES[sentence]), who=inserted)


def _write_excerpt(source_html: str, note: str) -> str:
    return _shorten(unescape(strip_tags(source_html)) if source_html else note)


def _bold(name: str) -> SafeString:
    return format_html("<strong><bdi>{}</bdi></strong>", name)


def isolate(name: str) -> str:
    """The name for plain text. A right-to-left name is put between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE
    (Unicode annex 9), so that it does not reorder the text around it."""
    is_right_to_left = any(unicodedata.bidirectional(char) in {"R", "AL"} for char in name)
    return f"\u2068{name}\u2069" if is_right_to_left else name


def _shorten(text: str) -> str:
    return str(Truncator(" ".join(text.split())).chars(EXCERPT))
