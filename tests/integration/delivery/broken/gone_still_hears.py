"""The socket does not ask whether a member has left since."""

from messaging.models import Membership
from messaging.socket import events, frames
from users.models import User

from . import replace


def membership_of(viewer: User, conversation_id: int) -> Membership | None:
    ever = Membership.objects.filter(member=viewer, conversation=conversation_id)
    return ever.select_related("conversation").first()


def apply() -> None:
    replace("membership_of", membership_of, frames, events)
