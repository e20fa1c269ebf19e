"""The production cache: Redis, or the database while Redis is away, so that rate limits still hold (R8.4)."""

from typing import Any

from django.core.cache.backends.base import BaseCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from core.observability import metrics
from core.observability.breaker import Breaker

from .json_cache import JsonDatabaseCache

TABLE = "core_cacheentry"
# allauth's rate limits are always counted in the table: an attacker could wait until Redis stops or restarts empty.
# Signing in is rare, and its password hash costs more than these rows.
LIMITS = "allauth:rl:"
# Above this the table deletes expired entries and, if that is not enough, a third of the rest.
MOST_ROWS = 50_000

JSON = {
    "CLIENT_CLASS": "core.database.json_cache.JsonRedisClient",
    "SERIALIZER": "core.database.json_cache.JsonSerializer",
}

breaker = Breaker("Redis (cache)", on_trip=metrics.count_redis_failure)


class FallbackCache(BaseCache):
    """Use Redis; after a failure, use a database table for a few seconds.

    The two are never synchronised, so only values that can be recomputed belong in the cache. Sign-in limits are kept
    in the table alone.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis = RedisCache(location, {**params, "OPTIONS": {**params.get("OPTIONS", {}), **JSON}})
        self._table = JsonDatabaseCache(TABLE, {**params, "OPTIONS": {"MAX_ENTRIES": MOST_ROWS}})

    def _run_with_fallback(self, operation: str, *args: Any, **options: Any) -> Any:
        is_limit = bool(args) and isinstance(args[0], str) and args[0].startswith(LIMITS)
        if not (is_limit or breaker.is_open):
            try:
                return getattr(self._redis, operation)(*args, **options)
            except (ConnectionInterrupted, RedisError, OSError) as error:
                breaker.trip(error)
        return getattr(self._table, operation)(*args, **options)

    def add(self, *args: Any, **options: Any) -> bool:
        return bool(self._run_with_fallback("add", *args, **options))

    def get(self, *args: Any, **options: Any) -> Any:
        return self._run_with_fallback("get", *args, **options)

    def set(self, *args: Any, **options: Any) -> None:
        self._run_with_fallback("set", *args, **options)

    def touch(self, *args: Any, **options: Any) -> bool:
        return bool(self._run_with_fallback("touch", *args, **options))

    def delete(self, *args: Any, **options: Any) -> bool:
        return bool(self._run_with_fallback("delete", *args, **options))

    def incr(self, *args: Any, **options: Any) -> int:
        return int(self._run_with_fallback("incr", *args, **options))

    def has_key(self, *args: Any, **options: Any) -> bool:
        return bool(self._run_with_fallback("has_key", *args, **options))

    def get_many(self, *args: Any, **options: Any) -> dict[str, Any]:
        return dict(self._run_with_fallback("get_many", *args, **options))

    def set_many(self, *args: Any, **options: Any) -> list[str]:
        return list(self._run_with_fallback("set_many", *args, **options) or [])

    def delete_many(self, *args: Any, **options: Any) -> None:
        self._run_with_fallback("delete_many", *args, **options)

    def clear(self) -> None:
        self._run_with_fallback("clear")
