"""Notifications in words: who did what to which of one's things, as one member sees it."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape

from django.db.models import Count, F, Max, Window, prefetch_related_objects
from django.db.models.functions import RowNumber
from django.template.loader import get_template
from django.urls import reverse
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feed.models import Reaction
from network.models import Member
from users.models import User

from .kinds import Kind
from .models import Fact, Notification

# So many are called by name; the others are counted.
NAMED = 2
EXCERPT = 160
# Lists of mails show some 60 characters of a subject: one name of so many leaves room for what happened.
NAME_IN_SUBJECT = 30

Put = Callable[..., str]


@dataclass(frozen=True)
class Line:
    """One notification as it stands on the page: `people` are the latest `NAMED` of `count`, `fact` is the latest."""

    notification: Notification
    people: list[Member]
    count: int
    fact: Fact

    @property
    def text(self) -> str:
        """The sentence without marks, for mail and screen readers."""
        return self._sentence([_apart(member.display_name) for member in self.people], str.format)

    @property
    def subject(self) -> str:
        """The same in short: the latest by name, cut where it is long, the others counted."""
        name = str(Truncator(self.people[0].display_name).chars(NAME_IN_SUBJECT))
        return self._sentence([_apart(name)], str.format)

    @property
    def html(self) -> str:
        """The sentence with the names set off, escaped."""
        names = [format_html("<strong><bdi>{}</bdi></strong>", member.display_name) for member in self.people]
        return self._sentence(names, format_html)

    def _sentence(self, names: Sequence[str], put: Put) -> str:
        # Only our own words are a format; names are put in as they are, whatever they hold.
        return put(_words(self.notification, self.fact), who=_names(names, self.count - len(names), put))

    @property
    def excerpt(self) -> str:
        """The first words of what was said, or of the post that it is about; of a person, the line under the name."""
        fact = self.fact
        said = fact.comment or (fact.shared if fact.shared and fact.shared.text else self.notification.post)
        if said:
            return _shortened(unescape(strip_tags(said.html)))
        if self.count > 1 or self.notification.kind == Kind.MESSAGE:
            return ""
        note = fact.connection.note if fact.connection and self.notification.kind == Kind.INVITATION else ""
        return _shortened(note or self.people[0].headline)

    @property
    def icon(self) -> str:
        reaction = self.fact.reaction
        return Reaction.Kind(reaction.kind).icon if reaction else self.notification.icon

    @property
    def url(self) -> str:
        """Where it leads: to what was said, to the post, to the one who did it, or to all of them."""
        said = self.fact.comment or self.notification.post
        if said:
            return said.get_absolute_url()
        kind = self.notification.kind
        if kind == Kind.MESSAGE:
            return reverse("messaging:conversation", args=[self.notification.key.partition(":")[2]])
        if kind == Kind.INVITATION:
            return reverse("network:overview")
        if kind == Kind.CONNECTION and self.count > 1:
            return reverse("network:connections")
        return self.people[0].get_absolute_url()

    @property
    def drawn(self) -> SafeString:
        """The row of the page. It needs no request: the socket brings the same."""
        return mark_safe(
            get_template("notifications/_row.html").render({"line": self, "row": self.notification})
        )


def lines(rows: Sequence[Notification], viewer: User) -> list[Line]:
    """The lines of `rows`, which are visible to `viewer`, in their order. Up to four queries."""
    ranked = _latest_actors([row.pk for row in rows])
    found = Fact.objects.select_related("comment__parent", "reaction", "shared", "connection")
    facts = found.in_bulk([pk for actors in ranked.values() for _actor, pk, _count in actors])
    people = Member.objects.for_display(viewer).in_bulk({fact.actor_id for fact in facts.values()})
    prefetch_related_objects(list(rows), "post")
    drawn = []
    for row in rows:
        # What was taken back in this very moment has nobody left.
        actors = [actor for actor in ranked[row.pk] if actor[0] in people and actor[1] in facts]
        if actors:
            named = [people[actor] for actor, _fact, _count in actors]
            drawn.append(Line(row, named, actors[0][2], facts[actors[0][1]]))
    return drawn


def _latest_actors(ids: Sequence[int]) -> dict[int, list[tuple[int, int, int]]]:
    """For each notification the latest `NAMED` who did it, each with the latest fact, and how many did it at all."""
    of_one = F("notification_id")
    ranked = (
        Fact.objects.holding()
        .filter(notification__in=ids)
        .values("notification_id", "actor_id")
        .annotate(latest=Max("pk"))
        .annotate(
            rank=Window(RowNumber(), partition_by=of_one, order_by=F("latest").desc()),
            people=Window(Count("*"), partition_by=of_one),
        )
        .filter(rank__lte=NAMED)
        .order_by("notification_id", "rank")
    )
    found = defaultdict(list)
    for row in ranked:
        found[row["notification_id"]].append((row["actor_id"], row["latest"], row["people"]))
    return found


def _names(names: Sequence[str], others: int, put: Put) -> str:
    if len(names) == 1 and not others:
        return names[0]
    if len(names) == 1:
        words = ngettext("{first} and {count} other", "{first} and {count} others", others)
        return put(words, first=names[0], count=others)
    first, second = names
    if not others:
        return put(_("{first} and {second}"), first=first, second=second)
    words = ngettext("{first}, {second} and {count} other", "{first}, {second} and {count} others", others)
    return put(words, first=first, second=second, count=others)


_WORDS = {
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


def _words(row: Notification, fact: Fact) -> str:
    comment, kind = fact.comment, Kind(row.kind)
    if kind is Kind.MENTION and comment:
        return _("{who} mentioned you in a comment")
    if kind is Kind.REPLY and comment and comment.parent and comment.parent.author_id == row.recipient_id:
        return _("{who} replied to your comment")
    return str(_WORDS[kind])


def _apart(name: str) -> str:
    """A name for a text without marks. One that runs from right to left would turn the words around it about, so it
    stands between characters that are not seen and keep it to itself (first strong isolate, Unicode annex 9)."""
    turns = any(unicodedata.bidirectional(char) in {"R", "AL"} for char in name)
    return f"\u2068{name}\u2069" if turns else name


def _shortened(text: str) -> str:
    return str(Truncator(" ".join(text.split())).chars(EXCERPT))
