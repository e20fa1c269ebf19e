"""What is stored of a typed text: honest text unharmed, noise gone, tricks in names refused."""

import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from core.text import clean_block, clean_line, refuse_invisible, search_key

HONEST = {
    "sql": "delete from orders; -- then AMZN",
    "ticker": "AMZN",
    "apostrophe": "O'Brien",
    "comparison": "a < b && c > d",
    "code": '```python\nfor x in y:\n\tprint(f"{x!r:>10}")  # tab and two blanks  \n```',
    "indented": "1. one\n    - nested\n        deeper",
    "arabic": "مرحبا بالعالم",
    "persian": "می\u200cخواهم کتاب\u200cها را",
    "hindi": "क्\u200dष हिन्दी",
    "sinhala": "ශ්\u200dරී ලංකා",
    "hebrew with a mark": "שלום\u200f!",
    "emoji": "🎉 👍🏽 ❤️ 🏳️‍🌈",
    "family": "👩‍👩‍👧‍👦 and 🧑‍💻",
    "flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "typography": "“quoted” – dash … ‘single’ «guillemets»",
    "two blank lines": "one\n\n\ntwo",
    "chinese": "你好，世界",
    "vietnamese": "Tiếng Việt",
    "html": "<script>alert(1)</script> &amp; <b>",
    "backslash": r"C:\new\table %s {0} $1 \0",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST.keys())
def test_honest_text_passes_unharmed(text: str) -> None:
    assert clean_block(text) == text


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("\n\n  indented start\n\n", "  indented start"),
        ("one\n\n\n\n\n\ntwo", "one\n\n\ntwo"),
        ("bell\x07 and nul\x00 and delete\x7f", "bell and nul and delete"),
        ("cafe\u0301", "café"),
        ("tail   \n  ", "tail"),
        (" \n\t ", ""),
        ("", ""),
    ],
)
def test_noise_goes(typed: str, stored: str) -> None:
    assert clean_block(typed) == stored


@given(st.text())
@example("e\x00\u0301")
@example("a\n\x00\n\x00\n\x00\nb")
@example("\n \n")
@example("a\r\x00\nb")
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean_block(text)
    assert clean_block(once) == once


@given(st.text())
@example("e\x00\u0301")
def test_a_cleaned_text_is_normal_and_holds_no_control_character(text: str) -> None:
    cleaned = clean_block(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not set(cleaned) & {chr(code) for code in [*range(9), 11, 12, 13, *range(14, 32), 127]}
    assert "\n\n\n\n" not in cleaned


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_visible_characters_all_stay(text: str) -> None:
    assert clean_block(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Ada\r\nLovelace", "Ada Lovelace"),
        ("Ada\tLovelace\u2028\u2029", "Ada Lovelace"),
        ("Ada\u00a0\u3000Lovelace", "Ada Lovelace"),
        ("Rene\u0301", "René"),
    ],
)
def test_a_line_is_one_line_with_single_spaces(typed: str, stored: str) -> None:
    assert clean_line(typed) == stored


@given(st.text())
def test_cleaning_a_line_twice_is_cleaning_it_once(text: str) -> None:
    once = clean_line(text)
    assert clean_line(once) == once
    assert not set(once) & set("\n\r\t\u2028\u2029")


HONEST_NAMES = [
    "O'Brien",
    "Anne-Marie d’Arc",
    "Łukasz Żółć",
    "Nguyễn Văn Á",
    "Nguyê\u0303n",
    "محمد علی",
    "علی\u200cرضا",
    "ක්\u200dෂ",
    "क्\u200dष",
    "李小龙",
    "葛\U000e0100飾",
    "Дмитрий",
    "שלמה",
    "สมชาย",
    "田中 (Tanaka)",
    "Ann 🎉",
    "Lead ❤️ Engineer",
    "1️⃣ in sales",
    "🧑‍💻 Engineer",
    "Parent 👩‍👩‍👧‍👦",
    "Pride 🏳️‍🌈",
    "Coach 👩🏽‍🏫",
    "C++ & C# < Rust",
]


@pytest.mark.parametrize("name", HONEST_NAMES)
def test_an_honest_line_is_not_refused(name: str) -> None:
    refuse_invisible(clean_line(name))


TRICKS = {
    "zero-width space": "Ad\u200ba",
    "zero-width space at the end": "Ada\u200b",
    "zero-width non-joiner in latin": "Ad\u200ca",
    "zero-width joiner in latin": "Ad\u200da",
    "joiner at the start": "\u200dAda",
    "two joiners": "علی\u200c\u200cرضا",
    "joiner after an emoji alone": "Ada 👩\u200d",
    "joiner between an emoji and a letter": "👩\u200dA",
    "word joiner": "Ad\u2060a",
    "byte order mark": "\ufeffAda",
    "soft hyphen": "Ad\u00ada",
    "right-to-left override": "Ada\u202eecila",
    "left-to-right override": "\u202dAda",
    "right-to-left embedding": "\u202bAda",
    "right-to-left isolate": "\u2067Ada\u2069",
    "right-to-left mark": "Ada\u200f",
    "pop": "Ada\u202c",
    "mongolian vowel separator": "Ad\u180ea",
    "invisible times": "Ad\u2062a",
    "tag letters": "Ada\U000e0041",
    "hangul filler": "\u3164",
    "half-width hangul filler": "\uffa0",
    "hangul choseong filler": "A\u115f",
    "hangul jungseong filler": "A\u1160",
    "braille blank": "\u2800",
    "grapheme joiner": "Ad\u034fa",
    "khmer inherent vowel": "Ad\u17b4a",
    "variation selector after a letter": "Ada\ufe0f",
    "variation selector alone": "\ufe0f",
    "variation selectors in a row": "❤\ufe0f\ufe0f",
    "line separator": "Ada\u2028Eve",
    "control": "Ada\x07",
    "escape": "\x1b[31mAda",
    "nul": "Ada\x00",
    "private use": "Ada\ue000",
    "not a character": "Ada\ufffe",
    "half a surrogate": "Ada\ud800",
    "zalgo": "A" + "\u0300\u0301\u0302\u0303\u0304" + "da",
    "heavy zalgo": "Z̸̡̢͚̼͙̠̈́̂͆̏a̶̡̛̘͈̯̍̔̓l̵",
}


@pytest.mark.parametrize("name", TRICKS.values(), ids=TRICKS.keys())
def test_a_trick_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        refuse_invisible(name)
    assert refusal.value.code == "invisible"


@given(st.text(st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Pd", "Po", "Zs"), exclude_characters="ᅟᅠㅤﾠ")))
def test_letters_of_every_script_pass(name: str) -> None:
    refuse_invisible(name)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Émile Zola", "emile zola"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ÅNGSTRÖM", "angstrom"),
        ("İstanbul", "istanbul"),
        ("Ελλάς", "ελλασ"),
        ("李雷", "李雷"),
        ("ﬁne", "fine"),
        ("ℌello", "hello"),
        ("O'Brien", "o'brien"),
    ],
)
def test_a_search_key_knows_neither_case_nor_accents(text: str, key: str) -> None:
    assert search_key(text) == key


@given(st.text())
@example("ℌ")
def test_a_search_key_is_its_own_search_key(text: str) -> None:
    assert search_key(search_key(text)) == search_key(text)
