"""Queries that are compiled once and run with named values: `CompiledQuery` of a QuerySet, `CompiledSQL`.

Django builds and compiles a QuerySet each time it is used, which for conditions such as "exists for this viewer" takes
many times as long as the database takes to answer. The SQL depends on the shape alone: so the QuerySet is built once
with placeholders instead of values, and the positions of the placeholders among the parameters are kept. PostgreSQL in
turn plans each statement once for a connection.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, cast, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2.extensions import AsIs

P = ParamSpec("P")
Row = TypeVar("Row")
T = TypeVar("T")

# Lists are padded to a multiple of this, so that few shapes serve all lengths.
PAD_TO = 20
# Placeholders are whole numbers from here on: beyond any id, and inside the range of every database's integers.
FIRST_PLACEHOLDER = 7_377_000_000_000_000_000
MAX_PLACEHOLDERS = 1_000_000

# PostgreSQL's codes for: the plan is gone, is there already, or no longer fits the tables (after a migration).
PLAN_REFUSED = {"26000", "42P05", "0A000"}

# The names of the statements that each open connection to PostgreSQL has plans for.
_planned: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()

# `is_on` while this thread is in a transaction that may use plans (run_with_plans).
_plans_in_transaction = threading.local()


class CannotBeCompiledError(Exception):
    """The SQL of a QuerySet does not show where its values belong."""


@dataclass(frozen=True)
class _Statement:
    """SQL as one database speaks it. `indexes` holds for each parameter the index of its value, or None where the
    parameter is always the one in `fixed`."""

    sql: str
    fixed: tuple[Any, ...]
    indexes: tuple[int | None, ...]
    # The columns that the database gives in another form than Python wants, with their expressions.
    converted: tuple[tuple[int, Any], ...]
    model: type[models.Model] | None
    fields: tuple[str, ...]
    annotations: tuple[tuple[str, int], ...]

    @cached_property
    def name(self) -> str:
        """The name of the statement for PostgreSQL."""
        return _statement_name(self.sql, self.fixed)

    def numbered_parameters(self) -> list[Any]:
        """Parameters that make `sql` what PREPARE takes: $1, $2 … instead of the values."""
        return [
            fixed if index is None else AsIs(f"${index + 1}")
            for fixed, index in zip(self.fixed, self.indexes, strict=True)
        ]

    def parameters_for(self, values: Sequence[int]) -> list[Any]:
        return [
            fixed if index is None else values[index]
            for fixed, index in zip(self.fixed, self.indexes, strict=True)
        ]


class _Named(NamedTuple):
    """A parameter of the function that builds a QuerySet."""

    name: str
    is_list: bool
    allows_none: bool


class CompiledQuery(Generic[P, Row]):
    """A QuerySet that is compiled once for each shape of its values; `build` makes it of them.

    The parameters of `build` are the names of the values: whole numbers such as ids, and lists of them, as their
    annotations say. `build` must use them in conditions only: it is called once for each shape, with placeholders that
    represent the values. It gives rows of a model, with annotations but without select_related and prefetch_related, or
    a values_list. A placeholder that is missing from the parameters of the SQL, or is there in another form, is a
    CannotBeCompiledError.

    None is another shape: `build` gets it where the annotation allows it (`viewer: int | None`); elsewhere `fetch`
    refuses it, since "= NULL" finds nothing. So is the empty list.

    Other lists are padded to a multiple of `pad_to` by repeating the last value; with 1 they keep their length.
    """

    def __init__(self, build: Callable[P, "models.QuerySet[Any, Row]"], *, pad_to: int = PAD_TO) -> None:
        self.name = f"{build.__module__}.{build.__qualname__}"
        self._build: Callable[..., models.QuerySet[Any, Row]] = build
        self._pad_to = pad_to
        annotations = get_type_hints(build)
        self._parameters: list[_Named] = []
        for name, parameter in signature(build).parameters.items():
            if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
                raise TypeError(f"{self.name}: {parameter} cannot be given by name.")
            if name not in annotations:
                raise TypeError(f"{self.name}: {name} needs an annotation.")
            alternatives = get_args(annotations[name])
            kinds = alternatives if type(None) in alternatives else (annotations[name],)
            origins = [get_origin(kind) or kind for kind in kinds]
            is_list = any(isinstance(origin, type) and issubclass(origin, Collection) for origin in origins)
            self._parameters.append(_Named(name, is_list, type(None) in kinds))
        self._names = {parameter.name for parameter in self._parameters}
        # Two threads may compile the same shape at once; the last one stays. None: no row can match.
        self._statements: dict[tuple[Any, ...], _Statement | None] = {}

    def fetch(self, *args: P.args, **kwargs: P.kwargs) -> list[Row]:
        """The rows for these values, each given by its name.

        Raises TypeError for positional, unknown and missing values, and for a None that `build` does not allow.
        """
        if args or kwargs.keys() != self._names:
            raise _wrong_names(self.name, self._names, kwargs, is_positional=bool(args))
        connection = connections[DEFAULT_DB_ALIAS]
        lengths, values = self._lengths_and_values(kwargs)
        shape = (connection.alias, connection.vendor, *lengths)
        if shape not in self._statements:
            count = 0
            arguments: dict[str, int | list[int] | None] = {}
            for (name, is_list, _allows_none), length in zip(self._parameters, lengths, strict=True):
                first = FIRST_PLACEHOLDER + count
                count += length or 0
                several = list(range(first, first + (length or 0)))
                arguments[name] = None if length is None else several if is_list else first
            self._statements[shape] = _compile_queryset(self._build(**arguments), count, connection)
        statement = self._statements[shape]
        if statement is None:
            return []
        with connection.cursor() as cursor:
            if not _execute_plan(statement, values, cursor, connection):
                cursor.execute(statement.sql, statement.parameters_for(values))
            found = cursor.fetchall()
        return cast(list[Row], _to_rows(statement, found, connection))

    def _lengths_and_values(self, arguments: Mapping[str, Any]) -> tuple[list[int | None], list[int]]:
        """Return the number of values of each parameter (None for None), and all values, with lists padded."""
        lengths: list[int | None] = []
        values: list[int] = []
        for name, is_list, allows_none in self._parameters:
            value = arguments[name]
            if value is None:
                if not allows_none:
                    raise _none_refused(self.name, name)
                lengths.append(None)
            elif is_list:
                padded = list(value)
                padded += padded[-1:] * (-len(padded) % self._pad_to)
                if None in padded:
                    raise _none_refused(self.name, name)
                lengths.append(len(padded))
                values += padded
            else:
                lengths.append(1)
                values.append(value)
        return lengths, values

    def clear(self) -> None:
        """Forget what was compiled, for tools that exchange the code of `build`."""
        self._statements.clear()


class CompiledSQL:
    """Written SQL, whose values are its placeholders `%(name)s`; a name may occur several times.

    PostgreSQL must be able to infer their types from their positions. What is the same in all calls belongs in the SQL.
    `allows_none` is for values that are stored, not compared.
    """

    def __init__(self, sql: str, *, allows_none: bool = False) -> None:
        self.sql = sql
        self._allows_none = allows_none
        self._names = tuple(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
        self._known = set(self._names)
        self.name = _statement_name(sql, self._names)

    def fetch(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values, as the database gives them.

        Raises TypeError for unknown and missing values, and for None where it is not allowed.
        """
        if values.keys() != self._known:
            raise _wrong_names(self._short_sql, self._known, values)
        ordered = [values[name] for name in self._names]
        if None in ordered and not self._allows_none:
            raise _none_refused(self._short_sql, self._names[ordered.index(None)])
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            if not _execute_plan(self, ordered, cursor, connection):
                cursor.execute(self.sql, values)
            return list(cursor.fetchall())

    def numbered_parameters(self) -> dict[str, Any]:
        """Parameters that make `sql` what PREPARE takes: $1, $2 … instead of the values."""
        return {name: AsIs(f"${number}") for number, name in enumerate(self._names, 1)}

    @property
    def _short_sql(self) -> str:
        return f"{' '.join(self.sql.split())[:60]!r}"


def run_with_plans(function: Callable[[], T]) -> T:
    """Return `function()`, run in a transaction whose compiled queries use plans.

    Where PostgreSQL refuses a plan, the transaction is rolled back and runs once more without plans. Inside another
    transaction, which could not run again, none are used.
    """
    if not connections[DEFAULT_DB_ALIAS].in_atomic_block:
        _plans_in_transaction.is_on = True
        try:
            with transaction.atomic():
                return function()
        except DatabaseError as error:
            if not _is_refused(error):
                raise
        finally:
            _plans_in_transaction.is_on = False
    with transaction.atomic():
        return function()


def _is_refused(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "pgcode", None) in PLAN_REFUSED


def _wrong_names(
    query: str, names: Iterable[str], values: Mapping[str, Any], *, is_positional: bool = False
) -> TypeError:
    if is_positional:
        return TypeError(f"{query}: values are given by name ({', '.join(sorted(names))}).")
    unknown, missing = sorted({*values} - {*names}), sorted({*names} - {*values})
    problems = [f"unknown {', '.join(unknown)}"] * bool(unknown)
    problems += [f"missing {', '.join(missing)}"] * bool(missing)
    return TypeError(f"{query}: {'; '.join(problems)}.")


def _none_refused(query: str, name: str) -> TypeError:
    return TypeError(f"{query}: {name} must not be None, which SQL's = and IN never match.")


def _statement_name(sql: str, others: tuple[Any, ...]) -> str:
    """A name that is the same for the same SQL, in every process."""
    return f"compiled_{hashlib.sha256(repr((sql, others)).encode()).hexdigest()[:24]}"


def _execute_plan(
    statement: _Statement | CompiledSQL, values: Sequence[Any], cursor: Any, connection: BaseDatabaseWrapper
) -> bool:
    """Let PostgreSQL use the plan that it made for this connection before; False where it has none and may make none.

    Inside a transaction none is used, since a plan that is refused ends the transaction, unless it can run again
    (run_with_plans). Nor behind PgBouncer, where the next statement may run in a session that does not have the plan.
    """
    if connection.vendor != "postgresql":
        return False
    in_transaction = connection.in_atomic_block or not connection.autocommit
    if in_transaction and not getattr(_plans_in_transaction, "is_on", False):
        return False
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        return False
    known = _planned.setdefault(connection.connection, set())
    try:
        if statement.name not in known:
            cursor.execute(f"PREPARE {statement.name} AS {statement.sql}", statement.numbered_parameters())
            known.add(statement.name)
        placeholders = ", ".join(["%s"] * len(values))
        cursor.execute(f"EXECUTE {statement.name} ({placeholders})", values)
    except DatabaseError as error:
        if not _is_refused(error):
            raise
        known.discard(statement.name)
        if in_transaction:
            raise
        return False
    return True


def _compile_queryset(
    rows: "models.QuerySet[Any, Any]", count: int, connection: BaseDatabaseWrapper
) -> _Statement | None:
    """The statement of a QuerySet with `count` placeholders; None where Django knows that no row can match."""
    if rows.query.select_related or vars(rows).get("_prefetch_related_lookups"):
        raise CannotBeCompiledError("Related rows are not fetched along.")
    compiler = rows.query.get_compiler(connection=connection)
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return None
    columns = [column for column, _sql, _alias in compiler.select or ()]
    info = None if rows.query.values_select else compiler.klass_info
    fields = [columns[index].target.attname for index in info["select_fields"]] if info else []
    return _Statement(
        sql=sql,
        fixed=tuple(parameters),
        indexes=_value_indexes(sql, parameters, count),
        converted=tuple(
            (index, column) for index, column in enumerate(columns) if compiler.get_converters([column])
        ),
        model=info["model"] if info else None,
        fields=tuple(fields),
        annotations=tuple((compiler.annotation_col_map or {}).items()) if info else (),
    )


def _value_indexes(sql: str, parameters: Sequence[Any], count: int) -> tuple[int | None, ...]:
    """Which placeholder each parameter is. Raises CannotBeCompiledError unless each is found, unchanged."""
    if str(FIRST_PLACEHOLDER)[:13] in sql:
        raise CannotBeCompiledError("A value is written into the SQL.")
    indexes: list[int | None] = []
    for parameter in parameters:
        if type(parameter) is int and FIRST_PLACEHOLDER <= parameter < FIRST_PLACEHOLDER + count:
            indexes.append(parameter - FIRST_PLACEHOLDER)
            continue
        if isinstance(parameter, int) and not isinstance(parameter, bool):
            distance = abs(abs(parameter) - FIRST_PLACEHOLDER)
            is_changed = distance < MAX_PLACEHOLDERS or abs(parameter) > FIRST_PLACEHOLDER
        else:
            is_changed = str(FIRST_PLACEHOLDER)[:13] in str(parameter)
        if is_changed:
            raise CannotBeCompiledError(f"A value was changed: {parameter!r}.")
        indexes.append(None)
    if missing := set(range(count)) - set(indexes):
        raise CannotBeCompiledError(f"The values {sorted(missing)} are not among the parameters.")
    return tuple(indexes)


def _to_rows(
    statement: _Statement, rows: list[tuple[Any, ...]], connection: BaseDatabaseWrapper
) -> list[Any]:
    """Rows as Python wants them: instances of the model with their annotations, or tuples."""
    if statement.converted:
        changed = [list(row) for row in rows]
        for index, column in statement.converted:
            backend = connection.ops.get_db_converters(column)
            for convert in [*backend, *column.get_db_converters(connection)]:
                for values in changed:
                    values[index] = convert(values[index], column, connection)
        rows = [tuple(values) for values in changed]
    if statement.model is None:
        return rows
    fields, width = statement.fields, len(statement.fields)
    instances = []
    for row in rows:
        instance = statement.model.from_db(connection.alias, fields, row[:width])
        for name, index in statement.annotations:
            setattr(instance, name, row[index])
        instances.append(instance)
    return instances
