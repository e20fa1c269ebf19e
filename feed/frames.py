"""Socket frames of the home page: the number of new posts since it was loaded (docs/realtime.md)."""

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
from .timeline import followed_authors

# Counting stops here.
MOST_COUNTED = 99
# Seconds after which a tab reloads its list of authors.
AUTHORS_TTL = 600.0


@dataclass
class Home:
    """A home page in a tab: the newest post that it shows, and the authors whose posts it shows."""

    newest: int
    authors: Mapping[int, int] = field(default_factory=dict)
    loaded_at: float = float("-inf")

    def shows_post(self, author: int, audience: int) -> bool:
        """Whether a post of `author` for `audience` belongs on this page."""
        return audience <= self.authors.get(author, -1)

    def refresh_authors(self, member_id: int) -> None:
        """Reload the authors of the member's home page if they are older than `AUTHORS_TTL`."""
        now = time.monotonic()
        if now - self.loaded_at > AUTHORS_TTL:
            authors = followed_authors(User(pk=member_id))
            # The member's own new posts are on the page already.
            authors.pop(member_id, None)
            self.authors, self.loaded_at = authors, now


@on_frame("feed.watch", cost=5)
def watch_home(tab: TabState, frame: Frame) -> list[Frame]:
    """Subscribe the tab to new posts on its home page, whose newest post is `newest` (0: none)."""
    known = tab.state.get("feed")
    home = Home(read_number(frame, "newest"))
    if known is not None:
        home.authors, home.loaded_at = known.authors, known.loaded_at
    tab.state["feed"] = home
    tab.topics.add(HOME_TOPIC)
    return _new_posts_frames([tab])


@on_frame("feed.unwatch")
def unwatch_home(tab: TabState, frame: Frame) -> None:
    tab.state.pop("feed", None)
    tab.topics.discard(HOME_TOPIC)


@on_event("feed.post")
def send_count(tab: TabState, event: Event) -> list[Frame]:
    """Send the new count if the post's author is on the tab's home page; other posts cost no query."""
    home = tab.state.get("feed")
    author = event.get("author")
    if home is None or not isinstance(author, int) or author not in home.authors:
        return []
    return _new_posts_frames([tab])


@on_event("feed.circle")
def reload_authors(tab: TabState, event: Event) -> list[Frame]:
    """Reload the authors of the home page after a change of the member's connections, and send the count."""
    home = tab.state.get("feed")
    if home is None:
        return []
    home.loaded_at = float("-inf")
    return _new_posts_frames([tab])


@on_heartbeat("feed")
def count_for_heartbeat(tabs: Sequence[TabState]) -> dict[TabState, dict[str, int]]:
    """The number of new posts for visible tabs with a home page: one query, and one per outdated list of authors."""
    return {
        tab: {"count": count} for tab, count in _count_new_posts([tab for tab in tabs if tab.visible]).items()
    }


def _new_posts_frames(tabs: Iterable[TabState]) -> list[Frame]:
    return [{"type": "feed.new", "count": count} for count in _count_new_posts(tabs).values()]


def _count_new_posts(tabs: Iterable[TabState]) -> dict[TabState, int]:
    homes: dict[TabState, Home] = {tab: tab.state["feed"] for tab in tabs if "feed" in tab.state}
    for tab, home in homes.items():
        home.refresh_authors(tab.member_id)
    if not homes:
        return {}
    oldest = min(home.newest for home in homes.values())
    # Hidden posts and plain reposts without an original show nothing, so they are not counted.
    rows = (
        Post.objects.filter(post_readable_at(Closeness.CONNECTION), pk__gt=oldest)
        # Blocks end the connections that make a member a followed author; suspension does not.
        .filter(available_to(AnonymousUser(), "author"))
        .exclude(Q(is_repost=True, text="") & Q(original=None))
        .order_by("-pk")
        .values_list("pk", "author_id", "audience")[: MOST_COUNTED * 4]
    )
    found = list(rows)
    return {
        tab: min(
            sum(pk > home.newest and home.shows_post(author, audience) for pk, author, audience in found),
            MOST_COUNTED,
        )
        for tab, home in homes.items()
    }
