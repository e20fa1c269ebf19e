"""Links where somebody wrote one: http://, https://, www. and mail addresses. A name with a dot in it is no link.

Rules for markdown-it, in place of its own: those guess addresses, and their time grows with the square of the text.
"""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# Beyond this a text is a list of addresses; the others stay text.
MOST_LINKS = 100
LONGEST_LINK = 2000
# An address ends where a script without spaces goes on in its own letters, unless it began with them.
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_HOST = rf"(?:[{_LATIN}](?:[{_LATIN}_.-]{{0,252}})|[^\W_][\w.-]{{0,252}})(?::\d{{1,5}})?"
# Neither what cannot stand in an address, nor punctuation of scripts that put no space after it.
_PATH = (
    rf"(?:[/?#][^\s<>\"`\x00-\x1f\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff65]{{0,{LONGEST_LINK}}})?"
)
_LABEL = rf"[{_LATIN}](?:[{_LATIN}-]{{0,61}}[{_LATIN}])?"

_scheme = re.compile(r"(?:^|[^A-Za-z0-9.+-])(https?)$", re.IGNORECASE)
_after_scheme = re.compile(f"://{_HOST}{_PATH}")
_written = re.compile(
    rf"(?<![\w@./:-])(?P<www>www\.{_HOST}{_PATH})"
    rf"|(?<![{_LATIN}@._%+/-])(?P<mail>[A-Za-z0-9][A-Za-z0-9._%+-]{{0,63}}@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}})(?![{_LATIN}@-])",
    re.IGNORECASE,
)
_brackets = {")": "(", "]": "[", "}": "{"}


def trimmed(address: str) -> str:
    """The address without the punctuation that belongs to the sentence around it; brackets stay in pairs."""
    surplus = {close: address.count(close) - address.count(opened) for close, opened in _brackets.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in "?!.,:;*_~'":
            break
        end -= 1
    return address[:end]


def link_of_scheme(state: StateInline, silent: bool) -> bool:
    """The rule for "http://" and "https://", before an underscore in the address could begin italics."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _scheme.search(state.pending[-6:])
    found = _after_scheme.match(state.src, state.pos) if scheme else None
    if scheme is None or found is None:
        return False
    rest = trimmed(found[0])
    href = _href(scheme[1] + rest, state.md, state.env)
    if not href:
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        state.push("link_open", "a", 1).attrs = {"href": href}
        state.push("text", "", 0).content = scheme[1] + rest
        state.push("link_close", "a", -1)
    state.pos += len(rest)
    return True


def links_in_texts(state: StateCore) -> None:
    """The rule for "www." and mail addresses, in what is left as text."""
    for token in state.tokens:
        if token.type == "inline" and ("@" in token.content or "www." in token.content.lower()):
            token.children = list(_with_links(token.children or [], state))


def _with_links(children: list[Token], state: StateCore) -> Iterable[Token]:
    depth = 0
    for token in children:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield from _split(token.content, state)
        else:
            yield token


def _split(content: str, state: StateCore) -> Iterable[Token]:
    end = 0
    for match in _written.finditer(content):
        words = trimmed(match[0])
        if match["www"] and "." not in words[len("www.") :]:
            continue
        href = _href(f"mailto:{words}" if match["mail"] else f"http://{words}", state.md, state.env)
        if href:
            yield text_token(content[end : match.start()])
            yield from link_tokens(words, href)
            end = match.start() + len(words)
    yield text_token(content[end:])


def link_tokens(words: str, href: str, kind: str = "") -> tuple[Token, Token, Token]:
    """A link with these words; `kind` is its class."""
    attributes: dict[str, str | int | float] = {"href": href, **({"class": kind} if kind else {})}
    return Token("link_open", "a", 1, attrs=attributes), text_token(words), Token("link_close", "a", -1)


def text_token(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _href(address: str, markdown: MarkdownIt, env: MutableMapping[str, Any]) -> str:
    """The address as it stands in HTML; "" for what is none, and once there are MOST_LINKS."""
    count = env.get("links", 0)
    href = markdown.normalizeLink(address) if count < MOST_LINKS else ""
    if not (href and markdown.validateLink(href)):
        return ""
    env["links"] = count + 1
    return href
