"""Cache backends that store JSON, never pickles: whoever can write an entry must not be able to run code.

An entry that is not JSON (one that an older version pickled, or a forged one) counts as absent, and the next write
replaces it. JSON has no other keys than text, and no tuples: callers convert what they read.
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
    """The JSON of `value`; raises TypeError for what JSON cannot hold."""
    return json.dumps(value, separators=(",", ":"))


def load_entry(text: str | bytes) -> Any:
    """The value in `text`, or UNREADABLE when that is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return UNREADABLE


class JsonSerializer(BaseSerializer):  # type: ignore[misc]
    """django-redis' serializer."""

    def dumps(self, value: Any) -> bytes:
        return dump_entry(value).encode()

    def loads(self, value: bytes) -> Any:
        return load_entry(value)


class JsonRedisClient(DefaultClient):  # type: ignore[misc]
    """django-redis' client; an unreadable entry is deleted, so that a counter can begin again under its key."""

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
        """Raises ValueError, as for a key that is not there, when the entry is no number."""
        try:
            return int(super()._incr(key, *args, **options))
        except TypeError:
            self.delete(key, version=options.get("version"))
            raise ValueError(f"Key {key!r} holds no number") from None


class JsonDatabaseCache(DatabaseCache):
    """Django's cache in a table, which pickles; this one writes JSON, each entry by one statement."""

    _table: str
    _cull: Callable[..., None]

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        wanted = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not wanted:
            return {}
        connection = connections[router.db_for_read(self.cache_model_class)]
        places = ", ".join(["%s"] * len(wanted))
        statement = (
            f"SELECT cache_key, value FROM {self._quoted} WHERE cache_key IN ({places}) AND expires >= %s"  # noqa: S608
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*wanted, _as_stored(connection, now())])
            rows = cursor.fetchall()
        values = {wanted[key]: load_entry(text) for key, text in rows}
        return {key: value for key, value in values.items() if value is not UNREADABLE}

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        """Whether the entry was stored: always by "set", by "add" when there was none, by "touch" when there was."""
        connection = connections[router.db_for_write(self.cache_model_class)]
        expires = _as_stored(connection, _moment(self.get_backend_timeout(timeout)))
        present = _as_stored(connection, now())
        values: list[Any]
        if mode == "touch":
            statement = f"UPDATE {self._quoted} SET expires = %s WHERE cache_key = %s AND expires >= %s"  # noqa: S608
            values = [expires, key, present]
        else:
            statement = (
                f"INSERT INTO {self._quoted} AS entry (cache_key, value, expires) VALUES (%s, %s, %s) "  # noqa: S608
                "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
            )
            values = [key, dump_entry(value), expires]
            if mode == "add":
                statement += " WHERE entry.expires < %s"
                values.append(present)
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            if mode != "touch":
                self._make_room(connection.alias, cursor)
            cursor.execute(statement, values)
            return bool(cursor.rowcount)

    @property
    def _quoted(self) -> str:
        return '"' + self._table.replace('"', '""') + '"'

    def _make_room(self, alias: str, cursor: Any) -> None:
        cursor.execute(f"SELECT count(*) FROM {self._quoted}")  # noqa: S608 -- a table of ours
        number = cursor.fetchone()[0]
        if number > self._max_entries:
            self._cull(alias, cursor, now().replace(microsecond=0), number)


class JsonMemoryCache(LocMemCache):
    """The memory of one process, for development and tests; what it gives back is what the others would."""

    def set(self, key: str, value: Any, *args: Any, **options: Any) -> None:
        super().set(key, json.loads(dump_entry(value)), *args, **options)

    def add(self, key: str, value: Any, *args: Any, **options: Any) -> bool:
        return bool(super().add(key, json.loads(dump_entry(value)), *args, **options))


def _moment(timestamp: float | None) -> datetime:
    if timestamp is None:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(timestamp, tz=UTC)


def _as_stored(connection: Any, moment: datetime) -> Any:
    # Whole seconds: SQLite compares texts, which must all have the same form.
    return connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))
