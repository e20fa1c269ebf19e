"""What open tabs are told: the number at the bell, and lines on an open page."""

from collections.abc import Iterator, Mapping, Sequence

from core.sockets.frames import (
    Event,
    Frame,
    FrameError,
    TabState,
    on_event,
    on_frame,
    on_heartbeat,
    on_open,
    read_number,
    read_text,
)
from users.models import User

from .badge import unread_of, unread_of_many
from .lines import Line, lines
from .pages import ALL, FILTERS, UNREAD, newer, shown

NAME = "notifications"


@on_open
def opened(tab: TabState) -> Iterator[Frame]:
    yield _badge(tab)


@on_heartbeat(NAME)
def pulse(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, int]]:
    counts = unread_of_many({tab.member_id for tab in tabs})
    return {tab: {"unread": counts[tab.member_id]} for tab in tabs}


@on_frame("notifications.watch", cost=3)
def watch(tab: TabState, frame: Frame) -> Iterator[Frame]:
    """The page is open, narrowed by `show`, and has all up to the place `newest`; what is newer follows."""
    show = read_text(frame, "show", 20)
    if show not in FILTERS:
        raise FrameError("malformed")
    newest = read_number(frame, "newest")
    tab.state[NAME] = show
    return (_row(line) for line in newer(User(pk=tab.member_id), show, than=newest))


@on_event("notifications.changed")
def changed(tab: TabState, event: Event) -> Iterator[Frame]:
    """Something came, was read or went, in whichever tab."""
    yield _badge(tab)
    pk, show = event.get("notification"), tab.state.get(NAME)
    if show and isinstance(pk, int):
        viewer = User(pk=tab.member_id)
        # What was read elsewhere stays in a list of the unread, as read: nothing goes from under a finger.
        rows = shown(viewer, ALL if show == UNREAD else show).filter(pk=pk)
        drawn = [_row(line) for line in lines(list(rows), viewer)]
        yield from drawn or [{"type": "notifications.row", "id": pk, "html": ""}]


def _badge(tab: TabState) -> Frame:
    return {"type": "notifications.badge", "unread": unread_of(tab.member_id)}


def _row(line: Line) -> Frame:
    return {"type": "notifications.row", "id": line.notification.pk, "html": str(line.drawn)}
