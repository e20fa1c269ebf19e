"""Rendering of a member's Markdown to HTML, with its mentions and hashtags. Each text is parsed once."""

from dataclasses import dataclass

from django.urls import reverse

from core.text import markdown
from network.models import Member
from users.models import User

MOST_TAGS = 30
# Most mentions that become links and notify; the others stay plain text.
MOST_MENTIONS = 50


@dataclass(frozen=True)
class RenderedText:
    """A text with its HTML, the members mentioned besides its author, and its hashtags."""

    text: str
    html: str
    mentioned: list[Member]
    tags: set[str]

    def mentioned_in(self, html: str) -> list[int]:
        """The ids of the mentioned members to whom `html` links, too."""
        return [member.pk for member in self.mentioned if _links_to(html, member)]

    def newly_mentioned(self, former_html: str = "") -> list[int]:
        """The ids of the mentioned members to whom `former_html` does not link."""
        return [member.pk for member in self.mentioned if not _links_to(former_html, member)]


def render_text(text: str | RenderedText, *, author: User) -> RenderedText:
    """Render a member's Markdown: hashtags and mentions of members available to the author become links.

    A RenderedText is returned unchanged. At most one query.
    """
    if isinstance(text, RenderedText):
        return text
    parsed = markdown.parse_text(text)
    names = sorted(parsed.mentions)[:MOST_MENTIONS]
    available = Member.objects.visible_to(author).filter(username__in=names) if names else ()
    members = {member.username: member for member in available}
    tags = set(sorted(parsed.hashtags)[:MOST_TAGS])
    html = parsed.to_html(
        mention=lambda name: members[name].get_absolute_url() if name in members else None,
        hashtag=lambda tag: reverse("feed:tag", args=[tag]) if tag in tags else None,
    )
    return RenderedText(text, html, [each for each in members.values() if each.pk != author.pk], tags)


def _links_to(html: str, member: Member) -> bool:
    """Whether the HTML mentions the member: links that a member types do not get this class (core.text.markdown)."""
    return f'<a href="{member.get_absolute_url()}" class="mention"' in html
