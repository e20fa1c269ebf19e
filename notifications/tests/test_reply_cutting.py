"""What is cut from replies: quotations, their introductions and signatures; and what hostile text costs."""

import time
from contextlib import suppress

import pytest

from core.inbound_mail.bounded_parser import parse_message
from notifications.replies.body_text import find_text
from notifications.replies.cutting import MAX_CHARACTERS as MAX_LENGTH
from notifications.replies.cutting import TooLongReply, UnclearReply, cut_reply
from notifications.replies.html_text import html_to_text
from tests.cases import all_cases

from .reply_mails import EXCERPT, original, quoted
from .reply_samples import INTRODUCTIONS, MUTT, WORDS, reply_samples

# At least 95 % are cut right.
MOST_WRONG = 3
# Of a 64 kB text on a machine that does nothing else; the library alone takes minutes.
MOST_SECONDS = 5

QUOTED = f"{MUTT}\n{quoted()}\n"
FOLDED = f"{quoted('A line that is quoted here is long enough to be folded by a program')}\nof mail"
# Texts of members that look like quotations or signatures, by what is posted of them.
OWN = {
    "Von meiner Seite passt alles.": "Von meiner Seite passt alles.",
    "Sent with love, see you!": "Sent with love, see you!",
    "Sent from my desk, since my phone is off.": "Sent from my desk, since my phone is off.",
    "Viele Grüße\nAlice": "Viele Grüße\nAlice",
    "Yes.\n\nBest regards\nAlice\n\nPS: bring the keys": "Yes.\n\nBest regards\nAlice\n\nPS: bring the keys",
    "On Monday she wrote:\n\nthat it is done.": "On Monday she wrote:\n\nthat it is done.",
    "Date: 5 May\nTo: Berlin\n\nSee you": "Date: 5 May\nTo: Berlin\n\nSee you",
    "Thanks, that works.\nI come at five.": "Thanks, that works.\nI come at five.",
    "- one\n- two\n\n--- Agenda ---\nthree": "- one\n- two\n\n--- Agenda ---\nthree",
    "We meet on 3/5 at 9:00:\n\nall of us": "We meet on 3/5 at 9:00:\n\nall of us",
    "Title\n--\ntext": "Title\n--\ntext",
    "Yes.\n\n[image: logo.png]\n-- \nAlice": "Yes.",
    "Yes.\n\nSent from Outlook for Android<https://aka.ms/x>": "Yes.",
}


def test_ninety_five_percent_of_sixty_replies_are_cut_right() -> None:
    wrong, leaked = [], []
    samples = reply_samples()
    for name, (content, expected) in samples.items():
        words = cut_reply(find_text(parse_message(content)))
        if words != expected:
            wrong.append(f"{name}: {words!r}")
        if any(
            sentence in words for sentence in (EXCERPT[:40], "commented on your post", "http://localhost")
        ):
            leaked.append(name)
    assert not leaked, "\n".join(leaked)
    assert len(samples) >= 60
    assert len(wrong) <= MOST_WRONG, "\n".join(wrong)


def test_introductions_are_cut_in_any_language_with_our_mark_and_without() -> None:
    with all_cases() as case:
        for introduction in INTRODUCTIONS:
            for is_marked in (True, False):
                text = original(is_marked=is_marked)[0]
                for name, quotation in (("plain", text), ("quoted", quoted(text))):
                    with case(f"{name} {is_marked} {introduction}"):
                        assert cut_reply(f"{WORDS}\n\n{introduction}\n\n{quotation}\n") == WORDS


def test_words_of_the_member_are_kept_and_signatures_are_not() -> None:
    with all_cases() as case:
        for typed, expected in OWN.items():
            for name, text in (
                ("alone", typed),
                ("above", f"{typed}\n\n{QUOTED}"),
                ("below", f"{QUOTED}\n{typed}"),
            ):
                with case(f"{name}: {typed}"):
                    assert cut_reply(text) == expected


def test_folded_lines_are_quoted_below_an_answer_and_unclear_elsewhere() -> None:
    assert cut_reply(f"Yes.\n\n{QUOTED}{FOLDED}\n{quoted()}\n") == "Yes."
    for text in (f"{QUOTED}{FOLDED}\n{quoted()}\n", f"Yes.\n\n{QUOTED}\nAnd no.\n\n{FOLDED}\n{quoted()}\n"):
        with pytest.raises(UnclearReply):
            cut_reply(text)


def test_a_sentence_with_a_colon_is_an_introduction_only_above_the_first_quotation() -> None:
    assert cut_reply("We meet on 3/5 at 9:00:") == "We meet on 3/5 at 9:00:"
    assert (
        cut_reply(f"Hi\n\n{QUOTED}\nOn 3/5 at 9:00:\n\n{quoted()}\n\nyes\n") == "Hi\n\nOn 3/5 at 9:00:\n\nyes"
    )


def test_a_notice_is_left_out_only_below_an_answer() -> None:
    notice = (
        "This mail is confidential and intended only for the person to whom it is addressed. It was scanned."
    )
    for text, expected in {
        f"Yes.\n\n{QUOTED}\n{notice}\n": "Yes.",
        f"Yes.\n\n{QUOTED}\nPlease keep it confidential.\n": "Yes.\n\nPlease keep it confidential.",
        f"{QUOTED}\n{notice}\n": notice,
    }.items():
        assert cut_reply(text) == expected


def test_a_long_quotation_is_no_long_reply() -> None:
    line = "> " + "x" * 70 + "\n"
    assert cut_reply("Yes.\n\n" + QUOTED + line * 5000) == "Yes."
    assert cut_reply(f"Yes.\n\n{original()[0]}" + "x\n" * 9000) == "Yes."
    with pytest.raises(TooLongReply):
        cut_reply("x\n" * 9000)


def test_hostile_text_costs_little() -> None:
    units = ["On ", "Am 1 schrieb a schrieb ", "From: a@b\n", "> x\nyes\n", "<a@b>"]
    lines = [f"{(unit.strip() * 200)[:155]}:\n" for unit in units]
    tags = ["<div>", "<ul><li>x", "<!--", "<table><td>", "<pre>\n"]
    texts = [unit * (MAX_LENGTH // len(unit)) for unit in (*units, *lines, *tags)]
    with all_cases() as case:
        for text in texts:
            with case(text):
                started = time.process_time()
                with suppress(TooLongReply, UnclearReply):
                    cut_reply(html_to_text(text) if text[:2] in {"<d", "<u", "<!", "<t", "<p"} else text)
                assert time.process_time() - started < MOST_SECONDS
