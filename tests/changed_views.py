"""Views of cached parts (core.web.fragments), changed one value at a time."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

Paths = set[str]


def changed_views(view: Any, others: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The view with another value in each field and each part of a field, with the path of what was changed. `others`
    has the values of fields that do not take any value, by name. None stays."""
    names = getattr(view, "_fields", range(len(view)))
    for index, name in enumerate(names):
        value = view[index]
        inner = (
            changed_views(value, others) if isinstance(value, tuple) else [("", _other(name, value, others))]
        )
        for path, changed in inner:
            if changed is not None:
                values = [*view[:index], changed, *view[index + 1 :]]
                whole = view._make(values) if hasattr(view, "_make") else tuple(values)
                yield f"{name}.{path}".rstrip("."), whole


def unseen_changes(
    views: list[Any], html_of: Callable[[Any], str], others: Mapping[str, Any]
) -> tuple[Paths, Paths]:
    """The paths whose change gives an equal view, and those whose change gives the same HTML in all of `views`."""
    same_key: Paths = set()
    seen: Paths = set()
    every: Paths = set()
    for view in views:
        html = html_of(view)
        for path, changed in changed_views(view, others):
            every.add(path)
            same_key |= {path} if changed == view else set()
            seen |= {path} if html_of(changed) != html else set()
    return same_key, every - seen


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
