"""Changes the values of a view (a tuple of core.web.fragments) one by one, to test cache keys."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

Paths = set[str]


def vary_view(view: Any, others: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the view with one changed value each time, and the path of that value.

    `others` has the new values of fields that do not take any value, by name. None is not changed.
    """
    names = getattr(view, "_fields", range(len(view)))
    for index, name in enumerate(names):
        value = view[index]
        inner = vary_view(value, others) if isinstance(value, tuple) else [("", _other(name, value, others))]
        for path, changed in inner:
            if changed is not None:
                values = [*view[:index], changed, *view[index + 1 :]]
                whole = view._make(values) if hasattr(view, "_make") else tuple(values)
                yield f"{name}.{path}".rstrip("."), whole


def find_missed_changes(
    views: list[Any], render: Callable[[Any], str], others: Mapping[str, Any]
) -> tuple[Paths, Paths]:
    """Return the paths whose change gives an equal view, and those whose change never changes the HTML."""
    same_key: Paths = set()
    seen: Paths = set()
    all_paths: Paths = set()
    for view in views:
        html = render(view)
        for path, changed in vary_view(view, others):
            all_paths.add(path)
            same_key |= {path} if changed == view else set()
            seen |= {path} if render(changed) != html else set()
    return same_key, all_paths - seen


def _other(name: Any, value: Any, others: Mapping[str, Any]) -> Any:
    if name in others:
        return others[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, datetime):
        return value + timedelta(days=1, minutes=1)
    return UUID(int=value.int ^ 1) if isinstance(value, UUID) else None
