"""Who is told what of the facts that other rooms announce. Imported in NotificationsConfig.ready.

`users.events.member_joined` is told to nobody: one joins without having been asked by a member.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.dispatch import receiver

from feed.events import (
    comment_edited,
    comment_published,
    post_edited,
    post_published,
    post_reacted,
    post_reposted,
)
from feed.models import Comment, Post, Reaction, readers_among
from messaging.events import message_sent
from messaging.models import Entry, Membership
from network.events import connection_made, invitation_sent, member_blocked, member_followed
from network.models import Connection, Follow, Member
from users.models import User

from .kinds import Kind
from .models import Fact, Notification
from .services import News, forget_between, tell

# The latest to speak in a thread hear of a reply; who was there long before them does not.
MOST_IN_THREAD = 30


@receiver(invitation_sent, dispatch_uid="notifications.invitation")
def tell_invited(sender: Any, connection: Connection, **values: Any) -> None:
    source = {"connection": connection}
    tell(actor=connection.inviter, news=[News(connection.invitee_id, Kind.INVITATION, source=source)])


@receiver(connection_made, dispatch_uid="notifications.connection")
def tell_connected(sender: Any, connection: Connection, by: User, **values: Any) -> None:
    other = connection.other_id_for(by)
    tell(actor=by, news=[News(other, Kind.CONNECTION, source={"connection": connection})])


@receiver(member_followed, dispatch_uid="notifications.follow")
def tell_followed(sender: Any, follower: User, followed: User, **values: Any) -> None:
    follow = Follow.objects.get(follower=follower, followed=followed)
    tell(actor=follower, news=[News(followed.pk, Kind.FOLLOW, source={"follow": follow})])


@receiver(member_blocked, dispatch_uid="notifications.block")
def forget_blocked(sender: Any, blocker: User, blocked: User, **values: Any) -> None:
    forget_between(one=blocker, two=blocked)


@receiver(post_published, dispatch_uid="notifications.post")
def tell_mentioned(sender: Any, post: Post, mentioned: Sequence[User], **values: Any) -> None:
    """Those named in it; who merely follows the author finds it in the feed."""
    tell(actor=post.author, news=_calls(post, mentioned))


@receiver(post_edited, dispatch_uid="notifications.edit")
def tell_newly_mentioned(sender: Any, post: Post, mentioned: Sequence[User], **values: Any) -> None:
    """Those whom it calls now; nobody is called by one post twice, however often a name goes and comes back."""
    if not mentioned:
        return
    # The edit holds the post's row, so two at once come one after the other.
    told = Notification.objects.filter(post=post, kind=Kind.MENTION, key=_key_of(post))
    called = set(told.values_list("recipient_id", flat=True))
    tell(actor=post.author, news=_calls(post, [member for member in mentioned if member.pk not in called]))


@receiver(post_reacted, dispatch_uid="notifications.reaction")
def tell_of_reaction(sender: Any, post: Post, member: User, **values: Any) -> None:
    """The author, who is available to whoever sees the post."""
    if post.author_id != member.pk:
        source = {"reaction": Reaction.objects.get(post=post, member=member)}
        tell(actor=member, news=[News(post.author_id, Kind.REACTION, _key_of(post), post, source)])


@receiver(post_reposted, dispatch_uid="notifications.repost")
def tell_of_repost(sender: Any, post: Post, by: User, mentioned: Sequence[User], **values: Any) -> None:
    """Those named in its words, then the author of the original, where it is for the author's eyes; each once."""
    news, original = _calls(post, mentioned), post.original
    if original is not None and readers_among([original.author_id], post=post, actor=by):
        source = {"shared": post}
        news.append(News(original.author_id, Kind.REPOST, _key_of(original), original, source))
    tell(actor=by, news=news)


@receiver(comment_published, dispatch_uid="notifications.comment")
def tell_of_comment(sender: Any, comment: Comment, mentioned: Sequence[User], **values: Any) -> None:
    """Those named in it, then those in the thread, then the author of the post; each once."""
    post, source = comment.post, {"comment": comment}
    calls = [(member.pk, Kind.MENTION, _key_of_comments(post)) for member in mentioned]
    calls += [(pk, Kind.REPLY, f"thread:{comment.parent_id}") for pk in _thread(comment)]
    calls += [(post.author_id, Kind.COMMENT, _key_of(post))]
    # The author is available to whoever sees the post.
    others = {pk for pk, _kind, _key in calls} - {post.author_id}
    found = readers_among(others, post=post, actor=comment.author)
    readers = {post.author_id, *(member.pk for member in found)}
    tell(
        actor=comment.author,
        news=[News(pk, kind, key, post, source) for pk, kind, key in calls if pk in readers],
    )


@receiver(comment_edited, dispatch_uid="notifications.comment_edit")
def tell_newly_mentioned_in_comment(
    sender: Any, comment: Comment, mentioned: Sequence[User], **values: Any
) -> None:
    """Those whom its new words name; nobody who heard of the comment in whichever way hears of it again."""
    if not mentioned:
        return
    post, source = comment.post, {"comment": comment}
    told = set(Fact.objects.filter(comment=comment).values_list("notification__recipient_id", flat=True))
    key = _key_of_comments(post)
    called = [member for member in mentioned if member.pk not in told]
    tell(actor=comment.author, news=[News(each.pk, Kind.MENTION, key, post, source) for each in called])


@receiver(message_sent, dispatch_uid="notifications.message")
def tell_of_message(
    sender: Any, entry: Entry, first_unread_of: Collection[Membership], **values: Any
) -> None:
    """By mail alone: the messages themselves are in their own place. In a group some may not exist for the author."""
    if entry.author is None or not first_unread_of:
        return
    members = [row.member_id for row in first_unread_of]
    existing = Member.objects.visible_to(entry.author).filter(pk__in=members).values_list("pk", flat=True)
    key = f"conversation:{entry.conversation_id}"
    tell(actor=entry.author, news=[News(pk, Kind.MESSAGE, key) for pk in existing])


def _key_of(post: Post) -> str:
    return f"post:{post.pk}"


def _key_of_comments(post: Post) -> str:
    return f"comments:{post.pk}"


def _calls(post: Post, mentioned: Sequence[User]) -> list[News]:
    """That the post's own words name these members."""
    return [News(member.pk, Kind.MENTION, _key_of(post), post) for member in mentioned]


def _thread(comment: Comment) -> list[int]:
    """The author of the comment that is answered, and the latest others who answered it."""
    if comment.parent is None:
        return []
    # A reply that was deleted has no row any more.
    others = Comment.objects.filter(parent=comment.parent).exclude(pk=comment.pk)
    latest = others.order_by("-pk").values_list("author", flat=True)[:MOST_IN_THREAD]
    return [comment.parent.author_id, *latest]
