"""Markdown to safe HTML, once, when a text is written. Knows links for names and tags only through its caller."""

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
# "*" is what every tag may have: nothing, where nh3 would let a title through.
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(), "a": {"href", "class"}, "code": {"class"}, "ol": {"start", "class"}, "li": {"value"},
}  # fmt: skip

# Lines in which nothing means anything to Markdown, links, names and tags: each begins with a letter, does not end with
# a space, and holds letters, digits and a few signs; a dot ends a word. Quotation marks are no HTML outside of tags.
PLAIN_LINE = r"""[^\W\d_](?:[^\W_]|[ ,;:!?()'"%…–—€-]|\.(?!\w))*(?<! )"""
PLAIN = re.compile(rf"{PLAIN_LINE}(?:\n+{PLAIN_LINE})*")
PARAGRAPHS = re.compile(r"\n\n+")

LinkFor = Callable[[str], str | None]
Finder = Callable[[str], Iterable[tuple[re.Match[str], str]]]


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "typographer": False})
    parser.inline = UnspacedInline()
    parser.configure("commonmark", {"html": False, "breaks": True, "typographer": False})
    parser.inline.ruler.at("linkify", link_of_scheme)
    parser.core.ruler.at("linkify", links_in_texts)
    parser.enable(["linkify", "strikethrough"])
    # Headings would break the page's outline, pictures come as uploads, HTML is text.
    parser.disable(["heading", "lheading", "image", "html_block", "html_inline", "hr", "reference"])
    return parser


_markdown = _parser()


class Text:
    """A Markdown text, parsed once: whom and what it names, and its HTML."""

    def __init__(self, text: str) -> None:
        self._plain = text if PLAIN.fullmatch(text) else None
        self._tokens = [] if self._plain is not None else _markdown.parse(text)
        _number_items(self._tokens)

    @cached_property
    def mentions(self) -> set[str]:
        """The names mentioned, in lower case; those in code or links are not mentions."""
        return set(self._matches(mentions_in))

    @cached_property
    def hashtags(self) -> set[str]:
        """The hashtags, without `#`, case folded; one of digits alone ("#1") is none."""
        return set(self._matches(hashtags_in))

    def html(self, *, mention: LinkFor, hashtag: LinkFor) -> str:
        """Sanitised HTML.

        `mention` and `hashtag` get a name (lower case) or tag (case folded) and return the address to link to, or None
        to leave the text as it is.
        """
        if self._plain is not None:
            return _plain_html(self._plain)
        for inline in _inlines(self._tokens):
            inline.children = _linked(inline.children or [], mention, hashtag)
        html = _markdown.renderer.render(self._tokens, _markdown.options, {})
        return nh3.clean(
            html,
            tags=TAGS,
            attributes=ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener ugc",
        ).strip()

    def _matches(self, find: Finder) -> Iterable[str]:
        for inline in _inlines(self._tokens):
            for _place, token in _plain_texts(inline.children or []):
                yield from (key for _match, key in find(token.content))


def parse(text: str) -> Text:
    """The one way from a Markdown text to what is made of it; the dear part of the work is done when it returns."""
    return Text(text)


def find_mentions(text: str) -> set[str]:
    """The names mentioned in a Markdown text (see Text.mentions)."""
    return parse(text).mentions


def find_hashtags(text: str) -> set[str]:
    """The hashtags in a Markdown text (see Text.hashtags)."""
    return parse(text).hashtags


def to_html(text: str, *, mention: LinkFor, hashtag: LinkFor) -> str:
    """Sanitised HTML of a Markdown `text` (see Text.html)."""
    return parse(text).html(mention=mention, hashtag=hashtag)


def _plain_html(text: str) -> str:
    """What all the rest comes to for most short messages, at a fraction of its cost."""
    paragraphs = [paragraph.replace("\n", "<br>\n") for paragraph in PARAGRAPHS.split(text)]
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _inlines(tokens: Iterable[Token]) -> Iterable[Token]:
    return (token for token in tokens if token.type == "inline")


def _number_items(tokens: Iterable[Token]) -> None:
    """Give each item of an ordered list the number that was typed, and the list room for its widest one."""
    lists: list[tuple[Token, list[int]]] = []
    for token in tokens:
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


def _plain_texts(children: list[Token]) -> Iterable[tuple[int, Token]]:
    """The text tokens that stand outside links, with their places."""
    depth = 0
    for place, token in enumerate(children):
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield place, token


def _linked(children: list[Token], mention: LinkFor, hashtag: LinkFor) -> list[Token]:
    replaced = {
        place: list(_split(token.content, mention, hashtag)) for place, token in _plain_texts(children)
    }
    return [new for place, token in enumerate(children) for new in replaced.get(place, [token])]


def _split(content: str, mention: LinkFor, hashtag: LinkFor) -> Iterable[Token]:
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
