"""The checker on histories made by hand: it is content with the good ones, and says what is wrong with the others."""

from dataclasses import replace
from typing import Any

import pytest

from .checker import check
from .history import ACKNOWLEDGED, EDIT, HEARD, READ, SCREEN, SEND, SHOWS, History
from .stored import DELETION, JOINED, LEFT, MESSAGE, Row, Seat, Stored
from .stored import EDIT as EDIT_KIND
from .words import Mark, text_of

ALICE, BOB, CLUB_GUEST, STRANGER = 1, 2, 3, 9
CONVERSATION = 7
MEMBERS = {CONVERSATION: {ALICE, BOB}}


def words(author: int, number: int, version: int = 0) -> str:
    return text_of(Mark(CONVERSATION, author, number, version))


class Story:
    """Alice sends two messages and Bob one, of which he reads the first two; everybody shows all three."""

    def __init__(self) -> None:
        self.history = History()
        self.rows: list[Row] = []
        self.seats = [
            Seat(CONVERSATION, ALICE, delivered=3, read=3),
            Seat(CONVERSATION, BOB, delivered=3, read=1, unread=1),
        ]
        self.last = 3
        self.screen = True

    def send(
        self, author: int, number: int, seq: int, *, stored: bool = True, acknowledged: bool = True
    ) -> str:
        """A send, which is stored and acknowledged; returns its client id."""
        client_id = f"{author}-{number}"
        text = words(author, number)
        who: dict[str, Any] = {"who": f"m{author}", "member": author, "conversation": CONVERSATION}
        self.history.note(SEND, **who, client_id=client_id, text=text)
        if stored:
            self.rows.append(Row(CONVERSATION, seq, MESSAGE, author, client_id, text))
        if acknowledged:
            self.history.note(ACKNOWLEDGED, **who, client_id=client_id, seq=seq)
        return client_id

    def show(self, member: int, *seqs: int) -> None:
        """The tab of a member shows these entries as they are stored."""
        for seq in seqs:
            row = next(row for row in self.rows if row.seq == seq)
            entry = {
                "seq": seq,
                "kind": row.kind,
                "author": row.author,
                "target": row.target,
                "text": row.text,
            }
            self.history.note(SHOWS, f"m{member}", member=member, conversation=CONVERSATION, **entry)

    def look(self, member: int, *seqs: int, badge: int | None = None, is_out: bool = False) -> None:
        """What is on the member's screen at the end."""
        rows = [row for row in self.rows if row.seq in seqs]
        kinds = {str(row.seq): row.kind for row in rows}
        lines = {str(row.seq): row.text for row in rows}
        have = max(seqs, default=0)
        screen = {"have": have, "kinds": kinds, "lines": lines, "badge": badge, "is_out": is_out}
        self.history.note(SCREEN, f"m{member}", member=member, conversation=CONVERSATION, **screen)

    def hear(self, member: int, *marks: Mark) -> None:
        """A frame with these marks reaches the member."""
        self.history.note(HEARD, f"m{member}", member=member, via="frame", marks=set(marks), payload={})

    def complaints(self) -> list[str]:
        """The rules that the checker finds broken, and how."""
        stored = Stored({CONVERSATION: self.last}, self.rows, self.seats)
        return [f"{complaint.rule}: {complaint.text}" for complaint in check(self.history, stored, MEMBERS)]

    def rules(self) -> set[str]:
        return {complaint.partition(":")[0] for complaint in self.complaints()}


@pytest.fixture
def story() -> Story:
    """A run in which all went well, before anybody looked at the screens."""
    story = Story()
    story.send(ALICE, 1, 1)
    story.send(ALICE, 2, 2)
    story.send(BOB, 1, 3)
    return story


def test_a_good_run_is_without_complaint(story: Story) -> None:
    for member, badge in ((ALICE, 0), (BOB, 1)):
        story.show(member, 1, 2, 3)
        story.hear(member, Mark(CONVERSATION, ALICE, 1), Mark(CONVERSATION, BOB, 1))
        story.look(member, 1, 2, 3, badge=badge)
    story.history.note(READ, "m2", member=BOB, conversation=CONVERSATION, delivered=3, read=1)
    assert story.complaints() == []


def test_an_acknowledged_send_that_is_lost_is_found(story: Story) -> None:
    story.send(BOB, 2, 4, stored=False)
    assert story.rules() == {"acknowledged is stored"}


def test_an_acknowledged_send_stored_under_another_number_is_found(story: Story) -> None:
    story.rows[0], story.rows[1] = replace(story.rows[0], seq=2), replace(story.rows[1], seq=1)
    assert story.rules() == {"acknowledged is stored"}


def test_other_words_than_those_sent_are_found(story: Story) -> None:
    story.rows[0] = replace(story.rows[0], text="something else")
    assert story.rules() == {"acknowledged is stored"}


def test_an_unacknowledged_send_may_be_stored_or_not(story: Story) -> None:
    story.send(ALICE, 3, 0, stored=False, acknowledged=False)
    story.send(BOB, 2, 4, acknowledged=False)
    story.last, story.seats = 4, [replace(story.seats[0], unread=1), story.seats[1]]
    assert story.complaints() == []


def test_the_same_client_id_twice_is_found(story: Story) -> None:
    story.rows.append(replace(story.rows[2], seq=4))
    story.last, story.seats = 4, [replace(story.seats[0], unread=1), story.seats[1]]
    assert story.rules() == {"keys are unique", "stored once or not at all"}


def test_the_same_words_under_another_client_id_are_found(story: Story) -> None:
    story.rows.append(replace(story.rows[2], seq=4, client_id="invented"))
    story.last, story.seats = 4, [replace(story.seats[0], unread=1), story.seats[1]]
    assert story.rules() == {"stored once or not at all"}


def test_two_numbers_acknowledged_for_one_send_are_found(story: Story) -> None:
    story.history.note(ACKNOWLEDGED, "m2", member=BOB, conversation=CONVERSATION, client_id="2-1", seq=2)
    assert "keys are unique" in story.rules()


@pytest.mark.parametrize("numbers", [(1, 3, 4), (1, 2, 2), (2, 3, 4), (1, 2, 3)])
def test_numbers_with_a_gap_or_twice_are_found(numbers: tuple[int, ...]) -> None:
    story = Story()
    for number, seq in enumerate(numbers):
        story.send(ALICE, number, seq, acknowledged=False)
    story.last, story.seats = 4, []
    assert story.rules() == {"numbers have no gap"}


def test_a_send_numbered_before_what_had_been_acknowledged_is_found() -> None:
    story = Story()
    story.send(ALICE, 1, 2)
    story.send(ALICE, 2, 1)
    story.last, story.seats = 2, []
    assert story.rules() == {"acknowledged in order"}


def test_sends_at_the_same_time_may_be_numbered_either_way() -> None:
    story = Story()
    story.send(ALICE, 1, 2, acknowledged=False)
    story.send(BOB, 1, 1)
    story.history.note(ACKNOWLEDGED, "m1", member=ALICE, conversation=CONVERSATION, client_id="1-1", seq=2)
    story.last, story.seats = 2, []
    assert story.complaints() == []


def test_a_tab_that_shows_what_is_not_stored_is_found(story: Story) -> None:
    entry = {"seq": 4, "kind": MESSAGE, "author": BOB, "target": None, "text": words(BOB, 2)}
    story.history.note(
        HEARD, "m1", member=ALICE, via="frame", payload={"conversation": CONVERSATION, "entries": [entry]}
    )
    assert story.rules() == {"shows the stored"}


def test_a_tab_that_shows_with_a_gap_is_found(story: Story) -> None:
    story.show(BOB, 1, 3)
    assert story.rules() == {"shows the stored"}


def test_a_tab_that_shows_twice_is_found(story: Story) -> None:
    story.show(BOB, 1, 2, 2)
    assert story.rules() == {"shows the stored"}


def test_a_tab_that_shows_other_words_is_found(story: Story) -> None:
    story.show(BOB, 1)
    shown = story.history.events.pop()
    story.history.note(
        SHOWS, "m2", member=BOB, conversation=CONVERSATION, **{**shown.data, "text": words(ALICE, 2)}
    )
    assert story.rules() == {"shows the stored"}


def test_a_screen_that_lacks_the_newest_is_found(story: Story) -> None:
    story.look(BOB, 1, 2)
    assert story.complaints() == ["screens are whole: m2 has come to 2 of 3 and lacks [3]"]


def test_a_screen_with_words_from_before_an_edit_is_found(story: Story) -> None:
    story.look(BOB, 1, 2, 3)
    story.history.note(EDIT, "m1", member=ALICE, conversation=CONVERSATION, seq=1, text=words(ALICE, 1, 1))
    story.rows[0] = replace(story.rows[0], text=words(ALICE, 1, 1))
    assert story.rules() == {"screens are whole"}


@pytest.mark.parametrize("counted", [0, 2])
def test_a_wrong_count_of_unread_is_found(story: Story, counted: int) -> None:
    story.seats[1] = replace(story.seats[1], unread=counted)
    assert story.rules() == {"unread is its definition"}


def test_a_deleted_message_is_not_unread(story: Story) -> None:
    story.rows[1] = replace(story.rows[1], text="", is_deleted=True)
    story.rows.append(Row(CONVERSATION, 4, DELETION, ALICE, target=2))
    story.last = 4
    assert story.rules() == {"unread is its definition"}
    story.seats[1] = replace(story.seats[1], unread=0)
    assert story.complaints() == []


def test_a_cursor_beyond_the_newest_is_found(story: Story) -> None:
    story.seats[0] = replace(story.seats[0], delivered=4, read=4)
    assert story.rules() == {"unread is its definition"}


def test_a_wrong_badge_is_found(story: Story) -> None:
    story.look(BOB, 1, 2, 3, badge=0)
    assert story.complaints() == ["unread is its definition: the badge of m2 says 0, not 1"]


def test_a_cursor_that_went_back_is_found(story: Story) -> None:
    story.history.note(READ, "m2", member=BOB, conversation=CONVERSATION, delivered=3, read=3)
    assert story.rules() == {"cursors are kept"}


def test_words_that_reach_a_stranger_are_found(story: Story) -> None:
    story.hear(STRANGER, Mark(CONVERSATION, ALICE, 1))
    assert story.rules() == {"no body reaches a non-member"}


def test_words_that_are_not_even_stored_must_not_reach_a_stranger(story: Story) -> None:
    story.hear(STRANGER, Mark(CONVERSATION, ALICE, 77))
    assert story.rules() == {"no body reaches a non-member"}


@pytest.fixture
def club() -> Story:
    """Entries 1–6: a message, a guest comes, a message, the guest goes, a message, an edit of the first message."""
    story = Story()
    story.send(ALICE, 1, 1)
    story.rows.append(Row(CONVERSATION, 2, JOINED, ALICE, subject=CLUB_GUEST))
    story.send(ALICE, 2, 3)
    story.rows.append(Row(CONVERSATION, 4, LEFT, ALICE, subject=CLUB_GUEST))
    story.send(ALICE, 3, 5)
    story.history.note(EDIT, "m1", member=ALICE, conversation=CONVERSATION, seq=3, text=words(ALICE, 2, 1))
    story.rows[2] = replace(story.rows[2], text=words(ALICE, 2, 1))
    story.rows.append(Row(CONVERSATION, 6, EDIT_KIND, ALICE, target=3))
    story.last, story.seats = 6, [Seat(CONVERSATION, CLUB_GUEST, first_seq=2, has_left=True)]
    return story


def test_a_guest_hears_what_is_said_meanwhile(club: Story) -> None:
    club.hear(CLUB_GUEST, Mark(CONVERSATION, ALICE, 2))
    club.show(CLUB_GUEST, 2, 3, 4)
    club.look(CLUB_GUEST, 2, 3, is_out=True)
    assert club.complaints() == []


@pytest.mark.parametrize(
    "mark", [Mark(CONVERSATION, ALICE, 1), Mark(CONVERSATION, ALICE, 3), Mark(CONVERSATION, ALICE, 2, 1)]
)
def test_words_from_before_or_after_a_guest_s_time_are_found(club: Story, mark: Mark) -> None:
    club.hear(CLUB_GUEST, mark)
    assert club.rules() == {"no body reaches a non-member"}


def test_a_guest_who_comes_again_may_begin_anew(club: Story) -> None:
    club.rows.append(Row(CONVERSATION, 7, JOINED, ALICE, subject=CLUB_GUEST))
    club.last, club.seats = 7, [Seat(CONVERSATION, CLUB_GUEST, first_seq=7, delivered=6, read=6)]
    club.show(CLUB_GUEST, 2, 3, 7)
    club.look(CLUB_GUEST, 2, 3, 7)
    assert club.complaints() == []


def test_a_tab_that_does_not_know_that_it_is_out_is_found(club: Story) -> None:
    club.look(CLUB_GUEST, 2, 3)
    assert club.rules() == {"screens are whole"}


def test_a_complaint_shows_the_lines_that_prove_it(story: Story) -> None:
    story.send(BOB, 2, 4, stored=False)
    stored = Stored({CONVERSATION: 3}, story.rows, story.seats)
    (complaint,) = check(story.history, stored, MEMBERS)
    assert "client_id" in str(complaint)
    assert [event.what for event in complaint.lines] == [SEND, ACKNOWLEDGED]
