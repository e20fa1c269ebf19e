"""markdown-it rules that link http://, https://, www. and mail addresses, but not other names with a dot.

They replace markdown-it's own, which guess URLs and take quadratic time.
"""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# The most links of a text; further URLs stay text.
MOST_LINKS = 100
LONGEST_LINK = 2000
# A host name ends where a script without spaces continues, unless it began in that script.
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_HOST = rf"(?:[{_LATIN}](?:[{_LATIN}_.-]{{0,252}})|[^\W_][\w.-]{{0,252}})(?::\d{{1,5}})?"
# Without characters that are invalid in a URL, and punctuation of scripts without spaces.
_PATH = (
    rf"(?:[/?#][^\s<>\"`\x00-\x1f\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff65]{{0,{LONGEST_LINK}}})?"
)
_LABEL = rf"[{_LATIN}](?:[{_LATIN}-]{{0,61}}[{_LATIN}])?"

_scheme = re.compile(r"(?:^|[^A-Za-z0-9.+-])(https?)$", re.IGNORECASE)
_after_scheme = re.compile(f"://{_HOST}{_PATH}")
_plain_link = re.compile(
    rf"(?<![\w@./:-])(?P<www>www\.{_HOST}{_PATH})"
    rf"|(?<![{_LATIN}@._%+/-])(?P<mail>[A-Za-z0-9][A-Za-z0-9._%+-]{{0,63}}@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}})(?![{_LATIN}@-])",
    re.IGNORECASE,
)
_brackets = {")": "(", "]": "[", "}": "{"}


def trim_url(url: str) -> str:
    """Return the URL without punctuation of the surrounding sentence; paired brackets stay."""
    surplus = {close: url.count(close) - url.count(opened) for close, opened in _brackets.items()}
    end = len(url)
    while end:
        last = url[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in "?!.,:;*_~'":
            break
        end -= 1
    return url[:end]


def link_of_scheme(state: StateInline, silent: bool) -> bool:
    """Rule for "http://" and "https://", which runs before an underscore in the URL could begin italics."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _scheme.search(state.pending[-6:])
    found = _after_scheme.match(state.src, state.pos) if scheme else None
    if scheme is None or found is None:
        return False
    rest = trim_url(found[0])
    href = _valid_href(scheme[1] + rest, state.md, state.env)
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
    """Rule for "www." and mail addresses, in the remaining text."""
    for inline in state.tokens:
        if inline.type != "inline" or not ("@" in inline.content or "www." in inline.content.lower()):
            continue
        depth, children = 0, list[Token]()
        for token in inline.children or []:
            depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            is_plain = token.type == "text" and depth == 0
            children += _link_addresses(token.content, state) if is_plain else [token]
        inline.children = children


def _link_addresses(content: str, state: StateCore) -> Iterable[Token]:
    end = 0
    for match in _plain_link.finditer(content):
        text = trim_url(match[0])
        if match["www"] and "." not in text[len("www.") :]:
            continue
        href = _valid_href(f"mailto:{text}" if match["mail"] else f"http://{text}", state.md, state.env)
        if href:
            yield text_token(content[end : match.start()])
            yield from link_tokens(text, href)
            end = match.start() + len(text)
    yield text_token(content[end:])


def link_tokens(text: str, href: str, css_class: str = "") -> tuple[Token, Token, Token]:
    """Return the tokens of a link with this text."""
    attributes: dict[str, str | int | float] = {"href": href, **({"class": css_class} if css_class else {})}
    return Token("link_open", "a", 1, attrs=attributes), text_token(text), Token("link_close", "a", -1)


def text_token(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _valid_href(url: str, markdown: MarkdownIt, env: MutableMapping[str, Any]) -> str:
    """Return the URL for HTML; "" for an invalid one, and above MOST_LINKS."""
    count = env.get("links", 0)
    href = markdown.normalizeLink(url) if count < MOST_LINKS else ""
    if not (href and markdown.validateLink(href)):
        return ""
    env["links"] = count + 1
    return href
