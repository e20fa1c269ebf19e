"""Rules for every page of the admin."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet

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
