"""The first message to somebody: the conversation and the words come into being together, or not at all."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from users.models import User

from .conversations import start_direct, start_group
from .send import SentMessage, send_message


@transaction.atomic
def send_first_message(
    *, by: User, members: Sequence[User], text: str, client_id: UUID, title: str = ""
) -> SentMessage:
    """Write to one member (in the one conversation of the two), or to a new group of own connections.

    One member and a title make a group too. Returns what was sent. Raises what `start_direct`, `start_group` and
    `send_message` raise; then nothing has begun.
    """
    if len(members) == 1 and not title:
        conversation = start_direct(by=by, other=members[0])
    else:
        conversation = start_group(by=by, members=members, title=title)
    return send_message(conversation=conversation, author=by, client_id=client_id, text=text)
