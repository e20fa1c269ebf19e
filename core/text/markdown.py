"""Converts Markdown to safe HTML when a text is stored. The caller provides the URLs of mentions and hashtags."""

import re
from collections.abc import Callable, Iterable
from functools import cached_property

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from .links import link_of_scheme, link_tokens, links_in_texts, text_token
from .markdown_inline import UnspacedInline
from .names import find_hashtags as hashtags_in
from .names import find_mentions as mentions_in

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
# "*" applies to every tag: no attributes, where nh3 would allow a title.
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(), "a": {"href", "class"}, "code": {"class"}, "ol": {"start", "class"}, "li": {"value"},
}  # fmt: skip

# Lines without Markdown, links, mentions and hashtags: each begins with a letter, does not end with a space, and
# contains letters, digits and some punctuation; a dot ends a word. Quotation marks need no escaping outside of tags.
PLAIN_LINE = r"""[^\W\d_](?:[^\W_]|[ ,;:!?()'"%…–—€-]|\.(?!\w))*(?<! )"""
PLAIN = re.compile(rf"{PLAIN_LINE}(?:\n+{PLAIN_LINE})*")
PARAGRAPHS = re.compile(r"\n\n+")

LinkFor = Callable[[str], str | None]
Finder = Callable[[str], Iterable[tuple[re.Match[str], str]]]


_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "typographer": False})
_markdown.inline = UnspacedInline()
_markdown.configure("commonmark", {"html": False, "breaks": True, "typographer": False})
_markdown.inline.ruler.at("linkify", link_of_scheme)
_markdown.core.ruler.at("linkify", links_in_texts)
_markdown.enable(["linkify", "strikethrough"])
# Headings would break the page's outline, pictures are uploads, HTML is text.
_markdown.disable(["heading", "lheading", "image", "html_block", "html_inline", "hr", "reference"])


class ParsedText:
    """A parsed Markdown text: its mentions, its hashtags and its HTML."""

    def __init__(self, text: str) -> None:
        self._plain = text if PLAIN.fullmatch(text) else None
        self._tokens = [] if self._plain is not None else _markdown.parse(text)
        # Each item of an ordered list gets its typed number, and the list enough width for the longest one.
        lists: list[tuple[Token, list[int]]] = []
        for token in self._tokens:
            if token.type in {"ordered_list_open", "bullet_list_open"}:
                lists.append((token, []))
            elif token.type == "list_item_open" and token.info:
                opened, numbers = lists[-1]
                number = int(token.info)
                if numbers and number != numbers[-1] + 1:
                    token.attrSet("value", str(number))
                numbers.append(number)
            elif token.type in {"ordered_list_close", "bullet_list_close"}:
                opened, numbers = lists.pop()
                digits = len(str(max(numbers, default=0)))
                if digits > 1:
                    opened.attrSet("class", f"digits-{digits}")

    @cached_property
    def mentions(self) -> set[str]:
        """The mentioned names in lower case, without those in code or links."""
        return set(self._find_keys(mentions_in))

    @cached_property
    def hashtags(self) -> set[str]:
        """The hashtags without `#`, case folded; digits only ("#1") are not a hashtag."""
        return set(self._find_keys(hashtags_in))

    def to_html(self, *, mention: LinkFor, hashtag: LinkFor) -> str:
        """Return sanitised HTML.

        `mention` and `hashtag` get a name (lower case) or tag (case folded) and return the URL to link to, or None to
        leave the text as it is.
        """
        if self._plain is not None:
            # The same result for most short messages, at a fraction of the cost.
            paragraphs = [paragraph.replace("\n", "<br>\n") for paragraph in PARAGRAPHS.split(self._plain)]
            return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        for inline in _inline_tokens(self._tokens):
            children = inline.children or []
            replaced = {
                index: list(_split_at_names(token.content, mention, hashtag))
                for index, token in _plain_texts(children)
            }
            inline.children = [
                new for index, token in enumerate(children) for new in replaced.get(index, [token])
            ]
        html = _markdown.renderer.render(self._tokens, _markdown.options, {})
        return nh3.clean(
            html,
            tags=TAGS,
            attributes=ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener ugc",
        ).strip()

    def _find_keys(self, find: Finder) -> Iterable[str]:
        for inline in _inline_tokens(self._tokens):
            for _index, token in _plain_texts(inline.children or []):
                yield from (key for _match, key in find(token.content))


def parse_text(text: str) -> ParsedText:
    """Parse a Markdown text, which is the expensive part of the work."""
    return ParsedText(text)


def find_mentions(text: str) -> set[str]:
    """Return the names mentioned in a Markdown text (see ParsedText.mentions)."""
    return parse_text(text).mentions


def find_hashtags(text: str) -> set[str]:
    """Return the hashtags in a Markdown text (see ParsedText.hashtags)."""
    return parse_text(text).hashtags


def to_html(text: str, *, mention: LinkFor, hashtag: LinkFor) -> str:
    """Return sanitised HTML of a Markdown `text` (see ParsedText.to_html)."""
    return parse_text(text).to_html(mention=mention, hashtag=hashtag)


def _inline_tokens(tokens: Iterable[Token]) -> Iterable[Token]:
    return (token for token in tokens if token.type == "inline")


def _plain_texts(children: list[Token]) -> Iterable[tuple[int, Token]]:
    """Yield the text tokens outside links, with their indexes."""
    depth = 0
    for index, token in enumerate(children):
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield index, token


def _split_at_names(content: str, mention: LinkFor, hashtag: LinkFor) -> Iterable[Token]:
    found = [(match, mention(name), "mention") for match, name in mentions_in(content)]
    found += [(match, hashtag(tag), "hashtag") for match, tag in hashtags_in(content)]
    end = 0
    for match, href, kind in sorted(found, key=lambda item: item[0].start()):
        if href is None:
            continue
        yield text_token(content[end : match.start()])
        yield from link_tokens(match[0], href, kind)
        end = match.end()
    yield text_token(content[end:])
