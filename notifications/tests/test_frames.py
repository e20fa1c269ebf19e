"""Socket frames of notifications, from the registered handlers."""

import pytest

from core.sockets.frames import FrameError, TabState
from feed.models import Post
from feed.services import delete_post
from feed.tests.factories import SCRIPT, answer, react, say
from notifications import services
from notifications.models import Notification
from tests.cast import make_member
from users.models import User

from .factories import frames_of, heartbeat_counts, opening_frames, row_of, send

pytestmark = pytest.mark.django_db

WATCH = "notifications.watch"
CHANGED = "notifications.changed"


@pytest.fixture
def tab(alice: User) -> TabState:
    return TabState(alice.pk)


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice)


def badge(unread: int) -> dict[str, object]:
    return {"type": "notifications.badge", "unread": unread}


def changed(tab: TabState, row: Notification | None = None) -> list[dict[str, object]]:
    return frames_of(tab, {"type": CHANGED, "notification": row.pk if row else None})


def test_a_new_tab_gets_the_count(tab: TabState, post: Post, charlie: User) -> None:
    assert badge(0) in opening_frames(tab)
    react(post, charlie)
    assert badge(1) in opening_frames(tab)


def test_a_tab_with_another_page_gets_only_the_count(tab: TabState, post: Post, charlie: User) -> None:
    react(post, charlie)
    assert changed(tab, row_of(post.author)) == [badge(1)]


def test_a_tab_that_shows_them_gets_the_row(tab: TabState, post: Post, charlie: User) -> None:
    assert send(tab, type=WATCH, show="all", newest=0) == []
    react(post, charlie)
    number, row = changed(tab, row_of(post.author))
    assert number == badge(1)
    assert (row["type"], row["id"]) == ("notifications.row", row_of(post.author).pk)
    assert "Charlie" in str(row["html"])
    assert "notification-unread" in str(row["html"])


def test_a_row_that_was_read_elsewhere_comes_as_read(tab: TabState, post: Post, charlie: User) -> None:
    for show in ("all", "unread"):
        send(tab, type=WATCH, show=show, newest=0)
        react(say(post.author, show), charlie)
        row = Notification.objects.latest("sort_key")
        services.mark_read(notification=row)
        assert "notification-unread" not in str(changed(tab, row)[1]["html"])


def test_a_row_that_went_is_taken_off(tab: TabState, post: Post, charlie: User) -> None:
    send(tab, type=WATCH, show="all", newest=0)
    react(post, charlie)
    row = row_of(post.author)
    delete_post(post=post)
    assert changed(tab, row) == [badge(0), {"type": "notifications.row", "id": row.pk, "html": ""}]


def test_a_narrowed_page_does_not_get_the_other_rows(tab: TabState, post: Post, charlie: User) -> None:
    send(tab, type=WATCH, show="network", newest=0)
    react(post, charlie)
    assert changed(tab, row_of(post.author))[1]["html"] == ""


def test_members_do_not_get_rows_of_others(post: Post, charlie: User) -> None:
    react(post, charlie)
    stranger = TabState(charlie.pk)
    send(stranger, type=WATCH, show="all", newest=0)
    assert changed(stranger, row_of(post.author))[1]["html"] == ""


def test_when_all_is_read_only_the_count_is_sent(tab: TabState, post: Post, charlie: User) -> None:
    send(tab, type=WATCH, show="all", newest=0)
    react(post, charlie)
    services.mark_all_read(member=post.author)
    assert changed(tab) == [badge(0)]


def test_a_page_that_comes_back_is_given_what_it_missed_oldest_first(
    tab: TabState, post: Post, charlie: User
) -> None:
    react(post, charlie)
    known = row_of(post.author).sort_key
    answer(post, charlie)
    react(say(post.author, "Two"), charlie)
    rows = send(tab, type=WATCH, show="all", newest=known)
    assert [row["id"] for row in rows] == list(
        Notification.objects.filter(sort_key__gt=known).order_by("sort_key").values_list("pk", flat=True)
    )
    assert len(rows) == 2


def test_hostile_names_are_sent_as_text(tab: TabState, post: Post) -> None:
    react(post, make_member("eve", name=SCRIPT))
    (row,) = send(tab, type=WATCH, show="all", newest=0)
    assert "<script" not in str(row["html"])


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"show": "all"},
        {"show": "all", "newest": -1},
        {"show": "all", "newest": "1"},
        {"show": "all", "newest": True},
        {"show": "all", "newest": 2**63},
        {"show": "everything", "newest": 0},
        {"show": ["all"], "newest": 0},
        {"show": "a" * 21, "newest": 0},
        {"show": None, "newest": None},
    ],
)
def test_a_frame_that_is_none_is_refused(tab: TabState, frame: dict[str, object]) -> None:
    with pytest.raises(FrameError):
        send(tab, type=WATCH, **frame)
    assert tab.state == {}


def test_the_heartbeat_of_many_tabs_is_one_query(
    alice: User, charlie: User, django_assert_num_queries: object
) -> None:
    members = [alice, *[make_member(f"member{number}") for number in range(30)]]
    for number in range(3):
        react(say(alice, f"Post {number}"), charlie)
    tabs = [TabState(member.pk) for member in [*members, alice]]
    heartbeat_counts(*tabs)
    with django_assert_num_queries(1):  # type: ignore[operator]
        told = heartbeat_counts(*tabs)
    assert [told[tab] for tab in tabs] == [3, *[0] * 30, 3]
    assert heartbeat_counts() == {}
