"""Beginning a conversation, coming and going, and what one makes of it for oneself."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core.sockets.publisher import member_topic, publish
from network.models import Connection, Member
from users.models import User

from ..errors import NotAGroup, NotAMember, NotReachable, SendingRateLimited, TooMany
from ..models import Conversation, Entry, Membership
from ..topics import conversation_topic
from .log import append_entry, lock_conversation, lock_members, notify_members, notify_own_tabs

MOST_IN_A_GROUP = 50
# First messages to people who do not know one, in a day.
MOST_REQUESTS = 20
TITLE_NAMES = 3


@transaction.atomic
def start_direct(*, by: User, other: User) -> Conversation:
    """Return the direct conversation of the two, created if there is none; a request until a stranger answers.

    Raises NotReachable where `other` is the member itself, where one has blocked the other and where the other is gone;
    SendingRateLimited after MOST_REQUESTS of them in a day.
    """
    pair = Conversation.pair_of(by.pk, other.pk)
    found = Conversation.objects.filter(pair=pair).first()
    if found is not None:
        return found
    if by.pk == other.pk or not Member.objects.visible_to(by).filter(pk=other.pk).exists():
        raise NotReachable(_("This member cannot be reached."))
    known = Connection.objects.connected().between(by.pk, other.pk).exists()
    if not known:
        day = timedelta(days=1)
        begun = Conversation.objects.filter(
            created_by=by,
            created_at__gt=timezone.now() - day,
            memberships__accepted_at=None,  # in a group, all have accepted
        )
        if begun.count() >= MOST_REQUESTS:
            raise SendingRateLimited(
                _(
                    "You have written to many people today. Wait until tomorrow, or until some of them answer."
                ),
                wait=int(day.total_seconds()),
            )
    conversation, created = Conversation.objects.get_or_create(pair=pair, defaults={"created_by": by})
    if created:
        now = timezone.now()
        Membership.objects.create(conversation=conversation, member=by, accepted_at=now)
        Membership.objects.create(conversation=conversation, member=other, accepted_at=now if known else None)
    return conversation


@transaction.atomic
def start_group(*, by: User, members: Sequence[User], title: str = "") -> Conversation:
    """A new conversation of `by` with some of the own connections. Without a title it is called by its first names.

    Raises NotReachable where one of them is no connection (any more), TooMany above MOST_IN_A_GROUP.
    """
    chosen = _connections(by, members)
    if len(chosen) + 1 > MOST_IN_A_GROUP:
        raise TooMany(_("A conversation holds at most %(most)d members.") % {"most": MOST_IN_A_GROUP})
    if not title:
        names = [member.display_name for member in (by, *chosen)]
        more = len(names) - TITLE_NAMES
        shown = ", ".join(names[:TITLE_NAMES])
        title = (f"{shown} +{more}" if more > 0 else shown)[:120]
    conversation = Conversation.objects.create(created_by=by, title=title)
    now = timezone.now()
    Membership.objects.create(conversation=conversation, member=by, accepted_at=now, is_owner=True)
    Membership.objects.bulk_create(
        Membership(conversation=conversation, member=member, accepted_at=now) for member in chosen
    )
    for member in chosen:
        entry = append_entry(conversation, kind=Entry.Kind.JOINED, author=by, subject=member)
    Membership.objects.within(conversation).update(sort_key=entry.pk)
    notify_members(entry, [by.pk, *(member.pk for member in chosen)])
    return conversation


@transaction.atomic
def add_members(*, conversation: Conversation, by: User, members: Sequence[User]) -> None:
    """Take own connections into a group; they see what is said from now on. Who is in already stays as it is.

    Raises NotAMember, NotAGroup, NotReachable or TooMany.
    """
    conversation = _group(conversation)
    _mine, others = lock_members(conversation, by.pk)
    present = {membership.member_id for membership in others} | {by.pk}
    coming = [member for member in _connections(by, members) if member.pk not in present]
    if len(present) + len(coming) > MOST_IN_A_GROUP:
        raise TooMany(_("A conversation holds at most %(most)d members.") % {"most": MOST_IN_A_GROUP})
    for member in coming:
        entry = append_entry(conversation, kind=Entry.Kind.JOINED, author=by, subject=member)
        now = timezone.now()
        # Added or added again: the history starts at `entry`. Leaving has ended the ownership already.
        Membership.objects.update_or_create(
            conversation=conversation,
            member=member,
            defaults={
                "first_seq": entry.seq,
                "delivered_seq": entry.seq - 1,
                "read_seq": entry.seq - 1,
                "joined_at": now,
                "accepted_at": now,
                "left_at": None,
                "muted": False,
                "unread": 0,
            },
        )
        present.add(member.pk)
    if coming:
        Membership.objects.within(conversation).update(sort_key=entry.pk)
        notify_members(entry, present)


@transaction.atomic
def remove_member(*, conversation: Conversation, by: User, member: User) -> None:
    """Take a member out of a group, as its owner; open tabs of the one go dark at once. Twice is once.

    Raises NotAMember where `by` is not in or not the owner, NotAGroup.
    """
    conversation = _group(conversation)
    mine, others = lock_members(conversation, by.pk)
    if not mine.is_owner:
        raise NotAMember(_("Only who began the conversation can do this."))
    if member.pk in {membership.member_id for membership in others}:
        _take_out(conversation, member, by=by)


@transaction.atomic
def leave_conversation(*, conversation: Conversation, member: User) -> None:
    """Leave a group; the longest-standing other one becomes its owner where the owner leaves. Twice is once.

    Raises NotAGroup.
    """
    conversation = _group(conversation)
    try:
        mine, others = lock_members(conversation, member.pk)
    except NotAMember:
        return
    if mine.is_owner and others:
        # `first_seq` is the member's latest joining: after a return the row still has its first primary key.
        new_owner = min(others, key=lambda membership: (membership.first_seq, membership.pk))
        Membership.objects.filter(pk=new_owner.pk).update(is_owner=True)
    _take_out(conversation, member, by=member)


@transaction.atomic
def rename_conversation(*, conversation: Conversation, by: User, title: str) -> None:
    """Give a group another title; the same again changes nothing. Raises NotAMember or NotAGroup."""
    conversation = _group(conversation)
    _mine, others = lock_members(conversation, by.pk)
    if title != conversation.title:
        Conversation.objects.filter(pk=conversation.pk).update(title=title)
        entry = append_entry(conversation, kind=Entry.Kind.RENAMED, author=by, text=title)
        notify_members(entry, [by.pk, *(membership.member_id for membership in others)])


@transaction.atomic
def accept_conversation(*, conversation: Conversation, member: User) -> None:
    """Take a stranger's request into the own list; twice is once."""
    waiting = Membership.objects.of(member).filter(conversation=conversation, accepted_at=None)
    if waiting.update(accepted_at=timezone.now(), declined_at=None):
        notify_own_tabs(conversation.pk, member.pk)
        # Who waited for an answer may write on: from now on this one's cursors are told.
        publish(
            conversation_topic(conversation.pk),
            {"type": "messaging.cursors", "conversation": conversation.pk, "member": member.pk},
        )


@transaction.atomic
def decline_conversation(*, conversation: Conversation, member: User) -> bool:
    """Put a stranger's request out of sight; the other is not told. Answering it later takes that back.

    Returns whether it is out of sight now: what was answered or accepted meanwhile is no request any more.
    """
    waiting = Membership.objects.of(member).filter(
        conversation=conversation, accepted_at=None, declined_at=None
    )
    if waiting.update(declined_at=timezone.now()):
        notify_own_tabs(conversation.pk, member.pk)
        return True
    return Membership.objects.of(member).filter(conversation=conversation, declined_at__isnull=False).exists()


@transaction.atomic
def mute_conversation(*, conversation: Conversation, member: User) -> None:
    """No badge and no notification of this conversation any more; it still shows what is new."""
    _set_muted(conversation, member, muted=True)


@transaction.atomic
def unmute_conversation(*, conversation: Conversation, member: User) -> None:
    """Take the muting back."""
    _set_muted(conversation, member, muted=False)


def _set_muted(conversation: Conversation, member: User, *, muted: bool) -> None:
    mine = Membership.objects.of(member).filter(conversation=conversation).exclude(muted=muted)
    if mine.update(muted=muted):
        notify_own_tabs(conversation.pk, member.pk)


def _group(conversation: Conversation) -> Conversation:
    conversation = lock_conversation(conversation)
    if conversation.is_direct:
        raise NotAGroup(_("This is a conversation of two."))
    return conversation


def _connections(by: User, members: Iterable[User]) -> list[Member]:
    """The same members, if all of them are connections of `by`; each once. Raises NotReachable."""
    wanted = {member.pk for member in members if member.pk != by.pk}
    found = (
        Member.objects.visible_to(by).connected_to(by.pk).filter(pk__in=wanted).order_by("sort_name", "pk")
    )
    chosen = list(found)
    if not wanted or len(chosen) < len(wanted):
        raise NotReachable(_("Choose people from your connections."))
    return chosen


def _take_out(conversation: Conversation, member: User, *, by: User) -> None:
    Membership.objects.filter(conversation=conversation, member=member).update(
        left_at=timezone.now(), unread=0, is_owner=False
    )
    entry = append_entry(conversation, kind=Entry.Kind.LEFT, author=by, subject=member)
    staying = Membership.objects.within(conversation).values_list("member_id", flat=True)
    notify_members(entry, staying)
    publish(member_topic(member.pk), {"type": "messaging.gone", "conversation": conversation.pk})
