"""Socket frames of notifications: the bell's unread count, and the rows of an open notifications page."""

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

from .display.badge import unread_of, unread_of_many
from .display.notification_view import NotificationView, build_views
from .display.pages import ALL, FILTERS, UNREAD, filtered_for, newer_than

NAME = "notifications"


@on_open
def send_badge_frame(tab: TabState) -> Iterator[Frame]:
    yield _badge_frame(tab)


@on_heartbeat(NAME)
def count_unread(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, int]]:
    counts = unread_of_many({tab.member_id for tab in tabs})
    return {tab: {"unread": counts[tab.member_id]} for tab in tabs}


@on_frame("notifications.watch", cost=3)
def watch_page(tab: TabState, frame: Frame) -> Iterator[Frame]:
    """Subscribe the tab to the page filtered by `show`, and send the rows after the sort key `newest`."""
    show = read_text(frame, "show", 20)
    if show not in FILTERS:
        raise FrameError("malformed")
    newest = read_number(frame, "newest")
    tab.state[NAME] = show
    return (_row_frame(view) for view in newer_than(User(pk=tab.member_id), show, newest))


@on_event("notifications.changed")
def send_changes(tab: TabState, event: Event) -> Iterator[Frame]:
    """Send the badge and the row of a notification that was added, read or removed, in whichever tab."""
    yield _badge_frame(tab)
    pk, show = event.get("notification"), tab.state.get(NAME)
    if show and isinstance(pk, int):
        viewer = User(pk=tab.member_id)
        # A row that was read elsewhere stays in the list of unread ones, marked read: no row moves under a finger.
        rows = filtered_for(viewer, ALL if show == UNREAD else show).filter(pk=pk)
        frames = [_row_frame(view) for view in build_views(list(rows), viewer)]
        yield from frames or [{"type": "notifications.row", "id": pk, "html": ""}]


def _badge_frame(tab: TabState) -> Frame:
    return {"type": "notifications.badge", "unread": unread_of(tab.member_id)}


def _row_frame(view: NotificationView) -> Frame:
    return {"type": "notifications.row", "id": view.notification.pk, "html": str(view.row_html)}
