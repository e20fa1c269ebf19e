"""Who may see that somebody is online: only two who have agreed on it, wherever it is told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from messaging import presence, services
from messaging.display.participants import load_participants
from messaging.models import Conversation, Membership, Presence
from messaging.tests.factories import send
from messaging.tests.socket_tabs import beat, hint, say, watching
from network.services import block_member, remove_connection
from tests.cast import client_of, connect, make_member
from users.models import PresenceAudience, User

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CONTACTS, CONNECTIONS, NOBODY = PresenceAudience


def places(viewer: User, member: User, conversation: Conversation) -> dict[str, bool]:
    """At each place that could tell, whether `viewer` reads that `member` is online."""
    tab = watching(viewer, conversation)
    watched = [
        frame
        for frame in say(tab, "messaging.watch", conversation=conversation.pk, seq=0)
        if "online" in frame
    ]
    client = client_of(viewer)
    page = client.get(f"/messages/{conversation.pk}/").content.decode()
    return {
        "watch": any(frame["online"] or frame["words"] for frame in watched),
        "hint": any(frame["online"] for frame in hint(tab, "messaging.presence", member=member.pk)),
        "heartbeat": bool(beat(tab)[tab]["presence"]["words"]),
        "page": "is-online" in page or ">online<" in page,
        "list": "is-online" in client.get("/messages/").content.decode(),
        "about": any(person.words for person in load_participants(conversation, viewer) if not person.is_me),
    }


def choose(level: PresenceAudience, *members: User) -> None:
    User.objects.filter(pk__in=[member.pk for member in members]).update(presence_audience=level)


def test_a_stranger_who_wrote_learns_nothing_whatever_the_other_does(alice: User, charlie: User) -> None:
    conversation = services.start_direct(by=charlie, other=alice)
    send(conversation, charlie)
    presence.touch([alice.pk, charlie.pk])
    nowhere = dict.fromkeys(places(charlie, alice, conversation), False)
    for level in PresenceAudience:
        choose(level, alice, charlie)
        assert places(charlie, alice, conversation) == nowhere, level
        # Nor does who was written to see the stranger.
        assert places(alice, charlie, conversation) == nowhere, level
    services.decline_conversation(conversation=conversation, member=alice)
    choose(CONTACTS, alice, charlie)
    assert places(charlie, alice, conversation) == nowhere


def test_two_who_agreed_see_each_other_and_the_stricter_choice_holds_for_both(
    alice: User, bob: User, charlie: User
) -> None:
    known, accepted = (
        services.start_direct(by=alice, other=bob),
        services.start_direct(by=charlie, other=alice),
    )
    send(known, alice)
    send(accepted, charlie)
    services.accept_conversation(conversation=accepted, member=alice)
    for mine in PresenceAudience:
        for theirs in PresenceAudience:
            choose(mine, alice)
            choose(theirs, bob, charlie)
            strictest = max(mine, theirs)
            for other, conversation, widest in ((bob, known, CONNECTIONS), (charlie, accepted, CONTACTS)):
                for viewer, member in ((alice, other), (other, alice)):
                    # Lists show others, too: nobody else is there.
                    Presence.objects.all().delete()
                    presence.touch([member.pk])
                    seen = set(places(viewer, member, conversation).values())
                    assert seen == {strictest <= widest}, (mine, theirs, viewer, member)


def test_the_end_of_a_connection_hides_and_tells_open_tabs(
    alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    conversation = services.start_direct(by=alice, other=bob)
    send(conversation, alice)
    presence.touch([bob.pk])
    assert set(places(alice, bob, conversation).values()) == {True}
    changes: list[Callable[[], object]] = [
        lambda: remove_connection(member=bob, other=alice),
        lambda: connect(alice, bob),
        lambda: block_member(blocker=bob, blocked=alice),
    ]
    for change in changes:
        published.clear()
        change()
        told = {each["topics"][0] for each in published if each["event"]["type"] == "messaging.presence"}
        assert told == {f"presence.{alice.pk}", f"presence.{bob.pk}"}
    assert set(places(alice, bob, conversation).values()) == {False}


def test_what_two_become_reaches_their_own_conversation_alone(
    alice: User, charlie: User, mona: User, published: list[dict[str, Any]]
) -> None:
    talks = {}
    for writer, reader in ((mona, alice), (charlie, alice), (charlie, mona)):
        talk = talks[writer, reader] = services.start_direct(by=writer, other=reader)
        send(talk, writer)
    talk = talks[charlie, alice]

    def after(change: Callable[[], object]) -> list[tuple[str, str, object]]:
        published.clear()
        change()
        events = [(each["topics"][0], each["event"]) for each in published]
        return sorted(
            (topic, event["type"].removeprefix("messaging."), event.get("conversation"))
            for topic, event in events
            if event["type"].startswith("messaging.")
        )

    presences = [(f"presence.{member.pk}", "presence", None) for member in (alice, charlie)]
    mine = [(f"member.{member.pk}", "mine", talk.pk) for member in (alice, charlie)]
    cursors = (f"conversation.{talk.pk}", "cursors", talk.pk)
    assert after(lambda: connect(charlie, alice)) == sorted([*presences, mine[0], cursors])
    waiting = Membership.objects.filter(accepted_at=None)
    assert set(waiting.values_list("conversation", "member")) == {
        (talks[mona, alice].pk, alice.pk),
        (talks[charlie, mona].pk, mona.pk),
    }
    assert after(lambda: remove_connection(member=alice, other=charlie)) == sorted(presences)
    assert after(lambda: block_member(blocker=alice, blocked=charlie)) == sorted([*presences, *mine])
    # Two without a conversation have no tab that shows the other.
    dan = make_member("dan")
    assert after(lambda: connect(alice, dan)) == after(lambda: block_member(blocker=dan, blocked=alice)) == []


def test_in_a_group_only_those_who_agreed_are_shown_as_online(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    presence.touch([alice.pk, bob.pk, dora.pk])
    words = {person.membership.member_id: person.words for person in load_participants(group, bob)}
    # Bob and Dora know Alice, and not each other.
    assert words == {alice.pk: "online", bob.pk: "", dora.pk: ""}


def test_the_setting_is_on_the_privacy_page_and_reaches_open_tabs(
    as_alice: Client, alice: User, published: list[dict[str, Any]]
) -> None:
    page = as_alice.get("/settings/privacy/")
    assert "It works both ways." in page.content.decode()
    assert page.context["card_form"]["presence_audience"].value() == CONNECTIONS
    parts = (
        "page",
        "photo",
        "location",
        "open_to_work",
        "about",
        "experience",
        "education",
        "skills",
        "links",
    )
    form = {**{f"{part}_audience": "1" for part in parts}, "presence_audience": "3"}
    assert as_alice.post("/settings/privacy/", form).status_code == 302
    alice.refresh_from_db()
    assert alice.presence_audience == NOBODY
    assert [each["event"] for each in published] == [{"type": "messaging.presence", "member": alice.pk}]
    for value in ("0", "4", "", "x"):
        refused = as_alice.post("/settings/privacy/", {**form, "presence_audience": value})
        assert refused.status_code == 422, value
