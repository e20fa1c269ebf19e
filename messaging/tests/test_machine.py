"""Random acts of three members against a naive model: a list of entries, kept by hand."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.database.lru_cache import clear_caches
from messaging import services
from messaging.errors import MessagingError
from messaging.models import Conversation, Entry
from messaging.tests.factories import numbers_are_whole, read, side_of, told_since
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.slow

PEOPLE = 3
who = st.integers(0, PEOPLE - 1)


@dataclass
class Said:
    """One entry, as a person would note it down."""

    kind: str
    author: int
    text: str = ""
    target: int = 0
    deleted: bool = False


@dataclass
class Side:
    """One member, as a person would note it down."""

    first: int
    read: int = 0
    is_in: bool = True


@dataclass
class Model:
    entries: list[Said] = field(default_factory=list)
    sides: dict[int, Side] = field(default_factory=dict)

    def unread(self, member: int) -> int:
        side = self.sides[member]
        return sum(
            entry.kind == "message" and not entry.deleted and entry.author != member
            for seq, entry in enumerate(self.entries, 1)
            if seq > side.read and seq >= side.first
        )

    def seen_by(self, member: int, start: int) -> list[tuple[int, str, str]]:
        """Number, kind and words of what a member sees after `start`."""
        first = self.sides[member].first
        found = []
        for seq, entry in enumerate(self.entries, 1):
            if seq > start and seq >= first:
                shown = entry
                if entry.target:
                    shown = self.entries[entry.target - 1]
                    if entry.target < first:
                        shown = Said("message", 0)
                found.append((seq, entry.kind, "" if shown.deleted else shown.text))
        return found


class Conversations(RuleBasedStateMachine):
    """A group of up to three, and everything that may happen in it."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        clear_caches()
        self.people = [make_member(f"m{uuid.uuid4().hex[:10]}") for _turn in range(PEOPLE)]
        for one in self.people[1:]:
            connect(self.people[0], one)
        connect(self.people[1], self.people[2])
        self.group = services.start_group(by=self.people[0], members=self.people[1:], title="T")
        self.model = Model([Said("joined", 0), Said("joined", 0)], {turn: Side(1) for turn in range(PEOPLE)})
        self.sent: dict[int, uuid.UUID] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def entry(self, seq: int) -> Entry:
        return Entry.objects.get(conversation=self.group, seq=seq)

    def attempt(self, act: Any, allowed: bool) -> bool:
        """Do it; it must be refused exactly where it is not allowed."""
        try:
            act()
        except MessagingError:
            assert not allowed
            return False
        assert allowed
        return True

    def chosen(self, pick: int) -> int:
        return 1 + pick % len(self.model.entries)

    @rule(author=who, text=st.sampled_from(["a", "**b**", "c d", "ü"]))
    def send(self, author: int, text: str) -> None:
        client_id = uuid.uuid4()
        member = self.people[author]

        def act() -> None:
            services.send_message(conversation=self.group, author=member, client_id=client_id, text=text)

        if self.attempt(act, self.model.sides[author].is_in):
            self.model.entries.append(Said("message", author, text))
            self.sent[len(self.model.entries)] = client_id

    @rule(pick=st.integers(0, 1000))
    def send_again(self, pick: int) -> None:
        if not self.sent:
            return
        seq = sorted(self.sent)[pick % len(self.sent)]
        said, entry = self.model.entries[seq - 1], self.entry(seq)
        member = self.people[said.author]
        first = entry.text if not entry.edited_at and not entry.deleted_at else None
        if first is not None:
            sent = services.send_message(
                conversation=self.group, author=member, client_id=self.sent[seq], text=first
            )
            assert (sent.entry.pk, sent.is_new) == (entry.pk, False)

    @rule(author=who, pick=st.integers(0, 1000), text=st.sampled_from(["e", "f"]))
    def edit(self, author: int, pick: int, text: str) -> None:
        seq = self.chosen(pick)
        said, side = self.model.entries[seq - 1], self.model.sides[author]
        allowed = side.is_in and said.kind == "message" and said.author == author
        allowed = allowed and not said.deleted and seq >= side.first
        entry, by = self.entry(seq), self.people[author]
        done = self.attempt(lambda: services.edit_message(entry=entry, by=by, text=text), allowed)
        if done and said.text != text:
            said.text = text
            self.model.entries.append(Said("edit", author, target=seq))

    @rule(author=who, pick=st.integers(0, 1000))
    def delete(self, author: int, pick: int) -> None:
        seq = self.chosen(pick)
        said, side = self.model.entries[seq - 1], self.model.sides[author]
        allowed = side.is_in and said.kind == "message" and said.author == author and seq >= side.first
        entry, by = self.entry(seq), self.people[author]
        done = self.attempt(lambda: services.delete_message(entry=entry, by=by), allowed)
        if done and not said.deleted:
            said.deleted = True
            self.model.entries.append(Said("deletion", author, target=seq))

    @rule(member=who, seq=st.integers(0, 30))
    def read(self, member: int, seq: int) -> None:
        read(self.group, self.people[member], seq)
        side = self.model.sides[member]
        if side.is_in:
            side.read = max(side.read, min(seq, len(self.model.entries)))

    @rule(member=who)
    def leave(self, member: int) -> None:
        services.leave_conversation(conversation=self.group, member=self.people[member])
        side = self.model.sides[member]
        if side.is_in:
            side.is_in = False
            self.model.entries.append(Said("left", member))

    @rule(by=who, member=who)
    def add(self, by: int, member: int) -> None:
        if by == member:
            return
        allowed = self.model.sides[by].is_in
        people = [self.people[member]]

        def act() -> None:
            services.add_members(conversation=self.group, by=self.people[by], members=people)

        if self.attempt(act, allowed) and not self.model.sides[member].is_in:
            self.model.entries.append(Said("joined", by))
            start = len(self.model.entries)
            self.model.sides[member] = Side(start, start - 1)

    @invariant()
    def numbers_are_whole(self) -> None:
        assert numbers_are_whole(self.group) == len(self.model.entries)

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        for turn, member in enumerate(self.people):
            side = self.model.sides[turn]
            mine = Conversation.objects.visible_to(member).filter(pk=self.group.pk)
            assert mine.exists() == side.is_in
            row = side_of(self.group, member)
            if not side.is_in:
                assert row.unread == 0
                continue
            assert (row.read_seq, row.unread) == (side.read, self.model.unread(turn))
            self.catches_up(turn, member)

    def catches_up(self, turn: int, member: User) -> None:
        for start in {0, len(self.model.entries) // 2, len(self.model.entries)}:
            told = told_since(self.group, member, start)
            seen = [(entry["seq"], entry["kind"], entry["text"]) for entry in told]
            assert seen == self.model.seen_by(turn, start)


@pytest.mark.django_db
def test_whatever_happens_everybody_sees_what_a_naive_list_says() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    at_night = settings().max_examples > 100
    run_state_machine_as_test(
        Conversations,
        settings=settings(
            max_examples=60 if at_night else 20,
            stateful_step_count=40 if at_night else 25,
            suppress_health_check=checks,
        ),
    )
