"""What a message costs in statements: the same in a long conversation and in a large group."""

import json
import re
import uuid
from functools import partial

import pytest
from django.test import Client

from core.database.lru_cache import clear_caches
from core.sockets.frames import TabState
from messaging import queries, services
from messaging.display import history, inbox
from messaging.models import Conversation, Entry
from messaging.tests.factories import many, post_json, read, send, statements_of, told_since
from messaging.tests.socket_tabs import entry_hint, watching
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.django_db

MOST_FOR_SEND, MOST_FOR_SINCE = 9, 7
MOST_FOR_OPEN_TAB, MOST_FOR_OTHER_TAB = 3, 1


def cost_of_send(client: Client, conversation: Conversation) -> list[str]:
    body = {"text": "Hello", "client_id": str(uuid.uuid4())}
    clear_caches()
    return statements_of(lambda: post_json(client, f"/messages/{conversation.pk}/send/", body))


def test_a_send_costs_the_same_in_a_long_conversation(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    cost_of_send(as_alice, conversation)
    few = cost_of_send(as_alice, conversation)
    Entry.objects.all().delete()
    many(conversation, bob, 500)
    long = cost_of_send(as_alice, conversation)
    assert len(few) == len(long) <= MOST_FOR_SEND, "\n".join(few)


def test_a_send_costs_the_same_in_a_large_group(as_alice: Client, alice: User, bob: User, dora: User) -> None:
    people = [make_member(f"member{turn}") for turn in range(40)]
    for member in people:
        connect(alice, member)
    small = services.start_group(by=alice, members=[bob, dora])
    large = services.start_group(by=alice, members=people)
    for group in (small, large):
        send(group, alice)  # the first unread one is told to others
        cost_of_send(as_alice, group)
    assert len(cost_of_send(as_alice, small)) == len(cost_of_send(as_alice, large)) <= MOST_FOR_SEND


def test_a_new_message_costs_a_tab_the_same_in_a_pair_and_in_a_large_group(
    conversation: Conversation, alice: User, bob: User
) -> None:
    people = [make_member(f"member{turn}") for turn in range(10)]
    for member in people:
        connect(alice, member)
    large = services.start_group(by=alice, members=[bob, *people])
    for talk in (conversation, large):
        tabs = [watching(bob, talk, 1000), TabState(bob.pk)]
        send(talk, alice)
        entry_hint(tabs[0], talk)
        send(talk, alice)
        costs = [len(statements_of(partial(entry_hint, tab, talk))) for tab in tabs]
        assert costs == [MOST_FOR_OPEN_TAB, MOST_FOR_OTHER_TAB]


def test_catching_up_costs_the_same_for_one_and_for_a_hundred(
    as_bob: Client, group: Conversation, alice: User, dora: User
) -> None:
    entry = send(group, alice)

    def ask() -> list[str]:
        clear_caches()
        return statements_of(lambda: as_bob.get(f"/messages/{group.pk}/since/0/"))

    services.edit_message(entry=entry, by=alice, text="changed")
    ask()
    few = ask()
    Entry.objects.bulk_create(
        Entry(conversation=group, seq=turn, author=(alice, dora)[turn % 2], text="n", html="n")
        for turn in range(5, 90)
    )
    Conversation.objects.filter(pk=group.pk).update(last_seq=89)
    services.edit_message(entry=entry, by=alice, text="changed again")
    assert len(few) == len(ask()) <= MOST_FOR_SINCE, "\n".join(few)


def test_a_page_reads_one_row_more_than_it_shows(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    send(conversation, bob)
    read = {
        inbox.PAGE_SIZE: statements_of(lambda: as_alice.get("/messages/")),
        history.PAGE_SIZE: statements_of(lambda: as_alice.get(f"/messages/{conversation.pk}/")),
        queries.AT_ONCE: [str(queries._after_query(conversation.pk, 0).query)],
    }
    limits = {size: re.findall(r"LIMIT (\d+)$", "\n".join(made), re.MULTILINE) for size, made in read.items()}
    assert {size: str(size + 1) in found for size, found in limits.items()} == dict.fromkeys(read, True), (
        limits
    )


def test_cursors_cost_the_same_for_one_and_for_many(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    for _turn in range(3):
        send(group, alice)
    few = statements_of(lambda: read(group, bob, 5))
    for _turn in range(2):
        send(group, alice)
    far = services.CursorPosition(read=Conversation.objects.get(pk=group.pk).last_seq)
    both = {(group.pk, dora.pk): far, (group.pk, bob.pk): far}
    assert len(few) == len(statements_of(lambda: services.move_cursors(both)))


def test_a_line_is_drawn_once_for_all_who_see_the_same(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    send(group, alice, "Hello")
    one, other = told_since(group, bob)[-1], told_since(group, dora)[-1]
    assert one["html"] is other["html"]
    assert told_since(group, alice)[-1]["html"] != one["html"]
    assert json.dumps(one) == json.dumps(other)


def test_a_line_is_drawn_anew_for_what_it_shows(group: Conversation, alice: User, bob: User) -> None:
    entry = send(group, alice, "Hello")

    def line() -> str:
        return str(told_since(group, bob)[2]["html"])

    before = line()
    User.objects.filter(pk=alice.pk).update(name="Alice Another")
    renamed = line()
    assert "Alice Another" in renamed
    assert "Alice Another" not in before
    services.edit_message(entry=entry, by=alice, text="Goodbye")
    assert "Goodbye" in line()
    services.delete_message(entry=entry, by=alice)
    assert "Goodbye" not in line()
