"""How PostgreSQL finds what is asked all the time: from an index, however much is said elsewhere."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging import queries, services
from messaging.models import Conversation, Entry, Membership
from messaging.services import cursors
from tests.cases import all_cases, rolled_back
from tests.plans import Node, nodes, plan
from users.models import User

CONVERSATIONS, ENTRIES, IN_ONE = 1500, 9_000, 1_500
WORDS = "words " * 40


@pytest.fixture
def crowded(conversation: Conversation, alice: User, bob: User) -> Conversation:
    """Alice and Bob's conversation among many of others, each with some history."""
    crowd = User.objects.bulk_create(
        User(username=f"m{number}", email=f"m{number}@example.org", joined_at=alice.joined_at)
        for number in range(CONVERSATIONS)
    )
    others = Conversation.objects.bulk_create(Conversation(title=member.username) for member in crowd)
    Membership.objects.bulk_create(
        Membership(
            conversation=each,
            member=member,
            accepted_at=alice.joined_at,
            sort_key=member.pk,
            unread=member.pk % 3,
        )
        for each, one in zip(others, crowd, strict=True)
        for member in {one, crowd[one.pk % 10], crowd[0]}
    )
    Entry.objects.bulk_create(
        Entry(
            conversation=others[number % len(others)],
            seq=1 + number // len(others),
            author=crowd[number % 100],
            text=WORDS,
            search_text=WORDS,
        )
        for number in range(ENTRIES)
    )
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=seq, author=(alice, bob)[seq % 2], text=WORDS, search_text=WORDS)
        for seq in range(1, IN_ONE + 1)
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=IN_ONE)
    Membership.objects.filter(conversation=conversation).update(sort_key=1, unread=3)
    with connection.cursor() as query:
        query.execute("ANALYZE")
    return conversation


def statement(act: Any, table: str) -> str:
    """The last statement of `act` that reads the table first of all."""
    with CaptureQueriesContext(connection) as captured:
        act()
    found = [query["sql"] for query in captured.captured_queries if f'FROM "{table}"' in query["sql"]]
    return str(found[-1])


def indexes(top: Node, table: str) -> set[str]:
    """The indexes through which the table is read; it must not be read in any other way."""
    scans = [node for node in nodes(top) if node.get("Relation Name") == table]
    assert scans
    kinds = {node["Node Type"] for node in scans}
    assert kinds <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, kinds
    return {node["Index Name"] for node in nodes(top) if "Index Name" in node}


def finds_what_came_since(crowded: Conversation, alice: User) -> None:
    mine = queries.membership_of(alice, crowded.pk)
    assert mine is not None
    top = plan(statement(lambda: queries.entries_since(mine, alice, 100), "messaging_entry"))
    assert indexes(top, "messaging_entry") == {"messaging_one_entry_per_number"}
    assert not [node for node in nodes(top) if node["Node Type"] == "Sort"]


def finds_the_membership(crowded: Conversation, alice: User) -> None:
    top = plan(statement(lambda: queries.membership_of(alice, crowded.pk), "messaging_membership"))
    assert "messaging_in_once" in indexes(top, "messaging_membership")


def finds_the_list(crowded: Conversation, alice: User) -> None:
    busy = User.objects.get(username="m1")
    top = plan(
        statement(
            lambda: list(Membership.objects.inbox(busy).order_by("-sort_key")[:21]), "messaging_membership"
        )
    )
    assert indexes(top, "messaging_membership") == {"messaging_inbox"}
    assert not [node for node in nodes(top) if node["Node Type"] == "Sort"]


def finds_the_badge(crowded: Conversation, alice: User) -> None:
    busy = User.objects.get(username="m1")
    top = plan(statement(lambda: queries.count_unread_conversations(busy.pk), "messaging_membership"))
    assert indexes(top, "messaging_membership") <= {"messaging_waiting", "messaging_inbox"}


def finds_how_fast_a_member_writes_and_who_is_in(crowded: Conversation, alice: User) -> None:
    def send() -> None:
        services.send_message(conversation=crowded, author=alice, client_id=uuid.uuid4(), text="Hello")

    Entry.objects.filter(author=alice).update(created_at=timezone.now() - timedelta(days=1))
    top = plan(statement(send, "messaging_membership"))
    assert indexes(top, "messaging_entry") >= {"messaging_latest_of_author", "messaging_in_once"}
    probe = [node for node in nodes(top) if node.get("Index Name") == "messaging_latest_of_author"]
    assert (
        sum(node["Actual Rows"] * node["Actual Loops"] for node in probe) <= services.send.RATE_LIMIT_MESSAGES
    )


def finds_the_cursors_of_its_pairs_alone(crowded: Conversation, alice: User) -> None:
    # In each conversation, with two others.
    busy, where = User.objects.get(username="m0"), Conversation.objects.get(title="m7")
    pair = (where.pk, busy.pk)
    with CaptureQueriesContext(connection) as captured:
        services.move_cursors({pair: services.CursorPosition(read=1)})
    selects = [query["sql"] for query in captured.captured_queries if query["sql"].startswith("SELECT")]
    assert [plan(sql)["Actual Rows"] for sql in selects] == [1, 1, 1]


def finds_what_is_unread_after_a_number(crowded: Conversation, alice: User) -> None:
    mine = queries.membership_of(alice, crowded.pk)
    assert mine is not None
    top = plan(statement(lambda: cursors._unread_after(mine, IN_ONE - 10), "messaging_entry"))
    assert indexes(top, "messaging_entry") == {"messaging_one_entry_per_number"}


def finds_words_in_its_conversation_alone(crowded: Conversation, alice: User) -> None:
    for words in ("words", "nowhere"):
        found = Entry.objects.filter(conversation=crowded).readable_by(alice).with_words(words)
        top = plan(statement(lambda found=found: list(found.order_by("-seq")[:21]), "messaging_entry"))
        assert indexes(top, "messaging_entry") >= {"messaging_one_entry_per_number"}
        read = sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in nodes(top)
            if node.get("Relation Name") == "messaging_entry"
        )
        assert read <= IN_ONE, words


CHECKS = (
    finds_what_came_since,
    finds_the_membership,
    finds_the_list,
    finds_the_badge,
    finds_the_cursors_of_its_pairs_alone,
    finds_what_is_unread_after_a_number,
    finds_words_in_its_conversation_alone,
    finds_how_fast_a_member_writes_and_who_is_in,
)


@pytest.mark.postgres_only
@pytest.mark.django_db
def test_what_is_asked_all_the_time_is_read_from_an_index(crowded: Conversation, alice: User) -> None:
    with all_cases() as case:
        for check in CHECKS:
            with case(check.__name__), rolled_back():
                check(crowded, alice)
