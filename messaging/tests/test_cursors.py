"""How far members have come: over HTTP, in bulk, and forward only."""

import json
import uuid
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.test import Client

from core.sockets import frames as registry
from core.sockets.frames import TabState
from messaging import presence, queries, services
from messaging.models import Conversation, Membership
from messaging.services import CursorPosition, cursors
from messaging.socket import receipts
from messaging.tests.factories import (
    JSON,
    post_json,
    read,
    send,
    side_of,
    statements_of,
    unread_by_definition,
    unread_of,
)
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def address(conversation: Conversation) -> str:
    return f"/messages/{conversation.pk}/cursors/"


def stands(conversation: Conversation, member: User) -> tuple[int, int, int]:
    side = side_of(conversation, member)
    return side.delivered_seq, side.read_seq, side.unread


def test_who_reads_without_a_socket_is_there(
    as_bob: Client, conversation: Conversation, bob: User, address: str
) -> None:
    assert presence.online_among([bob.pk]) == set()
    assert as_bob.post(address, {"read": "0"}, headers=JSON).status_code == 204
    assert presence.online_among([bob.pk]) == {bob.pk}


def test_a_form_and_json_move_them(
    as_bob: Client, conversation: Conversation, alice: User, bob: User, address: str
) -> None:
    for _turn in range(3):
        send(conversation, alice)
    assert as_bob.post(address, {"delivered": "2", "read": "1"}, headers=JSON).status_code == 204
    assert stands(conversation, bob) == (2, 1, 2)
    assert post_json(as_bob, address, {"read": 3}).status_code == 204
    assert stands(conversation, bob) == (3, 3, 0)


def test_who_has_it_open_hears_who_moved_and_of_several_that_they_did(
    group: Conversation, alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    for _turn in range(3):
        send(group, alice)
    found = []
    for movers, reached in (
        ([bob], CursorPosition(1)),
        ([bob], CursorPosition(read=1)),
        ([alice, bob], CursorPosition(2, 2)),
        ([bob], CursorPosition(2)),
    ):
        published.clear()
        services.move_cursors({(group.pk, mover.pk): reached for mover in movers})
        found.append(
            [(hint["topics"], hint["event"].get("member")) for hint in published
             if hint["event"]["type"] == "messaging.cursors"]
        )  # fmt: skip
    here = [f"conversation.{group.pk}"]
    assert found == [[(here, bob.pk)], [(here, bob.pk)], [(here, None)], []]


def test_they_never_go_back_nor_beyond_the_newest(
    as_bob: Client, conversation: Conversation, alice: User, bob: User, address: str
) -> None:
    send(conversation, alice)
    post_json(as_bob, address, {"read": 10**17})
    assert stands(conversation, bob) == (1, 1, 0)
    post_json(as_bob, address, {"read": 0, "delivered": 0})
    assert stands(conversation, bob) == (1, 1, 0)


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "9" * 19, "²", True, 1.5, [1], {"a": 1}])
def test_what_is_no_number_is_400(
    as_bob: Client, bob: User, conversation: Conversation, address: str, value: object
) -> None:
    assert post_json(as_bob, address, {"read": value}).status_code == 400
    assert stands(conversation, bob) == (0, 0, 0)


def test_nothing_said_moves_nothing(
    as_bob: Client, conversation: Conversation, bob: User, address: str
) -> None:
    assert as_bob.post(address).status_code == 204
    assert stands(conversation, bob) == (0, 0, 0)


def test_a_page_is_sent_back(as_bob: Client, address: str) -> None:
    assert as_bob.post(address, {"read": "0", "next": "/messages/"})["Location"] == "/messages/"


def test_a_stranger_gets_404_a_visitor_signs_in_and_get_is_refused(
    as_charlie: Client, client: Client, as_bob: Client, address: str
) -> None:
    assert post_json(as_charlie, address, {"read": 1}).status_code == 404
    assert post_json(client, address, {"read": 1}).status_code == 302
    assert as_bob.get(address).status_code == 405


def test_a_request_without_token_is_refused(bob: User, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert post_json(client, address, {"read": 1}).status_code == 403


def test_many_move_with_one_statement_and_strangers_are_passed_over(
    conversation: Conversation, group: Conversation, alice: User, bob: User, dora: User, charlie: User
) -> None:
    for where in (conversation, group):
        send(where, alice)
    far = CursorPosition(read=10)
    pairs = {(conversation.pk, bob.pk): far, (group.pk, bob.pk): far, (group.pk, dora.pk): far}
    strange = {(conversation.pk, dora.pk): far, (conversation.pk, charlie.pk): far, (2**62, bob.pk): far}
    assert services.move_cursors({**pairs, **strange}) == set()
    assert stands(conversation, bob) == (1, 1, 0)
    assert stands(group, bob) == stands(group, dora) == (3, 3, 0)
    # Of two pairs, the member of one is in the conversation of the other as well.
    send(group, alice)
    send(conversation, alice)
    services.move_cursors({(conversation.pk, bob.pk): far, (group.pk, alice.pk): far})
    assert stands(conversation, bob) == (2, 2, 0)
    assert stands(group, bob) == (3, 3, 1)
    assert not Membership.objects.filter(conversation=conversation, member=dora).exists()


def test_own_tabs_hear_of_reading_and_the_others_of_how_far_one_has_come(
    group: Conversation, alice: User, bob: User, dora: User, published: list[dict[str, Any]]
) -> None:
    send(group, alice)

    def heard(reached: CursorPosition, *members: User) -> list[tuple[str, object]]:
        """The hints that come of cursors that move: to whom, and about whom."""
        published.clear()
        services.move_cursors({(group.pk, member.pk): reached for member in members})
        return [(hint["topics"][0], hint["event"].get("member")) for hint in published]

    own, there = f"member.{bob.pk}", f"conversation.{group.pk}"
    assert heard(CursorPosition(delivered=3), bob) == [(there, bob.pk)]
    assert heard(CursorPosition(read=3), bob) == [(own, None), (there, bob.pk)]
    assert heard(CursorPosition(read=3), bob) == []
    assert heard(CursorPosition(delivered=3), alice, dora) == [(there, None)]


def test_nobody_moves_nothing() -> None:
    assert services.move_cursors({}) == set()


def test_what_is_too_much_at_once_is_left_for_the_next_time(
    conversation: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(conversation, alice)
    monkeypatch.setattr(cursors, "AT_ONCE", 1)
    pairs = {
        (conversation.pk, bob.pk): CursorPosition(read=1),
        (conversation.pk, alice.pk): CursorPosition(read=1),
    }
    assert services.move_cursors(pairs) == {(conversation.pk, alice.pk)}
    assert stands(conversation, bob) == (1, 1, 0)


def test_who_has_left_moves_nothing(group: Conversation, alice: User, bob: User) -> None:
    send(group, alice)
    services.leave_conversation(conversation=group, member=bob)
    for patient in (True, False):
        moved = services.move_cursors({(group.pk, bob.pk): CursorPosition(read=3)}, patient=patient)
        assert moved == set(), "nothing to try again"
    assert side_of(group, bob).read_seq == 0


def test_unread_counts_messages_of_others_that_stand(
    conversation: Conversation, group: Conversation, alice: User, bob: User
) -> None:
    for _turn in range(3):
        send(group, alice)
    entries = [send(conversation, who, str(turn)) for turn, who in enumerate((alice, bob, alice, alice))]
    services.edit_message(entry=entries[0], by=alice, text="changed")
    assert unread_of(conversation, bob) == 3
    services.delete_message(entry=entries[2], by=alice)
    services.delete_message(entry=entries[2], by=alice)
    assert unread_of(conversation, bob) == unread_by_definition(conversation, bob) == 2
    read(conversation, bob, 2)
    assert unread_of(conversation, bob) == unread_by_definition(conversation, bob) == 1
    services.delete_message(entry=entries[0], by=alice)
    assert unread_of(conversation, bob) == unread_by_definition(conversation, bob) == 1


def test_what_was_read_takes_nothing_away_when_it_is_deleted(
    conversation: Conversation, alice: User, bob: User
) -> None:
    first = send(conversation, alice)
    read(conversation, bob, first.seq)
    send(conversation, alice)
    services.delete_message(entry=first, by=alice)
    assert unread_of(conversation, bob) == unread_by_definition(conversation, bob) == 1
    services.delete_message(entry=send(conversation, bob), by=bob)
    assert unread_of(conversation, bob) == 1, "an own message was not counted"


def test_what_was_said_before_one_s_coming_is_never_unread(
    conversation: Conversation, alice: User, bob: User
) -> None:
    entries = [send(conversation, alice) for _turn in range(4)]
    # Coming counts what was before as read; here the history alone says where it begins.
    Membership.objects.filter(conversation=conversation, member=bob).update(first_seq=3)
    read(conversation, bob, 1)
    assert unread_of(conversation, bob) == unread_by_definition(conversation, bob) == 2
    services.delete_message(entry=entries[1], by=alice)
    assert unread_of(conversation, bob) == 2
    # A count that is too small keeps nobody from deleting.
    Membership.objects.filter(conversation=conversation, member=bob).update(unread=0)
    services.delete_message(entry=entries[3], by=alice)
    assert unread_of(conversation, bob) == 0


# -- What tabs say, gathered (messaging.receipts) -----------------------------------------------


def test_the_furthest_of_what_was_noted_is_stored(conversation: Conversation, alice: User, bob: User) -> None:
    for _turn in range(3):
        send(conversation, alice)
    for reached in (
        CursorPosition(delivered=2),
        CursorPosition(read=1),
        CursorPosition(delivered=3),
        CursorPosition(delivered=1),
    ):
        receipts.record_cursor(conversation.pk, bob.pk, reached)
    receipts.flush()
    assert stands(conversation, bob) == (3, 1, 2)
    assert statements_of(receipts.flush) == [], "nothing is stored twice"
    receipts.record_cursor(conversation.pk, bob.pk, CursorPosition(read=2))
    receipts.clear_waiting()
    receipts.flush()
    assert stands(conversation, bob) == (3, 1, 2)


def test_what_is_delivered_is_stored_without_counting_what_is_unread(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    send(conversation, alice)
    read(conversation, bob, 1)
    pair = (conversation.pk, bob.pk)
    made = statements_of(lambda: services.move_cursors({pair: CursorPosition(delivered=2)}))
    assert stands(conversation, bob) == (2, 1, 1)
    assert [sql for sql in made if "messaging_entry" in sql] == []


def test_what_tabs_say_waits_while_what_was_said_is_taken() -> None:
    acts: list[Callable[[], object]] = [
        lambda: receipts.record_cursor(1, 1, CursorPosition(1)),
        receipts.flush,
        receipts.clear_waiting,
    ]
    for act in acts:
        thread = Thread(target=act)
        with receipts._lock:
            receipts._waiting.clear()
            thread.start()
            thread.join(0.05)
            assert thread.is_alive(), act
            receipts._waiting.clear()
        thread.join(10)
        assert not thread.is_alive()
        receipts.clear_waiting()


def test_what_could_not_be_stored_waits(
    conversation: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(conversation, alice)
    monkeypatch.setattr(receipts, "move_cursors", lambda taken, patient: 1 / 0)
    receipts.record_cursor(conversation.pk, bob.pk, CursorPosition(read=1))
    with pytest.raises(ZeroDivisionError):
        receipts.flush()
    monkeypatch.undo()
    receipts.flush()
    assert stands(conversation, bob) == (1, 1, 0)


def test_the_answer_to_a_send_knows_its_client_id_only(as_alice: Client, conversation: Conversation) -> None:
    body = {"text": "x", "client_id": str(uuid.uuid4())}
    told = json.loads(post_json(as_alice, f"/messages/{conversation.pk}/send/", body).content)
    assert told["entry"]["client_id"] == body["client_id"]


def test_one_who_names_endless_conversations_keeps_nobody_else_waiting(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    for number in range(3 * receipts.MOST_OF_ONE):
        receipts.record_cursor(10**12 + number, alice.pk, CursorPosition(read=1))
    receipts.record_cursor(conversation.pk, bob.pk, CursorPosition(read=1))
    receipts.flush()
    assert stands(conversation, bob) == (1, 1, 0)


def test_of_endless_conversations_the_first_ones_are_kept_and_move_on(
    conversation: Conversation, group: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    send(group, alice)
    receipts.record_cursor(conversation.pk, bob.pk, CursorPosition(delivered=1))
    for number in range(receipts.MOST_OF_ONE - 1):
        receipts.record_cursor(10**12 + number, bob.pk, CursorPosition(read=1))
    receipts.record_cursor(group.pk, bob.pk, CursorPosition(read=3))
    receipts.record_cursor(conversation.pk, bob.pk, CursorPosition(read=1))
    receipts.flush()
    assert (stands(conversation, bob), stands(group, bob)) == ((1, 1, 0), (0, 0, 1))


def test_what_came_while_one_was_away_is_delivered_when_a_tab_opens(
    conversation: Conversation, alice: User, bob: User
) -> None:
    for _turn in range(3):
        send(conversation, alice)
    assert queries.undelivered_conversations(bob.pk) == [(conversation.pk, 3)]
    assert queries.undelivered_conversations(alice.pk) == []
    open_tab(bob)
    assert stands(conversation, bob) == (3, 0, 3)
    assert not queries.undelivered_conversations(bob.pk)
    # Of what is muted nothing waits.
    services.mute_conversation(conversation=conversation, member=bob)
    send(conversation, alice)
    open_tab(bob)
    assert stands(conversation, bob) == (3, 0, 4)


def open_tab(member: User) -> None:
    """What the server does for a tab that opens."""
    for opener in registry.openers:
        opener(TabState(member.pk))
    receipts.flush()
