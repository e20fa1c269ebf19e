"""A bounded in-process cache that evicts the least recently used value."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Value = TypeVar("Value")

_all: "WeakSet[LRUCache[Any]]" = WeakSet()


def clear_caches() -> None:
    """Clear every LRUCache of this process: for tests, which reuse ids."""
    for cache in list(_all):
        cache.clear()


class LRUCache(Generic[Value]):
    """Keeps the `max_entries` values used last.

    A key must contain everything that its value depends on: there is no invalidation, a changed value has another key.
    """

    def __init__(self, max_entries: int) -> None:
        _all.add(self)
        self._max_entries = max_entries
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the cached value of `key`, or call `make`. Two threads may make the same value at once."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def get(self, key: Hashable) -> Value | None:
        """Return the value of `key`, or None when it is not cached."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Value) -> None:
        """Store `value`, which is not None, under `key`; evict the least recently used value when full."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._max_entries:
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Remove all values."""
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
