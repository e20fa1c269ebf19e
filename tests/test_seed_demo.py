"""The demo network and the crowd for benches."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import filetype
import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Max, Q
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from feed.models import Comment, Post, PostImage, PostRevision, Reaction, SavedPost, Tag
from feed.services import publish_post
from messaging.models import Attachment, Conversation, Entry, Membership
from network.models import Connection, Follow, Member
from network.relations import Standing, relation
from notifications.models import Fact, Notification
from professional_network.demo import crowd, seed, ties
from professional_network.demo.diary import Publish, React
from professional_network.demo.people import PASSWORD
from tests.properties.loading import COMPLETE, load
from users.models import Experience, User

NOW = timezone.now()
SIGN_INS = ("alice", "bob", "charlie", "mona", "admin")


def seeded(**options: object) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("seed_demo", stdout=out, **options)
    return out.getvalue()


def silent(words: str) -> None:
    """Where progress goes that nobody reads."""


@contextmanager
def stored(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Access to the database outside a single test; what was stored goes at the end."""
    with blocker.unblock():
        yield
        # What was said outlives accounts.
        Conversation.objects.all().delete()
        User.objects.all().delete()
        Tag.objects.all().delete()


@pytest.fixture(scope="class")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo network, made once for a class of tests that only read; without pictures, which take most time."""
    with stored(django_db_blocker):
        seed.make_demo_network(say=silent, with_pictures=False, now=NOW)
        yield


@pytest.fixture(scope="class")
def small_crowd(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A crowd of 60 with 300 posts, made once for a class of tests that only read."""
    with stored(django_db_blocker):
        crowd.make(members=60, posts=300, say=silent)
        yield


@pytest.fixture
def own_crowd(db: None) -> None:
    """The same crowd for one test, which may change it."""
    crowd.make(members=60, posts=300, say=silent)


def assert_counts_are_true() -> None:
    """Every counter of every post and comment equals the rows that it counts."""
    for kind in Reaction.Kind:
        counted = Post.objects.annotate(real=Count("reactions", Q(reactions__kind=kind.value), distinct=True))
        assert not [post for post in counted if getattr(post, f"{kind.value}_count") != post.real]  # type: ignore[attr-defined]
    posts = Post.objects.annotate(
        said=Count("comments", Q(comments__deleted_at=None), distinct=True),
        shared=Count("reposts", distinct=True),
    )
    for post in posts:
        assert (post.comment_count, post.repost_count) == (post.said, post.shared)  # type: ignore[attr-defined]
    for comment in Comment.objects.annotate(answers=Count("replies")):
        assert comment.reply_count == comment.answers  # type: ignore[attr-defined]


# -- The demo network ---------------------------------------------------------------------------


def test_the_command_makes_sixty_members_and_two_hundred_posts_once(db: None) -> None:
    first = seeded(once=True)
    assert (User.objects.count(), Post.objects.count()) == (60, 200)
    assert "alice" in first
    assert PASSWORD in first
    assert_files_are_what_they_say()
    second = seeded(once=True)
    assert "already" in second
    assert (User.objects.count(), Post.objects.count()) == (60, 200)


def assert_files_are_what_they_say() -> None:
    """Photos of two thirds of the members, pictures with words, documents: all there, together below 12 MB."""
    names = [name for image in PostImage.objects.all() for name in image.files]
    with_photo = User.objects.exclude(photo="")
    names += [f"{user.photo}-{size}.webp" for user in with_photo for size in (512, 192, 64)]
    names += [f"{user.profile.cover}-1500.webp" for user in User.objects.exclude(profile__cover="")]
    documents = [post.document for post in Post.objects.exclude(document="")]
    assert with_photo.count() == 40
    assert len(documents) >= 2
    assert not PostImage.objects.filter(alt="").exists()
    kinds = Counter(_kind_of(name) for name in [*names, *documents])
    assert kinds == {"image/webp": len(names), "application/pdf": len(documents)}
    assert sum(default_storage.size(name) for name in [*names, *documents]) < 12 * 1024 * 1024


def _kind_of(name: str) -> str:
    with default_storage.open(name) as file:
        kind = filetype.guess(file.read())
    return kind.mime if kind else "unknown"


def test_a_failure_leaves_nothing_behind(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **options: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(ties, "make", fails)
    with pytest.raises(RuntimeError):
        seed.make_demo_network(say=silent, with_pictures=False)
    assert not User.objects.exists()


def test_a_network_with_an_alice_of_its_own_is_left_alone(alice: User) -> None:
    assert "already" in seeded()
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("demo")
class TestTheDemoNetwork:
    """What stands in it once it is made."""

    @pytest.mark.parametrize("username", SIGN_INS)
    def test_a_demo_member_can_sign_in_at_once(self, username: str) -> None:
        request = RequestFactory().post("/accounts/login/")
        member = authenticate(request, username=username, password=PASSWORD)
        assert isinstance(member, User)
        assert member.joined_at is not None
        assert EmailAddress.objects.get(user=member).verified
        assert member.is_staff == member.is_superuser == (username == "admin")

    def test_a_demo_member_signs_in_on_the_page(self) -> None:
        client = Client()
        response = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
        assert response.status_code == 302
        assert client.session["_auth_user_id"] == str(User.objects.get(username="alice").pk)

    def test_alice_knows_bob_and_not_charlie(self) -> None:
        alice, bob, charlie = (Member.objects.get(username=name) for name in ("alice", "bob", "charlie"))
        assert relation(alice, bob).standing is Standing.CONNECTED
        assert relation(alice, charlie).standing is Standing.STRANGER
        assert not Follow.objects.filter(
            follower__in=[alice, charlie], followed__in=[alice, charlie]
        ).exists()

    def test_invitations_to_and_from_alice_wait(self) -> None:
        alice = User.objects.get(username="alice")
        received = Connection.objects.received_by(alice)
        assert received.count() == 3
        assert received.exclude(note="").count() == 2
        assert Connection.objects.sent_by(alice).count() == 2

    def test_the_counters_of_the_demo_network_are_true(self) -> None:
        assert_counts_are_true()

    def test_ids_follow_time(self) -> None:
        for model in (Post, Comment, Reaction):
            times = list(model._default_manager.order_by("pk").values_list("created_at", flat=True))
            assert all(earlier <= later for earlier, later in pairwise(times))

    def test_the_posts_are_of_the_last_sixty_days(self) -> None:
        now = timezone.now()
        times = list(Post.objects.values_list("created_at", flat=True))
        assert max(times) < now
        assert timedelta(days=50) < now - min(times) < timedelta(days=61)
        assert not Comment.objects.filter(created_at__gt=now).exists()
        assert not Reaction.objects.filter(created_at__gt=now).exists()
        assert not Connection.objects.filter(Q(connected_at__gt=now) | Q(invited_at__gt=now)).exists()

    def test_nobody_answers_before_being_asked(self) -> None:
        for comment in Comment.objects.select_related("post", "parent"):
            assert comment.created_at >= (comment.parent or comment.post).created_at
        for reaction in Reaction.objects.select_related("post", "member"):
            assert reaction.created_at >= reaction.post.created_at
            assert reaction.member_id != reaction.post.author_id

    def test_nobody_acts_before_joining(self) -> None:
        assert not Post.objects.filter(created_at__lt=F("author__joined_at")).exists()
        assert not Comment.objects.filter(created_at__lt=F("author__joined_at")).exists()
        assert not Reaction.objects.filter(created_at__lt=F("member__joined_at")).exists()
        for end in ("low", "high"):
            assert not Connection.objects.filter(connected_at__lt=F(f"{end}__joined_at")).exists()

    def test_those_who_respond_may_read_the_post(self) -> None:
        narrow = Post.objects.filter(audience=2)
        assert narrow.count() >= 3
        for post in narrow:
            people = [
                *post.comments.values_list("author", flat=True),
                *post.reactions.values_list("member", flat=True),
            ]
            for person in User.objects.filter(pk__in=people):
                assert Post.objects.visible_to(person).filter(pk=post.pk).exists()

    def test_one_post_was_edited_and_kept_its_former_words(self) -> None:
        revision = PostRevision.objects.get()
        assert revision.text != revision.post.text
        assert revision.post.edited_at == revision.replaced_at
        assert revision.post.created_at < revision.replaced_at <= timezone.now()

    def test_the_same_network_is_made_each_time(self) -> None:
        plan = seed.planned(NOW)
        published = [act for act in plan.acts if isinstance(act, Publish)]
        stored = Post.objects.order_by("pk").values_list("author__username", "text", "created_at")
        assert list(stored) == [(act.post.author, act.post.text, act.at) for act in published]
        reacted = Counter((act.member, act.kind, act.at) for act in plan.acts if isinstance(act, React))
        assert reacted == Counter(Reaction.objects.values_list("member__username", "kind", "created_at"))
        pairs = Connection.objects.connected().values_list("low__username", "high__username")
        assert {frozenset(pair) for pair in pairs} == set(plan.ties.connected)
        assert dict(User.objects.values_list("username", "joined_at")) == plan.joined

    def test_there_is_something_of_every_kind(self) -> None:
        assert Post.objects.filter(is_repost=True, text="").exists()
        assert Post.objects.filter(is_repost=True).exclude(text="").exists()
        assert set(Post.objects.values_list("audience", flat=True)) == {0, 1, 2}
        assert set(Reaction.objects.values_list("kind", flat=True)) == set(Reaction.Kind.values)
        assert Comment.objects.exclude(parent=None).exists()
        assert SavedPost.objects.filter(member__username="alice").count() == 5
        for sign in (
            'class="mention"',
            'class="hashtag"',
            "<pre>",
            "<ol>",
            "<ul>",
            "<blockquote>",
            'href="https://',
        ):
            assert Post.objects.filter(html__contains=sign).exists(), sign

    def test_a_name_in_another_script_stands_as_it_is_written(self) -> None:
        assert Member.objects.filter(username="leila.haddad", name="ليلى حداد").exists()
        assert Member.objects.named("leila").exists()

    def test_no_position_begins_in_the_future(self) -> None:
        assert not Experience.objects.filter(start__gt=timezone.localdate()).exists()


# -- Where it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"members": 60, "posts": 10}])
def test_it_refuses_where_no_settings_module_allows_it(
    db: None, settings: Settings, options: dict[str, int]
) -> None:
    settings.DEMO_NETWORK = False
    with pytest.raises(CommandError, match="development"):
        seeded(**options)
    assert not User.objects.exists()


def test_only_development_and_test_allow_it() -> None:
    allowed = {
        module: load(module, COMPLETE)["DEMO_NETWORK"] for module in ("production", "development", "test")
    }
    assert allowed == {"production": False, "development": True, "test": True}


@pytest.mark.parametrize(
    "options", [{"members": 60}, {"posts": 60}, {"members": 3, "posts": 1}, {"members": 60, "posts": -1}]
)
def test_a_crowd_needs_both_numbers(db: None, options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="--members"):
        seeded(**options)


# -- The crowd ----------------------------------------------------------------------------------


def test_a_few_of_a_crowd_know_very_many(db: None) -> None:
    crowd.make(members=400, posts=0, say=silent)
    ties = Counter(end for pair in Connection.objects.connected().values_list("low", "high") for end in pair)
    numbers = sorted(ties.values(), reverse=True)
    assert 18 <= sum(numbers) / 400 <= 21
    assert numbers[0] > 4 * numbers[200]


def test_a_crowd_grows_by_posts_and_keeps_its_members(own_crowd: None) -> None:
    before = Post.objects.aggregate(latest=Max("created_at"), last=Max("pk"))
    crowd.make(members=60, posts=420, say=silent)
    assert (User.objects.count(), Post.objects.count()) == (60, 420)
    assert not Post.objects.filter(pk__gt=before["last"], created_at__lte=before["latest"]).exists()
    crowd.make(members=60, posts=400, say=silent)
    assert Post.objects.count() == 420
    assert_counts_are_true()


def test_a_crowd_of_another_size_is_refused(own_crowd: None) -> None:
    with pytest.raises(CommandError, match="60 members already"):
        seeded(members=80, posts=10)


def test_a_crowd_grows_beside_the_posts_of_others(alice: User) -> None:
    publish_post(author=alice, text="I was here before.")
    crowd.make(members=60, posts=10, say=silent)
    assert (User.objects.count(), Post.objects.count()) == (61, 11)


@pytest.mark.django_db
@pytest.mark.usefixtures("small_crowd")
class TestACrowd:
    """What stands in it once it is made."""

    def test_a_crowd_has_the_numbers_asked_for(self) -> None:
        assert User.objects.count() == 60
        assert Post.objects.count() == 300
        assert Comment.objects.count() == 600
        assert Reaction.objects.count() == 600
        assert User.objects.filter(username="member00059").exists()

    def test_the_counters_of_a_crowd_are_true(self) -> None:
        assert_counts_are_true()

    def test_ids_of_a_crowd_follow_time(self) -> None:
        times = list(Post.objects.order_by("pk").values_list("created_at", flat=True))
        assert all(earlier < later for earlier, later in pairwise(times))
        assert times[-1] <= timezone.now()

    def test_a_crowd_knows_bench_who_can_sign_in(self) -> None:
        bench = authenticate(RequestFactory().post("/"), username="bench", password=PASSWORD)
        assert isinstance(bench, User)
        assert Connection.objects.connected().of(bench.pk).count() == 30
        assert Connection.objects.received_by(bench).count() == 5
        assert Follow.objects.filter(follower=bench).count() == 10
        assert SavedPost.objects.filter(member=bench).exists()

    def test_photos_of_a_crowd_are_files_of_their_own(self) -> None:
        photos = set(User.objects.exclude(photo="").values_list("photo", flat=True))
        assert len(photos) > 16
        assert all(default_storage.exists(f"{photo}-{size}.webp") for photo in photos for size in (512, 64))

    def test_what_a_crowd_says_is_numbered_from_one_without_a_gap(self) -> None:
        assert Conversation.objects.filter(pair__isnull=True).exists()
        assert Conversation.objects.filter(pair__isnull=False).count() >= 15
        for conversation in Conversation.objects.all():
            seqs = list(conversation.entries.order_by("pk").values_list("seq", flat=True))
            assert seqs == list(range(1, conversation.last_seq + 1))
            times = list(conversation.entries.order_by("seq").values_list("created_at", flat=True))
            assert times == sorted(times)
            assert times[-1] <= timezone.now()
            assert conversation.created_at <= times[0]

    def test_the_unread_of_a_crowd_is_what_others_said_behind_the_cursor(self) -> None:
        rows = list(Membership.objects.select_related("conversation"))
        assert any(row.unread for row in rows)
        for row in rows:
            entries = Entry.objects.filter(conversation=row.conversation)
            behind = entries.messages().filter(seq__gt=row.read_seq).exclude(author=row.member)
            assert row.unread == behind.count()
            assert row.read_seq <= row.delivered_seq <= row.conversation.last_seq
            assert row.place == entries.latest("pk").pk

    def test_a_crowd_talks_among_connections_alone(self) -> None:
        for conversation in Conversation.objects.filter(pair__isnull=False):
            one, two = conversation.memberships.values_list("member", flat=True)
            assert conversation.pair == Conversation.pair_of(one, two)
            assert Connection.objects.connected().between(one, two).exists()
        for group in Conversation.objects.filter(pair=None):
            founder = group.memberships.get(is_owner=True).member_id
            others = set(group.memberships.exclude(member=founder).values_list("member", flat=True))
            assert others <= set(Connection.objects.connected().other_ends(founder))
            joined = group.entries.filter(kind=Entry.Kind.JOINED).values_list("subject", flat=True)
            assert set(joined) == others

    def test_pictures_of_a_crowd_hang_on_messages(self) -> None:
        attachments = list(Attachment.objects.select_related("entry"))
        assert attachments
        assert all(attachment.entry.attached == 1 for attachment in attachments)
        assert Entry.objects.filter(attached__gt=0).count() == len(attachments)
        assert all(default_storage.exists(name) for each in attachments for name in each.files)

    def test_bench_has_an_inbox_a_bell_and_pages_that_show_them(self) -> None:
        bench = User.objects.get(username="bench")
        assert Membership.objects.inbox(bench).count() >= 12
        client = Client()
        client.force_login(bench)
        shown = Membership.objects.inbox(bench).first()
        assert shown is not None
        for address in ("/messages/", shown.conversation.get_absolute_url(), "/notifications/"):
            assert client.get(address).status_code == 200

    def test_a_crowd_is_told_what_happened_and_nobody_of_own_deeds(self) -> None:
        rows = Notification.objects.annotate(newest=Max("facts"), latest=Max("facts__created_at"))
        assert rows.count() > 60
        for row in rows:
            assert (row.place, row.latest_at) == (row.newest, row.latest)  # type: ignore[attr-defined]
            assert row.post is not None
            assert row.post.author_id == row.recipient_id
        assert not Fact.objects.filter(actor=F("notification__recipient")).exists()
        assert not Fact.objects.exclude(notification__post=F("reaction__post")).filter(comment=None).exists()
        assert not Fact.objects.exclude(notification__post=F("comment__post")).filter(reaction=None).exists()
