"""A tab without a server: what it says is handed to the apps' functions, and hints to those that show them."""

from collections.abc import Iterable
from typing import Any

from core.sockets import frames as registry
from core.sockets.frames import Event, Frame, TabState
from messaging.models import Conversation
from users.models import User


def told(answers: Iterable[Frame] | None) -> list[dict[str, Any]]:
    return list(answers or [])


def say(tab: TabState, frame_type: str, **values: Any) -> list[dict[str, Any]]:
    """What the tab is answered to a frame, as core.sockets.handler_calls hands it over."""
    frame = {"type": frame_type, **values}
    return [
        answer
        for handle in (
            *registry.frame_handlers.get(frame_type, ()),
            *registry.quick_handlers.get(frame_type, ()),
        )
        for answer in told(handle(tab, frame))
    ]


def hint(tab: TabState, event_type: str, **ids: int) -> list[dict[str, Any]]:
    """What the tab is shown when a hint comes."""
    event: Event = {"type": event_type, **ids}
    if not registry.is_event_for(tab, event):
        return []
    return [answer for show in registry.event_renderers[event_type] for answer in told(show(tab, event))]


def beat(*tabs: TabState) -> Any:
    return registry.heartbeat_parts["messaging"](tabs)


def watching(member: User, conversation: Conversation, seq: int = 0) -> TabState:
    tab = TabState(member.pk)
    say(tab, "messaging.watch", conversation=conversation.pk, seq=seq)
    return tab


def types(answers: list[dict[str, Any]]) -> list[str]:
    return [answer["type"] for answer in answers]


def entry_hint(tab: TabState, conversation: Conversation) -> list[dict[str, Any]]:
    return hint(tab, "messaging.entry", conversation=conversation.pk, seq=1)
