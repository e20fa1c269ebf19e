"""The cache of production: Redis, and the database while Redis is away, so that rate limits hold (R8.4)."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from .breaker import Breaker

TABLE = "core_cacheentry"

breaker = Breaker("Redis (cache)")


class FallbackCache(BaseCache):
    """Every operation goes to Redis; one that fails there, and those of the next seconds, go to a table instead.

    The two are never merged: what one holds the other does not. That suits rate limits and copies of what can be
    computed again, and nothing else belongs in the cache.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis = RedisCache(location, params)
        self._table = DatabaseCache(TABLE, {key: value for key, value in params.items() if key != "OPTIONS"})

    def _do(self, operation: str, *args: Any, **options: Any) -> Any:
        if not breaker.is_open:
            try:
                return self._method(self._redis, operation)(*args, **options)
            except (ConnectionInterrupted, RedisError, OSError) as error:
                breaker.trip(error)
        return self._method(self._table, operation)(*args, **options)

    @staticmethod
    def _method(cache: BaseCache, operation: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(cache, operation)
        return method

    def add(self, *args: Any, **options: Any) -> bool:
        return bool(self._do("add", *args, **options))

    def get(self, *args: Any, **options: Any) -> Any:
        return self._do("get", *args, **options)

    def set(self, *args: Any, **options: Any) -> None:
        self._do("set", *args, **options)

    def touch(self, *args: Any, **options: Any) -> bool:
        return bool(self._do("touch", *args, **options))

    def delete(self, *args: Any, **options: Any) -> bool:
        return bool(self._do("delete", *args, **options))

    def incr(self, *args: Any, **options: Any) -> int:
        return int(self._do("incr", *args, **options))

    def has_key(self, *args: Any, **options: Any) -> bool:
        return bool(self._do("has_key", *args, **options))

    def get_many(self, *args: Any, **options: Any) -> dict[str, Any]:
        return dict(self._do("get_many", *args, **options))

    def set_many(self, *args: Any, **options: Any) -> list[str]:
        return list(self._do("set_many", *args, **options) or [])

    def delete_many(self, *args: Any, **options: Any) -> None:
        self._do("delete_many", *args, **options)

    def clear(self) -> None:
        self._do("clear")
