"""Markdown as members write it: what becomes what, and who and what is named in it."""

import re

import pytest

from core.markdown import find_hashtags, find_mentions, to_html


def html(text: str, *, known: bool = True) -> str:
    return to_html(
        text,
        mention=lambda name: f"/members/{name}/" if known else None,
        hashtag=lambda tag: f"/tags/{tag}/" if known else None,
    )


REL = 'rel="nofollow noopener ugc"'

WRITTEN = [
    ("plain", "<p>plain</p>"),
    ("one\ntwo", "<p>one<br>\ntwo</p>"),
    ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
    ("**bold** *italics* ~~gone~~", "<p><strong>bold</strong> <em>italics</em> <s>gone</s></p>"),
    ("`a < b`", "<p><code>a &lt; b</code></p>"),
    ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
    ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    ("3. three\n4. four", '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>'),
    ("```python\nx = 1\n```", '<pre><code class="language-python">x = 1\n</code></pre>'),
    ("[site](https://example.org)", f'<p><a href="https://example.org" {REL}>site</a></p>'),
    (
        "see https://example.org/a_b",
        f'<p>see <a href="https://example.org/a_b" {REL}>https://example.org/a_b</a></p>',
    ),
    ("mail me@example.org", f'<p>mail <a href="mailto:me@example.org" {REL}>me@example.org</a></p>'),
    ("# no heading", "<p># no heading</p>"),
    ("no heading\n---", "<p>no heading<br>\n---</p>"),
    ("a < b && c > d", "<p>a &lt; b &amp;&amp; c &gt; d</p>"),
    ("delete from orders", "<p>delete from orders</p>"),
    ("AMZN", "<p>AMZN</p>"),
    ("O'Brien", "<p>O'Brien</p>"),
    ("مرحبا می\u200cخواهم 👩‍👩‍👧", "<p>مرحبا می\u200cخواهم 👩‍👩‍👧</p>"),
    ("<b>not bold</b>", "<p>&lt;b&gt;not bold&lt;/b&gt;</p>"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_markdown_becomes_html(text: str, expected: str) -> None:
    assert html(text) == expected


def test_a_picture_in_markdown_is_a_link_and_loads_nothing() -> None:
    assert "<img" not in html("![alt](https://example.org/pixel.png)")


def test_a_mention_becomes_a_link() -> None:
    assert html("thanks @bob!") == f'<p>thanks <a href="/members/bob/" class="mention" {REL}>@bob</a>!</p>'


def test_a_mention_keeps_its_letters_and_links_to_the_name() -> None:
    assert f'<a href="/members/bob/" class="mention" {REL}>@BoB</a>' in html("@BoB")


def test_a_hashtag_becomes_a_link() -> None:
    assert html("on #Django.") == f'<p>on <a href="/tags/django/" class="hashtag" {REL}>#Django</a>.</p>'


def test_unknown_names_and_tags_stay_text() -> None:
    assert html("@bob on #django", known=False) == "<p>@bob on #django</p>"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@bob", {"bob"}),
        ("@bob, @Carol and @bob", {"bob", "carol"}),
        ("(@bob)", {"bob"}),
        ("“@bob”", {"bob"}),
        ("@bob.", {"bob"}),
        ("@bob: hi", {"bob"}),
        ("@bob's", {"bob"}),
        ("@a.b-c_d", {"a.b-c_d"}),
        ("@bob\n@carol", {"bob", "carol"}),
        ("- @bob\n  - > @carol", {"bob", "carol"}),
        ("**@bob** and *@carol*", {"bob", "carol"}),
        ("@" + "a" * 30, {"a" * 30}),
        ("@" + "a" * 31, set()),
        ("me@example.org", set()),
        ("write to @bob@social.example", set()),
        ("@@bob", set()),
        ("x@bob", set()),
        ("a/@bob", set()),
        ("@bob-", set()),
        ("@.bob", set()),
        ("@ bob", set()),
        ("`@bob`", set()),
        ("```\n@bob\n```", set()),
        ("    @bob", set()),
        ("[@bob](https://example.org)", set()),
        ("[a **@bob** b](https://example.org)", set()),
        ("https://example.org/@bob", set()),
        ("https://example.org/?q=@bob", set()),
        (r"\@bob", {"bob"}),
        ("@bób", set()),
    ],
)
def test_mentions_are_found(text: str, names: set[str]) -> None:
    assert find_mentions(text) == names


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#django", {"django"}),
        ("#Django #DJANGO", {"django"}),
        ("#one#two", {"one"}),
        ("(#one), #two.", {"one", "two"}),
        ("#Straße #STRASSE", {"strasse"}),
        ("#日本語 #مرحبا #Łódź", {"日本語", "مرحبا", "łódź"}),
        ("#ภาษาไทย", {"ภาษาไทย"}),
        ("#हिन्दी", set()),  # better no link than one to half a word
        ("#snake_case", {"snake_case"}),
        ("#web3 and #2026goals", {"web3", "2026goals"}),
        ("#1 in #2026", set()),
        ("C# and F#", set()),
        ("&#39; &#x27;", set()),
        ("##twice", set()),
        ("# heading", set()),
        ("`#code`", set()),
        ("```\n#include\n```", set()),
        ("[#no](https://example.org)", set()),
        ("https://example.org/#part", set()),
        ("https://example.org/page#part", set()),
        ("a#b", set()),
        ("#" + "a" * 64, {"a" * 64}),
        ("#" + "a" * 65, set()),
        ("#", set()),
        ("- #one\n> #two", {"one", "two"}),
        ("**#one**", {"one"}),
    ],
)
def test_hashtags_are_found(text: str, tags: set[str]) -> None:
    assert find_hashtags(text) == tags


@pytest.mark.parametrize(
    "text", ["@bob and #django", "**@bob** `@x` [@y](https://e.example) #one#two @c@d.example"]
)
def test_what_is_linked_is_what_was_found(text: str) -> None:
    linked: set[str] = set()

    def note(kind: str, key: str) -> None:
        linked.add(f"{kind}{key}")

    to_html(text, mention=lambda name: note("@", name), hashtag=lambda tag: note("#", tag))
    found = {f"@{name}" for name in find_mentions(text)} | {f"#{tag}" for tag in find_hashtags(text)}
    assert linked == found


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("İstanbul", "istanbul"),
        ("ταΐζω", "ταιζω"),
        ("ǰ", "j"),
        ("ŉ", "ʼn"),
        ("ﬁne", "fine"),
        ("ß" * 32, "ss" * 32),
    ],
)
def test_a_tag_that_grows_when_its_case_is_folded_still_fits_an_address(typed: str, key: str) -> None:
    assert find_hashtags(f"#{typed}") == {key}
    assert re.fullmatch(r"\w{1,64}", key)


def test_a_tag_that_grows_beyond_its_address_is_none() -> None:
    assert find_hashtags("#" + "ß" * 33) == set()
    assert "<a" not in html("#" + "ß" * 33)
