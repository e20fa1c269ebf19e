"""The production cache: Redis, or the database while Redis is away, so that rate limits still hold (R8.4)."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.base import BaseCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from core.observability import metrics
from core.observability.breaker import Breaker

from .json_cache import JsonDatabaseCache

TABLE = "core_cacheentry"
# allauth's limits. They count in the table whatever Redis does: a limit that is forgotten when Redis stops, or comes
# back empty, is one that can be waited for. Signing in is rare, and its hash costs more than these rows.
LIMITS = "allauth:rl:"
# Above it the table drops what expired and, if that is not enough, a third of the rest. No stranger fills it that far.
MOST_ROWS = 50_000

JSON = {
    "CLIENT_CLASS": "core.database.json_cache.JsonRedisClient",
    "SERIALIZER": "core.database.json_cache.JsonSerializer",
}

breaker = Breaker("Redis (cache)", on_trip=metrics.redis_failed)


class FallbackCache(BaseCache):
    """Every operation goes to Redis; one that fails there, and those of the next seconds, go to a table instead.

    The two are never merged: what one holds the other does not. That suits copies of what can be computed again.
    Limits of sign-in are kept in the table alone; nothing else belongs in the cache.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis = RedisCache(location, {**params, "OPTIONS": {**params.get("OPTIONS", {}), **JSON}})
        self._table = JsonDatabaseCache(TABLE, {**params, "OPTIONS": {"MAX_ENTRIES": MOST_ROWS}})

    def _do(self, operation: str, *args: Any, **options: Any) -> Any:
        is_limit = bool(args) and isinstance(args[0], str) and args[0].startswith(LIMITS)
        if not (is_limit or breaker.is_open):
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
