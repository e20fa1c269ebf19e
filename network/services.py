"""What members do to each other. Every verb locks its pair first: acts on one pair and their signals come in one order.
`unfollow_member` and `unblock_member` need no lock, since each deletes a single row."""

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
    """An act that the state of the pair forbids; the text is for the member."""


class CannotReachSelf(NetworkError):
    """The act needs another member."""


class AlreadyConnected(NetworkError):
    """The two are connected."""


class AlreadyInvited(NetworkError):
    """The invitation stands and is not answered."""


class NotReachable(NetworkError):
    """One of the two has blocked the other, or the invitation is gone."""


def _lock_pair(one: User, two: User) -> None:
    """Hold both members' rows until the transaction ends; the order of ids keeps two acts from a deadlock."""
    if one.pk == two.pk:
        raise CannotReachSelf(_("This is you."))
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
    """Ask `invitee` to connect, with up to 300 characters of `note`; where the other has asked already, connect.

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
        _connect(connection, by=inviter)
    return connection


@transaction.atomic
def accept_invitation(*, connection: Connection, by: User) -> Connection:
    """Accept as the invited; accepting twice is accepting once. Raises NotReachable when it is gone or blocked."""
    connection = _invitation_for(connection, by)
    if not connection.is_connected:
        _connect(connection, by=by)
    return connection


@transaction.atomic
def ignore_invitation(*, connection: Connection, by: User) -> None:
    """Put the invitation out of sight of the invited; the one who asked is not told."""
    connection = _invitation_for(connection, by)
    if not connection.is_connected:
        Connection.objects.filter(pk=connection.pk).update(ignored_at=timezone.now())


@transaction.atomic
def withdraw_invitation(*, connection: Connection, by: User) -> None:
    """Take back an own invitation; doing it twice is once. Raises AlreadyConnected when it was accepted meanwhile."""
    _lock_pair(connection.low, connection.high)
    mine = Connection.objects.filter(pk=connection.pk, inviter=by)
    if mine.connected().exists():
        raise AlreadyConnected(_("Your invitation was accepted meanwhile: you are connected."))
    mine.delete()


@transaction.atomic
def remove_connection(*, member: User, other: User) -> None:
    """End the connection of the two, whoever asked for it; the other is not told. Doing it twice is once."""
    _lock_pair(member, other)
    ended, _rows = Connection.objects.connected().between(member.pk, other.pk).delete()
    if ended:
        connection_removed.send(Connection, member=member, other=other)


@transaction.atomic
def follow_member(*, follower: User, followed: User) -> None:
    """Read the other's posts from now on; following twice is once. Raises CannotReachSelf or NotReachable."""
    _lock_pair(follower, followed)
    _refuse_blocked(follower, followed)
    _follow, created = Follow.objects.get_or_create(follower=follower, followed=followed)
    if created:
        member_followed.send(Follow, follower=follower, followed=followed)


@transaction.atomic
def unfollow_member(*, follower: User, followed: User) -> None:
    """Stop following; doing it twice is once."""
    ended, _rows = Follow.objects.filter(follower=follower, followed=followed).delete()
    if ended:
        member_unfollowed.send(Follow, follower=follower, followed=followed)


@transaction.atomic
def block_member(*, blocker: User, blocked: User) -> None:
    """Make the two vanish for each other; ties between them end. Raises CannotReachSelf."""
    _lock_pair(blocker, blocked)
    _block, created = Block.objects.get_or_create(blocker=blocker, blocked=blocked)
    Connection.objects.between(blocker.pk, blocked.pk).delete()
    Follow.objects.filter(follower__in=[blocker, blocked], followed__in=[blocker, blocked]).delete()
    if created:
        member_blocked.send(Block, blocker=blocker, blocked=blocked)


@transaction.atomic
def unblock_member(*, blocker: User, blocked: User) -> None:
    """Lift the own block; former ties do not come back."""
    Block.objects.filter(blocker=blocker, blocked=blocked).delete()


def _invitation_for(connection: Connection, invitee: User) -> Connection:
    """The invitation again, under the lock of its pair, for the one it was sent to."""
    inviter = connection.inviter
    _lock_pair(inviter, invitee)
    _refuse_blocked(inviter, invitee)
    current = Connection.objects.between(inviter.pk, invitee.pk).filter(inviter=inviter).first()
    if current is None:
        raise NotReachable(_("This invitation was withdrawn."))
    return current


def _connect(connection: Connection, *, by: User) -> None:
    connection.state = Connection.State.CONNECTED
    connection.connected_at = timezone.now()
    connection.ignored_at = None
    connection.save(update_fields=["state", "connected_at", "ignored_at"])
    connection_made.send(Connection, connection=connection, by=by)
