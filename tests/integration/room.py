"""LinkUp's ASGI application for daphne, with one more app: it counts when asked, and shows the events that it gets."""

from professional_network.asgi import application

from core.sockets.frames import Event, Frame, TabState, on_event, on_frame, on_open  # isort: skip -- Django is set up above
from users.models import User  # isort: skip

__all__ = ["GROUP", "application"]

GROUP = "tests.room"


@on_open
def join(tab: TabState) -> None:
    """Let every tab listen."""
    tab.topics.add(GROUP)


@on_frame("tests.count")
def count(tab: TabState, frame: Frame) -> list[Frame]:
    """A query."""
    return [{"type": "tests.counted", "members": User.objects.count()}]


@on_frame("tests.much")
def much(tab: TabState, frame: Frame) -> list[Frame]:
    """More than anybody reads."""
    return [{"type": "tests.much", "text": "x" * 60_000} for _ in range(20)]


@on_event("tests.look")
def look(tab: TabState, event: Event) -> list[Frame]:
    """Nothing but this touches the database of a tab that only listens."""
    return [{"type": "tests.look", "id": event["id"], "members": User.objects.count()}]
