"""The crowd for benches (`python -m bench.make_crowd`): its numbers, and that what it says and knows is whole."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from django.contrib.auth import authenticate
from django.core.files.storage import default_storage
from django.db.models import F, Max
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from bench import crowd
from bench.make_crowd import main
from core.files.row_files import files_of_row
from demo.people import PASSWORD
from feed.models import Comment, Post, Reaction, SavedPost
from feed.services import publish_post
from messaging.models import Attachment, Conversation, Entry, Membership
from network.models import Connection, Follow
from notifications.models import Activity, Notification
from users.models import User

from .demo_data import assert_counters_are_correct, ignore_progress, stored_rows

pytestmark = pytest.mark.night


@pytest.fixture(scope="class")
def small_crowd(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A crowd of 60 with 300 posts, made once for a class of tests that only read."""
    with stored_rows(django_db_blocker):
        crowd.create_crowd(members=60, posts=300, report_progress=ignore_progress)
        yield


@pytest.fixture
def own_crowd(db: None) -> None:
    """The same crowd for one test, which may change it."""
    crowd.create_crowd(members=60, posts=300, report_progress=ignore_progress)


def test_a_few_of_a_crowd_know_very_many(db: None) -> None:
    crowd.create_crowd(members=400, posts=0, report_progress=ignore_progress)
    ties = Counter(end for pair in Connection.objects.connected().values_list("low", "high") for end in pair)
    numbers = sorted(ties.values(), reverse=True)
    assert 18 <= sum(numbers) / 400 <= 21
    assert numbers[0] > 4 * numbers[200]


def test_a_crowd_grows_by_posts_and_keeps_its_members(own_crowd: None) -> None:
    before = Post.objects.aggregate(latest=Max("created_at"), last=Max("pk"))
    crowd.create_crowd(members=60, posts=420, report_progress=ignore_progress)
    assert (User.objects.count(), Post.objects.count()) == (60, 420)
    assert not Post.objects.filter(pk__gt=before["last"], created_at__lte=before["latest"]).exists()
    crowd.create_crowd(members=60, posts=400, report_progress=ignore_progress)
    assert Post.objects.count() == 420
    assert_counters_are_correct()


def test_a_crowd_of_another_size_is_refused(own_crowd: None) -> None:
    with pytest.raises(crowd.CrowdRefused, match="60 members already"):
        crowd.create_crowd(members=80, posts=10, report_progress=ignore_progress)


@pytest.mark.parametrize(("members", "posts"), [(3, 1), (60, -1)])
def test_a_crowd_of_too_few_is_refused(db: None, members: int, posts: int) -> None:
    with pytest.raises(crowd.CrowdRefused, match="at least 50 members"):
        crowd.create_crowd(members=members, posts=posts, report_progress=ignore_progress)
    assert not User.objects.exists()


def test_no_crowd_is_made_where_no_settings_module_allows_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DEMO_NETWORK = False
    assert main(["--members", "60", "--posts", "10"]) == 1
    assert "development or test database only" in capsys.readouterr().err


def test_a_crowd_grows_beside_the_posts_of_others(alice: User) -> None:
    publish_post(author=alice, text="I was here before.")
    crowd.create_crowd(members=60, posts=10, report_progress=ignore_progress)
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
        assert_counters_are_correct()

    def test_ids_of_a_crowd_follow_time(self) -> None:
        times = list(Post.objects.order_by("pk").values_list("created_at", flat=True))
        assert all(earlier < later for earlier, later in pairwise(times))
        assert times[-1] <= timezone.now()

    def test_a_crowd_knows_bench_who_can_sign_in(self) -> None:
        bench = authenticate(RequestFactory().post("/"), username="bench", password=PASSWORD)
        assert isinstance(bench, User)
        assert Connection.objects.connected().of_member(bench.pk).count() == 30
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
            assert row.sort_key == entries.latest("pk").pk

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
        assert all(default_storage.exists(name) for each in attachments for name in files_of_row(each))

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
        rows = Notification.objects.annotate(newest=Max("activities"), latest=Max("activities__created_at"))
        assert rows.count() > 60
        for row in rows:
            assert (row.sort_key, row.latest_at) == (row.newest, row.latest)  # type: ignore[attr-defined]
            assert row.post is not None
            assert row.post.author_id == row.recipient_id
        assert not Activity.objects.filter(actor=F("notification__recipient")).exists()
        assert (
            not Activity.objects.exclude(notification__post=F("reaction__post")).filter(comment=None).exists()
        )
        assert (
            not Activity.objects.exclude(notification__post=F("comment__post")).filter(reaction=None).exists()
        )
