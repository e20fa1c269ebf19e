"""Rules for every page of the admin."""

import logging
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .bounces.suppression import allow_address
from .models import QueuedTask, SuppressedAddress
from .tasks.administration import describe_state, drop_tasks, retry_tasks

changes = logging.getLogger("security.admin")

# Each word of a search is compared with every column: thousands of words would be one query of megabytes.
LONGEST_SEARCH = 200


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only services may change, so that counts and other derived values stay right."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: object = None) -> bool:
        return False


_search = ModelAdmin.get_search_results


def search_within_bounds(
    self: "ModelAdmin[Any]", request: Any, queryset: QuerySet[Model], search_term: str
) -> tuple[QuerySet[Model], bool]:
    """Search of lists and autocomplete fields in every ModelAdmin, with a bounded length."""
    return _search(self, request, queryset, search_term[:LONGEST_SEARCH])


ModelAdmin.get_search_results = search_within_bounds  # type: ignore[method-assign, assignment]


_lookup_allowed = ModelAdmin.lookup_allowed


def what_is_shown_may_be_asked_for(
    self: "ModelAdmin[Any]", lookup: str, value: Any, request: Any = None
) -> bool:
    """Refuse `?field=` filters on excluded fields.

    Otherwise their values could be guessed one character at a time (`?text__startswith=`).
    """
    return lookup.partition("__")[0] not in (self.exclude or ()) and _lookup_allowed(
        self, lookup, value, request
    )


ModelAdmin.lookup_allowed = what_is_shown_may_be_asked_for  # type: ignore[method-assign, assignment]


@admin.register(QueuedTask)
class QueuedTaskAdmin(ReadOnlyAdmin):
    """Background tasks that wait, run or have failed."""

    list_display = ("id", "name", "present_state", "due_at", "attempts", "last_error", "created_at")
    list_filter = ("state", "name")
    search_fields = ("name", "last_error")
    ordering = ("due_at", "id")
    actions = ("retry", "drop")
    # What a task is about may be private.
    exclude = ("arguments",)

    def has_delete_permission(self, request: Any, obj: object = None) -> bool:
        """Tasks are dropped by the action, which leaves out those that are being executed."""
        return False

    def has_operate_permission(self, request: Any) -> bool:
        """Retrying and dropping need the permission to change tasks."""
        return bool(request.user.has_perm("core.change_queuedtask"))

    @admin.display(description=_("state"))
    def present_state(self, row: QueuedTask) -> str:
        return describe_state(row, timezone.now())

    @admin.action(description=_("Try again now"), permissions=["operate"])
    def retry(self, request: Any, chosen: QuerySet[QueuedTask]) -> None:
        number = retry_tasks(list(chosen.values_list("pk", flat=True)))
        text = ngettext("%d task is tried again.", "%d tasks are tried again.", number) % number
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Drop: do not do this work"), permissions=["operate"])
    def drop(self, request: Any, chosen: QuerySet[QueuedTask]) -> None:
        number = drop_tasks(list(chosen.values_list("pk", flat=True)))
        text = ngettext("%d task was dropped.", "%d tasks were dropped.", number) % number
        self.message_user(request, text, messages.SUCCESS)


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(ReadOnlyAdmin):
    """Addresses that get no mail, or less, and why."""

    list_display = ("address", "reason", "status", "since", "last_report_at", "reports")
    list_filter = ("reason",)
    search_fields = ("address",)
    ordering = ("-last_report_at",)
    actions = ("allow_again",)

    def has_delete_permission(self, request: Any, obj: object = None) -> bool:
        """Rows are removed by the action, which also changes what the member sees."""
        return False

    def has_operate_permission(self, request: Any) -> bool:
        """Allowing an address needs the permission to change suppressed addresses."""
        return bool(request.user.has_perm("core.change_suppressedaddress"))

    @admin.action(description=_("Allow again: send all mail there"), permissions=["operate"])
    def allow_again(self, request: Any, chosen: QuerySet[SuppressedAddress]) -> None:
        """Allow the chosen addresses; the history of the administration and the security log say who did."""
        rows = list(chosen)
        self.log_deletions(request, chosen)
        for row in rows:
            allow_address(address=row.address)
            changes.warning("mail to a suppressed address allowed: row %d by %s", row.pk, request.user)
        text = ngettext("%d address gets mail again.", "%d addresses get mail again.", len(rows)) % len(rows)
        self.message_user(request, text, messages.SUCCESS)
