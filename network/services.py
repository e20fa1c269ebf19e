"""Write operations between two members: invitations, connections, follows and blocks.

Every service locks its pair first, so that changes of one pair and their signals come in one order. `unfollow_member`
and `unblock_member` need no lock, since each deletes a single row.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from users.models import User

from .events import (
    connection_made,
    connection_removed,
    invitation_sent,
    member_blocked,
    member_followed,
    member_unfollowed,
)
from .models import Block, Connection, Follow


class NetworkError(Exception):
    """The state of the pair forbids the operation; the text is shown to the member."""


class CannotReachSelf(NetworkError):
    """The operation needs another member."""


class AlreadyConnected(NetworkError):
    """The two members are already connected."""


class AlreadyInvited(NetworkError):
    """The member has already sent an invitation, which is not accepted yet."""


class NotReachable(NetworkError):
    """One of the two has blocked the other, or the invitation no longer exists."""


def _lock_pair(one: User, two: User) -> None:
    """Lock the rows of both members until the transaction ends, ordered by id to avoid deadlocks."""
    if one.pk == two.pk:
        raise CannotReachSelf(_("This is your own account."))
    list(
        User.objects.select_for_update(no_key=True)
        .filter(pk__in=[one.pk, two.pk])
        .order_by("pk")
        .values("pk")
    )


def _refuse_blocked(one: User, two: User) -> None:
    if Block.objects.filter(blocker__in=[one, two], blocked__in=[one, two]).exists():
        raise NotReachable(_("This member cannot be reached."))


@transaction.atomic
def invite_member(*, inviter: User, invitee: User, note: str = "") -> Connection:
    """Invite `invitee` to connect, with a `note` of up to 300 characters; connect if `invitee` has invited already.

    Returns the row of the pair. Raises CannotReachSelf, NotReachable, AlreadyConnected or AlreadyInvited.
    """
    _lock_pair(inviter, invitee)
    _refuse_blocked(inviter, invitee)
    low, high = sorted((inviter.pk, invitee.pk))
    connection, created = Connection.objects.get_or_create(
        low_id=low, high_id=high, defaults={"inviter": inviter, "note": note}
    )
    if created:
        invitation_sent.send(Connection, connection=connection)
    elif connection.is_connected:
        raise AlreadyConnected(_("You are already connected."))
    elif connection.inviter_id == inviter.pk:
        raise AlreadyInvited(_("You have already sent an invitation."))
    else:
        _mark_connected(connection, by=inviter)
    return connection


@transaction.atomic
def accept_invitation(*, connection: Connection, by: User) -> Connection:
    """Accept the invitation as its invitee. Idempotent. Raises NotReachable if it is withdrawn or blocked."""
    connection = _lock_invitation(connection, by)
    if not connection.is_connected:
        _mark_connected(connection, by=by)
    return connection


@transaction.atomic
def ignore_invitation(*, connection: Connection, by: User) -> None:
    """Hide the invitation from its invitee; the inviter is not notified. Raises NotReachable."""
    connection = _lock_invitation(connection, by)
    if not connection.is_connected:
        Connection.objects.filter(pk=connection.pk).update(ignored_at=timezone.now())


@transaction.atomic
def withdraw_invitation(*, connection: Connection, by: User) -> None:
    """Delete an invitation as its inviter. Idempotent. Raises AlreadyConnected if it has been accepted."""
    _lock_pair(connection.low, connection.high)
    mine = Connection.objects.filter(pk=connection.pk, inviter=by)
    if mine.connected().exists():
        raise AlreadyConnected(_("Your invitation was already accepted. You are connected."))
    mine.delete()


@transaction.atomic
def remove_connection(*, member: User, other: User) -> None:
    """Delete the connection of the two members; `other` is not notified. Idempotent."""
    _lock_pair(member, other)
    ended, _rows = Connection.objects.connected().between(member.pk, other.pk).delete()
    if ended:
        connection_removed.send(Connection, member=member, other=other)


@transaction.atomic
def follow_member(*, follower: User, followed: User) -> None:
    """Show the posts of `followed` to `follower`. Idempotent. Raises CannotReachSelf or NotReachable."""
    _lock_pair(follower, followed)
    _refuse_blocked(follower, followed)
    _follow, created = Follow.objects.get_or_create(follower=follower, followed=followed)
    if created:
        member_followed.send(Follow, follower=follower, followed=followed)


@transaction.atomic
def unfollow_member(*, follower: User, followed: User) -> None:
    """Stop following. Idempotent."""
    ended, _rows = Follow.objects.filter(follower=follower, followed=followed).delete()
    if ended:
        member_unfollowed.send(Follow, follower=follower, followed=followed)


@transaction.atomic
def block_member(*, blocker: User, blocked: User) -> None:
    """Hide the two members from each other; their connection and follows end. Raises CannotReachSelf."""
    _lock_pair(blocker, blocked)
    _block, created = Block.objects.get_or_create(blocker=blocker, blocked=blocked)
    Connection.objects.between(blocker.pk, blocked.pk).delete()
    Follow.objects.filter(follower__in=[blocker, blocked], followed__in=[blocker, blocked]).delete()
    if created:
        member_blocked.send(Block, blocker=blocker, blocked=blocked)


@transaction.atomic
def unblock_member(*, blocker: User, blocked: User) -> None:
    """Remove the block; the former connection and follows are not restored."""
    Block.objects.filter(blocker=blocker, blocked=blocked).delete()


def _lock_invitation(connection: Connection, invitee: User) -> Connection:
    """Lock the pair and return the current row of the invitation to `invitee`. Raises NotReachable."""
    inviter = connection.inviter
    _lock_pair(inviter, invitee)
    _refuse_blocked(inviter, invitee)
    current = Connection.objects.between(inviter.pk, invitee.pk).filter(inviter=inviter).first()
    if current is None:
        raise NotReachable(_("This invitation was withdrawn."))
    return current


def _mark_connected(connection: Connection, *, by: User) -> None:
    connection.state = Connection.State.CONNECTED
    connection.connected_at = timezone.now()
    connection.ignored_at = None
    connection.save(update_fields=["state", "connected_at", "ignored_at"])
    connection_made.send(Connection, connection=connection, by=by)
