"""Editing and deleting a message."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from core.text.cleaning import has_visible_text
from core.text.folding import search_key
from users.models import User

from ..errors import EmptyMessage, NotChangeable, NotReachable
from ..models import Conversation, Entry, Membership
from .log import append_entry, lock_conversation, notify_members, split_members
from .send import find_rate_limit_error, lock_memberships, to_html


@transaction.atomic
def edit_message(*, entry: Entry, by: User, text: str) -> Entry:
    """Edit the member's own message for all members, marked as edited; the same words change nothing.

    Returns the message as it is now. Raises NotAMember, NotReachable, NotChangeable, EmptyMessage or
    SendingRateLimited.
    """
    conversation, mine, memberships, message = _lock_own(entry, by)
    if error := find_rate_limit_error(mine):
        raise error
    if not (has_visible_text(text) or message.attachments.exists()):
        raise EmptyMessage(_("A message needs words. Delete it instead."))
    if text != message.text:
        message.text, message.html, message.search_text = text, to_html(text), search_key(text)
        message.edited_at = timezone.now()
        message.save(update_fields=["text", "html", "search_text", "edited_at"])
        change = append_entry(conversation, kind=Entry.Kind.EDIT, author=by, target=message)
        notify_members(change, [membership.member_id for membership in memberships])
    return message


@transaction.atomic
def delete_message(*, entry: Entry, by: User) -> Entry:
    """Delete the member's own message for all members: its entry stays, without words and files. Twice is once.

    Returns the message as it is now. Raises NotAMember, NotReachable or NotChangeable.
    """
    conversation, _mine, memberships, message = _lock_own(entry, by, even_deleted=True)
    if message.deleted_at is not None:
        return message
    message.text, message.html, message.search_text = "", "", ""
    message.deleted_at = timezone.now()
    message.save(update_fields=["text", "html", "search_text", "deleted_at"])
    message.attachments.all().delete()
    counted = Membership.objects.within(conversation).exclude(member=by)
    counted.filter(read_seq__lt=message.seq, first_seq__lte=message.seq, unread__gt=0).update(
        unread=F("unread") - 1
    )
    change = append_entry(conversation, kind=Entry.Kind.DELETION, author=by, target=message)
    notify_members(change, [membership.member_id for membership in memberships])
    return message


def _lock_own(
    entry: Entry, by: User, *, even_deleted: bool = False
) -> tuple[Conversation, Membership, list[Membership], Entry]:
    """Lock the conversation; return it, the membership of `by`, all memberships, and the message as it is now.

    Raises NotAMember, NotReachable, or NotChangeable where `by` may not change the message.
    """
    conversation = lock_conversation(entry.conversation)
    memberships = lock_memberships(conversation, by)
    mine, others = split_members(memberships, by.pk)
    message = Entry.objects.get(pk=entry.pk)
    changeable = message.is_message and message.author_id == by.pk
    if not changeable or (message.deleted_at and not even_deleted) or message.seq < mine.first_seq:
        raise NotChangeable(_("This message cannot be changed."))
    if conversation.is_direct and not any(other.is_there for other in others):  # type: ignore[attr-defined]  # annotated
        raise NotReachable(_("This member cannot be reached."))
    return conversation, mine, memberships, message
