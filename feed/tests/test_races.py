"""Concurrent requests, in threads with their own connections, on a real database."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Event

import pytest
from django.db import connection, transaction
from django.db.models import Count
from django.test import Client

from feed import services
from feed.errors import AlreadyReposted, CommentDeleted
from feed.events import comment_edited, post_edited
from feed.models import Comment, Post, Reaction, SavedPost
from tests.cast import client_of, make_member
from users.models import User
from users.tests.races import hold, meet

from .factories import HTMX, answer, captured_signals, pass_on, posts_tagged, react, run_concurrently, say

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

CROWD = 8


@pytest.fixture
def crowd(alice: User) -> list[User]:
    return [make_member(f"member{number}") for number in range(CROWD)]


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice)


def unhurt(outcomes: Sequence[object]) -> None:
    """Nobody met an error."""
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []


def counts_are_true(post: Post) -> Post:
    """The row of the post, whose counters equal the rows."""
    row = Post.objects.get(pk=post.pk)
    kinds = dict(Reaction.objects.filter(post=post).values_list("kind").annotate(Count("pk")))
    assert {kind.value: count for kind, count in row.actions_cache_key().reaction_counts} == kinds
    assert row.comment_count == Comment.objects.filter(post=post, deleted_at=None).count()
    assert row.repost_count == Post.objects.filter(original=post).count()
    for comment in Comment.objects.filter(post=post):
        assert comment.reply_count == Comment.objects.filter(parent=comment).count()
    return row


def test_many_react_and_every_reaction_counts(post: Post, crowd: list[User]) -> None:
    kinds = list(Reaction.Kind)
    unhurt(
        run_concurrently(*[partial(react, post, member, kinds[at % 5]) for at, member in enumerate(crowd)])
    )
    assert counts_are_true(post).reaction_count == CROWD


def test_concurrent_reactions_of_a_member_leave_one(post: Post, bob: User) -> None:
    unhurt(run_concurrently(*[partial(react, post, bob, kind) for kind in Reaction.Kind]))
    assert counts_are_true(post).reaction_count == 1


def test_concurrent_equal_reactions_are_stored_once(post: Post, bob: User) -> None:
    unhurt(run_concurrently(*[partial(react, post, bob) for _time in range(4)]))
    assert counts_are_true(post).reaction_count == 1


def test_concurrently_taking_back_twice_counts_once(post: Post, bob: User, charlie: User) -> None:
    react(post, bob)
    react(post, charlie)
    unhurt(
        run_concurrently(*[partial(services.take_back_reaction, post=post, member=bob) for _time in range(4)])
    )
    assert counts_are_true(post).reaction_count == 1


def test_concurrent_reacting_and_taking_back_keep_the_count_correct(post: Post, crowd: list[User]) -> None:
    for member in crowd[:4]:
        react(post, member)
    acts: list[Callable[[], None]] = []
    for member in crowd[:4]:
        acts += [partial(services.take_back_reaction, post=post, member=member)]
        acts += [partial(react, post, member, Reaction.Kind.SUPPORT)]
    unhurt(run_concurrently(*acts))
    counts_are_true(post)


def test_concurrent_comments_and_replies_are_all_counted(post: Post, crowd: list[User]) -> None:
    top = answer(post, crowd[0])
    acts = [partial(answer, post, member) for member in crowd[:4]]
    acts += [partial(answer, post, member, parent=top) for member in crowd[4:]]
    unhurt(run_concurrently(*acts))
    assert counts_are_true(post).comment_count == 1 + CROWD


def test_concurrent_comments_and_reactions_are_all_counted(post: Post, crowd: list[User]) -> None:
    acts: list[Callable[[], object]] = [partial(answer, post, member) for member in crowd[:4]]
    acts += [partial(react, post, member) for member in crowd[4:]]
    unhurt(run_concurrently(*acts))
    row = counts_are_true(post)
    assert (row.comment_count, row.reaction_count) == (4, 4)


def test_concurrently_deleting_the_last_replies_deletes_the_emptied_comment(post: Post, bob: User) -> None:
    top = answer(post, bob)
    replies = [answer(post, bob, parent=top) for _number in range(4)]
    services.delete_comment(comment=top)
    unhurt(
        run_concurrently(
            *[partial(services.delete_comment, comment=reply) for reply in [*replies, replies[0]]]
        )
    )
    assert not Comment.objects.exists()
    assert counts_are_true(post).comment_count == 0


def test_a_comment_deleted_during_a_reply_keeps_counts_correct(post: Post, crowd: list[User]) -> None:
    top = answer(post, crowd[0])
    acts: list[Callable[[], object]] = [partial(services.delete_comment, comment=top)]
    acts += [partial(answer, post, member, parent=top) for member in crowd[1:4]]
    told = [outcome for outcome in run_concurrently(*acts) if isinstance(outcome, BaseException)]
    assert all(isinstance(outcome, CommentDeleted) for outcome in told)
    assert counts_are_true(post).comment_count == 3 - len(told)


def test_concurrent_plain_reposts_store_one_and_refuse_the_others(post: Post, bob: User) -> None:
    outcomes = run_concurrently(*[partial(pass_on, post, bob) for _time in range(4)])
    assert sum(isinstance(outcome, Post) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyReposted) for outcome in outcomes) == 3
    assert counts_are_true(post).repost_count == 1


def test_many_pass_on_and_every_repost_counts(post: Post, crowd: list[User]) -> None:
    unhurt(run_concurrently(*[partial(pass_on, post, member) for member in crowd]))
    assert counts_are_true(post).repost_count == CROWD


def test_concurrent_saving_is_stored_once(post: Post, bob: User) -> None:
    unhurt(run_concurrently(*[partial(services.save_post, post=post, member=bob) for _time in range(4)]))
    assert SavedPost.objects.count() == 1


def test_concurrent_new_hashtags_are_one_tag_each(alice: User, crowd: list[User]) -> None:
    texts = [" ".join(f"#tag{(at + turn) % 5}" for at in range(5)) for turn in range(CROWD)]
    unhurt(run_concurrently(*[partial(say, member, text) for member, text in zip(crowd, texts, strict=True)]))
    for number in range(5):
        assert posts_tagged(f"tag{number}").count() == CROWD


def test_concurrently_deleting_a_post_twice_counts_once(post: Post, bob: User) -> None:
    shared = pass_on(post, bob, "Look")
    unhurt(run_concurrently(*[partial(services.delete_post, post=shared) for _time in range(4)]))
    assert counts_are_true(post).repost_count == 0


def test_an_original_and_its_repost_deleted_concurrently_do_not_deadlock(post: Post, bob: User) -> None:
    shared = pass_on(post, bob)
    unhurt(
        run_concurrently(partial(services.delete_post, post=post), partial(services.delete_post, post=shared))
    )
    assert not Post.objects.exists()


def test_a_reply_to_a_deleted_comment_is_refused_with_a_message(post: Post, bob: User) -> None:
    top = answer(post, bob)
    services.delete_comment(comment=Comment.objects.get(pk=top.pk))
    with pytest.raises(CommentDeleted):
        answer(post, bob, parent=top)
    counts_are_true(post)


def wait_for_a_waiter() -> None:
    """Until another connection to this database waits for a lock."""
    # Whoever waits for a row holds its table; pg_stat_activity would be the picture of the first look.
    waiters = """
        SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (
            SELECT pid FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database()
        )
    """
    with connection.cursor() as query:
        for _try in range(200):
            query.execute(waiters)
            if query.fetchone()[0]:
                return
            query.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waited")


@pytest.mark.postgres_only
def test_the_deletion_of_a_repost_waits_for_its_original_without_holding_the_repost(
    post: Post, bob: User
) -> None:
    shared, locked = pass_on(post, bob), Event()

    def original() -> None:
        with transaction.atomic():
            list(Post.objects.select_for_update().filter(pk=post.pk))
            locked.set()
            wait_for_a_waiter()
            services.delete_post(post=post)

    def copy() -> None:
        locked.wait(20)
        services.delete_post(post=shared)

    unhurt(run_concurrently(original, copy))
    assert not Post.objects.exists()


def test_concurrent_edits_keep_every_revision(post: Post) -> None:
    texts = [f"wording {number}" for number in range(4)]
    unhurt(
        run_concurrently(*[partial(services.edit_post, post=post, text=text, audience=1) for text in texts])
    )
    row = Post.objects.get(pk=post.pk)
    former = [revision.text for revision in row.revisions.all()]
    assert sorted([*former, row.text]) == sorted(["Hello", *texts])


def test_concurrent_edits_send_the_same_mention_once(post: Post, charlie: User) -> None:
    texts = [f"wording {number} for @charlie" for number in range(4)]
    with captured_signals(post_edited) as said:
        unhurt(
            run_concurrently(
                *[partial(services.edit_post, post=post, text=text, audience=1) for text in texts]
            )
        )
    assert sorted(len(fact["mentioned"]) for fact in said) == [0, 0, 0, 1]


def test_concurrent_comment_edits_send_the_same_mention_once(post: Post, bob: User, charlie: User) -> None:
    comment = answer(post, bob)
    texts = [f"wording {number} for @charlie" for number in range(4)]
    with captured_signals(comment_edited) as said:
        unhurt(
            run_concurrently(*[partial(services.edit_comment, comment=comment, text=text) for text in texts])
        )
    assert sorted(len(fact["mentioned"]) for fact in said) == [0, 0, 0, 1]


# -- Through the addresses: never a 500 -------------------------------------------------------


def press(
    client: Client, address: str, data: dict[str, object], headers: dict[str, str] | None = None
) -> int:
    return client.post(address, data, headers=headers).status_code


def test_a_button_pressed_in_two_tabs_concurrently_never_fails(post: Post, bob: User) -> None:
    tabs = [client_of(bob) for _tab in range(4)]
    address = f"/posts/{post.pk}/react/"
    assert (
        run_concurrently(*[partial(press, tab, address, {"kind": "like"}, HTMX) for tab in tabs]) == [200] * 4
    )
    assert counts_are_true(post).reaction_count == 1


def test_sharing_in_two_tabs_concurrently_shares_once_with_a_message(post: Post, bob: User) -> None:
    tabs = [client_of(bob) for _tab in range(4)]
    address = f"/posts/{post.pk}/repost/"
    statuses = run_concurrently(*[partial(press, tab, address, {"text": "", "audience": 1}) for tab in tabs])
    assert sorted(map(str, statuses)) == ["302", "422", "422", "422"]
    assert counts_are_true(post).repost_count == 1


@pytest.mark.postgres_only
def test_a_reply_to_a_comment_that_is_deleted_at_the_same_moment_keeps_what_was_typed(
    post: Post, alice: User, bob: User
) -> None:
    top, client, deleted = answer(post, bob), client_of(alice), Event()

    def delete() -> str:
        with transaction.atomic():
            services.delete_comment(comment=top)
            deleted.set()
            wait_for_a_waiter()
        return ""

    def late() -> str:
        deleted.wait(20)
        data = {"text": "My typed reply", "parent": top.pk}
        response = client.post(f"/posts/{post.pk}/comment/", data, headers=HTMX)
        assert response.status_code == 422
        return response.content.decode()

    _nothing, form = run_concurrently(delete, late)
    assert isinstance(form, str)
    assert "My typed reply" in form
    assert "deleted in the meantime" in form
    assert counts_are_true(post).comment_count == 0


@pytest.mark.postgres_only
def test_an_edit_of_a_comment_whose_post_is_deleted_at_the_same_moment_is_a_404(
    post: Post, bob: User
) -> None:
    comment, client, deleted = answer(post, bob), client_of(bob), Event()

    def delete() -> int:
        with transaction.atomic():
            services.delete_post(post=post)
            deleted.set()
            wait_for_a_waiter()
        return 0

    def late() -> int:
        deleted.wait(20)
        return press(client, f"/comments/{comment.pk}/edit/", {"text": "words"})

    assert run_concurrently(delete, late) == [0, 404]


@pytest.mark.postgres_only
@pytest.mark.parametrize("act", ["react", "unreact", "save", "repost", "comment", "edit", "delete"])
def test_an_action_on_a_concurrently_deleted_post_is_a_404(alice: User, act: str) -> None:
    post, client, deleted = say(alice), client_of(alice), Event()
    data: dict[str, object] = {"text": "words", "audience": 1, "kind": "like"}

    def delete() -> int:
        with transaction.atomic():
            services.delete_post(post=post)
            deleted.set()
            wait_for_a_waiter()
        return 0

    def late() -> int:
        deleted.wait(20)
        return press(client, f"/posts/{post.pk}/{act}/", data)

    assert run_concurrently(delete, late) == [0, 302 if act == "delete" else 404]


@pytest.mark.postgres_only
def test_a_deletion_waits_for_no_other_post(alice: User) -> None:
    post, other = say(alice), say(alice, "Other")
    met = meet(hold(Post.objects.filter(pk=other.pk)), lambda: services.delete_post(post=post))
    assert (met.waited, met.result) == (False, None)
    assert Post.objects.get() == other
