"""Markdown from hostile hands: nothing runs, nothing escapes the list of tags, nothing takes for ever."""

import gc
import re
import time
from html.parser import HTMLParser
from itertools import product

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.markdown import ATTRIBUTES, TAGS, find_hashtags, find_mentions, parse_text, to_html
from core.text.names import fold_tag, is_tag
from tests.cases import all_cases

pytestmark = pytest.mark.slow


def html(text: str) -> str:
    return to_html(text, mention=lambda name: f"/members/{name}/", hashtag=lambda tag: f"/tags/{tag}/")


class Elements(HTMLParser):
    """Every element of a text, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def active_parts(text: str) -> list[str]:
    """What the text must not have: other tags, other attributes, addresses of other schemes."""
    active = []
    for tag, attributes in Elements(text).found:
        if tag not in TAGS:
            active.append(f"<{tag}>")
        active += [
            f"{name}={value}"
            for name, value in attributes.items()
            if name not in ATTRIBUTES.get(tag, set()) | {"rel"}
        ]
        address = attributes.get("href") or ""
        if not re.match(r"(https?://|mailto:|/|#|[^:]*$)", address, re.IGNORECASE):
            active.append(address)
    return active


PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>@import 'https://evil.example'</style>",
    "<base href=https://evil.example>",
    "<form action=https://evil.example><input name=password>",
    "<details open ontoggle=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;avascript&colon;alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    '[x](https://e.example" onmouseover="alert(1))',
    "[x](https://e.example 'title\" onclick=alert(1)')",
    "![x](javascript:alert(1))",
    '![x](https://e.example/a.png "onerror=alert(1)")',
    "<javascript:alert(1)>",
    '<https://e.example/"onclick=alert(1)>',
    "[x]: javascript:alert(1)\n[x]",
    "[x]: <javascript:alert(1)>\n\n[click][x]",
    '```"><script>alert(1)</script>\nx\n```',
    "``` onclick=alert(1)\nx\n```",
    "`<script>alert(1)</script>`",
    "~~~html\n<script>alert(1)</script>\n~~~",
    "> <script>alert(1)</script>",
    "- <img src=x onerror=alert(1)>",
    "@bob<script>alert(1)</script>",
    "#tag<script>alert(1)</script>",
    '@"onmouseover=alert(1)',
    "https://e.example/<script>alert(1)</script>",
    'https://e.example/"onmouseover="alert(1)',
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;",
    "<<script>script>alert(1)<</script>/script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "\ufeff<script>alert(1)</script>",
    "＜script＞alert(1)＜/script＞",
    "{{ 7*7 }} {% debug %}",
]


def test_payloads_are_inert_alone_and_between_other_things() -> None:
    with all_cases() as case:
        for payload in PAYLOADS:
            for text in (payload, f"**a {payload} b**\n\n- {payload}\n\n> `x` {payload} @bob #tag"):
                with case(text):
                    assert active_parts(html(text)) == []


def test_a_link_of_another_scheme_is_no_link() -> None:
    with all_cases() as case:
        for scheme in ["javascript", "data", "vbscript", "file", "blob", "ftp", "tel", "intent"]:
            with case(scheme):
                addresses = [
                    attributes.get("href") for _tag, attributes in Elements(html(f"[x]({scheme}:y)")).found
                ]
                assert not any((address or "").lower().startswith(scheme) for address in addresses)


def test_even_a_caller_s_address_is_cleaned() -> None:
    with all_cases() as case:
        for address in ['"><script>', "javascript:alert(1)", "' onclick='alert(1)"]:
            with case(address):
                text = to_html("@bob #tag", mention={"bob": address}.get, hashtag={"tag": address}.get)
                assert "<script" not in text
                assert not any("onclick" in attributes for _tag, attributes in Elements(text).found)
                assert "javascript:" not in text


MARKS = st.sampled_from(
    [
        *"*_`~[]()<>!#@&\\\"'-+.:/|= \n\t",
        "1. ",
        "> ",
        "```",
        "https://",
        "<script>",
        "javascript:",
        "a",
        "é",
        "&#x6A;",
    ]
)
WRITINGS = st.lists(MARKS | st.text(max_size=5), max_size=40).map("".join) | st.text(max_size=200)


@given(WRITINGS)
def test_no_text_makes_anything_but_the_listed_tags(text: str) -> None:
    assert active_parts(html(text)) == []


@given(WRITINGS)
def test_the_result_is_already_clean(text: str) -> None:
    made = html(text)
    again = nh3.clean(
        made,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener ugc",
    )
    assert again == made


@given(WRITINGS)
def test_names_and_tags_are_always_well_formed(text: str) -> None:
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9._-]{0,28}[a-z0-9])?", name) for name in find_mentions(text))
    assert all(is_tag(tag) and len(tag) <= 64 and tag == fold_tag(tag) for tag in find_hashtags(text))


HEAVY = {
    "letters": "a",
    "words": "word ",
    "lines": "line\n",
    "paragraphs": "line\n\n",
    "stars": "*",
    "stars and letters": "*a ",
    "strong": "**a",
    "underscores": "_a_",
    "tildes": "~~a",
    "backticks": "`",
    "backticks apart": "` ",
    "brackets": "[",
    "closed brackets": "]",
    "links": "[a](b)",
    "half links": "[a](",
    "pictures": "![",
    "less than": "<",
    "tags": "<a",
    "comments": "<!--",
    "quotes": ">",
    "quotes apart": "> ",
    "lists": "- ",
    "nested lists": "1. - ",
    "ampersands": "&",
    "entities": "&amp;",
    "backslashes": "\\",
    "fences": "```\n",
    "mentions": "@bob ",
    "mentions together": "@bob",
    "at signs": "@",
    "hashtags": "#tag ",
    "hashtags together": "#tag",
    "hashes": "#",
    "addresses": "https://example.org/ ",
    "addresses together": "https://example.org/",
    "schemes": "http://",
    "mail addresses": "a@example.org ",
    "mail addresses together": "a@b.c",
    "dots": "a.",
    "www": "www.",
    "slashes": "/",
    "dashes": "a-",
    "blanks": " ",
    "tabs": "\t",
    "marks": "\u0301",
    "emoji": "👩‍👩‍👧",
}


def cpu(piece: str, length: int, times: int = 1) -> float:
    """Seconds of this process for all that is made of a post of `length` characters: the best of `times`."""
    text = (piece * length)[:length]

    def once() -> float:
        started = time.process_time()
        parsed = parse_text(text)
        assert parsed.mentions is not None
        assert parsed.hashtags is not None
        parsed.to_html(mention=lambda name: f"/members/{name}/", hashtag=lambda tag: f"/tags/{tag}/")
        return time.process_time() - started

    return min(once() for _ in range(times))


def too_slow(piece: str, length: int, enough: float = 0.5) -> str | None:
    """What is wrong when twice the text takes more than three times as long, and more than `enough` seconds.

    Most pieces are so quick that one look is enough.
    """
    if cpu(piece, length) < enough:
        return None
    half, whole = cpu(piece, length // 2, times=3), cpu(piece, length, times=3)
    is_slow = whole > 4 * enough or (whole > enough and whole > 3 * half)
    return f"{half:.2f} s, then {whole:.2f} s" if is_slow else None


def test_twice_the_text_does_not_take_four_times_as_long() -> None:
    assert {name: slow for name, piece in HEAVY.items() if (slow := too_slow(piece, 16_000))} == {}


def test_long_and_deep_texts_are_read_to_their_end() -> None:
    with all_cases() as case:
        for piece in ["word ", "line\n", "[", "**a"]:
            with case(f"a hundred thousand characters of {piece!r}"):
                text = (piece * 100_000)[:100_000]
                assert text.strip()[:1] in html(text)
        with case("a name at the end"):
            assert find_mentions("word " * 20_000 + "@alice") == {"alice"}
        # Deep nesting is cut and not an error.
        for what, text in (
            ("quotes in quotes", "> " * 5000 + "deep"),
            ("lists in lists", "".join("  " * depth + "- x\n" for depth in range(300))),
        ):
            with case(what):
                assert active_parts(html(text)) == []


HOSTILE = ":/[(*_`<&#@.w"


def atoms() -> set[str]:
    """Every two and three of the hostile characters; of those that repeat into the same text, one."""
    found = set()
    for size in (2, 3):
        for chosen in product(HOSTILE, repeat=size):
            turned = ["".join(chosen[at:] + chosen[:at]) for at in range(size)]
            found.add(min(turned))
    return found


def suspects() -> set[str]:
    """Of all atoms those that cost most, and those whose cost grows most when the text does."""
    cost, growth = {}, {}
    # A collection of garbage in the middle would look like a dear atom.
    gc.disable()
    try:
        for atom in atoms():
            cost[atom] = cpu(atom, 480)
            growth[atom] = cost[atom] / cpu(atom, 120)
    finally:
        gc.enable()
    return {*sorted(cost, key=cost.__getitem__)[-4:], *sorted(growth, key=growth.__getitem__)[-12:]}


def test_no_repeated_signs_take_longer_than_their_number() -> None:
    # "://[" alone took 1.7 seconds of a post of 10,000 characters, 16 times as much as a fourth of it.
    known = {"://[", "@a/", "**，", "[a](http://é.b)", "<http://a.b>", "a@b-", "www.a.b ", "#क्"}
    # 0.05 seconds on a quiet machine.
    slow = {atom: too_slow(atom, 5_000, enough=0.25) for atom in suspects() | known}
    assert {atom: words for atom, words in slow.items() if words} == {}
