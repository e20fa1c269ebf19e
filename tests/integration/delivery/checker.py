"""Reads the record of a run and what the database holds, and says what does not fit.

Each rule is a function of the case; it yields complaints with the lines of the record that prove them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .history import ACKNOWLEDGED, EDIT, HEARD, READ, SCREEN, SEND, SHOWS, Event, History
from .stored import DELETION, JOINED, LEFT, MESSAGE, Row, Seat, Stored
from .stored import EDIT as EDIT_KIND
from .words import Mark, mark_of

Period = tuple[int, float]
ENDLESS = float("inf")


@dataclass(frozen=True)
class Complaint:
    """A rule that does not hold, in words, and the lines that prove it."""

    rule: str
    text: str
    lines: Sequence[Event] = field(default=(), repr=False)

    def __str__(self) -> str:
        return "\n".join([f"{self.rule}: {self.text}", *(f"    {line}" for line in self.lines)])


class Case:
    """The record and the store, sorted for the rules. `members` are those that each conversation began with."""

    def __init__(self, history: History, stored: Stored, members: dict[int, set[int]]) -> None:
        self.history = history
        self.stored = stored
        self.members = members

    @cached_property
    def by_position(self) -> dict[tuple[int, int], Row]:
        return {(row.conversation, row.seq): row for row in self.stored.rows}

    @cached_property
    def sends(self) -> dict[str, Event]:
        """The first attempt of each send, by its client id."""
        first: dict[str, Event] = {}
        for event in self.history.of(SEND):
            first.setdefault(event.data["client_id"], event)
        return first

    @cached_property
    def versions(self) -> dict[Mark, set[str]]:
        """All that was ever said under a mark, without its version: at first, by edits, and nothing once deleted."""
        known: dict[Mark, set[str]] = defaultdict(lambda: {""})
        for event in self.history.of(SEND, EDIT):
            mark = mark_of(event.data["text"])
            if mark is not None:
                known[mark.original].add(event.data["text"])
        return known

    @cached_property
    def positions(self) -> dict[Mark, tuple[int, int]]:
        """Where each mark first appeared: conversation and number, of an edit that of the edit's entry.

        A deleted message has no words any more: its send knows its position.
        """
        found: dict[Mark, tuple[int, int]] = {}
        for row in self.stored.rows:
            send = self.sends.get(row.client_id or "")
            if send is not None and (mark := mark_of(send.data["text"])):
                found[mark] = (row.conversation, row.seq)
        for row in self.stored.rows:
            if row.kind == EDIT_KIND and row.target is not None:
                target = self.by_position.get((row.conversation, row.target))
                send = self.sends.get(target.client_id or "") if target else None
                if send is not None and (mark := mark_of(send.data["text"])):
                    found[mark._replace(version=1)] = (row.conversation, row.seq)
        return found

    @cached_property
    def periods(self) -> dict[tuple[int, int], list[Period]]:
        """By conversation and member, from which number to before which number each was in, as the log tells."""
        found: dict[tuple[int, int], list[Period]] = defaultdict(list)
        for conversation, members in self.members.items():
            for member in members:
                found[conversation, member] = [(1, ENDLESS)]
            for row in self.stored.log(conversation):
                mine = found[conversation, row.subject or 0]
                if row.kind == JOINED and (not mine or mine[-1][1] != ENDLESS):
                    mine.append((row.seq, ENDLESS))
                elif row.kind == LEFT and mine:
                    mine[-1] = (mine[-1][0], row.seq)
        return found

    def may_see(self, member: int, mark: Mark) -> bool | None:
        """Whether the member was in when this was said; None for what is not stored."""
        position, said = self.positions.get(mark), self.positions.get(mark.original)
        if position is None or said is None:
            return None
        periods = self.periods.get((position[0], member), [])
        return any(begin <= said[1] and position[1] < end for begin, end in periods)


def acknowledged_is_stored(case: Case) -> Iterator[Complaint]:
    """Each acknowledged send is stored, with the number and the words that were acknowledged."""
    for event in case.history.of(ACKNOWLEDGED):
        row = case.by_position.get((event.conversation, event.data["seq"]))
        send = case.sends[event.data["client_id"]]
        lines = (send, event)
        if row is None or row.client_id != event.data["client_id"]:
            found = [each for each in case.stored.rows if each.client_id == event.data["client_id"]]
            where = (
                f"it is stored as {[(each.conversation, each.seq) for each in found]}" if found else "lost"
            )
            yield Complaint("acknowledged is stored", f"an acknowledged send is not there: {where}", lines)
        elif (mark := mark_of(send.data["text"])) and row.text not in case.versions[mark]:
            yield Complaint("acknowledged is stored", f"other words are stored: {row.text!r}", lines)


def keys_are_unique(case: Case) -> Iterator[Complaint]:
    """One entry for each client id of an author, one number for each acknowledged client id."""
    counted = Counter((row.author, row.client_id) for row in case.stored.rows if row.client_id)
    for (author, client_id), number in counted.items():
        if number > 1:
            lines = [event for event in case.history.of(SEND) if event.data["client_id"] == client_id]
            yield Complaint("keys are unique", f"{number} entries of {author} under {client_id}", lines)
    numbers: dict[str, set[int]] = defaultdict(set)
    for event in case.history.of(ACKNOWLEDGED):
        numbers[event.data["client_id"]].add(event.data["seq"])
    for client_id, seqs in numbers.items():
        if len(seqs) > 1:
            yield Complaint("keys are unique", f"{client_id} was acknowledged as {sorted(seqs)}")


def numbers_have_no_gap(case: Case) -> Iterator[Complaint]:
    """The numbers of each conversation are 1 … n, each once."""
    for conversation, last in case.stored.last_seq.items():
        numbers = [row.seq for row in case.stored.log(conversation)]
        if numbers != list(range(1, last + 1)):
            twice = [seq for seq, number in Counter(numbers).items() if number > 1]
            missing = sorted(set(range(1, last + 1)) - set(numbers))
            beyond = [seq for seq in numbers if seq > last]
            text = f"conversation {conversation}: missing {missing}, twice {twice}, beyond {last}: {beyond}"
            yield Complaint("numbers have no gap", text)


def acknowledged_in_order(case: Case) -> Iterator[Complaint]:
    """What was acknowledged before a send began has the smaller number: for one sender, and for all of them."""
    newest: dict[int, Event] = {}
    before: dict[str, Event | None] = {}
    for event in case.history.of(SEND, ACKNOWLEDGED):
        last = newest.get(event.conversation)
        if event.what == SEND:
            before.setdefault(event.data["client_id"], last)
            continue
        earlier = before[event.data["client_id"]]
        if earlier is not None and earlier.data["seq"] >= event.data["seq"]:
            text = f"{event.data['seq']} was sent after {earlier.data['seq']} had been acknowledged"
            yield Complaint(
                "acknowledged in order", text, (earlier, case.sends[event.data["client_id"]], event)
            )
        if last is None or event.data["seq"] > last.data["seq"]:
            newest[event.conversation] = event


def shows_the_stored(case: Case) -> Iterator[Complaint]:
    """Whatever a tab showed is stored as it was shown, in order and without a gap but for times away."""
    have: dict[str, int] = defaultdict(int)
    for event in case.history.of(SHOWS):
        yield from _same(case, event, event.conversation, event.data)
        seq, last = event.data["seq"], have[event.who]
        begins = {begin for begin, _ in case.periods.get((event.conversation, event.member), [])}
        if seq != last + 1 and seq not in begins:
            yield Complaint("shows the stored", f"{event.who} shows {seq} after {last}", (event,))
        have[event.who] = seq


def heard_is_stored(case: Case) -> Iterator[Complaint]:
    """No frame and no answer tells an entry that is not stored, even if the tab does not show it."""
    for event in case.history.of(HEARD):
        payload = event.data.get("payload", {})
        for entry in payload.get("entries") or ():
            yield from _same(case, event, payload.get("conversation", event.conversation), entry)


def _same(case: Case, event: Event, conversation: int, payload: dict[str, Any]) -> Iterator[Complaint]:
    row = case.by_position.get((conversation, payload["seq"]))
    if row is None:
        yield Complaint("shows the stored", f"{payload['seq']} of {conversation} is not stored", (event,))
        return
    if (row.kind, row.author) != (payload["kind"], payload["author"]):
        text = f"{payload['seq']} of {conversation} is stored as {row.kind} of {row.author}"
        yield Complaint("shows the stored", text, (event,))
    source = row
    if row.kind in {EDIT_KIND, DELETION}:
        source = case.by_position.get((conversation, row.target or 0), row)
        if payload["target"] not in {row.target, None}:
            yield Complaint("shows the stored", f"{payload['seq']} changes {row.target}", (event,))
    send = case.sends.get(source.client_id or "")
    mark = mark_of(send.data["text"]) if send else None
    if source.kind == MESSAGE and mark and payload["text"] not in case.versions[mark]:
        text = f"{payload['seq']} of {conversation} was sent as {payload['text']!r}"
        yield Complaint("shows the stored", text, (event, send) if send else (event,))


def screens_are_whole(case: Case) -> Iterator[Complaint]:
    """At the end each tab shows all of the conversation that its member may see, as it is now; nobody shows more."""
    for event in case.history.of(SCREEN):
        seat = case.stored.seat(event.conversation, event.member)
        if seat is None or seat.has_left:
            if not event.data["is_out"]:
                yield Complaint("screens are whole", f"{event.who} does not know that it is out", (event,))
            continue
        last = case.stored.last_seq[event.conversation]
        rows = [row for row in case.stored.log(event.conversation) if row.seq >= seat.first_seq]
        shown = {int(seq): kind for seq, kind in event.data["kinds"].items() if int(seq) >= seat.first_seq}
        if list(shown.items()) != [(row.seq, row.kind) for row in rows]:
            missing = sorted({row.seq for row in rows} - set(shown))
            text = f"{event.who} has come to {event.data['have']} of {last} and lacks {missing}"
            yield Complaint("screens are whole", text, (event,))
            continue
        for row in rows:
            words = event.data["lines"].get(str(row.seq))
            if row.kind == MESSAGE and words != row.text:
                text = f"{event.who} shows {words!r} at {row.seq}, stored is {row.text!r}"
                yield Complaint("screens are whole", text)


def unread_is_its_definition(case: Case) -> Iterator[Complaint]:
    """Unread are the messages of others behind the read cursor, from one's coming on, that are not deleted."""
    for seat in case.stored.seats:
        if seat.has_left:
            continue
        unread = _unread(case, seat)
        if seat.unread != unread:
            text = f"{seat.member} has {seat.unread} unread in {seat.conversation}; there are {unread}"
            yield Complaint("unread is its definition", text)
        last = case.stored.last_seq[seat.conversation]
        if not 0 <= seat.read <= seat.delivered <= last:
            text = f"{seat.member} in {seat.conversation}: read {seat.read}, delivered {seat.delivered} of {last}"
            yield Complaint("unread is its definition", text)


def _unread(case: Case, seat: Seat) -> int:
    return sum(
        row.kind == MESSAGE
        and row.author != seat.member
        and not row.is_deleted
        and row.seq > seat.read
        and row.seq >= seat.first_seq
        for row in case.stored.log(seat.conversation)
    )


def badges_count_conversations(case: Case) -> Iterator[Complaint]:
    """The badge of each tab is the number of its member's conversations with something unread."""
    waiting = Counter(seat.member for seat in case.stored.seats if seat.unread and not seat.has_left)
    for event in case.history.of(SCREEN):
        if event.data["badge"] not in {None, waiting[event.member]}:
            text = f"the badge of {event.who} says {event.data['badge']}, not {waiting[event.member]}"
            yield Complaint("unread is its definition", text, (event,))


def cursors_are_kept(case: Case) -> Iterator[Complaint]:
    """A cursor that the server has acknowledged is stored, or a later one."""
    for event in case.history.of(READ):
        seat = case.stored.seat(event.conversation, event.member)
        if seat is None or seat.has_left:
            continue
        if seat.read < event.data["read"] or seat.delivered < event.data["delivered"]:
            text = f"{event.member} in {event.conversation}: read {seat.read}, delivered {seat.delivered}"
            yield Complaint("cursors are kept", text, (event,))


def nothing_reaches_strangers(case: Case) -> Iterator[Complaint]:
    """Nobody hears words that were said, or changed, while the one was not in the conversation."""
    for event in case.history.of(HEARD):
        for mark in sorted(event.data.get("marks") or ()):
            allowed = case.may_see(event.member, mark)
            if allowed is None and event.member in case.members.get(mark.conversation, ()):
                # Words that are not stored are another rule's.
                continue
            if not allowed:
                text = f"member {event.member} heard {mark}, which is none of the member's"
                yield Complaint("no body reaches a non-member", text, (event,))


def stored_once_or_not_at_all(case: Case) -> Iterator[Complaint]:
    """Each message is stored once at most: its words are found under one number."""
    counted: Counter[Mark] = Counter()
    for row in case.stored.rows:
        if row.kind == MESSAGE:
            send = case.sends.get(row.client_id or "")
            mark = mark_of(send.data["text"] if send else row.text)
            counted.update([mark.original] if mark else [])
    for mark, number in counted.items():
        if number > 1:
            lines = [event for event in case.history.of(SEND) if mark_of(event.data["text"]) == mark]
            yield Complaint("stored once or not at all", f"{mark} is stored {number} times", lines)


def nothing_comes_from_nowhere(case: Case) -> Iterator[Complaint]:
    """What is stored was sent, by this author and to this conversation."""
    for row in case.stored.rows:
        if row.kind != MESSAGE:
            continue
        send = case.sends.get(row.client_id or "")
        if send is None:
            text = f"{row} was sent by nobody under this client id"
            yield Complaint("stored once or not at all", text)
        elif (send.conversation, send.member) != (row.conversation, row.author):
            yield Complaint("stored once or not at all", f"{row} was sent elsewhere or by another", (send,))


Rule = Callable[[Case], Iterator[Complaint]]
RULES: tuple[Rule, ...] = (
    acknowledged_is_stored,
    keys_are_unique,
    numbers_have_no_gap,
    acknowledged_in_order,
    shows_the_stored,
    heard_is_stored,
    screens_are_whole,
    unread_is_its_definition,
    badges_count_conversations,
    cursors_are_kept,
    nothing_reaches_strangers,
    stored_once_or_not_at_all,
    nothing_comes_from_nowhere,
)


def check(history: History, stored: Stored, members: dict[int, set[int]]) -> list[Complaint]:
    """All that does not fit; an empty list when all is well."""
    case = Case(history, stored, members)
    return [complaint for rule in RULES for complaint in rule(case)]
