"""What a digest says: sections of rows, each about something that the member may see, none about the member."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.mail_headers import LONGEST_SUBJECT
from feed.models import Post
from feed.queries.answered_posts import AnsweredPost, find_most_answered, load_answered_posts
from messaging.queries import load_unread_conversations
from network.graph import suggest_members
from network.invitation_queries import load_open_invitations
from network.member_queries import load_members
from network.models import Member
from network.newcomers import Newcomers, find_newcomers, load_newcomers
from users.models import User

from ..display.notification_view import isolate
from ..mailing import absolute_url

# Rows of a section; the rest is behind a link.
MOST_ROWS = 3
MOST_NEWCOMERS = 5
LONGEST_EXCERPT = 160
LONGEST_DETAIL = 100
# In the subject: of the name of a member, of that of an organisation beside it, and beside a number.
LONGEST_NAME = 21
LONGEST_ORGANISATION = 36


@dataclass(frozen=True)
class DigestLink:
    """A link, and what it opens."""

    label: str
    url: str


@dataclass(frozen=True)
class DigestRow:
    """One row: a name, what is said of it, and what the link opens."""

    title: str
    detail: str
    link: DigestLink


@dataclass(frozen=True)
class DigestSection:
    """Rows under a heading, and a link to the rest. `fact` is what the subject says of it.

    A digest is sent only if a section has news: what has waited since the last one comes along and is no reason.
    """

    name: str
    title: str
    rows: Sequence[DigestRow]
    link: DigestLink | None = None
    fact: str = ""
    has_news: bool = False


@dataclass(frozen=True)
class DigestSources:
    """What is loaded once for many digests."""

    newcomers: Newcomers
    answered: Sequence[AnsweredPost]


@dataclass(frozen=True)
class Digest:
    """All sections that have rows."""

    sections: Sequence[DigestSection] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        return any(section.has_news for section in self.sections)

    def write_subject(self) -> str:
        """Return as many facts as fit, news first, in at most LONGEST_SUBJECT characters."""
        news_first = sorted(self.sections, key=lambda section: not section.has_news)
        subject = ""
        for fact in [section.fact for section in news_first if section.fact]:
            longer = f"{subject}, {fact}" if subject else fact
            if len(longer) <= LONGEST_SUBJECT or not subject:
                subject = longer
        return subject


def load_sources(since: datetime) -> DigestSources:
    """Load what the digests of all members choose from. Four queries."""
    return DigestSources(load_newcomers(since), load_answered_posts(since))


def build_digest(member: User, sources: DigestSources, since: datetime) -> Digest:
    """Return the digest of `member` about what happened after `since`.

    The number of queries does not depend on how much there is to say; without news, people the member may know are not
    looked for.
    """
    found = find_newcomers(member, sources.newcomers, since)
    sections = [
        describe_newcomers(found),
        describe_invitations(member, since),
        describe_messages(member, since),
        describe_posts(find_most_answered(member, sources.answered, since, most=MOST_ROWS)),
    ]
    if any(section.has_news for section in sections):
        named = {newcomer.pk for newcomer, _organisation in found}
        suggested = [each for each in suggest_members(member, most=2 * MOST_ROWS) if each.pk not in named]
        sections.append(describe_suggestions(suggested[:MOST_ROWS]))
    return Digest([section for section in sections if section.rows])


def describe_newcomers(found: Sequence[tuple[Member, str]]) -> DigestSection:
    """Who joined from the member's schools and employers."""
    rows = [
        _person_row(newcomer, _join([organisation, newcomer.shown_headline]))
        for newcomer, organisation in found[:MOST_NEWCOMERS]
    ]
    count, organisations = len(found), {organisation for _newcomer, organisation in found}
    if len(organisations) == 1:
        words = ngettext(
            "%(name)s from %(organisation)s joined", "%(count)s people from %(organisation)s joined", count
        )
        organisation = _shorten(organisations.pop(), LONGEST_ORGANISATION if count > 1 else LONGEST_NAME)
    else:
        words, organisation = _("%(count)s people from your school or employer joined"), ""
    name = _shorten(found[0][0].display_name, LONGEST_NAME) if found else ""
    return DigestSection(
        "newcomers",
        _("Joined from your school or employer"),
        rows,
        DigestLink(_("Browse the directory"), absolute_url(reverse("network:directory"))),
        words % {"count": count, "organisation": isolate(organisation), "name": isolate(name)},
        has_news=bool(found),
    )


def describe_invitations(member: User, since: datetime) -> DigestSection:
    """Who asked to connect and waits for an answer."""
    invitations = load_open_invitations(member)
    first = invitations[:MOST_ROWS]
    people = load_members({each.inviter_id for each in first}, member) if first else {}
    rows = [
        _person_row(people[each.inviter_id], each.note or people[each.inviter_id].shown_headline)
        for each in first
        if each.inviter_id in people
    ]
    count = len(invitations)
    fact = ngettext("%(count)s invitation waits", "%(count)s invitations wait", count)
    label = ngettext("Answer the invitation", "Answer the invitations", count)
    return DigestSection(
        "invitations",
        _("Invitations that wait for your answer"),
        rows,
        DigestLink(label, absolute_url(reverse("network:overview"))),
        fact % {"count": count},
        has_news=any(each.invited_at > since for each in invitations),
    )


def describe_messages(member: User, since: datetime) -> DigestSection:
    """In which conversations there are unread messages; their texts are not shown."""
    conversations = load_unread_conversations(member)
    words = [
        ngettext("%(count)s unread message", "%(count)s unread messages", each.unread)
        % {"count": each.unread}
        for each in conversations[:MOST_ROWS]
    ]
    rows = [
        DigestRow(each.title, text, DigestLink(_("Read the messages"), absolute_url(each.url)))
        for each, text in zip(conversations, words, strict=False)
    ]
    count, more = len(conversations), len(conversations) - MOST_ROWS
    label = ngettext("And %(count)s more conversation", "And %(count)s more conversations", more)
    rest = DigestLink(label % {"count": more}, absolute_url(reverse("messaging:inbox")))
    fact = ngettext("%(count)s unread conversation", "%(count)s unread conversations", count)
    return DigestSection(
        "messages",
        _("Unread messages"),
        rows,
        rest if more > 0 else None,
        fact % {"count": count},
        has_news=any(each.newest_at > since for each in conversations),
    )


def describe_posts(posts: Sequence[Post]) -> DigestSection:
    """Which posts of the member's network had the most answers."""
    rows = [
        DigestRow(
            post.author.display_name,
            _join([_count_answers(post), _shorten(unescape(strip_tags(post.html)), LONGEST_EXCERPT)]),
            DigestLink(_("See the post"), absolute_url(post.get_absolute_url())),
        )
        for post in posts
    ]
    fact = ""
    if posts:
        name = isolate(_shorten(posts[0].author.display_name, LONGEST_NAME))
        fact = _("%(answers)s to %(name)s") % {"answers": _count_answers(posts[0]), "name": name}
    return DigestSection("posts", _("Most answered in your network"), rows, fact=fact, has_news=bool(posts))


def describe_suggestions(people: Iterable[Member]) -> DigestSection:
    """Whom the member may know."""
    rows = []
    for person in people:
        words = ngettext("%(count)s mutual connection", "%(count)s mutual connections", person.mutual)
        mutual = words % {"count": person.mutual} if person.mutual else ""
        rows.append(_person_row(person, _join([mutual, person.shown_headline])))
    link = DigestLink(_("See more suggestions"), absolute_url(reverse("network:suggested")))
    return DigestSection("suggestions", _("People you may know"), rows, link)


def _person_row(person: Member, detail: str) -> DigestRow:
    link = DigestLink(_("See the profile"), absolute_url(person.get_absolute_url()))
    return DigestRow(person.display_name, _shorten(detail, LONGEST_DETAIL), link)


def _count_answers(post: Post) -> str:
    words = ngettext("%(count)s answer", "%(count)s answers", post.comment_count)
    return words % {"count": post.comment_count}


def _join(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part)


def _shorten(text: str, longest: int) -> str:
    return str(Truncator(" ".join(text.split())).chars(longest))
