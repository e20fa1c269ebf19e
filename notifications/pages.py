"""Pages of notifications, newest first, all of them or some."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.database.pagination import make_page
from users.models import User

from .kinds import GROUPS
from .lines import Line, lines
from .models import Notification, NotificationQuerySet

PAGE_SIZE = 20
ALL, UNREAD = "all", "unread"
FILTERS: dict[str, str | Promise] = {
    ALL: _("All"),
    UNREAD: _("Unread"),
    "posts": _("My posts"),
    "mentions": _("Mentions"),
    "network": _("Network"),
}


@dataclass(frozen=True)
class NotificationPage:
    """Lines, the place of the newest one (0 where there is none), and the cursor of the next page or ""."""

    lines: list[Line]
    newest: int
    next: str


def shown(viewer: User, show: str) -> NotificationQuerySet:
    """The notifications of `viewer` that the filter `show`, one of FILTERS, leaves."""
    rows = Notification.objects.visible_to(viewer)
    if show == UNREAD:
        return rows.unread()
    return rows.filter(kind__in=GROUPS[show]) if show in GROUPS else rows


def page_of(viewer: User, show: str, *, before: int | None = None) -> NotificationPage:
    """The page of what `show` leaves, below the place `before`. Up to six queries."""
    rows = shown(viewer, show)
    if before is not None:
        rows = rows.filter(place__lt=before)
    page = make_page(list(rows.order_by("-place")[: PAGE_SIZE + 1]), PAGE_SIZE, lambda row: str(row.place))
    return NotificationPage(lines(page.rows, viewer), page.rows[0].place if page.rows else 0, page.next)


def newer(viewer: User, show: str, *, than: int) -> list[Line]:
    """What came after the place `than`: the oldest first, a page of it at most."""
    rows = shown(viewer, show).filter(place__gt=than)
    return lines(list(rows.order_by("-place")[:PAGE_SIZE])[::-1], viewer)
