"""What an open tab shows of conversations: its part of core.frames.Tab.state."""

from dataclasses import dataclass

from core.frames import Event, Tab
from users.models import User


@dataclass
class View:
    """What a tab shows: one conversation up to `seq`, the list, both or neither."""

    conversation: int = 0
    seq: int = 0
    other: int = 0
    list_shown: bool = False
    typed_at: float = 0.0
    in_view: bool = False


def view_of(tab: Tab) -> View:
    view: View = tab.state.setdefault("messaging", View())
    return view


def viewer_of(tab: Tab) -> User:
    return User(pk=tab.member_id)


def id_in(event: Event, key: str) -> int:
    value = event.get(key)
    return value if isinstance(value, int) else 0
