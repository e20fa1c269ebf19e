"""What is in a digest: nobody who may not be seen, nothing of one's own, nothing twice."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.mail_headers import LONGEST_SUBJECT
from feed.models import Comment, Post
from feed.services import delete_comment
from feed.tests.factories import answer, say
from messaging.services import send_message, start_direct
from network.models import Connection, Member
from network.newcomers import find_newcomers, load_newcomers
from network.services import block_member, follow_member, ignore_invitation, invite_member
from notifications.digest.content import Digest, build_digest, describe_newcomers, load_sources
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from tests.plans import nodes, plan
from users.audience import Audience
from users.models import User

from .digests import EMPLOYER, SCHOOL, add_employer, add_school, digest_of, make_schoolmate, titles_in

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(days=30)
HAS_NEWS = {"newcomers", "invitations", "messages", "posts"}


def write(author: User, other: User) -> None:
    conversation = start_direct(by=author, other=other)
    send_message(conversation=conversation, author=author, client_id=uuid4(), text="A secret")


@pytest.fixture
def carla(db: None) -> User:
    return make_member("carla", joined_at=LONG_AGO)


def test_who_joined_from_the_same_school_or_employer(alice: User) -> None:
    add_school(alice)
    add_employer(alice, "Freelance")
    table: dict[str, tuple[Callable[[], User], bool]] = {
        "the same school": (lambda: make_schoolmate("new"), True),
        "written otherwise": (lambda: _with_school("UNIVERSITAT-GRAZ "), True),
        "as employer": (lambda: _with_employer(SCHOOL.upper()), True),
        "another school": (lambda: _with_school("Technische Universität Graz"), False),
        "no organisation in common": (lambda: _with_employer("freelance"), False),
        "joined long ago": (lambda: make_schoolmate("new", joined_at=LONG_AGO), False),
        "not confirmed": (lambda: make_schoolmate("new", joined_at=None), False),
        "suspended": (lambda: make_schoolmate("new", suspended_at=timezone.now()), False),
        "deactivated": (lambda: make_schoolmate("new", is_active=False), False),
        "shows it to connections": (lambda: make_schoolmate("new", audience=Audience.CONNECTIONS), False),
        "shows it to nobody": (lambda: make_schoolmate("new", audience=Audience.ME), False),
        "blocked": (lambda: _after(make_schoolmate("new"), lambda new: _block(alice, new)), False),
        "has blocked": (lambda: _after(make_schoolmate("new"), lambda new: _block(new, alice)), False),
        "connected already": (lambda: _after(make_schoolmate("new"), lambda new: connect(alice, new)), False),
        "has an invitation": (
            lambda: _after(make_schoolmate("new"), lambda new: invite_member(inviter=alice, invitee=new)),
            False,
        ),
    }
    with all_cases() as case:
        for name, (join, is_named) in table.items():
            with case(name), rolled_back():
                join()
                digest = digest_of(alice)
                assert titles_in(digest, "newcomers") == ["New"] * is_named
                assert digest.has_news == is_named
                assert titles_in(digest, "suggestions") == []


def _with_school(school: str) -> User:
    return _after(make_member("new"), lambda new: add_school(new, school))


def _with_employer(employer: str) -> User:
    return _after(make_member("new"), lambda new: add_employer(new, employer))


def _after(member: User, act: Callable[[User], object]) -> User:
    act(member)
    return member


def _block(one: User, other: User) -> None:
    block_member(blocker=one, blocked=other)


def test_the_most_answered_posts_of_the_network(alice: User, bob: User, charlie: User, carla: User) -> None:
    follow_member(follower=alice, followed=carla)
    mine, of_bob, of_carla, of_stranger = say(alice), say(bob), say(carla), say(charlie)
    for post, answers in ((mine, 3), (of_bob, 1), (of_carla, 2), (of_stranger, 4)):
        for _number in range(answers):
            answer(post, charlie)
    digest = digest_of(alice)
    assert titles_in(digest, "posts") == ["Carla", "Bob"]
    assert digest.write_subject() == "2 answers to Carla"
    table: dict[str, tuple[Callable[[], object], list[str]]] = {
        "only my answers": (
            lambda: Comment.objects.filter(post=of_carla).update(author=alice),
            ["Bob"],
        ),
        "answers of a blocked member": (lambda: _block(alice, charlie), []),
        "a blocked author": (lambda: _block(carla, alice), ["Bob"]),
        "hidden": (
            lambda: Post.objects.filter(pk=of_bob.pk).update(hidden_at=timezone.now()),
            ["Carla"],
        ),
        "for connections of an author who is none": (
            lambda: Post.objects.filter(pk=of_carla.pk).update(audience=Audience.CONNECTIONS),
            ["Bob"],
        ),
        "an answer that was deleted": (
            lambda: delete_comment(comment=Comment.objects.get(post=of_bob)),
            ["Carla"],
        ),
        "older than the last digest": (
            lambda: Post.objects.filter(pk=of_carla.pk).update(created_at=LONG_AGO),
            ["Bob"],
        ),
    }
    with all_cases() as case:
        for name, (act, expected) in table.items():
            with case(name), rolled_back():
                act()
                assert titles_in(digest_of(alice), "posts") == expected


def test_invitations_and_messages_that_wait(alice: User, charlie: User) -> None:
    since = timezone.now() - timedelta(days=1)
    invitation = invite_member(inviter=charlie, invitee=alice, note="We met in Graz")
    write(charlie, alice)
    digest = digest_of(alice)
    assert {section.name for section in digest.sections} == {"invitations", "messages"}
    assert titles_in(digest, "invitations") == titles_in(digest, "messages") == ["Charlie"]
    assert digest.write_subject() == "1 invitation waits, 1 unread conversation"
    assert "A secret" not in repr(digest)
    assert "We met in Graz" in repr(digest)
    table: dict[str, tuple[Callable[[], object], bool]] = {
        "both are older than the last digest": (
            lambda: Connection.objects.update(invited_at=since - timedelta(days=1)),
            True,  # the message is new
        ),
        "ignored": (lambda: ignore_invitation(connection=invitation, by=alice), True),
        "blocked": (lambda: _block(alice, charlie), False),
        "suspended": (
            lambda: User.objects.filter(pk=charlie.pk).update(suspended_at=timezone.now()),
            False,
        ),
    }
    with all_cases() as case:
        for name, (act, has_news) in table.items():
            with case(name), rolled_back():
                act()
                assert digest_of(alice, since).has_news == has_news
    # What has waited since the last digest is no reason for another one.
    assert not digest_of(alice, timezone.now()).has_news
    assert not digest_of(charlie).has_news


def test_suggestions_come_along_and_are_no_reason(alice: User, bob: User, carla: User, charlie: User) -> None:
    User.objects.update(joined_at=LONG_AGO)
    connect(bob, carla)
    assert not digest_of(alice).has_news
    assert digest_of(alice).sections == []
    answer(say(bob), carla)
    digest = digest_of(alice)
    assert titles_in(digest, "suggestions") == ["Carla", "Charlie"]
    assert digest.sections[-1].rows[0].detail == "1 mutual connection"


def test_the_subject_begins_with_the_fact_and_fits(alice: User) -> None:
    long = "Maximiliana-Alexandrina von und zu Hohenlohe-Waldenburg-Schillingsfürst"

    def subject(names: list[str], places: list[str]) -> str:
        people = [Member(username=f"m{number}", name=name) for number, name in enumerate(names)]
        return Digest([describe_newcomers(list(zip(people, places, strict=True)))]).write_subject()

    table = {
        "Bob from Universität Graz joined": (["Bob"], [SCHOOL]),
        "2 people from Universität Graz joined": (["Bob", "Eve"], [SCHOOL, SCHOOL]),
        "2 people from your school or employer joined": (["Bob", "Eve"], [SCHOOL, EMPLOYER]),
    }
    with all_cases() as case:
        for expected, (names, places) in table.items():
            with case(expected):
                assert subject(names, places) == expected
    assert len(subject([long], [long])) <= LONGEST_SUBJECT
    assert "\u2068" in subject(["مرحبا"], [SCHOOL])


def fill(alice: User, bob: User, count: int) -> None:
    """Add `count` of everything that a digest can be about."""
    number = User.objects.count()
    for index in range(count):
        friend = make_member(f"friend{number}x{index}", joined_at=LONG_AGO)
        Connection.objects.create(low=alice, high=friend, inviter=alice, state=Connection.State.CONNECTED)
        answer(say(friend), bob)
        make_schoolmate(f"mate{number}x{index}")
        invite_member(inviter=make_member(f"inviter{number}x{index}", joined_at=LONG_AGO), invitee=alice)
        write(friend, alice)


def test_the_number_of_queries_does_not_grow(alice: User, bob: User) -> None:
    add_school(alice)
    since = timezone.now() - timedelta(days=7)

    def count_queries() -> tuple[int, int]:
        cache.clear()
        with CaptureQueriesContext(connection) as shared:
            sources = load_sources(since)
        with CaptureQueriesContext(connection) as own:
            digest = build_digest(alice, sources, since)
        assert {section.name for section in digest.sections} >= HAS_NEWS
        return len(shared), len(own)

    fill(alice, bob, 1)
    count_queries()  # counts connections
    few = count_queries()
    fill(alice, bob, 4)
    assert count_queries() == few
    assert few[0] <= 4
    assert few[1] <= 20


@pytest.mark.postgres_only
def test_newcomers_are_found_by_keys(alice: User) -> None:
    add_school(alice)
    User.objects.bulk_create(
        [
            User(username=f"u{number}", email=f"u{number}@example.org", joined_at=LONG_AGO)
            for number in range(6000)
        ]
    )
    newcomer = make_schoolmate("newcomer")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE users_user, users_education, users_experience, users_profile")
    with CaptureQueriesContext(connection) as captured:
        newcomers = load_newcomers(timezone.now() - timedelta(days=7))
        found = find_newcomers(alice, newcomers, timezone.now() - timedelta(days=7))
    assert [(member.pk, school) for member, school in found] == [(newcomer.pk, SCHOOL)]
    with all_cases() as case:
        for query in captured.captured_queries:
            with case(query["sql"]):
                steps = list(nodes(plan(query["sql"])))
                scanned = [step.get("Relation Name") for step in steps if step["Node Type"] == "Seq Scan"]
                assert "users_user" not in scanned
                assert max(step["Actual Rows"] for step in steps) <= 1000
