"""GET and POST /messages/new/: a conversation with connections, which begins with its first message."""

import re
import uuid

import pytest
from django.test import Client

from messaging import services
from messaging.display.recipient_picker import OFFERED
from messaging.models import Conversation, Entry, Membership
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.models import User

from .test_send import reach_rate_limit

NEW = "/messages/new/"


def offered(page: str) -> list[str]:
    return re.findall(r'name="to" value="([^"]+)"', page)


def chosen(page: str) -> list[str]:
    return re.findall(r'name="to" value="([^"]+)" checked', page)


def test_connections_are_offered_and_nobody_else(
    as_alice: Client, bob: User, dora: User, charlie: User
) -> None:
    assert offered(as_alice.get(NEW).content.decode()) == ["bob", "dora"]


def test_one_chosen_alone_gets_the_conversation_of_the_two(
    as_alice: Client, conversation: Conversation
) -> None:
    response = as_alice.post(NEW, {"to": "bob", "text": "Hello"})
    assert (response.status_code, response["Location"]) == (302, f"/messages/{conversation.pk}/")
    assert Entry.objects.get().text == "Hello"


def test_several_become_a_group_named_after_them(as_alice: Client, bob: User, dora: User) -> None:
    response = as_alice.post(NEW, {"to": ["bob", "dora"], "text": "Hello"})
    group = Conversation.objects.get()
    assert response["Location"] == f"/messages/{group.pk}/"
    assert (group.pair, group.title) == (None, "Alice Álvarez, Bob, Dora")
    assert Membership.objects.within(group).count() == 3


def test_a_title_makes_a_group_of_two(as_alice: Client, bob: User) -> None:
    as_alice.post(NEW, {"to": "bob", "text": "Hello", "title": "Harbour"})
    assert (Conversation.objects.get().title, Conversation.objects.get().pair) == ("Harbour", None)


def test_searching_keeps_what_was_typed_and_ticked(
    as_alice: Client, bob: User, dora: User, erin: User
) -> None:
    typed = {"find": "1", "q": "ERI", "to": ["bob"], "title": "Harbour", "text": "Hello & more"}
    response = as_alice.post(NEW, typed)
    page = response.content.decode()
    assert response.status_code == 200
    assert (chosen(page), offered(page)) == (["bob"], ["bob", "erin"])
    assert 'value="Harbour"' in page
    assert "Hello &amp; more</textarea>" in page
    assert not Conversation.objects.exists()


def test_scripts_search_without_sending_what_was_typed(
    as_alice: Client, bob: User, dora: User, erin: User
) -> None:
    page = as_alice.get(f"{NEW}?q=eri&to=bob").content.decode()
    assert (chosen(page), offered(page)) == (["bob"], ["bob", "erin"])


def test_many_connections_are_found_by_name(as_alice: Client, alice: User) -> None:
    for number in range(OFFERED + 1):
        connect(alice, make_member(f"other{number}"))
    page = as_alice.get(NEW).content.decode()
    assert len(offered(page)) == OFFERED
    assert "find them by name" in page


def test_people_can_be_chosen_by_the_address(as_alice: Client, bob: User, dora: User) -> None:
    assert chosen(as_alice.get(f"{NEW}?to=dora&to=nobody").content.decode()) == ["dora"]


def test_a_refused_form_keeps_what_was_typed(as_alice: Client, bob: User, charlie: User) -> None:
    with all_cases() as case:
        for names, words in [
            ([], "Hello"),
            (["charlie"], "Hello"),
            (["bob", "charlie"], "Hello"),
            (["bob"], " \u2800"),
        ]:
            with case((names, words)), rolled_back():
                response = as_alice.post(NEW, {"to": names, "text": words, "title": "Harbour"})
                page = response.content.decode()
                assert response.status_code == 422
                assert 'value="Harbour"' in page
                assert chosen(page) == [name for name in names if name == "bob"]
                assert words.strip() in page
                assert "field-errors" in page
                assert not Conversation.objects.exists()


def test_somebody_blocked_is_neither_offered_nor_taken(as_alice: Client, alice: User, bob: User) -> None:
    block_member(blocker=bob, blocked=alice)
    assert offered(as_alice.get(NEW).content.decode()) == []
    assert as_alice.post(NEW, {"to": "bob", "text": "Hello"}).status_code == 422


def test_pressing_twice_is_sending_once(as_alice: Client, bob: User, dora: User) -> None:
    form = {"to": ["bob", "dora"], "text": "Hello", "client_id": str(uuid.uuid4())}
    first, second = (as_alice.post(NEW, form) for _turn in range(2))
    assert first["Location"] == second["Location"]
    assert Conversation.objects.count() == 1
    assert Entry.objects.messages().count() == 1


def test_other_words_after_going_back_are_kept_and_sent_the_next_time(
    as_alice: Client, bob: User, dora: User
) -> None:
    form = {"to": ["bob", "dora"], "text": "Hello", "client_id": str(uuid.uuid4())}
    as_alice.post(NEW, form)
    response = as_alice.post(NEW, {**form, "text": "Goodbye"})
    page = response.content.decode()
    assert response.status_code == 409
    assert "Goodbye</textarea>" in page
    (fresh,) = re.findall(r'name="client_id" value="([^"]+)"', page)
    assert fresh != form["client_id"]
    assert as_alice.post(NEW, {**form, "text": "Goodbye", "client_id": fresh}).status_code == 302
    assert Conversation.objects.count() == 2


def test_who_writes_too_fast_is_told_when_to_go_on(
    as_alice: Client, conversation: Conversation, alice: User
) -> None:
    reach_rate_limit(conversation, alice)
    response = as_alice.post(NEW, {"to": "bob", "text": "Hello"})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "Hello</textarea>" in response.content.decode()


def test_a_group_is_not_begun_where_its_first_message_is_refused(
    as_alice: Client, conversation: Conversation, alice: User, dora: User
) -> None:
    reach_rate_limit(conversation, alice)
    as_alice.post(NEW, {"to": ["bob", "dora"], "text": "Hello"})
    assert Conversation.objects.count() == 1


def test_more_than_a_group_holds_is_refused(
    as_alice: Client, bob: User, dora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.conversations, "MOST_IN_A_GROUP", 2)
    response = as_alice.post(NEW, {"to": ["bob", "dora"], "text": "Hello"})
    assert response.status_code == 403
    assert chosen(response.content.decode()) == ["bob", "dora"]
