"""A notification as its recipient sees it: the sentence, the excerpt, the icon, the link and the row of the page."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape

from django.db.models import prefetch_related_objects
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

# The number of members shown by name; the others are counted.
NAMED = 2
EXCERPT = 160
# Lists of mails show about 60 characters of a subject: a name of this length leaves space for what happened.
NAME_IN_SUBJECT = 30

Format = Callable[..., str]

_SENTENCES = {
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
    """One notification for display: `people` are the latest `NAMED` of `count` members, `fact` is the latest fact."""

    notification: Notification
    people: list[Member]
    count: int
    fact: Fact

    @property
    def text(self) -> str:
        """The sentence as plain text, for mail and screen readers."""
        return self._sentence([_isolate(member.display_name) for member in self.people], str.format)

    @property
    def subject(self) -> str:
        """A short sentence with only the latest member's name, truncated; the others are counted."""
        name = str(Truncator(self.people[0].display_name).chars(NAME_IN_SUBJECT))
        return self._sentence([_isolate(name)], str.format)

    @property
    def html(self) -> str:
        """The sentence as escaped HTML, with the names in bold."""
        names = [format_html("<strong><bdi>{}</bdi></strong>", member.display_name) for member in self.people]
        return self._sentence(names, format_html)

    def _sentence(self, names: Sequence[str], insert: Format) -> str:
        first, *rest = names
        others = self.count - len(names)
        if rest and others:
            who = ngettext(
                "{first}, {second} and {count} other", "{first}, {second} and {count} others", others
            )
        elif rest:
            who = _("{first} and {second}")
        elif others:
            who = ngettext("{first} and {count} other", "{first} and {count} others", others)
        else:
            who = "{first}"
        comment, kind = self.fact.comment, Kind(self.notification.kind)
        recipient = self.notification.recipient_id
        if kind is Kind.MENTION and comment:
            sentence = _("{who} mentioned you in a comment")
        elif kind is Kind.REPLY and comment and comment.parent and comment.parent.author_id == recipient:
            sentence = _("{who} replied to your comment")
        else:
            sentence = str(_SENTENCES[kind])
        # Only our own sentences are format strings; names are inserted as values, whatever they contain.
        return insert(sentence, who=insert(who, first=first, second=rest[0] if rest else "", count=others))

    @property
    def excerpt(self) -> str:
        """The beginning of the comment, quote or post; for a single member, the invitation's note or the headline."""
        fact = self.fact
        source = fact.comment or (fact.shared if fact.shared and fact.shared.text else self.notification.post)
        if source:
            return _shorten(unescape(strip_tags(source.html)))
        if self.count > 1 or self.notification.kind == Kind.MESSAGE:
            return ""
        invitation = fact.connection if self.notification.kind == Kind.INVITATION else None
        return _shorten((invitation.note if invitation else "") or self.people[0].headline)

    @property
    def icon(self) -> str:
        reaction = self.fact.reaction
        return Reaction.Kind(reaction.kind).icon if reaction else self.notification.icon

    @property
    def url(self) -> str:
        """The address of what happened: the comment, the post, the conversation, the member or the list of members."""
        target = self.fact.comment or self.notification.post
        if target:
            return target.get_absolute_url()
        kind = self.notification.kind
        if kind == Kind.MESSAGE:
            return reverse("messaging:conversation", args=[self.notification.key.partition(":")[2]])
        if kind == Kind.INVITATION:
            return reverse("network:overview")
        if kind == Kind.CONNECTION and self.count > 1:
            return reverse("network:connections")
        return self.people[0].get_absolute_url()

    @property
    def row_html(self) -> SafeString:
        """The row of the page. It needs no request, so that the socket can send the same HTML."""
        return mark_safe(
            get_template("notifications/_row.html").render({"view": self, "row": self.notification})
        )


def build_views(rows: Sequence[Notification], viewer: User) -> list[NotificationView]:
    """The views of `rows`, which are visible to `viewer`, in the same order. Up to four queries."""
    ranked = defaultdict(list)
    for actor in Fact.objects.still_valid().latest_actors([row.pk for row in rows], most=NAMED):
        ranked[actor["notification_id"]].append(actor)
    found = Fact.objects.select_related("comment__parent", "reaction", "shared", "connection")
    facts = found.in_bulk([actor["latest"] for actors in ranked.values() for actor in actors])
    people = Member.objects.for_display(viewer).in_bulk({fact.actor_id for fact in facts.values()})
    prefetch_related_objects(list(rows), "post")
    views = []
    for row in rows:
        # A notification whose facts were deleted between the queries has no actors and is left out.
        actors = [each for each in ranked[row.pk] if each["actor_id"] in people and each["latest"] in facts]
        if actors:
            named = [people[actor["actor_id"]] for actor in actors]
            views.append(NotificationView(row, named, actors[0]["people"], facts[actors[0]["latest"]]))
    return views


def _isolate(name: str) -> str:
    """The name for plain text. A right-to-left name is put between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE
    (Unicode annex 9), so that it does not reorder the text around it."""
    is_right_to_left = any(unicodedata.bidirectional(char) in {"R", "AL"} for char in name)
    return f"\u2068{name}\u2069" if is_right_to_left else name


def _shorten(text: str) -> str:
    return str(Truncator(" ".join(text.split())).chars(EXCERPT))
