"""Markdown as members write it: what becomes what, and who and what is named in it."""

import re
from functools import partial

from core.text.markdown import find_hashtags, find_mentions, to_html
from core.text.names import fold_tag, is_tag
from tests.cases import all_cases


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
    # A picture is a link and loads nothing.
    (
        "![alt](https://example.org/pixel.png)",
        f'<p>!<a href="https://example.org/pixel.png" {REL}>alt</a></p>',
    ),
    ("thanks @bob!", f'<p>thanks <a href="/members/bob/" class="mention" {REL}>@bob</a>!</p>'),
    # A mention keeps its spelling and links to the name.
    ("@BoB", f'<p><a href="/members/bob/" class="mention" {REL}>@BoB</a></p>'),
    ("on #Django.", f'<p>on <a href="/tags/django/" class="hashtag" {REL}>#Django</a>.</p>'),
    ("#" + "ß" * 33, f"<p>#{'ß' * 33}</p>"),
]


def test_markdown_becomes_html() -> None:
    with all_cases() as case:
        for text, expected in WRITTEN:
            with case(text):
                assert html(text) == expected


def note(linked: set[str], kind: str, key: str) -> None:
    """Note what is linked, and link nothing."""
    linked.add(f"{kind}{key}")


def test_what_is_linked_is_what_was_found() -> None:
    with all_cases() as case:
        for text in ["@bob and #django", "**@bob** `@x` [@y](https://e.example) #one#two @c@d.example"]:
            with case(text):
                linked: set[str] = set()

                to_html(text, mention=partial(note, linked, "@"), hashtag=partial(note, linked, "#"))
                found = {f"@{name}" for name in find_mentions(text)} | {
                    f"#{tag}" for tag in find_hashtags(text)
                }
                assert linked == found


MENTIONED = {
    "@bob": {"bob"},
    "@bob, @Carol and @bob": {"bob", "carol"},
    "(@bob)": {"bob"},
    "“@bob”": {"bob"},
    "@bob.": {"bob"},
    "@bob: hi": {"bob"},
    "@bob's": {"bob"},
    "@a.b-c_d": {"a.b-c_d"},
    "@bob\n@carol": {"bob", "carol"},
    "- @bob\n  - > @carol": {"bob", "carol"},
    "**@bob** and *@carol*": {"bob", "carol"},
    "@" + "a" * 30: {"a" * 30},
    "@" + "a" * 31: set(),
    "me@example.org": set(),
    "write to @bob@social.example": set(),
    "@@bob": set(),
    "x@bob": set(),
    "a/@bob": set(),
    "@bob-": {"bob"},
    "@.bob": set(),
    "@ bob": set(),
    "`@bob`": set(),
    "```\n@bob\n```": set(),
    "    @bob": set(),
    "[@bob](https://example.org)": set(),
    "[a **@bob** b](https://example.org)": set(),
    "https://example.org/@bob": set(),
    "https://example.org/?q=@bob": set(),
    r"\@bob": {"bob"},
    "@bób": set(),
    "ありがとう@bobさん": {"bob"},
    "谢谢@bob": {"bob"},
    "@bob你好": {"bob"},
    "спасибо@bob!": {"bob"},
    "شكرا@bobشكرا": {"bob"},
    "ขอบคุณ@bobครับ": {"bob"},
    ".@bob said so": {"bob"},
    "-@bob": {"bob"},
    "with @alice/@bob": {"alice", "bob"},
    "@alice/@bob/@carol": {"alice", "bob", "carol"},
    "@bob_ hi": {"bob"},
    "_@bob_": {"bob"},
    "@bob- hi": {"bob"},
    "@bob-@carol": {"bob", "carol"},
    "a@bob": set(),
    "é@bob": set(),
    "me@bob.example": set(),
    "@bob@other.example": set(),
    "medium.com/@bob": set(),
    "and/@bob": set(),
    "www.example.org/@bob": set(),
    "@bob\u0301": set(),
    "@bobé": set(),
    "@bob_é": set(),
}


def test_mentions_are_found_beside_any_letter() -> None:
    assert {text: find_mentions(text) for text in MENTIONED} == MENTIONED


TAGGED = {
    "#django": {"django"},
    "#Django #DJANGO": {"django"},
    "#one#two": {"one"},
    "(#one), #two.": {"one", "two"},
    "#Straße #STRASSE": {"strasse"},
    "#日本語 #مرحبا #Łódź": {"日本語", "مرحبا", "łódź"},
    "#ภาษาไทย": {"ภาษาไทย"},
    "#हिन्दी": {"हिन्दी"},
    "#snake_case": {"snake_case"},
    "#web3 and #2026goals": {"web3", "2026goals"},
    "#1 in #2026": set(),
    "C# and F#": set(),
    "&#39; &#x27;": set(),
    "##twice": set(),
    "# heading": set(),
    "`#code`": set(),
    "```\n#include\n```": set(),
    "[#no](https://example.org)": set(),
    "https://example.org/#part": set(),
    "https://example.org/page#part": set(),
    "a#b": set(),
    "#" + "a" * 64: {"a" * 64},
    "#" + "a" * 65: set(),
    "#": set(),
    "- #one\n> #two": {"one", "two"},
    "**#one**": {"one"},
    # These grow when their case is folded, and must fit an address all the same.
    "#İstanbul": {"istanbul"},
    "#ταΐζω": {"ταιζω"},
    "#ǰ": {"j"},
    "#ŉ": {"ʼn"},
    "#ﬁne": {"fine"},
    "#" + "ß" * 32: {"ss" * 32},
    "#" + "ß" * 33: set(),
    "#हिन्दी में लिखो": {"हिन्दी"},
    "#தமிழ் இனிது": {"தமிழ்"},
    "#مُحَمَّد": {"مُحَمَّد"},
    "#می\u200cخواهم برویم": {"می\u200cخواهم"},
    "#ශ්\u200dරී ලංකා": {"ශ්\u200dරී"},
    "#বাংলা। #ગુજરાતી, #ភាសាខ្មែរ #မြန်မာ #བོད་": {"বাংলা", "ગુજરાતી", "ភាសាខ្មែរ", "မြန်မာ", "བོད"},
    "#שָׁלוֹם #ภาษาไทย #한국어": {"שָׁלוֹם", "ภาษาไทย", "한국어"},
    "今日#東京#大阪へ": {"東京", "大阪へ"},
    "#cafe\u0301 #café": {"café"},
    "#ad\u200cmin": set(),
    "#\u0301abc": set(),
    "#️⃣ #\u20e3": set(),
    "é#x a#b #one#two": {"one"},
    "#" + "कि" * 32: {"कि" * 32},
    "#" + "कि" * 33: set(),
}


def test_hashtags_are_found_as_whole_words_in_every_script() -> None:
    assert {text: find_hashtags(text) for text in TAGGED} == TAGGED
    for tags in TAGGED.values():
        assert all(fold_tag(tag) == tag and is_tag(tag) and len(tag) <= 64 for tag in tags)


LINKED = {
    "She has an M.Sc. in Physics": [],
    "See README.md, e.g. main.py or setup.sh": [],
    "Ende der Sitzung.Am Montag": [],
    "It works.So what?": [],
    "example.org and 10.0.0.1 and ftp://example.org": [],
    "xhttp://example.org and awww.example.org": [],
    "www.org": [],
    "https://": [],
    "See www.example.org/a(b), or": ["http://www.example.org/a(b)"],
    "(https://example.org/a?b=c).": ["https://example.org/a?b=c"],
    "HTTPS://Example.org!": ["HTTPS://Example.org"],
    "見てhttps://example.org。次": ["https://example.org"],
    "（https://example.org/a）": ["https://example.org/a"],
    "https://президент.рф/": ["https://xn--d1abbgf6aiiy.xn--p1ai/"],
    "http://localhost:8000/x": ["http://localhost:8000/x"],
    "https://bank.example@evil.example": ["https://bank.example"],
    "mail me@bob.example, or a.b+c@x-y.co.uk.": ["mailto:me@bob.example", "mailto:a.b+c@x-y.co.uk"],
    "@bob@other.example": [],
    "[M.Sc.](https://example.org) <https://example.org/b>": ["https://example.org", "https://example.org/b"],
    "`www.example.org` https://example.org/_a_b": ["https://example.org/_a_b"],
}


def test_only_written_links_are_links() -> None:
    found = {text: re.findall(r'href="([^"]*)"', html(text, known=False)) for text in LINKED}
    assert found == LINKED


def test_beyond_a_hundred_addresses_are_text() -> None:
    assert html("http://a.example/ me@a.example " * 300).count("<a ") == 100


SHOWN = {
    # Names and tags that nobody has stay text.
    "@bob on #django": "<p>@bob on #django</p>",
    "2026. What a year it was!\n\n100. Mitglied begrüßt.": (
        '<ol start="2026" class="digits-4">\n<li>\n<p>What a year it was!</p>\n</li>\n'
        '<li value="100">\n<p>Mitglied begrüßt.</p>\n</li>\n</ol>'
    ),
    "1. a\n2. b": "<ol>\n<li>a</li>\n<li>b</li>\n</ol>",
    "1. a\n1. b": '<ol>\n<li>a</li>\n<li value="1">b</li>\n</ol>',
    "0. a\n5) b": '<ol start="0">\n<li>a</li>\n</ol>\n<ol start="5">\n<li>b</li>\n</ol>',
    "9. a\n10. b\n    - x\n    - y": (
        '<ol start="9" class="digits-2">\n<li>a</li>\n<li>b\n<ul>\n<li>x</li>\n<li>y</li>\n</ul>\n</li>\n</ol>'
    ),
    "**注意：**本文": "<p><strong>注意：</strong>本文</p>",
    "**注意：**abc": "<p><strong>注意：</strong>abc</p>",
    "これは**「重要」**です": "<p>これは<strong>「重要」</strong>です</p>",
    "**강조(예)**는 *（x）*y": "<p><strong>강조(예)</strong>는 <em>（x）</em>y</p>",
    "ดู**“นี่”**ครับ": "<p>ดู<strong>“นี่”</strong>ครับ</p>",
    "~~注意：~~本文": "<p><s>注意：</s>本文</p>",
    "** 本**": "<p>** 本**</p>",
    "a **b:**c": "<p>a **b:**c</p>",
    "2 ** 3 ** 4": "<p>2 ** 3 ** 4</p>",
}


def test_numbers_are_those_typed_bold_needs_no_spaces_and_unknown_names_stay_text() -> None:
    assert {text: html(text, known=False) for text in SHOWN} == SHOWN
