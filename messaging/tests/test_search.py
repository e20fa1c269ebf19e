"""GET /messages/<id>/search/?q=: the messages that hold the words, the newest first."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from messaging import services
from messaging.models import Conversation, Entry
from messaging.tests.factories import many, send, statements_of
from messaging.views.search import PAGE_SIZE
from network.services import block_member
from tests.cast import client_of
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def search(client: Client, conversation: Conversation, query: str, **values: Any) -> list[str]:
    """The texts that are found."""
    response = client.get(f"/messages/{conversation.pk}/search/", {"q": query, **values})
    assert response.status_code == 200
    return [result.entry.text for result in response.context["results"]]


def test_words_are_found_whatever_their_case_and_accents(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    for text in ("Émile's café", "EMILE", "Straße 5", "nothing of that", "mile"):
        send(conversation, alice, text)
    assert search(as_bob, conversation, "emile") == ["EMILE", "Émile's café"]
    assert search(as_bob, conversation, "ÉMILE CAFE") == ["Émile's café"]
    assert search(as_bob, conversation, "strasse") == ["Straße 5"]
    assert search(as_bob, conversation, "strasse emile") == []


def test_words_are_found_however_their_letters_are_typed(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    said = {
        "Łódź um 5": "lodz",
        "Søren's Æble": "soren’s aeble",
        "مُحَمَّد": "محمد",
        "Ёлка": "елка",
        "Ｈａｌｌｏ": "hallo",
    }
    for text in said:
        send(conversation, alice, text)
    assert {text: search(as_bob, conversation, words) for text, words in said.items()} == {
        text: [text] for text in said
    }
    assert search(as_bob, conversation, "\u200d") == []


def test_signs_of_patterns_are_words(as_bob: Client, conversation: Conversation, alice: User) -> None:
    for text in ("100% sure", "100 sure", "a_b", "axb", "back\\slash", "it's"):
        send(conversation, alice, text)
    found = [search(as_bob, conversation, query) for query in ("100%", "a_b", "k\\s", "it's")]
    assert found == [["100% sure"], ["a_b"], ["back\\slash"], ["it's"]]


def test_a_result_leads_to_its_place(as_bob: Client, conversation: Conversation, alice: User) -> None:
    send(conversation, alice, "first")
    send(conversation, alice, "Harbour")
    page = as_bob.get(f"/messages/{conversation.pk}/search/?q=harbour").content.decode()
    assert f"/messages/{conversation.pk}/?around=2#entry-2" in page


@pytest.mark.parametrize(
    "query", ["", "   ", "\u200b", "x" * 5000, "%", "%%%", "'; DROP TABLE x; --", "\ud83d\ude00"]
)
def test_any_words_are_answered(as_bob: Client, conversation: Conversation, alice: User, query: str) -> None:
    send(conversation, alice, "Hello")
    response = as_bob.get(
        f"/messages/{conversation.pk}/search/", {"q": query.encode("utf-8", "surrogatepass")}
    )
    assert response.status_code == 200
    assert response.context["page"].rows == []


def test_changed_words_are_found_as_they_are_and_deleted_ones_not(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    entry = send(conversation, alice, "Harbour")
    services.edit_message(entry=entry, by=alice, text="Quay")
    assert (search(as_bob, conversation, "harbour"), search(as_bob, conversation, "quay")) == ([], ["Quay"])
    services.delete_message(entry=entry, by=alice)
    assert search(as_bob, conversation, "quay") == []


def test_what_was_said_elsewhere_before_or_by_hidden_members_is_not_found(
    conversation: Conversation, group: Conversation, alice: User, bob: User, dora: User, erin: User
) -> None:
    send(conversation, alice, "word between two")
    send(group, alice, "word before")
    services.add_members(conversation=group, by=alice, members=[erin])
    send(group, alice, "word of Alice")
    send(group, dora, "word of Dora")
    assert search(client_of(erin), group, "word") == ["word of Dora", "word of Alice"]
    block_member(blocker=dora, blocked=erin)
    assert search(client_of(erin), group, "word") == ["word of Alice"]
    assert search(client_of(bob), group, "word") == ["word of Dora", "word of Alice", "word before"]


def test_titles_and_comings_are_no_messages(as_bob: Client, group: Conversation, alice: User) -> None:
    services.rename_conversation(conversation=group, by=alice, title="Quay")
    assert search(as_bob, group, "quay") == []


def test_words_of_a_blocked_other_and_of_a_deleted_account_are_found(
    as_alice: Client, conversation: Conversation, group: Conversation, alice: User, bob: User
) -> None:
    for where in (conversation, group):
        send(where, bob, "old words")
    block_member(blocker=bob, blocked=alice)
    assert search(as_alice, conversation, "old") == ["old words"]
    bob.delete()
    for where in (conversation, group):
        assert search(as_alice, where, "old") == ["old words"]


def test_pages_follow_each_other_by_key(as_bob: Client, conversation: Conversation, alice: User) -> None:
    many(conversation, alice, 2 * PAGE_SIZE + 5)
    Entry.objects.update(search_text="word")
    seen: list[int] = []
    cursor = ""
    while True:
        response = as_bob.get(f"/messages/{conversation.pk}/search/", {"q": "word", "page": cursor})
        seen += [entry.seq for entry in response.context["page"].rows]
        cursor = response.context["page"].next
        if not cursor:
            break
    assert seen == list(range(2 * PAGE_SIZE + 5, 0, -1))
    for bad in ("x", "-1", "9" * 19):
        assert (
            as_bob.get(f"/messages/{conversation.pk}/search/", {"q": "word", "page": bad}).status_code == 400
        )


def test_a_stranger_gets_404_a_visitor_signs_in_and_post_is_refused(
    as_charlie: Client, client: Client, as_bob: Client, conversation: Conversation
) -> None:
    address = f"/messages/{conversation.pk}/search/?q=a"
    assert [each.get(address).status_code for each in (as_charlie, client)] == [404, 302]
    assert as_bob.post(address).status_code == 405


def test_it_asks_as_often_for_one_as_for_a_page(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    send(conversation, alice, "n1")

    def ask() -> None:
        search(as_bob, conversation, "n")

    ask()
    few = statements_of(ask)
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=turn, author=alice, text="n", search_text="n")
        for turn in range(2, 50)
    )
    assert len(statements_of(ask)) == len(few)


def test_a_migration_makes_the_keys_of_stored_messages_again(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    for text in ("Łódź", "plain `code`", "Ёлка ok"):
        send(conversation, alice, text)
    wanted = list(Entry.objects.order_by("pk").values_list("search_text", flat=True))
    Entry.objects.filter(text="Łódź").update(search_text="łodz")
    refold = import_module("messaging.migrations.0002_refold_search_texts").refold
    for _again in range(2):
        refold(apps, SimpleNamespace(connection=connection))
        assert list(Entry.objects.order_by("pk").values_list("search_text", flat=True)) == wanted
    assert search(as_bob, conversation, "lodz") == ["Łódź"]
