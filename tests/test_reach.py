"""How many people a member may call in a day, through whichever door; and whom a stranger's call reaches by mail."""

import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone

from core.web.rate_limits import RateLimited
from feed.models import Post
from feed.services import comment_on_post, publish_post
from messaging.models import Conversation, Membership
from messaging.services import start_group
from network.reach import DAY, consume_reach, reached_by_mail
from network.services import follow_member, invite_member
from notifications.kinds import Channel, Kind
from notifications.models import Notification
from notifications.services import set_preferences
from notifications.tests.factories import run_notification_tasks
from users.audience import Audience
from users.models import User

from .cast import client_of, connect, make_member

pytestmark = pytest.mark.django_db

LIMITS = {
    "reached": ((4, 86_400),),
    "reached_when_new": ((2, 86_400),),
    **dict.fromkeys(("post", "comment", "invitation", "search"), ((1000, 60),)),
}
WEEK = timedelta(days=8)


@pytest.fixture
def people(alice: User) -> list[User]:
    """Connections of Alice, who is an established member."""
    cache.clear()
    alice.joined_at = timezone.now() - WEEK
    alice.save()
    people = [make_member(f"person{turn}") for turn in range(6)]
    for person in people[:3]:
        connect(alice, person)
    return people


def names(people: list[User]) -> str:
    return " ".join(f"@{person.username}" for person in people)


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "part"])
def test_each_door_counts_the_people_it_calls_and_keeps_what_was_typed(
    alice: User, as_alice: Client, people: list[User], htmx: bool
) -> None:
    mine = publish_post(author=alice, text="Mine", audience=Audience.MEMBERS)
    theirs = publish_post(author=people[0], text="Theirs", audience=Audience.MEMBERS)
    comment = comment_on_post(post=mine, author=alice, text="Well")
    group = start_group(by=alice, members=[people[0]], title="Harbour")
    typed = f"An hour of work {names(people[:5])}"
    doors = {
        "/posts/": {"text": typed, "audience": 1},
        f"/posts/{mine.pk}/edit/": {"text": typed, "audience": 1},
        f"/posts/{theirs.pk}/repost/": {"text": typed, "audience": 1},
        f"/posts/{mine.pk}/comment/": {"text": typed},
        f"/comments/{comment.pk}/edit/": {"text": typed},
        "/members/person5/invite/": {"note": "An hour of work"},
        "/messages/to/person5/": {"text": "An hour of work"},
        "/messages/new/": {"text": "An hour of work", "title": "All", "to": ["person1", "person2"]},
        f"/messages/{group.pk}/add/": {"to": ["person1", "person2"]},
    }
    with override_settings(MEMBER_LIMITS=LIMITS):
        consume_reach(alice, range(10_000, 10_003))
        counts = Post.objects.count(), Conversation.objects.count(), Membership.objects.count()
        found = {}
        for address, form in doors.items():
            if "/invite/" in address or "/to/" in address:
                cache.clear()
                consume_reach(alice, range(10_000, 10_004))
            answer = as_alice.post(address, form, headers={"HX-Request": "true"} if htmx else None)
            page = answer.content.decode()
            kept = "An hour of work" in page or "/add/" in address
            found[address] = (
                answer.status_code,
                "people a day" in page,
                kept,
                "Retry-After" in answer.headers,
            )
        assert found == dict.fromkeys(doors, (429, True, True, True))
        assert counts == (Post.objects.count(), Conversation.objects.count(), Membership.objects.count())


def test_a_person_counts_once_a_day_and_a_refusal_counts_nobody(
    as_alice: Client, alice: User, people: list[User]
) -> None:
    def post(count: int, words: str = "") -> int:
        form = {"text": f"{words} {names(people[:count])} @alice @nobody", "audience": 1}
        return as_alice.post("/posts/", form).status_code

    with override_settings(MEMBER_LIMITS=LIMITS):
        assert [post(3), post(3), post(5), post(6), post(4), post(4)] == [302, 302, 429, 429, 302, 302]
        post_of_four = Post.objects.latest("pk")
        # An edit calls those only those that it newly mentions.
        edit = {"text": f"{names(people[:4])} again", "audience": 1}
        cache.clear()
        consume_reach(alice, range(10_000, 10_004))
        assert as_alice.post(f"/posts/{post_of_four.pk}/edit/", edit).status_code == 302
        edit["text"] = names(people[:5])
        assert as_alice.post(f"/posts/{post_of_four.pk}/edit/", edit).status_code == 429


def test_one_calls_oneself_for_nothing(alice: User, people: list[User]) -> None:
    with override_settings(MEMBER_LIMITS=LIMITS):
        consume_reach(alice, [alice.pk])
        consume_reach(alice, [alice.pk, *[person.pk for person in people[:4]]])


def test_what_was_beyond_the_limit_of_a_new_account_takes_nothing_from_that_of_an_old_one(
    people: list[User],
) -> None:
    """The same day, a week after joining."""
    fresh, ids = make_member("fresh"), [person.pk for person in people]
    with override_settings(MEMBER_LIMITS=LIMITS):
        assert reached_by_mail(fresh, ids) == set(ids[:2])
        fresh.joined_at = timezone.now() - WEEK
        assert reached_by_mail(fresh, ids) == set(ids[:4])


def test_a_mail_that_its_recipient_does_not_want_counts_for_nothing(people: list[User]) -> None:
    fresh = make_member("fresh")
    posts = [publish_post(author=person, text="Post", audience=Audience.MEMBERS) for person in people[:4]]
    for person in people[:2]:
        set_preferences(member=person, choices={(Kind.COMMENT, Channel.MAIL): False})
    with override_settings(MEMBER_LIMITS=LIMITS):
        for post in posts:
            comment_on_post(post=post, author=fresh, text="Well")
    mailed = Notification.objects.filter(activities__actor=fresh).exclude(mail_due_at=None)
    assert set(mailed.values_list("recipient", flat=True)) == {person.pk for person in people[2:4]}


def test_invitations_are_mailed_beyond_the_reach_of_answers_and_take_nothing_from_it(
    people: list[User],
) -> None:
    fresh = make_member("fresh")
    posts = [publish_post(author=person, text="Post", audience=Audience.MEMBERS) for person in people[:3]]
    with override_settings(MEMBER_LIMITS=LIMITS):
        for person in people[3:]:
            invite_member(inviter=fresh, invitee=person)
        for post in posts:
            comment_on_post(post=post, author=fresh, text="Well")
    mailed = Notification.objects.filter(activities__actor=fresh).exclude(mail_due_at=None)
    assert set(mailed.values_list("recipient", flat=True)) == {
        person.pk for person in (*people[:2], *people[3:])
    }


def test_up_to_the_limit_a_reply_reaches_everybody_by_mail(people: list[User]) -> None:
    fresh = make_member("fresh")
    with override_settings(MEMBER_LIMITS=LIMITS):
        assert [reached_by_mail(fresh, ids) for ids in ([7], [7, 8], [9, 8, 7])] == [{7}, {7, 8}, {7, 8}]


def test_who_is_refused_is_told_to_wait_for_the_next_day(
    people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    morning = 20_000 * DAY + 1_800.5
    member = make_member("fresh")
    with override_settings(MEMBER_LIMITS=LIMITS):
        monkeypatch.setattr(time, "time", lambda: morning)
        consume_reach(member, [1, 2])
        with pytest.raises(RateLimited) as refused:
            consume_reach(member, [3])
        assert refused.value.wait == DAY - 1_800
        assert "24 hours" in refused.value.words
        monkeypatch.setattr(time, "time", lambda: morning + DAY - 1_800)
        consume_reach(member, [3, 4])


def test_a_new_account_calls_fewer(people: list[User]) -> None:
    fresh = client_of(make_member("fresh"))
    with override_settings(MEMBER_LIMITS=LIMITS):
        assert fresh.post("/posts/", {"text": names(people[:3]), "audience": 1}).status_code == 429
        assert fresh.post("/posts/", {"text": names(people[:2]), "audience": 1}).status_code == 302
    with override_settings(MEMBER_LIMITS=LIMITS, MEMBER_LIMITS_FACTOR=0):
        assert fresh.post("/posts/", {"text": names(people), "audience": 1}).status_code == 302


def test_a_storm_of_mentions_reaches_two_hundred_people_a_day_and_no_stranger_by_mail(alice: User) -> None:
    """As it stands in the settings: five posts that name fifty members each, by a new account and by an old one."""
    cache.clear()
    crowd = User.objects.bulk_create(
        User(username=f"member{turn}", email=f"m{turn}@example.org", joined_at=timezone.now())
        for turn in range(250)
    )
    for author, reached in (
        (make_member("fresh"), 0),
        (make_member("old", joined_at=timezone.now() - WEEK), 200),
    ):
        client = client_of(author)
        for turn in range(5):
            client.post("/posts/", {"text": names(crowd[turn * 50 : turn * 50 + 50]), "audience": 1})
        run_notification_tasks()
        told = Notification.objects.filter(activities__actor=author)
        assert told.count() == reached
        assert not told.exclude(mail_due_at=None).exists()


def test_a_mention_is_mailed_to_those_who_are_near(alice: User, bob: User, charlie: User, mona: User) -> None:
    """Bob is connected, Dora shares Bob, Charlie follows Alice; Mona has nothing to do with her."""
    dora = make_member("dora")
    connect(bob, dora)
    follow_member(follower=charlie, followed=alice)
    follow_member(follower=alice, followed=mona)
    invite_member(inviter=alice, invitee=mona)
    publish_post(author=alice, text="@bob @charlie @dora @mona")
    rows = Notification.objects.filter(kind="mention").order_by("recipient__username")
    assert {
        row.recipient.username: row.mail_due_at is not None for row in rows.select_related("recipient")
    } == {
        "bob": True,
        "charlie": True,
        "dora": True,
        "mona": False,
    }


def test_answers_to_many_reach_as_many_by_mail_as_may_be_called(people: list[User]) -> None:
    """A stranger with a new account answers where all talk: everybody finds it, two hear of it by mail, twice."""
    author = make_member("author")
    posts = [publish_post(author=author, text=f"Post {turn}", audience=Audience.MEMBERS) for turn in range(2)]
    with override_settings(MEMBER_LIMITS_FACTOR=0):
        tops = [comment_on_post(post=post, author=people[0], text="First") for post in posts]
        for post, top in zip(posts, tops, strict=True):
            for person in people[1:]:
                comment_on_post(post=post, author=person, text="Me too", parent=top)
    Notification.objects.all().delete()
    fresh = make_member("fresh")
    client = client_of(fresh)
    with override_settings(MEMBER_LIMITS=LIMITS):
        for post, top in zip(posts, tops, strict=True):
            form = {"text": "Your invoice https://evil.example", "parent": top.pk}
            assert client.post(f"/posts/{post.pk}/comment/", form).status_code == 302
            run_notification_tasks()
        follow_member(follower=fresh, followed=people[0])
        told = Notification.objects.filter(activities__actor=fresh)
        mailed = told.exclude(mail_due_at=None).values_list("recipient__username", flat=True)
        assert told.exclude(kind="follow").count() == 2 * len([author, *people])
        assert sorted(mailed) == ["author", "author", "person0", "person0"]
        # Whoever answered many may still call somebody.
        assert client.post("/posts/", {"text": names(people[:2]), "audience": 1}).status_code == 302
