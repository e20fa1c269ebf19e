"""A member's Markdown as HTML, with whom and what it names; a text is parsed once, and the result handed on."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from core.text import markdown
from network.models import Member
from users.models import User

MOST_TAGS = 30
# Beyond this a post calls people, it does not mention them; the others stay plain text.
MOST_MENTIONS = 50


@dataclass(frozen=True)
class RenderedText:
    """A text with its HTML, the members whom it mentions besides its author, and its hashtags."""

    text: str
    html: str
    mentioned: list[Member]
    tags: set[str]

    def mentioned_in(self, html: str) -> list[int]:
        """The ids of the mentioned members whom `html` names."""
        return [member.pk for member in self.mentioned if _names(html, member)]

    def newly_mentioned(self, former_html: str = "") -> list[int]:
        """The ids of the mentioned members whom `former_html` does not name."""
        return [member.pk for member in self.mentioned if not _names(former_html, member)]


def render_text(text: str | RenderedText, *, author: User) -> RenderedText:
    """Render a member's Markdown: names that are available to the author and hashtags become links.

    A text that is rendered already is returned as it is. At most one query.
    """
    if isinstance(text, RenderedText):
        return text
    parsed = markdown.parse_text(text)
    members = {member.username: member for member in _available(parsed.mentions, author)}
    tags = set(sorted(parsed.hashtags)[:MOST_TAGS])
    html = parsed.to_html(
        mention=lambda name: members[name].get_absolute_url() if name in members else None,
        hashtag=lambda tag: reverse("feed:tag", args=[tag]) if tag in tags else None,
    )
    return RenderedText(text, html, [each for each in members.values() if each.pk != author.pk], tags)


def _available(mentions: Iterable[str], author: User) -> list[Member]:
    names = sorted(mentions)[:MOST_MENTIONS]
    return list(Member.objects.visible_to(author).filter(username__in=names)) if names else []


def _names(html: str, member: Member) -> bool:
    """Whether a name in a text leads to the member: no link that is typed gets this class (core.text.markdown)."""
    return f'<a href="{member.get_absolute_url()}" class="mention"' in html
