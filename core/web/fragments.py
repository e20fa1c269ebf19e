"""Parts of pages as HTML, rendered once for all that show the same.

A part is rendered from a view: a NamedTuple of plain values. The view is the cache key and all that the template sees
(no request, no row of a model, no context processor), so a template cannot show what the key does not contain. Beside
the view the key holds the language and the time zone; a part whose words depend on the clock has that in its view.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from core.database.lru_cache import LRUCache

# Values that never change (datetimes are dates). A field always has values of the same type: 1 and True are equal.
_PLAIN = (str, int, date, UUID, type(None))


# A NamedTuple of plain values; its properties and methods can know nothing else.
FragmentView: TypeAlias = tuple[Any, ...]


class FragmentStore:
    """At most `max_entries` rendered parts; the least recently used makes room."""

    def __init__(self, max_entries: int) -> None:
        self._parts: LRUCache[SafeString] = LRUCache(max_entries)

    def get_or_render(
        self, key: Hashable, values: Mapping[str, Any], render: Callable[[Mapping[str, Any]], str]
    ) -> SafeString:
        """The part of `key`, which names all of `values`. Raises TypeError for values that are not plain."""
        return self._parts.get_or_make((key, *_language_and_zone()), lambda: _render_plain(values, render))

    def get_or_render_all(
        self,
        keys: Sequence[Hashable],
        values: Callable[[list[int]], Sequence[Mapping[str, Any]]],
        render: Callable[[Mapping[str, Any]], str],
    ) -> list[SafeString]:
        """The same for many; `values` gives those of the missing parts, whose indexes it gets."""
        environment = _language_and_zone()
        full_keys = [(key, *environment) for key in keys]
        parts = [self._parts.get(key) for key in full_keys]
        missing = [index for index, part in enumerate(parts) if part is None]
        if missing:
            for index, shown in zip(missing, values(missing), strict=True):
                parts[index] = part = _render_plain(shown, render)
                self._parts.put(full_keys[index], part)
        return [part for part in parts if part is not None]


class FragmentCache:
    """What `template` renders from one view, which it sees as `name`."""

    def __init__(self, template: str, name: str, *, max_entries: int) -> None:
        self._template = template
        self._name = name
        self._store = FragmentStore(max_entries)

    def render(self, view: FragmentView) -> SafeString:
        """The HTML of `view`. Raises TypeError where it contains something else than plain values."""
        return self._store.get_or_render(view, {self._name: view}, self._render_template)

    def render_all(
        self, views: Sequence[FragmentView], constants: Callable[[list[int]], Sequence[Mapping[str, Any]]]
    ) -> list[SafeString]:
        """The HTML of each view.

        `constants` gets the indexes of the views that must be rendered, and gives for each the plain values that the
        view determines for ever, such as the pictures of a post by its id: they need not be in the key.
        """

        def values_of(missing: list[int]) -> list[Mapping[str, Any]]:
            known = constants(missing)
            return [{**extra, self._name: views[index]} for index, extra in zip(missing, known, strict=True)]

        return self._store.get_or_render_all(views, values_of, self._render_template)

    def render_joined(self, views: Sequence[FragmentView]) -> SafeString:
        """The HTML of all views, one after the other."""
        parts = self._store.get_or_render_all(
            views, lambda missing: [{self._name: views[index]} for index in missing], self._render_template
        )
        return mark_safe("".join(parts))

    def _render_template(self, values: Mapping[str, Any]) -> str:
        return get_template(self._template).render(dict(values))


def refuse_mutable(value: Any) -> None:
    """Raise TypeError unless `value` is plain, or a tuple of plain values, of any depth, without safe strings."""
    if isinstance(value, tuple):
        for each in value:
            # It equals the same text without the mark, which a template escapes.
            if isinstance(each, SafeString):
                raise TypeError("A part of a page cannot be cached by a SafeString.")
            refuse_mutable(each)
    elif not isinstance(value, _PLAIN):
        raise TypeError(f"A part of a page cannot be cached by a {type(value).__name__}.")


def _language_and_zone() -> tuple[str | None, str]:
    return get_language(), timezone.get_current_timezone_name()


def _render_plain(values: Mapping[str, Any], render: Callable[[Mapping[str, Any]], str]) -> SafeString:
    for value in values.values():
        refuse_mutable(value)
    return mark_safe(render(values))
