"""What an open tab shows of conversations: its part of core.sockets.frames.TabState.state."""

from dataclasses import dataclass

from core.sockets.frames import Event, TabState
from users.models import User

from ..models import Conversation
from ..topics import conversation_topic, presence_topic


@dataclass
class View:
    """What a tab shows: one conversation up to `seq`, the list, both or neither."""

    conversation: int = 0
    seq: int = 0
    other: int = 0
    list_shown: bool = False
    typed_at: float = 0.0
    in_view: bool = False


def view_of(tab: TabState) -> View:
    view: View = tab.state.setdefault("messaging", View())
    return view


def open_up(tab: TabState, conversation: Conversation, seq: int) -> View:
    """The tab shows this conversation in place of the one before, and has everything up to `seq`."""
    close(tab)
    view = view_of(tab)
    view.conversation, view.seq = conversation.pk, min(seq, conversation.last_seq)
    view.other = conversation.other_id(tab.member_id) if conversation.is_direct else 0
    tab.topics |= _topics(view)
    return view


def close(tab: TabState) -> None:
    """The tab shows no conversation any more."""
    view = view_of(tab)
    tab.topics -= _topics(view)
    view.conversation = view.seq = view.other = 0


def _topics(view: View) -> set[str]:
    """What a tab listens to that shows the conversation of `view`."""
    topics = {conversation_topic(view.conversation)} if view.conversation else set()
    return topics | ({presence_topic(view.other)} if view.other else set())


def viewer_of(tab: TabState) -> User:
    return User(pk=tab.member_id)


def id_in(event: Event, key: str) -> int:
    value = event.get(key)
    return value if isinstance(value, int) else 0
