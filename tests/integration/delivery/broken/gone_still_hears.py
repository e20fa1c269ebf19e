"""The socket does not ask whether a member has left since."""

from messaging import frames, socket_events
from messaging.models import Membership
from users.models import User

from . import replace


def membership_of(viewer: User, conversation_id: int) -> Membership | None:
    ever = Membership.objects.filter(member=viewer, conversation=conversation_id)
    return ever.select_related("conversation").first()


def apply() -> None:
    replace("membership_of", membership_of, frames, socket_events)
