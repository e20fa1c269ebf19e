"""The one exit to sockets. The channel layer only says "look": ids, never bodies."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from .courier import breaker, courier

__all__ = ["LONGEST_VALUE", "breaker", "member_group", "publish", "settle"]

# The longest text an event may carry: room for a UUID or a name of a kind, not for a message.
LONGEST_VALUE = 64

EventValue = int | str | None


def member_group(member_id: int) -> str:
    """The group that every open tab of one member listens to."""
    return f"member.{member_id}"


def publish(groups: str | Sequence[str], event: Mapping[str, EventValue]) -> None:
    """Tell the tabs that listen to any of `groups`, after commit, that something happened. Never waits for anybody.

    `event` holds a dotted `type` and ids. Raises TypeError for any other kind of value and ValueError when the
    type is missing or a text is longer than an id can be, so that no body ever travels this way. A tab that is in
    several of the groups hears it once. What is lost on the way is found by the tabs themselves when they ask.
    """
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a type")
    for key, value in event.items():
        if value is not None and not isinstance(value, int | str):
            raise TypeError(f"{key} is {type(value).__name__}; events carry ids only")
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise ValueError(f"{key} is too long; events carry ids only")
    to = [groups] if isinstance(groups, str) else list(groups)
    if not to:
        return
    hint = {"groups": to, "event": dict(event)}
    transaction.on_commit(lambda: courier.post(hint), robust=True)


def settle(seconds: float = 5.0) -> bool:
    """Wait until the layer has been given all that this process has published; False when that took too long.

    For tests, and for a process that ends.
    """
    return courier.settle(seconds)
