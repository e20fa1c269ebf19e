"""The state of a tab that messaging needs: its part of core.sockets.frames.TabState.state."""

from dataclasses import dataclass

from core.sockets.frames import Event, TabState
from users.models import User

from ..models import Conversation
from ..topics import conversation_topic, presence_topic


@dataclass
class MessagingTabState:
    """What a tab shows: one conversation up to `seq`, the list, both or neither."""

    conversation: int = 0
    seq: int = 0
    other: int = 0
    list_shown: bool = False
    typed_at: float = 0.0
    in_view: bool = False


def messaging_state(tab: TabState) -> MessagingTabState:
    """Return messaging's state of the tab."""
    state: MessagingTabState = tab.state.setdefault("messaging", MessagingTabState())
    return state


def open_conversation(tab: TabState, conversation: Conversation, seq: int) -> MessagingTabState:
    """Let the tab show this conversation only; it has all entries up to `seq`."""
    close_conversation(tab)
    state = messaging_state(tab)
    state.conversation, state.seq = conversation.pk, min(seq, conversation.last_seq)
    state.other = conversation.other_id(tab.member_id) if conversation.is_direct else 0
    tab.topics |= _topics(state)
    return state


def close_conversation(tab: TabState) -> None:
    """Let the tab show no conversation."""
    state = messaging_state(tab)
    tab.topics -= _topics(state)
    state.conversation = state.seq = state.other = 0


def _topics(state: MessagingTabState) -> set[str]:
    """The topics of a tab that shows the conversation of `state`."""
    topics = {conversation_topic(state.conversation)} if state.conversation else set()
    return topics | ({presence_topic(state.other)} if state.other else set())


def viewer_of(tab: TabState) -> User:
    """Return the tab's member, with the id alone."""
    return User(pk=tab.member_id)


def id_in_event(event: Event, key: str) -> int:
    """Return the id under `key`, or 0."""
    value = event.get(key)
    return value if isinstance(value, int) else 0
