"""Markdown to safe HTML, once, when a text is written. Knows links for names and tags only through its caller."""

import re
import unicodedata
from collections.abc import Callable, Iterable

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
# "*" is what every tag may have: nothing, where nh3 would let a title through.
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href", "class"}, "code": {"class"}, "ol": {"start"}}

# A name or tag starts where a word could start: not inside a word, an address or another name.
MENTION = re.compile(r"(?<![\w@#./-])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,28}[A-Za-z0-9])?)(?![\w@-])")
HASHTAG = re.compile(r"(?<![\w@#&/])#(\w{1,64})(?!\w)")

LONGEST_TAG = 64

# Lines in which nothing means anything to Markdown, links, names and tags: each begins with a letter, does not end with
# a space, and holds letters, digits and a few signs; a dot ends a word. Quotation marks are no HTML outside of tags.
PLAIN_LINE = r"""[^\W\d_](?:[^\W_]|[ ,;:!?()'"%…–—€-]|\.(?!\w))*(?<! )"""
PLAIN = re.compile(rf"{PLAIN_LINE}(?:\n+{PLAIN_LINE})*")
PARAGRAPHS = re.compile(r"\n\n+")

LinkFor = Callable[[str], str | None]
Finder = Callable[[str], Iterable[tuple[re.Match[str], str]]]


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "typographer": False})
    parser.enable(["linkify", "strikethrough"])
    # Headings would break the page's outline, pictures come as uploads, HTML is text.
    parser.disable(["heading", "lheading", "image", "html_block", "html_inline", "hr", "reference"])
    return parser


_markdown = _parser()


def fold_tag(tag: str) -> str:
    """The key of a hashtag, however it was typed: case folded, without the marks that folding leaves behind."""
    return "".join(char for char in tag.casefold() if not unicodedata.combining(char))


def find_mentions(text: str) -> set[str]:
    """The names mentioned in a Markdown text, in lower case; those in code or links are not mentions."""
    return {name.lower() for name in _matches(text, _mentions)}


def find_hashtags(text: str) -> set[str]:
    """The hashtags in a Markdown text, without `#`, case folded; one of digits alone ("#1") is none."""
    return set(_matches(text, _hashtags))


def to_html(text: str, *, mention: LinkFor, hashtag: LinkFor) -> str:
    """Sanitised HTML of a Markdown `text`.

    `mention` and `hashtag` get a name (lower case) or tag (case folded) and return the address to link to, or None
    to leave the text as it is.
    """
    if PLAIN.fullmatch(text):
        return _plain_html(text)
    tokens = _markdown.parse(text)
    for inline in _inlines(tokens):
        inline.children = _linked(inline.children or [], mention, hashtag)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener ugc",
    ).strip()


def _plain_html(text: str) -> str:
    """What all the rest comes to for most short messages, at a fraction of its cost."""
    paragraphs = [paragraph.replace("\n", "<br>\n") for paragraph in PARAGRAPHS.split(text)]
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _inlines(tokens: Iterable[Token]) -> Iterable[Token]:
    return (token for token in tokens if token.type == "inline")


def _plain_texts(children: list[Token]) -> Iterable[tuple[int, Token]]:
    """The text tokens that stand outside links, with their places."""
    depth = 0
    for place, token in enumerate(children):
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield place, token


def _mentions(content: str) -> Iterable[tuple[re.Match[str], str]]:
    """Each mention in a plain text, with the name in lower case."""
    return ((match, match[1].lower()) for match in MENTION.finditer(content))


def _hashtags(content: str) -> Iterable[tuple[re.Match[str], str]]:
    """Each hashtag in a plain text, with the tag case folded.

    Folding makes some letters two, or a letter and a mark ("İ"); what is no longer 64 letters at most is no tag. Nor
    is one that the vowel signs of its script would cut off.
    """
    for match in HASHTAG.finditer(content):
        tag = fold_tag(match[1])
        cut_off = unicodedata.category(content[match.end() : match.end() + 1] or " ").startswith("M")
        if not (tag.isdigit() or cut_off or len(tag) > LONGEST_TAG):
            yield match, tag


def _matches(text: str, find: Finder) -> Iterable[str]:
    for inline in _inlines(_markdown.parse(text)):
        for _place, token in _plain_texts(inline.children or []):
            yield from (key for _match, key in find(token.content))


def _linked(children: list[Token], mention: LinkFor, hashtag: LinkFor) -> list[Token]:
    replaced = {
        place: list(_split(token.content, mention, hashtag)) for place, token in _plain_texts(children)
    }
    return [new for place, token in enumerate(children) for new in replaced.get(place, [token])]


def _split(content: str, mention: LinkFor, hashtag: LinkFor) -> Iterable[Token]:
    found = [(match, mention(name), "mention") for match, name in _mentions(content)]
    found += [(match, hashtag(tag), "hashtag") for match, tag in _hashtags(content)]
    end = 0
    for match, href, kind in sorted(found, key=lambda item: item[0].start()):
        if href is None:
            continue
        yield _text(content[end : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": href, "class": kind})
        yield _text(match[0])
        yield Token("link_close", "a", -1)
        end = match.end()
    yield _text(content[end:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
