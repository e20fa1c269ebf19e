"""Queries compiled once: a QuerySet says which rows, its SQL is kept, and only the values change from call to call. And
SQL that was written by hand (`Written`), which PostgreSQL plans once as well.

Django builds and compiles a QuerySet anew each time it is used, which for conditions such as "exists for this viewer"
takes many times as long as the database takes to answer. The SQL depends on the shape alone: so the QuerySet is built
once with marks in place of the values, and the places of the marks among the parameters are remembered. PostgreSQL in
turn plans each statement once for a connection.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2.extensions import AsIs

Row = TypeVar("Row")

# Lists of ids are filled up to a multiple of this, so that few shapes serve all lengths.
STEP = 20
# Marks are whole numbers from here on: beyond any id, and inside the range of every database's integers.
FIRST_MARK = 7_377_000_000_000_000_000
MOST_MARKS = 1_000_000

# PostgreSQL's codes for: the plan is gone, is there already, or no longer fits the tables (after a migration).
PLAN_REFUSED = {"26000", "42P05", "0A000"}

# The names of the statements that each open connection to PostgreSQL has plans for.
_planned: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()


class CannotBePreparedError(Exception):
    """The SQL of a QuerySet does not show where its values stand."""


@dataclass(frozen=True)
class _Statement:
    """SQL as one database speaks it. `places` holds for each parameter the number of the value that stands there, or
    None where the parameter of `fixed` is always the same."""

    sql: str
    fixed: tuple[Any, ...]
    places: tuple[int | None, ...]
    # The columns that the database gives in another form than Python wants, with their expressions.
    converted: tuple[tuple[int, Any], ...]
    model: type[models.Model] | None
    fields: tuple[str, ...]
    annotations: tuple[tuple[str, int], ...]

    @cached_property
    def name(self) -> str:
        """What PostgreSQL calls it."""
        return _name_of(self.sql, self.fixed)

    def numbered(self) -> list[Any]:
        """Parameters with which `sql` becomes what PREPARE takes: $1, $2 … in place of the values."""
        return [
            fixed if place is None else AsIs(f"${place + 1}")
            for fixed, place in zip(self.fixed, self.places, strict=True)
        ]

    def parameters(self, values: Sequence[int]) -> list[Any]:
        return [
            fixed if place is None else values[place]
            for fixed, place in zip(self.fixed, self.places, strict=True)
        ]


class Prepared(Generic[Row]):
    """`build(one, many)` makes the QuerySet of a value and a list of values, all whole numbers such as ids.

    `build` must put them into conditions only: it is called once with None for `one`, once without, and so for each
    length of list, with marks that stand for the values. It may give rows of a model, with annotations but without
    select_related and prefetch_related, or a values_list. A mark that is missing from the SQL's parameters, or stands
    there in another form, is a CannotBePreparedError.

    Lists are filled up to a multiple of `step` by repeating the last value; with 1 the list stays as it is, for
    QuerySets that want a certain number of values, each in a place of its own.
    """

    def __init__(
        self,
        build: Callable[[int | None, list[int]], "models.QuerySet[Any, Row]"],
        *,
        step: int = STEP,
    ) -> None:
        self._build = build
        self._step = step
        # Two threads may make the same one at once; the last one stays.
        self._statements: dict[tuple[str, str, bool, int], _Statement] = {}

    def rows(self, one: int | None, many: Collection[int] | None = None) -> list[Row]:
        """The rows for these values. An empty list stands for no rows, and nothing is asked; None for no list."""
        if many is not None and not many:
            return []
        connection = connections[DEFAULT_DB_ALIAS]
        filled = _filled(many or [], self._step)
        statement = self._statement(connection, one is not None, len(filled))
        values = filled if one is None else [one, *filled]
        with connection.cursor() as cursor:
            if not _executed_by_plan(statement, values, cursor, connection):
                cursor.execute(statement.sql, statement.parameters(values))
            found = cursor.fetchall()
        return cast(list[Row], _made(statement, found, connection))

    def _statement(self, connection: BaseDatabaseWrapper, has_one: bool, length: int) -> _Statement:
        key = (connection.alias, connection.vendor, has_one, length)
        if key not in self._statements:
            marks = list(range(FIRST_MARK, FIRST_MARK + has_one + length))
            rows = self._build(marks[0] if has_one else None, marks[has_one:])
            self._statements[key] = _compiled(rows, marks, connection)
        return self._statements[key]


class Written:
    """SQL of our own with the values `names`, each `%(name)s` in it.

    PostgreSQL must be able to tell their types from where they stand. What is the same in all calls belongs into the
    SQL.
    """

    def __init__(self, sql: str, *names: str) -> None:
        self.sql = sql
        self.name = _name_of(sql, names)
        self._names = names

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values, which stand in the order of the names, as the database gives them."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            if not _executed_by_plan(self, values, cursor, connection):
                cursor.execute(self.sql, self.parameters(values))
            return list(cursor.fetchall())

    def parameters(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values by name, for who executes `sql` itself."""
        return dict(zip(self._names, values, strict=True))

    def numbered(self) -> dict[str, Any]:
        """Parameters with which `sql` becomes what PREPARE takes."""
        return {name: AsIs(f"${number}") for number, name in enumerate(self._names, 1)}


def _name_of(sql: str, others: tuple[Any, ...]) -> str:
    """A name that is the same for the same SQL, in whichever process."""
    return f"prepared_{hashlib.sha256(repr((sql, others)).encode()).hexdigest()[:24]}"


def _executed_by_plan(
    statement: _Statement | Written, values: Sequence[Any], cursor: Any, connection: BaseDatabaseWrapper
) -> bool:
    """Let PostgreSQL use the plan that it made for this connection before; False where it has none and may make none.

    Inside a transaction none is used: a plan that is refused would end the transaction. Nor behind PgBouncer, where
    the next statement may run in a session that has never heard of the plan.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block or not connection.autocommit:
        return False
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        return False
    known = _planned.setdefault(connection.connection, set())
    try:
        if statement.name not in known:
            cursor.execute(f"PREPARE {statement.name} AS {statement.sql}", statement.numbered())
            known.add(statement.name)
        marks = ", ".join(["%s"] * len(values))
        cursor.execute(f"EXECUTE {statement.name} ({marks})", values)
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) not in PLAN_REFUSED:
            raise
        known.discard(statement.name)
        return False
    return True


def _filled(many: Collection[int], step: int) -> list[int]:
    """`many`, the last one repeated up to the next multiple of `step`."""
    values = list(many)
    return values + values[-1:] * (-len(values) % step)


def _compiled(
    rows: "models.QuerySet[Any, Any]", marks: list[int], connection: BaseDatabaseWrapper
) -> _Statement:
    if rows.query.select_related or vars(rows).get("_prefetch_related_lookups"):
        raise CannotBePreparedError("Related rows are not fetched along.")
    compiler = rows.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    columns = [column for column, _sql, _alias in compiler.select or ()]
    info = None if rows.query.values_select else compiler.klass_info
    fields = [columns[place].target.attname for place in info["select_fields"]] if info else []
    return _Statement(
        sql=sql,
        fixed=tuple(parameters),
        places=_places(sql, parameters, marks),
        converted=tuple(
            (place, column) for place, column in enumerate(columns) if compiler.get_converters([column])
        ),
        model=info["model"] if info else None,
        fields=tuple(fields),
        annotations=tuple((compiler.annotation_col_map or {}).items()) if info else (),
    )


def _places(sql: str, parameters: Sequence[Any], marks: list[int]) -> tuple[int | None, ...]:
    """Which mark each parameter is. Raises CannotBePreparedError unless every mark is found, and found as it is."""
    if str(FIRST_MARK)[:13] in sql:
        raise CannotBePreparedError("A value is written into the SQL.")
    places = tuple(_place(parameter, len(marks)) for parameter in parameters)
    if missing := set(range(len(marks))) - set(places):
        raise CannotBePreparedError(f"The values {sorted(missing)} do not stand among the parameters.")
    return places


def _place(parameter: Any, count: int) -> int | None:
    if type(parameter) is int and FIRST_MARK <= parameter < FIRST_MARK + count:
        return parameter - FIRST_MARK
    if isinstance(parameter, int) and not isinstance(parameter, bool):
        is_changed = abs(abs(parameter) - FIRST_MARK) < MOST_MARKS or abs(parameter) > FIRST_MARK
    else:
        is_changed = str(FIRST_MARK)[:13] in str(parameter)
    if is_changed:
        raise CannotBePreparedError(f"A value was changed on its way: {parameter!r}.")
    return None


def _made(statement: _Statement, rows: list[tuple[Any, ...]], connection: BaseDatabaseWrapper) -> list[Any]:
    """Rows as Python wants them: instances of the model with their annotations, or tuples."""
    if statement.converted:
        rows = _converted(statement, rows, connection)
    if statement.model is None:
        return rows
    make, alias, fields, width = (
        statement.model.from_db,
        connection.alias,
        statement.fields,
        len(statement.fields),
    )
    made = []
    for row in rows:
        instance = make(alias, fields, row[:width])
        for name, place in statement.annotations:
            setattr(instance, name, row[place])
        made.append(instance)
    return made


def _converted(
    statement: _Statement, rows: list[tuple[Any, ...]], connection: BaseDatabaseWrapper
) -> list[tuple[Any, ...]]:
    changed = [list(row) for row in rows]
    for place, column in statement.converted:
        backend = connection.ops.get_db_converters(column)
        for convert in [*backend, *column.get_db_converters(connection)]:
            for row in changed:
                row[place] = convert(row[place], column, connection)
    return [tuple(row) for row in changed]
