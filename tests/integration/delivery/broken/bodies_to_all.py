"""The socket takes everybody for a member of every conversation."""

from messaging.models import Membership
from messaging.queries import membership_of as proper
from messaging.socket import events, frames
from users.models import User

from . import replace


def membership_of(viewer: User, conversation_id: int) -> Membership | None:
    anybody = Membership.objects.filter(conversation=conversation_id).select_related("conversation")
    return proper(viewer, conversation_id) or anybody.first()


def apply() -> None:
    replace("membership_of", membership_of, frames, events)
