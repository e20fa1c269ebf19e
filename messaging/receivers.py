"""What follows in conversations from facts of the network. Imported in MessagingConfig.ready."""

from typing import Any

from django.dispatch import receiver

from core.sockets.publisher import publish
from network.events import connection_made, connection_removed, member_blocked
from network.models import Connection
from users.events import presence_audience_changed
from users.models import User

from . import services
from .models import Conversation
from .presence import publish_pair
from .services.log import notify_own_tabs
from .topics import presence_topic


@receiver(connection_made, dispatch_uid="messaging.accept_request")
def accept_request(sender: Any, connection: Connection, **values: Any) -> None:
    """What one of two connections wrote while they were strangers is no request any more."""
    pair = Conversation.pair_of(connection.low_id, connection.high_id)
    conversation = Conversation.objects.filter(pair=pair).first()
    if conversation is not None:
        for member in (connection.low, connection.high):
            services.accept_conversation(conversation=conversation, member=member)
        publish_pair(connection.low_id, connection.high_id)


@receiver(member_blocked, dispatch_uid="messaging.mute_pair")
def mute_pair(sender: Any, blocker: User, blocked: User, **values: Any) -> None:
    """Let open tabs of both load their conversation again: it takes no messages, and nobody is online in it."""
    conversation = Conversation.objects.filter(pair=Conversation.pair_of(blocker.pk, blocked.pk)).first()
    if conversation is not None:
        for member in (blocker, blocked):
            notify_own_tabs(conversation.pk, member.pk)
        publish_pair(blocker.pk, blocked.pk)


@receiver(connection_removed, dispatch_uid="messaging.hide_presence")
def hide_presence(sender: Any, member: User, other: User, **values: Any) -> None:
    """Who is not connected any more may not see whether the other is online."""
    publish_pair(member.pk, other.pk)


@receiver(presence_audience_changed, dispatch_uid="messaging.presence_audience")
def apply_presence_audience(sender: Any, user: User, **values: Any) -> None:
    """Open tabs look again whether they may show that the member is online."""
    publish(presence_topic(user.pk), {"type": "messaging.presence", "member": user.pk})
