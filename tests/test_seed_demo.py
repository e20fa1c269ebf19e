"""The demo network."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import pairwise

import filetype
import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.core.files.storage import default_storage
from django.core.management import CommandError
from django.db.models import F, Q
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from core.files.row_files import files_of_row
from demo import connections, schedule, seed
from demo.people import PASSWORD
from demo.schedule import Publish, React
from feed.models import Comment, Post, PostImage, PostRevision, Reaction, SavedPost
from network.models import Connection, Follow, Member
from network.relations import ConnectionState, load_relation
from users.models import Experience, User

from .demo_data import assert_counters_are_correct, ignore_progress, run_seed_demo, stored_rows
from .properties.loading import COMPLETE, load

NOW = timezone.now()
SIGN_INS = ("alice", "bob", "charlie", "mona", "admin")


@pytest.fixture(scope="class")
def demo(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """The demo network as the command makes it, once for a class of tests that only read; what the command printed.

    By day it has a fifth of the reactions and no pictures: those take more than half of the time.
    """
    is_whole = request.cls.is_whole
    with stored_rows(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        create = partial(seed.create_demo_network, now=NOW, with_pictures=is_whole)
        patch.setattr(seed, "create_demo_network", create)
        if not is_whole:
            plan = schedule.plan_reactions
            patch.setattr(schedule, "plan_reactions", lambda *arguments: plan(*arguments)[::5])
        yield run_seed_demo(once=True)


def assert_files_are_what_they_say() -> None:
    """Photos of two thirds of the members, pictures with words, documents: all there, together below 12 MB."""
    names = [name for image in PostImage.objects.all() for name in files_of_row(image)]
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

    monkeypatch.setattr(connections, "create_connections", fails)
    with pytest.raises(RuntimeError):
        seed.create_demo_network(log=ignore_progress, with_pictures=False)
    assert not User.objects.exists()


def test_a_network_with_an_alice_of_its_own_is_left_alone(alice: User) -> None:
    assert "already" in run_seed_demo()
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("demo")
class TestTheDemoNetwork:
    """The content of the network that the command creates."""

    is_whole = False

    def test_the_command_makes_sixty_members_and_two_hundred_posts_once(self, demo: str) -> None:
        assert (User.objects.count(), Post.objects.count()) == (60, 200)
        assert "alice" in demo
        assert PASSWORD in demo
        assert "already" in run_seed_demo(once=True)
        assert (User.objects.count(), Post.objects.count()) == (60, 200)

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
        assert load_relation(alice, bob).state is ConnectionState.CONNECTED
        assert load_relation(alice, charlie).state is ConnectionState.STRANGER
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
        assert_counters_are_correct()

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
        plan = seed.plan_network(NOW)
        published = [act for act in plan.acts if isinstance(act, Publish)]
        stored = Post.objects.order_by("pk").values_list("author__username", "text", "created_at")
        assert list(stored) == [(act.post.author, act.post.text, act.at) for act in published]
        reacted = Counter((act.member, act.kind, act.at) for act in plan.acts if isinstance(act, React))
        assert reacted == Counter(Reaction.objects.values_list("member__username", "kind", "created_at"))
        pairs = Connection.objects.connected().values_list("low__username", "high__username")
        assert {frozenset(pair) for pair in pairs} == set(plan.connections.connected)
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


@pytest.mark.night
class TestTheWholeDemoNetwork(TestTheDemoNetwork):
    """The same with all reactions and pictures."""

    is_whole = True

    def test_the_files_are_what_they_say(self) -> None:
        assert_files_are_what_they_say()


# -- Where it refuses ---------------------------------------------------------------------------


def test_it_refuses_where_no_settings_module_allows_it(db: None, settings: Settings) -> None:
    settings.DEMO_NETWORK = False
    with pytest.raises(CommandError, match="development"):
        run_seed_demo()
    assert not User.objects.exists()


def test_only_development_and_test_allow_it() -> None:
    allowed = {
        module: load(module, COMPLETE)["DEMO_NETWORK"] for module in ("production", "development", "test")
    }
    assert allowed == {"production": False, "development": True, "test": True}
