"""The home page on the socket: how many posts came since the page was opened (docs/realtime.md)."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from core.sockets.frames import Event, Frame, TabState, on_event, on_frame, on_heartbeat, read_number
from network.models import available_to
from users.audience import Closeness
from users.models import User

from .models import Post
from .models.visibility import post_readable_at
from .services import HOME_TOPIC
from .timeline import circle

# Above it the page says "many": nobody counts further.
MOST_COUNTED = 99
# After so long, in seconds, a tab asks anew who is in its circle.
CIRCLE_LASTS = 600.0


@dataclass
class Home:
    """A home page in a tab: the newest post that it shows, and whose posts belong on it."""

    newest: int
    authors: Mapping[int, int] = field(default_factory=dict)
    known_at: float = float("-inf")

    def wants(self, author: int, audience: int) -> bool:
        """Whether a post of `author` for `audience` belongs on this page."""
        return audience <= self.authors.get(author, -1)


@on_frame("feed.watch", cost=5)
def watch(tab: TabState, frame: Frame) -> list[Frame]:
    """The tab shows the home page down from the post `newest` (0: none)."""
    known = tab.state.get("feed")
    home = Home(read_number(frame, "newest"))
    if known is not None:
        home.authors, home.known_at = known.authors, known.known_at
    tab.state["feed"] = home
    tab.topics.add(HOME_TOPIC)
    return _told([tab])


@on_frame("feed.unwatch")
def unwatch(tab: TabState, frame: Frame) -> None:
    tab.state.pop("feed", None)
    tab.topics.discard(HOME_TOPIC)


@on_event("feed.post")
def post_came(tab: TabState, event: Event) -> list[Frame]:
    """Most posts are of others' circles: those cost no query."""
    home = tab.state.get("feed")
    author = event.get("author")
    if home is None or not isinstance(author, int) or author not in home.authors:
        return []
    return _told([tab])


@on_event("feed.circle")
def circle_changed(tab: TabState, event: Event) -> list[Frame]:
    """The member's ties have changed: whose posts belong on the page is asked again, at once."""
    home = tab.state.get("feed")
    if home is None:
        return []
    home.known_at = float("-inf")
    return _told([tab])


@on_heartbeat("feed")
def beat(tabs: Sequence[TabState]) -> dict[TabState, dict[str, int]]:
    """For tabs in view that show a home page, how many posts came. One query for all, and one for an old circle."""
    return {tab: {"count": count} for tab, count in _counts([tab for tab in tabs if tab.visible]).items()}


def _told(tabs: Iterable[TabState]) -> list[Frame]:
    return [{"type": "feed.new", "count": count} for count in _counts(tabs).values()]


def _counts(tabs: Iterable[TabState]) -> dict[TabState, int]:
    homes = {tab: _current(tab) for tab in tabs if "feed" in tab.state}
    if not homes:
        return {}
    oldest = min(home.newest for home in homes.values())
    # Plain reposts of what is out of sight show nothing, so they are not announced either; nor what was hidden.
    rows = (
        Post.objects.filter(post_readable_at(Closeness.CONNECTION), pk__gt=oldest)
        # Blocks end the ties by which a member is in a circle; suspension does not.
        .filter(available_to(AnonymousUser(), "author"))
        .exclude(Q(is_repost=True, text="") & Q(original=None))
        .order_by("-pk")
        .values_list("pk", "author_id", "audience")[: MOST_COUNTED * 4]
    )
    found = list(rows)
    return {
        tab: min(sum(pk > home.newest and home.wants(who, to) for pk, who, to in found), MOST_COUNTED)
        for tab, home in homes.items()
    }


def _current(tab: TabState) -> Home:
    home: Home = tab.state["feed"]
    now = time.monotonic()
    if now - home.known_at > CIRCLE_LASTS:
        authors = circle(User(pk=tab.member_id))
        # What one posts oneself is on the page already.
        authors.pop(tab.member_id, None)
        home.authors, home.known_at = authors, now
    return home
