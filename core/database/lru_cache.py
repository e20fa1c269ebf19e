"""A bounded cache in the memory of this process; the least recently used value makes room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Value = TypeVar("Value")

_all: "WeakSet[LRUCache[Any]]" = WeakSet()


def clear_caches() -> None:
    """Forget all that this process remembers: for tests, in which ids are given out anew."""
    for memo in list(_all):
        memo.clear()


class LRUCache(Generic[Value]):
    """Keeps the `most` values used last. A key must name everything that its value depends on: nothing is ever
    invalidated, what changes gets another key."""

    def __init__(self, most: int) -> None:
        _all.add(self)
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, made by `make` unless it is remembered. Two threads may make the same one at once."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def get(self, key: Hashable) -> Value | None:
        """The value of `key`, or None where none is remembered."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Value) -> None:
        """Remember `value`, which is not None, under `key`; what was used longest ago makes room."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
