"""The short way for plain texts gives exactly what the long one gives."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.text import markdown
from tests.cases import all_cases
from tests.hypothesis_settings import property_settings

NEVER = re.compile(r"(?!)")
SIGNS = " ,;:!?()'\"%…–—€-.\n_*#@/&<>`~+=[]|\\\t\u00a0\u200b😀1aéB"
WORDS = [
    "Hello",
    "you",
    "www.example.org",
    "a.b",
    "http:",
    "mailto:x",
    "1.",
    "1)",
    "-",
    "- x",
    "    x",
    "x  ",
    "\n",
    "\n\n",
]

plain_like = st.lists(
    st.one_of(st.sampled_from(WORDS), st.text(SIGNS, max_size=6), st.text(max_size=4)), max_size=8
).map(" ".join)


def html(text: str) -> str:
    return markdown.to_html(text, mention=lambda name: f"/in/{name}/", hashtag=lambda tag: f"/tags/{tag}/")


def html_the_long_way(text: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "PLAIN", NEVER)
        return html(text)


@property_settings
@given(st.one_of(plain_like, st.text(SIGNS, max_size=30), st.text(max_size=30)))
@example("Hello: a, b; c! (d) 'e' \"f\" - g? … – — € 5 %")
@example("One\ntwo\n\n\n\nthree. four.")
@example("Ünïcödé 履歴書 ªº ² Ⅷ")
@example("a.\nb")
@example("a:b ftp:x skype:y")
def test_both_ways_lead_to_the_same(text: str) -> None:
    assert html(text) == html_the_long_way(text)


PLAIN = [
    "Hello number 5, how are you?",
    "First line.\nSecond (really) line!\n\nAnother paragraph: yes.",
    "Ça va … 5 %",
]
NOT_PLAIN = [
    "", " Hello", "Hello ", "1. One", "- One", "*Hello*", "a_b_c", "see www.example.org", "a@b.org", "@alice", "#tag",
    "<b>", "a & b", "http://example.org", "a\tb", "`code`", "a\\*b", "a\u00a0b", "line \nline", "a\n b", "a\r\nb",
    # Within a line, characters that random texts hardly ever have before letters.
    *(f"one {sign}two{sign} three" for sign in "#@*_`<>&[]~\\/|=+"),
]  # fmt: skip


def test_what_people_mostly_write_goes_the_short_way() -> None:
    with all_cases() as case:
        for text in PLAIN:
            with case(text):
                assert markdown.PLAIN.fullmatch(text)
                assert html(text) == html_the_long_way(text)


def test_what_could_mean_something_goes_the_long_way() -> None:
    with all_cases() as case:
        for text in NOT_PLAIN:
            with case(text):
                assert not markdown.PLAIN.fullmatch(text)


def test_telling_takes_no_time_whatever_the_text() -> None:
    with all_cases() as case:
        for text in ["a" * 200_000 + "*", ("a b. " * 40_000) + "*", "a \n" * 60_000, "a\n" * 60_000 + " "]:
            with case(text):
                assert not markdown.PLAIN.fullmatch(text)
