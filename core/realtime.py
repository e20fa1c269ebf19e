"""The one exit to sockets. The channel layer only says "look": ids, never bodies."""

import asyncio
from collections.abc import Mapping

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from .breaker import Breaker

# The longest text an event may carry: room for a UUID or a name of a kind, not for a message.
LONGEST_VALUE = 64
# How long a request may wait for the layer; what is not told is found by the tabs themselves when they ask.
SEND_SECONDS = 0.5

breaker = Breaker("The channel layer")

EventValue = int | str | None


def member_group(member_id: int) -> str:
    """The group that every open tab of one member listens to."""
    return f"member.{member_id}"


def publish(group: str, event: Mapping[str, EventValue]) -> None:
    """Tell `group` after commit that something happened; with the channel layer down, log it and go on.

    `event` holds a dotted `type` and ids. Raises TypeError for any other kind of value and ValueError when the
    type is missing or a text is longer than an id can be, so that no body ever travels this way.
    """
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a type")
    for key, value in event.items():
        if value is not None and not isinstance(value, int | str):
            raise TypeError(f"{key} is {type(value).__name__}; events carry ids only")
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise ValueError(f"{key} is too long; events carry ids only")
    frame = dict(event)

    def send() -> None:
        if breaker.is_open:
            return
        try:
            async_to_sync(_send)(group, frame)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the change itself is stored
            breaker.trip(error)

    transaction.on_commit(send, robust=True)


async def _send(group: str, frame: dict[str, EventValue]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        async with asyncio.timeout(SEND_SECONDS):
            await layer.group_send(group, frame)
