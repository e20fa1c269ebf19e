"""Who is told what of the facts that other rooms announce. Imported in NotificationsConfig.ready.

`users.events.member_joined` is told to nobody: one joins without having been asked by a member.
`feed.events.post_edited` neither: it does not say whom the new words name, and nobody is called twice.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from feed.events import comment_published, post_published, post_reacted, post_reposted
from feed.models import Comment, Post, Reaction
from messaging.events import message_sent
from messaging.models import Entry, Membership
from network.events import connection_made, invitation_sent, member_blocked, member_followed
from network.models import Connection, Follow, Member, exists_for
from users.audience import Audience
from users.models import User

from .kinds import Kind
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
    key = f"post:{post.pk}"
    tell(actor=post.author, news=[News(member.pk, Kind.MENTION, key, post) for member in mentioned])


@receiver(post_reacted, dispatch_uid="notifications.reaction")
def tell_of_reaction(sender: Any, post: Post, member: User, **values: Any) -> None:
    """The author, who exists for whoever sees the post."""
    if post.author_id != member.pk:
        source = {"reaction": Reaction.objects.get(post=post, member=member)}
        tell(actor=member, news=[News(post.author_id, Kind.REACTION, f"post:{post.pk}", post, source)])


@receiver(post_reposted, dispatch_uid="notifications.repost")
def tell_of_repost(sender: Any, post: Post, by: User, **values: Any) -> None:
    """The author of the original, where the repost is for the author's eyes."""
    original = post.original
    if original is not None and original.author_id in _readers(post, [original.author_id], actor=by):
        key = f"post:{original.pk}"
        tell(actor=by, news=[News(original.author_id, Kind.REPOST, key, original, {"shared": post})])


@receiver(comment_published, dispatch_uid="notifications.comment")
def tell_of_comment(sender: Any, comment: Comment, mentioned: Sequence[User], **values: Any) -> None:
    """Those named in it, then those in the thread, then the author of the post; each once."""
    post, source = comment.post, {"comment": comment}
    calls = [(member.pk, Kind.MENTION, f"comments:{post.pk}") for member in mentioned]
    calls += [(pk, Kind.REPLY, f"thread:{comment.parent_id}") for pk in _thread(comment)]
    calls += [(post.author_id, Kind.COMMENT, f"post:{post.pk}")]
    # The author exists for whoever sees the post.
    others = {pk for pk, _kind, _key in calls} - {post.author_id}
    readers = {post.author_id, *_readers(post, others, actor=comment.author)}
    tell(
        actor=comment.author,
        news=[News(pk, kind, key, post, source) for pk, kind, key in calls if pk in readers],
    )


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


def _thread(comment: Comment) -> list[int]:
    """The author of the comment that is answered, and the latest others who answered it."""
    if comment.parent is None:
        return []
    others = Comment.objects.filter(parent=comment.parent, deleted_at=None).exclude(pk=comment.pk)
    latest = others.order_by("-pk").values_list("author", flat=True)[:MOST_IN_THREAD]
    return [comment.parent.author_id, *latest]


def _readers(post: Post, member_ids: Collection[int], *, actor: User) -> set[int]:
    """Those of the members who exist for the actor and may see the post. Nobody is asked where only the actor is."""
    others = set(member_ids) - {actor.pk}
    if not others:
        return set()
    readers = Member.objects.filter(exists_for(actor), pk__in=others)
    if post.author_id != actor.pk:
        readers = readers.filter(Q(pk=post.author_id) | exists_for(post.author))
    if post.audience == Audience.CONNECTIONS:
        connected = Connection.objects.connected().other_ends(post.author_id)
        readers = readers.filter(Q(pk=post.author_id) | Q(pk__in=connected))
    return set(readers.values_list("pk", flat=True))
