"""Cache backends that store JSON instead of pickles: write access to an entry must not mean running code.

An entry that is not JSON (pickled by an older version, or forged) counts as absent, and the next write replaces it.
JSON has only text keys and no tuples: callers convert the values that they read.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections, router, transaction
from django.utils.timezone import now
from django_redis.client import DefaultClient
from django_redis.serializers.base import BaseSerializer

# Distinct from None, which is a value.
UNREADABLE = object()


def dump_entry(value: Any) -> str:
    """Return `value` as JSON. Raises TypeError for a value that JSON cannot represent."""
    return json.dumps(value, separators=(",", ":"))


def load_entry(text: str | bytes) -> Any:
    """Return the value in `text`, or UNREADABLE when it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return UNREADABLE


class JsonSerializer(BaseSerializer):  # type: ignore[misc]
    """JSON serializer for django-redis."""

    def dumps(self, value: Any) -> bytes:
        return dump_entry(value).encode()

    def loads(self, value: bytes) -> Any:
        return load_entry(value)


class JsonRedisClient(DefaultClient):  # type: ignore[misc]
    """Client for django-redis that deletes unreadable entries, so that a counter can restart under its key."""

    def get(self, key: str, default: Any = None, version: int | None = None, client: Any = None) -> Any:
        value = super().get(key, UNREADABLE, version, client)
        if value is UNREADABLE:
            self.delete(key, version=version)
            return default
        return value

    def get_many(self, keys: Any, version: int | None = None, client: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_many(keys, version, client)
        return {key: value for key, value in found.items() if value is not UNREADABLE}

    def _incr(self, key: str, *args: Any, **options: Any) -> int:
        """Raises ValueError, as for a missing key, when the entry is not a number."""
        try:
            return int(super()._incr(key, *args, **options))
        except TypeError:
            self.delete(key, version=options.get("version"))
            raise ValueError(f"Key {key!r} is not a number") from None


class JsonDatabaseCache(DatabaseCache):
    """Django's cache in a table, with JSON instead of pickles, and one statement per write."""

    _table: str
    _cull: Callable[..., None]

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        wanted = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not wanted:
            return {}
        connection = connections[router.db_for_read(self.cache_model_class)]
        placeholders = ", ".join(["%s"] * len(wanted))
        statement = (
            f"SELECT cache_key, value FROM {self._quoted_table} "  # noqa: S608 -- a table of ours
            f"WHERE cache_key IN ({placeholders}) AND expires >= %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*wanted, _as_stored(connection, now())])
            rows = cursor.fetchall()
        values = {wanted[key]: load_entry(text) for key, text in rows}
        return {key: value for key, value in values.items() if value is not UNREADABLE}

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        """Return whether the entry was stored: "set" always stores, "add" if it is missing, "touch" if it exists."""
        connection = connections[router.db_for_write(self.cache_model_class)]
        timestamp = self.get_backend_timeout(timeout)
        moment = (
            datetime.max.replace(tzinfo=UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
        )
        expires = _as_stored(connection, moment)
        present = _as_stored(connection, now())
        values: list[Any]
        if mode == "touch":
            statement = f"UPDATE {self._quoted_table} SET expires = %s WHERE cache_key = %s AND expires >= %s"  # noqa: S608
            values = [expires, key, present]
        else:
            statement = (
                f"INSERT INTO {self._quoted_table} AS entry (cache_key, value, expires) VALUES (%s, %s, %s) "  # noqa: S608
                "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
            )
            values = [key, dump_entry(value), expires]
            if mode == "add":
                statement += " WHERE entry.expires < %s"
                values.append(present)
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            if mode != "touch":
                cursor.execute(f"SELECT count(*) FROM {self._quoted_table}")  # noqa: S608 -- a table of ours
                number = cursor.fetchone()[0]
                if number > self._max_entries:
                    self._cull(connection.alias, cursor, now().replace(microsecond=0), number)
            cursor.execute(statement, values)
            return bool(cursor.rowcount)

    @property
    def _quoted_table(self) -> str:
        return '"' + self._table.replace('"', '""') + '"'


class JsonMemoryCache(LocMemCache):
    """Cache in the memory of one process, for development and tests; values are those that JSON returns."""

    def set(self, key: str, value: Any, *args: Any, **options: Any) -> None:
        super().set(key, json.loads(dump_entry(value)), *args, **options)

    def add(self, key: str, value: Any, *args: Any, **options: Any) -> bool:
        return bool(super().add(key, json.loads(dump_entry(value)), *args, **options))


def _as_stored(connection: Any, moment: datetime) -> Any:
    # Whole seconds: SQLite compares texts, which must all have the same format.
    return connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))
