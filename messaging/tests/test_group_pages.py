"""POST /messages/<id>/rename/, add/, remove/ and leave/."""

import re

import pytest
from django.test import Client

from messaging import services
from messaging.models import Conversation, Entry, Membership
from users.models import User


def names_in(group: Conversation) -> set[str]:
    return set(Membership.objects.within(group).values_list("member__username", flat=True))


def test_anybody_in_it_may_rename(as_bob: Client, group: Conversation) -> None:
    response = as_bob.post(f"/messages/{group.pk}/rename/", {"title": "  Quay  side "})
    assert response["Location"] == f"/messages/{group.pk}/about/"
    group.refresh_from_db()
    assert group.title == "Quay side"


@pytest.mark.parametrize("title", ["", " ", "x" * 121, "a\u202eb"])
def test_a_title_that_is_none_is_refused_and_kept(as_bob: Client, group: Conversation, title: str) -> None:
    response = as_bob.post(f"/messages/{group.pk}/rename/", {"title": title})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    group.refresh_from_db()
    assert group.title == "Harbour"


def test_connections_are_added(as_alice: Client, group: Conversation, erin: User) -> None:
    response = as_alice.post(f"/messages/{group.pk}/add/", {"to": "erin"})
    assert response["Location"] == f"/messages/{group.pk}/about/"
    assert names_in(group) == {"alice", "bob", "dora", "erin"}


def test_searching_adds_nobody_and_keeps_who_is_ticked(
    as_alice: Client, group: Conversation, erin: User
) -> None:
    response = as_alice.post(f"/messages/{group.pk}/add/", {"find": "1", "q": "x", "to": "erin"})
    assert response.status_code == 200
    assert re.findall(r'value="(\w+)" checked', response.content.decode()) == ["erin"]
    assert "erin" not in names_in(group)


@pytest.mark.parametrize("names", [[], ["charlie"], ["erin", "charlie"]])
def test_only_connections_are_added(
    as_alice: Client, group: Conversation, erin: User, charlie: User, names: list[str]
) -> None:
    response = as_alice.post(f"/messages/{group.pk}/add/", {"to": names})
    assert response.status_code == 422
    assert "Choose people from your connections." in response.content.decode()
    assert names_in(group) == {"alice", "bob", "dora"}


def test_a_full_group_takes_nobody(
    as_alice: Client, group: Conversation, erin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.conversations, "MOST_IN_A_GROUP", 3)
    response = as_alice.post(f"/messages/{group.pk}/add/", {"to": "erin"})
    assert response.status_code == 403
    assert "at most" in response.content.decode()


def test_the_owner_removes(as_alice: Client, as_bob: Client, group: Conversation) -> None:
    rows = {row.member.username: row.pk for row in Membership.objects.filter(conversation=group)}

    def remove(username: str) -> int:
        return as_alice.post(f"/messages/{group.pk}/remove/", {"membership": rows[username]}).status_code

    assert remove("bob") == 302
    assert names_in(group) == {"alice", "dora"}
    assert as_bob.get(f"/messages/{group.pk}/").status_code == 404
    assert (remove("bob"), remove("alice")) == (404, 404)
    for value, status in (("", 404), ("bob", 400), ("9" * 30, 400), ("\x00", 400)):
        answer = as_alice.post(f"/messages/{group.pk}/remove/", {"membership": value})
        assert answer.status_code == status, value


def test_nobody_else_removes(as_bob: Client, group: Conversation) -> None:
    row = Membership.objects.get(conversation=group, member__username="dora")
    assert as_bob.post(f"/messages/{group.pk}/remove/", {"membership": row.pk}).status_code == 403
    assert "dora" in names_in(group)


def test_one_leaves_and_sees_it_no_more(as_bob: Client, group: Conversation) -> None:
    assert as_bob.post(f"/messages/{group.pk}/leave/")["Location"] == "/messages/"
    assert as_bob.get(f"/messages/{group.pk}/").status_code == 404
    assert Entry.objects.latest("seq").kind == Entry.Kind.LEFT


@pytest.mark.parametrize("act", ["rename", "add", "remove", "leave"])
def test_two_who_talk_are_no_group(as_alice: Client, conversation: Conversation, act: str) -> None:
    response = as_alice.post(
        f"/messages/{conversation.pk}/{act}/", {"title": "Us", "to": "bob", "membership": "1"}
    )
    assert response.status_code == 403
