"""What holds for every page of the administration."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet

# Each word of a search is looked for in every column: thousands of them would be one query of megabytes.
LONGEST_SEARCH = 200

_search = ModelAdmin.get_search_results


def search_within_bounds(
    self: "ModelAdmin[Any]", request: Any, queryset: QuerySet[Model], search_term: str
) -> tuple[QuerySet[Model], bool]:
    """The search of lists and of fields that complete what is typed, whoever registered the model."""
    return _search(self, request, queryset, search_term[:LONGEST_SEARCH])


ModelAdmin.get_search_results = search_within_bounds  # type: ignore[method-assign, assignment]
