"""Receivers that notify members of other apps' events. Imported in NotificationsConfig.ready.

`users.events.member_joined` has no receiver: nobody invited the new member, so there is no recipient.
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

from .drafts import NotificationDraft
from .kinds import Kind
from .models import Activity, Notification
from .services import delete_notifications_between, notify_members

# Most authors of earlier replies that are notified of a reply: the latest ones.
MOST_IN_THREAD = 30


@receiver(invitation_sent, dispatch_uid="notifications.invitation")
def notify_invitee(sender: Any, connection: Connection, **values: Any) -> None:
    source = {"connection": connection}
    notify_members(
        actor=connection.inviter,
        drafts=[NotificationDraft(connection.invitee_id, Kind.INVITATION, source=source)],
    )


@receiver(connection_made, dispatch_uid="notifications.connection")
def notify_inviter(sender: Any, connection: Connection, by: User, **values: Any) -> None:
    other = connection.other_id_for(by)
    notify_members(
        actor=by, drafts=[NotificationDraft(other, Kind.CONNECTION, source={"connection": connection})]
    )


@receiver(member_followed, dispatch_uid="notifications.follow")
def notify_followed(sender: Any, follower: User, followed: User, **values: Any) -> None:
    follow = Follow.objects.get(follower=follower, followed=followed)
    notify_members(
        actor=follower, drafts=[NotificationDraft(followed.pk, Kind.FOLLOW, source={"follow": follow})]
    )


@receiver(member_blocked, dispatch_uid="notifications.block")
def forget_blocked_pair(sender: Any, blocker: User, blocked: User, **values: Any) -> None:
    delete_notifications_between(one=blocker, two=blocked)


@receiver(post_published, dispatch_uid="notifications.post")
def notify_mentioned(sender: Any, post: Post, mentioned: Sequence[User], **values: Any) -> None:
    """Notify the mentioned members; followers of the author find the post in the feed."""
    notify_members(actor=post.author, drafts=_mention_drafts(post, mentioned))


@receiver(post_edited, dispatch_uid="notifications.edit")
def notify_newly_mentioned(sender: Any, post: Post, mentioned: Sequence[User], **values: Any) -> None:
    """Notify newly mentioned members who have no notification of a mention in this post yet."""
    if not mentioned:
        return
    # The edit locks the post's row, so concurrent edits run one after the other.
    mentions = Notification.objects.filter(post=post, kind=Kind.MENTION, key=_key_of(post))
    notified = set(mentions.values_list("recipient_id", flat=True))
    new = [member for member in mentioned if member.pk not in notified]
    notify_members(actor=post.author, drafts=_mention_drafts(post, new))


@receiver(post_reacted, dispatch_uid="notifications.reaction")
def notify_of_reaction(sender: Any, post: Post, member: User, **values: Any) -> None:
    """Notify the post's author, who is available to everyone who may read the post."""
    if post.author_id != member.pk:
        source = {"reaction": Reaction.objects.get(post=post, member=member)}
        notify_members(
            actor=member,
            drafts=[NotificationDraft(post.author_id, Kind.REACTION, _key_of(post), post, source)],
        )


@receiver(post_reposted, dispatch_uid="notifications.repost")
def notify_of_repost(sender: Any, post: Post, by: User, mentioned: Sequence[User], **values: Any) -> None:
    """Notify mentioned members, then the author of the original if they may read the repost; each once."""
    drafts, original = _mention_drafts(post, mentioned), post.original
    if original is not None and readers_among([original.author_id], post=post, actor=by):
        source = {"shared": post}
        drafts.append(NotificationDraft(original.author_id, Kind.REPOST, _key_of(original), original, source))
    notify_members(actor=by, drafts=drafts)


@receiver(comment_published, dispatch_uid="notifications.comment")
def notify_of_comment(sender: Any, comment: Comment, mentioned: Sequence[User], **values: Any) -> None:
    """Notify mentioned members, then members in the thread, then the post's author; each once."""
    post, source = comment.post, {"comment": comment}
    recipients = [(member.pk, Kind.MENTION, _key_of_comments(post)) for member in mentioned]
    if comment.parent:
        # A deleted reply has no row any more.
        others_replies = Comment.objects.filter(parent=comment.parent).exclude(pk=comment.pk)
        latest = others_replies.order_by("-pk").values_list("author", flat=True)[:MOST_IN_THREAD]
        thread = f"thread:{comment.parent_id}"
        recipients += [(pk, Kind.REPLY, thread) for pk in (comment.parent.author_id, *latest)]
    recipients += [(post.author_id, Kind.COMMENT, _key_of(post))]
    # The post's author is available to everyone who may read the post.
    others = {pk for pk, _kind, _key in recipients} - {post.author_id}
    found = readers_among(others, post=post, actor=comment.author)
    readers = {post.author_id, *(member.pk for member in found)}
    notify_members(
        actor=comment.author,
        drafts=[
            NotificationDraft(pk, kind, key, post, source) for pk, kind, key in recipients if pk in readers
        ],
    )


@receiver(comment_edited, dispatch_uid="notifications.comment_edit")
def notify_newly_mentioned_in_comment(
    sender: Any, comment: Comment, mentioned: Sequence[User], **values: Any
) -> None:
    """Notify newly mentioned members who have no notification of any kind about the comment yet."""
    if not mentioned:
        return
    post, source = comment.post, {"comment": comment}
    notified = set(
        Activity.objects.filter(comment=comment).values_list("notification__recipient_id", flat=True)
    )
    key = _key_of_comments(post)
    new = [member for member in mentioned if member.pk not in notified]
    notify_members(
        actor=comment.author,
        drafts=[NotificationDraft(each.pk, Kind.MENTION, key, post, source) for each in new],
    )


@receiver(message_sent, dispatch_uid="notifications.message")
def notify_of_message(
    sender: Any, entry: Entry, first_unread_of: Collection[Membership], **values: Any
) -> None:
    """Notify by mail only: the inbox shows the messages. In a group, only members who are available to the author."""
    if entry.author is None or not first_unread_of:
        return
    members = [row.member_id for row in first_unread_of]
    available = Member.objects.visible_to(entry.author).filter(pk__in=members).values_list("pk", flat=True)
    key = f"conversation:{entry.conversation_id}"
    notify_members(actor=entry.author, drafts=[NotificationDraft(pk, Kind.MESSAGE, key) for pk in available])


def _key_of(post: Post) -> str:
    return f"post:{post.pk}"


def _key_of_comments(post: Post) -> str:
    return f"comments:{post.pk}"


def _mention_drafts(post: Post, mentioned: Sequence[User]) -> list[NotificationDraft]:
    """Drafts for the members whom the post's text mentions."""
    return [NotificationDraft(member.pk, Kind.MENTION, _key_of(post), post) for member in mentioned]
