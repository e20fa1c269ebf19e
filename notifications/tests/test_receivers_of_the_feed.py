"""Who is notified of posts, comments, reactions and reposts."""

import pytest
from django.utils import timezone

from feed import services
from feed.models import Comment, Post
from feed.tests.factories import answer, pass_on, react, say
from network.services import block_member, remove_connection
from notifications import receivers
from notifications.display.notification_view import NotificationView, build_views
from notifications.models import Notification
from notifications.services import mark_all_read
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .factories import page_texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice, "Hello")


def lines_of(member: User) -> list[NotificationView]:
    return build_views(list(Notification.objects.visible_to(member).order_by("-sort_key")), member)


def test_the_author_is_notified_of_reactions_each_member_once(post: Post, bob: User, charlie: User) -> None:
    alice = post.author
    Notification.objects.all().delete()
    react(post, bob)
    react(post, bob)
    assert page_texts(alice) == ["Bob reacted to your post"]
    react(post, charlie)
    assert page_texts(alice) == ["Charlie and Bob reacted to your post"]


def test_a_reaction_that_was_taken_back_is_not_shown(post: Post, charlie: User, mona: User) -> None:
    react(post, charlie)
    react(post, mona)
    services.take_back_reaction(post=post, member=mona)
    assert page_texts(post.author) == ["Charlie reacted to your post"]
    services.take_back_reaction(post=post, member=charlie)
    assert page_texts(post.author) == []


def test_members_are_not_notified_of_their_own_actions(post: Post) -> None:
    alice = post.author
    react(post, alice)
    answer(post, alice, "Me, @alice", parent=answer(post, alice))
    pass_on(post, alice)
    say(alice, "Me again: @alice")
    assert not Notification.objects.exists()


def test_a_deleted_post_deletes_its_notifications(post: Post, charlie: User) -> None:
    react(post, charlie)
    answer(post, charlie)
    pass_on(post, charlie, "Look")
    assert len(page_texts(post.author)) == 3
    services.delete_post(post=post)
    assert not Notification.objects.exists()


def test_members_mentioned_in_a_post_are_notified(alice: User, charlie: User) -> None:
    say(alice, "Thanks @charlie and @nobody")
    assert page_texts(charlie) == ["Alice Álvarez mentioned you in a post"]


def test_a_member_mentioned_in_an_unreadable_post_is_not_notified(
    alice: User, bob: User, charlie: User
) -> None:
    Notification.objects.all().delete()
    say(alice, "Thanks @charlie and @bob", audience=Audience.CONNECTIONS)
    assert page_texts(charlie) == []
    assert page_texts(bob) == ["Alice Álvarez mentioned you in a post"]


def test_followers_are_not_notified_of_a_post(alice: User, bob: User) -> None:
    Notification.objects.all().delete()
    say(alice)
    assert not Notification.objects.exists()


def edit(post: Post, text: str, audience: int = Audience.MEMBERS) -> None:
    services.edit_post(post=post, text=text, audience=audience)


def test_only_members_newly_mentioned_by_an_edit_are_notified(post: Post, charlie: User, mona: User) -> None:
    edit(post, "Now with @charlie, says @alice")
    edit(post, "Now with @charlie and @mona")
    assert page_texts(charlie) == page_texts(mona) == ["Alice Álvarez mentioned you in a post"]
    assert page_texts(post.author) == []
    assert [row.activities.count() for row in Notification.objects.all()] == [1, 1]


@pytest.mark.parametrize("is_read", [False, True])
def test_a_mention_that_is_removed_and_added_again_notifies_once(
    post: Post, charlie: User, is_read: bool
) -> None:
    edit(post, "With @charlie")
    if is_read:
        mark_all_read(member=charlie)
    edit(post, "Without")
    edit(post, "With @charlie again")
    (row,) = Notification.objects.filter(recipient=charlie)
    assert (row.is_unread, row.activities.count()) == (not is_read, 1)


def test_a_member_mentioned_at_first_is_not_notified_by_an_edit(alice: User, charlie: User) -> None:
    post = say(alice, "With @charlie")
    mark_all_read(member=charlie)
    edit(post, "Without")
    edit(post, "With @charlie again")
    assert Notification.objects.filter(recipient=charlie).count() == 1


def test_a_member_mentioned_in_a_comment_is_notified_of_a_mention_in_the_post(
    post: Post, charlie: User, bob: User
) -> None:
    answer(post, bob, "Did you forget @charlie?")
    edit(post, "With @charlie")
    assert page_texts(charlie) == ["Alice Álvarez mentioned you in a post", "Bob mentioned you in a comment"]


def test_a_mentioned_member_is_notified_once_the_post_is_readable(post: Post, charlie: User) -> None:
    edit(post, "With @charlie", Audience.CONNECTIONS)
    assert not Notification.objects.filter(recipient=charlie).exists()
    edit(post, "With @charlie", Audience.MEMBERS)
    assert page_texts(charlie) == ["Alice Álvarez mentioned you in a post"]


@pytest.mark.parametrize("blocks", ["author", "named"])
def test_an_edit_notifies_no_blocked_member(post: Post, charlie: User, blocks: str) -> None:
    ends = (post.author, charlie) if blocks == "author" else (charlie, post.author)
    block_member(blocker=ends[0], blocked=ends[1])
    edit(post, "With @charlie")
    pass_on(say(post.author, "Other"), post.author, "Hello @charlie")
    assert not Notification.objects.filter(recipient=charlie).exists()


def test_members_mentioned_in_a_repost_are_notified(post: Post, charlie: User, mona: User) -> None:
    pass_on(post, charlie, "Look @mona, says @charlie")
    assert page_texts(mona) == ["Charlie mentioned you in a post"]
    assert page_texts(charlie) == []
    assert page_texts(post.author) == ["Charlie shared your post"]
    assert "Look @mona" in lines_of(mona)[0].excerpt


def test_the_author_of_the_original_is_notified_once_of_a_mention_first(post: Post, charlie: User) -> None:
    quote = pass_on(post, charlie, "Well said @alice")
    assert page_texts(post.author) == ["Charlie mentioned you in a post"]
    assert lines_of(post.author)[0].url == quote.get_absolute_url()


def test_a_member_mentioned_in_an_unreadable_repost_is_not_notified(
    post: Post, bob: User, charlie: User, mona: User
) -> None:
    connect(charlie, mona)
    Notification.objects.all().delete()
    pass_on(post, charlie, "Look @bob, @mona", audience=Audience.CONNECTIONS)
    assert page_texts(bob) == []
    assert page_texts(mona) == ["Charlie mentioned you in a post"]


def test_text_added_to_a_repost_notifies_mentioned_members(post: Post, charlie: User, mona: User) -> None:
    shared = pass_on(post, charlie)
    edit(shared, "Look @mona, @alice")
    assert page_texts(mona) == ["Charlie mentioned you in a post"]
    assert page_texts(post.author) == ["Charlie mentioned you in a post", "Charlie shared your post"]


def test_the_author_is_notified_of_a_comment(post: Post, charlie: User, mona: User) -> None:
    answer(post, charlie)
    answer(post, charlie)
    answer(post, mona)
    assert page_texts(post.author) == ["Mona and Charlie commented on your post"]


def test_members_mentioned_by_a_comment_edit_are_notified_once(post: Post, charlie: User, mona: User) -> None:
    comment = answer(post, charlie, "With @mona")
    mark_all_read(member=mona)
    dan = make_member("dan")
    # Who was told of something else is told of this as well.
    react(say(dan), mona)
    for text in ("With @dan", "Without", "With @dan and @mona, says @charlie"):
        services.edit_comment(comment=comment, text=text)
    assert page_texts(dan) == ["Charlie mentioned you in a comment", "Mona reacted to your post"]
    assert Notification.objects.get(recipient=dan, kind="mention").activities.count() == 1
    assert Notification.objects.filter(recipient=mona).count() == 1
    assert page_texts(charlie) == []


def test_names_in_comments_are_one_line_for_each_post(post: Post, charlie: User, mona: User) -> None:
    for each in (post, say(post.author, "Other"), post):
        answer(each, charlie, "With @mona")
    assert page_texts(mona) == ["Charlie mentioned you in a comment"] * 2


def test_a_member_notified_of_a_comment_is_not_notified_of_a_later_mention_in_it(
    post: Post, charlie: User
) -> None:
    comment = answer(post, charlie)
    services.edit_comment(comment=comment, text="Well said @alice")
    assert page_texts(post.author) == ["Charlie commented on your post"]


def test_the_parents_author_and_the_thread_are_notified_of_a_reply(
    post: Post, charlie: User, mona: User
) -> None:
    elsewhere = make_member("eve")
    answer(say(elsewhere), elsewhere)
    top = answer(post, charlie)
    answer(post, mona, parent=top)
    assert page_texts(charlie) == ["Mona replied to your comment"]
    assert page_texts(elsewhere) == []
    answer(post, make_member("dan"), parent=top)
    assert page_texts(charlie) == ["Dan and Mona replied to your comment"]
    assert page_texts(mona) == ["Dan replied where you commented"]
    assert page_texts(post.author) == ["Dan, Mona and 1 other commented on your post"]


def test_a_comment_notifies_a_member_once_of_a_mention_first(post: Post, charlie: User) -> None:
    alice = post.author
    top = answer(post, alice)
    answer(post, charlie, "As you say, @alice", parent=top)
    assert page_texts(alice) == ["Charlie mentioned you in a comment"]


def test_a_reply_comes_before_a_comment_for_the_author(post: Post, charlie: User) -> None:
    answer(post, charlie, parent=answer(post, post.author))
    assert page_texts(post.author) == ["Charlie replied to your comment"]


def test_a_deleted_comment_is_not_shown(post: Post, charlie: User, mona: User) -> None:
    top = answer(post, charlie)
    answer(post, mona, parent=top)
    services.delete_comment(comment=Comment.objects.get(pk=top.pk))
    assert page_texts(post.author) == ["Mona commented on your post"]


def test_a_hidden_comment_is_not_shown(post: Post, charlie: User) -> None:
    comment = answer(post, charlie)
    Comment.objects.filter(pk=comment.pk).update(hidden_at=timezone.now())
    assert page_texts(post.author) == []


def test_members_of_a_thread_who_may_no_longer_read_the_post_are_not_notified(alice: User, bob: User) -> None:
    post = say(alice, audience=Audience.CONNECTIONS)
    charlie = make_member("charlie")
    connect(alice, charlie)
    top = answer(post, charlie)
    services.edit_post(post=post, text="Closer", audience=Audience.CONNECTIONS)
    remove_connection(member=alice, other=charlie)
    answer(post, bob, parent=top)
    assert not Notification.objects.filter(recipient=charlie, kind="reply").exists()


def test_members_of_a_thread_who_blocked_the_author_of_a_reply_are_not_notified(
    post: Post, charlie: User, mona: User
) -> None:
    top = answer(post, charlie)
    block_member(blocker=charlie, blocked=mona)
    answer(post, mona, parent=top)
    assert not Notification.objects.filter(recipient=charlie).exists()
    assert page_texts(post.author) == ["Mona and Charlie commented on your post"]


def test_a_member_who_deleted_their_reply_is_not_notified_of_the_thread(
    post: Post, charlie: User, mona: User
) -> None:
    top = answer(post, charlie)
    services.delete_comment(comment=answer(post, mona, parent=top))
    answer(post, make_member("dan"), parent=top)
    assert not Notification.objects.filter(recipient=mona).exists()


def test_members_of_a_thread_blocked_by_the_author_of_the_post_are_not_notified(
    post: Post, charlie: User, mona: User
) -> None:
    top = answer(post, charlie)
    block_member(blocker=post.author, blocked=charlie)
    answer(post, mona, parent=top)
    assert not Notification.objects.filter(recipient=charlie).exists()


def test_only_the_latest_members_of_a_long_thread_are_notified(
    post: Post, charlie: User, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "MOST_IN_THREAD", 1)
    top = answer(post, charlie)
    for name in ("dan", "eve"):
        answer(post, make_member(name), parent=top)
    Notification.objects.all().delete()
    answer(post, mona, parent=top)
    replies = Notification.objects.filter(kind="reply").order_by("recipient__username")
    assert [row.recipient.username for row in replies] == ["charlie", "eve"]


def test_the_author_of_the_original_is_notified_of_a_repost(post: Post, charlie: User) -> None:
    shared = pass_on(post, charlie)
    assert page_texts(post.author) == ["Charlie shared your post"]
    services.delete_post(post=shared)
    assert page_texts(post.author) == []


def test_the_author_is_not_notified_of_an_unreadable_repost(post: Post, charlie: User) -> None:
    pass_on(post, charlie, "Among us", audience=Audience.CONNECTIONS)
    assert not Notification.objects.exists()
