"""Pages of notifications, newest first, with filters."""

from dataclasses import dataclass
from functools import cache

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import MAX_ID, make_page
from users.models import User

from ..kinds import GROUPS
from ..models import Notification, NotificationQuerySet
from .notification_view import NotificationView, build_views, render_rows

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

    @property
    def rows_html(self) -> SafeString:
        return render_rows(self.views)


def filtered_for(viewer: User, show: str) -> NotificationQuerySet:
    """The visible notifications of `viewer` that match the filter `show`, a key of FILTERS."""
    rows = Notification.objects.visible_to(viewer)
    if show == UNREAD:
        return rows.unread()
    return rows.filter(kind__in=GROUPS[show]) if show in GROUPS else rows


def page_of(viewer: User, show: str, *, before: int | None = None) -> NotificationPage:
    """One page of the notifications that match `show`, below the sort key `before`. Up to six queries."""
    found = _page_query(show).fetch(viewer=viewer.pk, before=MAX_ID if before is None else before)
    page = make_page(found, PAGE_SIZE, lambda row: str(row.sort_key))
    return NotificationPage(
        build_views(page.rows, viewer), page.rows[0].sort_key if page.rows else 0, page.next
    )


@cache
def _page_query(show: str) -> "CompiledQuery[..., Notification]":
    """The query of a page that matches `show`, by `viewer` and `before`."""

    def page_query(viewer: int, before: int) -> NotificationQuerySet:
        rows = filtered_for(User(pk=viewer), show).filter(sort_key__lt=before)
        return rows.select_related("post").order_by("-sort_key")[: PAGE_SIZE + 1]

    return CompiledQuery(page_query)


def newer_than(viewer: User, show: str, newest: int) -> list[NotificationView]:
    """At most a page of notifications after the sort key `newest`, oldest first."""
    rows = filtered_for(viewer, show).filter(sort_key__gt=newest)
    return build_views(list(rows.order_by("-sort_key")[:PAGE_SIZE])[::-1], viewer)
