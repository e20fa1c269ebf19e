"""Several at the same moment, in threads with separate connections, on a real database."""

import random
import uuid
from collections.abc import Callable
from functools import partial
from threading import Event

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from messaging import services
from messaging.errors import ClientIdTaken, MessagingError
from messaging.models import Conversation, Entry, Membership
from messaging.services import CursorPosition
from messaging.socket import receipts
from messaging.tests.factories import numbers_are_whole, post_send, read, send, side_of, unread_by_definition
from tests.cast import client_of, connect, make_member
from users.models import User
from users.tests.races import at_once, hold, is_free, meet

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

CROWD = 8
Act = Callable[[], object]


def unhurt(outcomes: list[object]) -> None:
    """Nobody met an error."""
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []


def counts_are_true(conversation: Conversation) -> None:
    """Numbers without a gap, cursors within them, and `unread` as it is defined."""
    newest = numbers_are_whole(conversation)
    for side in Membership.objects.filter(conversation=conversation, left_at=None):
        assert 0 <= side.read_seq <= side.delivered_seq <= newest
        assert side.unread == unread_by_definition(conversation, User(pk=side.member_id))


def sends(conversation: Conversation, author: User, count: int) -> Act:
    return lambda: [send(conversation, author, f"{author.username} {turn}").seq for turn in range(count)]


def reads(conversation: Conversation, member: User, times: int) -> Act:
    """Read up to the newest, again and again."""

    def act() -> None:
        for _turn in range(times):
            read(conversation, member, Conversation.objects.get(pk=conversation.pk).last_seq)

    return act


@pytest.fixture
def crowd(alice: User) -> list[User]:
    """Connections of Alice, in an order of ids unlike that of their coming into conversations."""
    crowd = [make_member(f"member{number}") for number in range(CROWD - 1)]
    for member in crowd:
        connect(alice, member)
    return crowd


@pytest.fixture
def hall(alice: User, crowd: list[User]) -> Conversation:
    return services.start_group(by=alice, members=crowd, title="Hall")


def test_numbers_are_gapless_and_in_the_order_of_commits(
    hall: Conversation, alice: User, crowd: list[User]
) -> None:
    told = at_once(*[sends(hall, member, 5) for member in [alice, *crowd]])
    unhurt(told)
    # Each sees its own in order, and no number twice.
    assert all(numbers == sorted(numbers) for numbers in told)
    assert len({number for numbers in told for number in numbers}) == CROWD * 5
    counts_are_true(hall)


def test_the_same_client_id_at_once_is_one_message_and_one_answer(
    conversation: Conversation, alice: User
) -> None:
    client_id = uuid.uuid4()
    told = at_once(
        *[
            partial(
                services.send_message,
                conversation=conversation,
                author=alice,
                client_id=client_id,
                text="Hello",
            )
            for _turn in range(CROWD)
        ]
    )
    unhurt(told)
    assert len({sent.entry.pk for sent in told}) == 1
    assert [sent.is_new for sent in told].count(True) == 1
    assert numbers_are_whole(conversation) == 1
    counts_are_true(conversation)


def test_the_same_send_in_many_tabs_at_once_is_acknowledged_once(
    conversation: Conversation, alice: User
) -> None:
    client_id = str(uuid.uuid4())
    tabs = [client_of(alice) for _turn in range(4)]

    def press(tab: Client) -> int:
        return post_send(tab, conversation, text="Hello", client_id=client_id).status_code

    assert sorted(at_once(*[partial(press, tab) for tab in tabs])) == [200, 200, 200, 201]


def test_one_client_id_in_two_conversations_at_once_is_a_message_in_one(
    conversation: Conversation, hall: Conversation, alice: User
) -> None:
    for _turn in range(5):
        client_id = uuid.uuid4()
        told = at_once(
            *[
                partial(send, where, alice, "Hello", client_id)
                for where in (conversation, hall, conversation, hall)
            ]
        )
        kept = {entry.conversation_id for entry in told if isinstance(entry, Entry)}
        refused = [error for error in told if isinstance(error, BaseException)]
        assert len(kept) == 1
        assert [type(error) for error in refused] == [ClientIdTaken] * 2
    counts_are_true(conversation)
    counts_are_true(hall)


def test_reading_while_others_send_leaves_true_counts(
    conversation: Conversation, alice: User, bob: User
) -> None:
    unhurt(
        at_once(
            sends(conversation, alice, 10),
            sends(conversation, bob, 10),
            reads(conversation, bob, 10),
            reads(conversation, alice, 10),
        )
    )
    counts_are_true(conversation)


def test_deleting_while_others_read_leaves_true_counts(
    conversation: Conversation, alice: User, bob: User
) -> None:
    entries = [send(conversation, alice, str(turn)) for turn in range(12)]
    random.Random(5).shuffle(entries)

    def delete(mine: list[Entry]) -> None:
        for entry in mine:
            services.delete_message(entry=entry, by=alice)

    def step() -> None:
        for seq in range(1, 13):
            read(conversation, bob, seq)

    unhurt(
        at_once(
            partial(delete, entries[:6]), partial(delete, entries[4:]), step, sends(conversation, alice, 4)
        )
    )
    counts_are_true(conversation)
    assert Entry.objects.filter(kind=Entry.Kind.DELETION).count() == 12


def test_a_message_deleted_twice_at_once_is_deleted_once(
    conversation: Conversation, alice: User, bob: User
) -> None:
    entry = send(conversation, alice)
    told = at_once(*[partial(services.delete_message, entry=entry, by=alice) for _turn in range(4)])
    assert all(isinstance(outcome, Entry | MessagingError) for outcome in told)
    assert Entry.objects.filter(kind=Entry.Kind.DELETION).count() == 1
    counts_are_true(conversation)


@pytest.mark.parametrize("patient", [True, False], ids=["waiting", "passing over"])
def test_cursors_in_bulk_sends_and_deletions_never_wait_for_each_other_in_a_ring(
    hall: Conversation, conversation: Conversation, alice: User, crowd: list[User], patient: bool
) -> None:
    everybody = [alice, *crowd]
    entries = [send(hall, alice) for _turn in range(6)]
    pairs = [(hall.pk, member.pk) for member in everybody] + [(conversation.pk, alice.pk)]

    def move(seed: int) -> None:
        for turn in range(8):
            chosen = random.Random(seed + turn).sample(pairs, len(pairs))
            services.move_cursors({pair: CursorPosition(read=10 + turn) for pair in chosen}, patient=patient)

    def delete() -> None:
        for entry in entries:
            services.delete_message(entry=entry, by=alice)

    unhurt(
        at_once(
            partial(move, 1),
            partial(move, 2),
            delete,
            sends(hall, crowd[0], 6),
            sends(hall, crowd[5], 6),
            sends(conversation, alice, 6),
        )
    )
    counts_are_true(hall)
    counts_are_true(conversation)


@pytest.mark.postgres_only
def test_a_cursor_that_somebody_holds_is_left_and_stored_the_next_time(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    held, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            list(Membership.objects.select_for_update().filter(conversation=conversation, member=bob))
            held.set()
            assert done.wait(20)

    def note() -> None:
        assert held.wait(20)
        try:
            receipts.record_cursor(conversation.pk, bob.pk, CursorPosition(read=1))
            receipts.record_cursor(conversation.pk, alice.pk, CursorPosition(read=1))
            receipts.flush()
        finally:
            done.set()

    unhurt(at_once(hold, note))
    assert (side_of(conversation, bob).read_seq, side_of(conversation, alice).read_seq) == (0, 1)
    receipts.flush()
    assert side_of(conversation, bob).read_seq == 1
    counts_are_true(conversation)


def test_two_who_write_to_each_other_at_once_begin_one_conversation(alice: User, charlie: User) -> None:
    starts = [partial(services.start_direct, by=alice, other=charlie)] * 3
    starts += [partial(services.start_direct, by=charlie, other=alice)] * 3
    told = at_once(*starts)
    unhurt(told)
    assert len({conversation.pk for conversation in told}) == 1
    assert Membership.objects.filter(conversation=told[0]).count() == 2


def test_coming_and_going_at_once_keeps_numbers_and_an_owner(
    hall: Conversation, alice: User, crowd: list[User]
) -> None:
    late = make_member("late")
    connect(alice, late)
    told = at_once(
        partial(services.leave_conversation, conversation=hall, member=alice),
        partial(services.leave_conversation, conversation=hall, member=crowd[0]),
        partial(services.leave_conversation, conversation=hall, member=crowd[0]),
        partial(services.add_members, conversation=hall, by=alice, members=[late]),
        partial(services.remove_member, conversation=hall, by=alice, member=crowd[1]),
        partial(services.rename_conversation, conversation=hall, by=crowd[2], title="Quay"),
        sends(hall, crowd[3], 5),
    )
    assert all(isinstance(told, MessagingError) for told in told if isinstance(told, BaseException))
    assert Membership.objects.filter(conversation=hall, left_at=None, is_owner=True).count() == 1
    counts_are_true(hall)


def test_who_is_taken_out_while_sending_sent_before_or_not_at_all(
    hall: Conversation, alice: User, crowd: list[User]
) -> None:
    told = at_once(
        partial(services.remove_member, conversation=hall, by=alice, member=crowd[0]),
        *[partial(send, hall, crowd[0], f"word {turn}") for turn in range(5)],
    )
    assert all(isinstance(each, MessagingError) for each in told if isinstance(each, BaseException))
    left = Entry.objects.get(conversation=hall, kind=Entry.Kind.LEFT)
    assert not Entry.objects.filter(author=crowd[0], seq__gt=left.seq).exists()
    counts_are_true(hall)


@pytest.mark.postgres_only
def test_whatever_happens_in_a_conversation_takes_the_rows_of_its_members_by_their_ids(
    alice: User, bob: User, erin: User
) -> None:
    """Else two acts, each with a row that the other one wants, would wait for each other."""
    late = make_member("late")
    for member in (alice, bob):
        connect(late, member)
    wrong = []
    for members in ([bob], [alice, bob]):
        where = start(late, members)
        # The smallest id of the memberships is that of the member with the greatest.
        first = Membership.objects.filter(conversation=where, member=late)
        others = Membership.objects.filter(conversation=where).exclude(member=late)
        entry = send(where, bob)
        pairs = [(where.pk, member.pk) for member in (bob, late)]
        acts: dict[str, Act] = {
            "send": partial(send, where, bob),
            "read": partial(services.move_cursors, {pair: CursorPosition(read=1) for pair in pairs}),
            "edit": partial(services.edit_message, entry=entry, by=bob, text="Changed"),
            "delete": partial(services.delete_message, entry=entry, by=bob),
        }
        if not where.is_direct:
            acts |= {
                "rename": partial(services.rename_conversation, conversation=where, by=bob, title="Quay"),
                "add": partial(services.add_members, conversation=where, by=alice, members=[erin]),
                "remove": partial(services.remove_member, conversation=where, by=late, member=alice),
                "leave": partial(services.leave_conversation, conversation=where, member=late),
            }
        for name, act in acts.items():
            # An update of an indexed column moves the row behind the others, so PostgreSQL reads it last.
            first.update(sort_key=F("sort_key") + 1)
            met = meet(hold(first), act, look=partial(is_free, others))
            if not (met.waited and met.seen) or isinstance(met.result, Exception):
                wrong.append((name, len(members), met))
    assert wrong == []


@pytest.mark.postgres_only
def test_what_adds_an_entry_waits_for_the_conversation_before_it_takes_its_members(
    alice: User, bob: User, erin: User
) -> None:
    late = make_member("late")
    connect(alice, late)
    where = start(alice, [bob, late])
    entry = send(where, bob)
    conversation, members = (
        Conversation.objects.filter(pk=where.pk),
        Membership.objects.filter(conversation=where),
    )
    acts: dict[str, Act] = {
        "send": partial(send, where, bob),
        "edit": partial(services.edit_message, entry=entry, by=bob, text="Changed"),
        "delete": partial(services.delete_message, entry=entry, by=bob),
        "rename": partial(services.rename_conversation, conversation=where, by=bob, title="Quay"),
        "add": partial(services.add_members, conversation=where, by=alice, members=[erin]),
        "remove": partial(services.remove_member, conversation=where, by=alice, member=erin),
        "leave": partial(services.leave_conversation, conversation=where, member=alice),
    }
    wrong = []
    for name, act in acts.items():
        met = meet(hold(conversation), act, look=partial(is_free, members))
        if not (met.waited and met.seen) or isinstance(met.result, Exception):
            wrong.append((name, met))
    assert wrong == []


def start(by: User, others: list[User]) -> Conversation:
    if len(others) == 1:
        return services.start_direct(by=by, other=others[0])
    return services.start_group(by=by, members=others)


@pytest.mark.postgres_only
def test_the_cursors_of_one_who_leaves_at_the_same_moment_stay(
    group: Conversation, alice: User, bob: User
) -> None:
    send(group, alice)
    leave = partial(services.leave_conversation, conversation=group, member=bob)
    met = meet(leave, lambda: services.move_cursors({(group.pk, bob.pk): CursorPosition(read=3)}))
    assert (met.waited, met.result) == (True, set())
    assert (side_of(group, bob).read_seq, side_of(group, bob).unread) == (0, 0)


def test_a_message_waits_for_the_number_of_the_one_before(
    conversation: Conversation, alice: User, bob: User
) -> None:
    """What has a smaller number was stored earlier: nobody who has n lacks n - 1 later on."""
    seen: list[list[int]] = []
    done = Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(list(Entry.objects.filter(conversation=conversation).values_list("seq", flat=True)))
        connection.close()

    def write() -> None:
        try:
            at_once(sends(conversation, alice, 10), sends(conversation, bob, 10))
        finally:
            done.set()

    unhurt(at_once(watch, write))
    assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in seen)
