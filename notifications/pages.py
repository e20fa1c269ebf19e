"""Pages of notifications, newest first, with filters."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.database.pagination import make_page
from users.models import User

from .kinds import GROUPS
from .models import Notification, NotificationQuerySet
from .notification_view import NotificationView, build_views

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
    """The page's views, the sort key of the newest one (0 if there is none), and the cursor of the next page or ""."""

    views: list[NotificationView]
    newest: int
    next: str


def filtered_for(viewer: User, show: str) -> NotificationQuerySet:
    """The visible notifications of `viewer` that match the filter `show`, a key of FILTERS."""
    rows = Notification.objects.visible_to(viewer)
    if show == UNREAD:
        return rows.unread()
    return rows.filter(kind__in=GROUPS[show]) if show in GROUPS else rows


def page_of(viewer: User, show: str, *, before: int | None = None) -> NotificationPage:
    """One page of the notifications that match `show`, below the sort key `before`. Up to six queries."""
    rows = filtered_for(viewer, show)
    if before is not None:
        rows = rows.filter(place__lt=before)
    page = make_page(list(rows.order_by("-place")[: PAGE_SIZE + 1]), PAGE_SIZE, lambda row: str(row.place))
    return NotificationPage(build_views(page.rows, viewer), page.rows[0].place if page.rows else 0, page.next)


def newer_than(viewer: User, show: str, newest: int) -> list[NotificationView]:
    """At most a page of notifications after the sort key `newest`, oldest first."""
    rows = filtered_for(viewer, show).filter(place__gt=newest)
    return build_views(list(rows.order_by("-place")[:PAGE_SIZE])[::-1], viewer)
