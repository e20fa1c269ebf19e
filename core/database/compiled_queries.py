"""Queries that are compiled once and run with named values: `CompiledQuery` of a QuerySet, `CompiledSQL`.

Django builds and compiles a QuerySet each time it is used, which for conditions such as "exists for this viewer" takes
many times as long as the database takes to answer. The SQL depends on the shape alone: so the QuerySet is built once
with placeholders instead of values, and the positions of the placeholders among the parameters are kept. PostgreSQL in
turn plans each statement once for a connection.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, cast, get_args, get_origin, get_type_hints

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query import get_related_populators
from psycopg2.extensions import AsIs

from .model_rows import ModelRows, build_quickly
from .plans import execute_plan, statement_name

P = ParamSpec("P")
Row = TypeVar("Row")

# Lists are padded to a multiple of this, so that few shapes serve all lengths.
PAD_TO = 20
# Placeholders are whole numbers from here on: beyond any id, and inside the range of every database's integers.
# Those of texts are such a number with TEXT before it.
FIRST_PLACEHOLDER = 7_377_000_000_000_000_000
MAX_PLACEHOLDERS = 1_000_000
TEXT = "text"


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
    # What builds instances of the first columns; None for a values_list.
    model_rows: ModelRows | None
    fields: tuple[str, ...]
    annotations: tuple[tuple[str, int], ...]
    # What sets the rows of select_related.
    populators: tuple[Any, ...]

    @cached_property
    def name(self) -> str:
        """The name of the statement for PostgreSQL."""
        return statement_name(self.sql, self.fixed)

    def numbered_parameters(self) -> list[Any]:
        """Parameters that make `sql` what PREPARE takes: $1, $2 … instead of the values."""
        return [
            fixed if index is None else AsIs(f"${index + 1}")
            for fixed, index in zip(self.fixed, self.indexes, strict=True)
        ]

    def parameters_for(self, values: Sequence[int | str]) -> list[Any]:
        return [
            fixed if index is None else values[index]
            for fixed, index in zip(self.fixed, self.indexes, strict=True)
        ]


class _Named(NamedTuple):
    """A parameter of the function that builds a QuerySet."""

    name: str
    is_list: bool
    is_text: bool
    allows_none: bool


class CompiledQuery(Generic[P, Row]):
    """A QuerySet that is compiled once for each shape of its values; `build` makes it of them.

    The parameters of `build` are the names of the values: whole numbers such as ids, texts, and lists of either, as
    their annotations say. `build` must use them in conditions only: it is called once for each shape, with
    placeholders that represent the values. It gives rows of a model, with annotations and select_related but without
    prefetch_related, or a values_list. A placeholder that is missing from the parameters of the SQL, or is there in
    another form, is a CannotBeCompiledError: so is a text in `startswith` or `icontains`.

    None is another shape: `build` gets it where the annotation allows it (`viewer: int | None`); elsewhere `fetch`
    refuses it, since "= NULL" finds nothing. So is the empty list.

    Other lists are padded to a multiple of `pad_to` by repeating the last value; with 1 they keep their length.
    """

    def __init__(self, build: Callable[P, "models.QuerySet[Any, Row]"], *, pad_to: int = PAD_TO) -> None:
        self.name = f"{build.__module__}.{build.__qualname__}"
        self._build: Callable[..., models.QuerySet[Any, Row]] = build
        self._pad_to = pad_to
        self._parameters = _named_parameters(build, self.name)
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
        statement = self._statement_for((connection.alias, connection.vendor, *lengths), connection)
        if statement is None:
            return []
        with connection.cursor() as cursor:
            if not execute_plan(statement, values, cursor, connection):
                cursor.execute(statement.sql, statement.parameters_for(values))
            found = cursor.fetchall()
        return cast(list[Row], _to_rows(statement, found, connection))

    def _lengths_and_values(self, arguments: Mapping[str, Any]) -> tuple[list[int | None], list[int | str]]:
        """Return the number of values of each parameter (None for None), and all values, with lists padded."""
        lengths: list[int | None] = []
        values: list[int | str] = []
        for name, is_list, _is_text, allows_none in self._parameters:
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

    def _statement_for(self, shape: tuple[Any, ...], connection: BaseDatabaseWrapper) -> _Statement | None:
        if shape not in self._statements:
            placeholders: list[int | str] = []
            arguments: dict[str, int | str | list[int | str] | None] = {}
            for parameter, length in zip(self._parameters, shape[2:], strict=True):
                numbers = range(FIRST_PLACEHOLDER + len(placeholders), FIRST_PLACEHOLDER + MAX_PLACEHOLDERS)
                several = [_placeholder(number, parameter) for number in numbers[: length or 0]]
                placeholders += several
                arguments[parameter.name] = (
                    None if length is None else several if parameter.is_list else several[0]
                )
            self._statements[shape] = _compile_queryset(self._build(**arguments), placeholders, connection)
        return self._statements[shape]

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
        self.name = statement_name(sql, self._names)

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
            if not execute_plan(self, ordered, cursor, connection):
                cursor.execute(self.sql, values)
            return list(cursor.fetchall())

    def numbered_parameters(self) -> dict[str, Any]:
        """Parameters that make `sql` what PREPARE takes: $1, $2 … instead of the values."""
        return {name: AsIs(f"${number}") for number, name in enumerate(self._names, 1)}

    @property
    def _short_sql(self) -> str:
        return f"{' '.join(self.sql.split())[:60]!r}"


def _named_parameters(build: Callable[..., Any], query: str) -> tuple[_Named, ...]:
    annotations = get_type_hints(build)
    named = []
    for name, parameter in signature(build).parameters.items():
        if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            raise TypeError(f"{query}: {parameter} cannot be given by name.")
        if name not in annotations:
            raise TypeError(f"{query}: {name} needs an annotation.")
        alternatives = get_args(annotations[name])
        kinds = alternatives if type(None) in alternatives else (annotations[name],)
        origins = [get_origin(kind) or kind for kind in kinds]
        is_list = any(
            origin is not str and isinstance(origin, type) and issubclass(origin, Collection)
            for origin in origins
        )
        is_text = str in {*kinds, *(each for kind in kinds for each in get_args(kind))}
        named.append(_Named(name, is_list, is_text, type(None) in kinds))
    return tuple(named)


def _placeholder(number: int, parameter: _Named) -> int | str:
    return f"{TEXT}{number}" if parameter.is_text else number


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


def _compile_queryset(
    rows: "models.QuerySet[Any, Any]", placeholders: Sequence[int | str], connection: BaseDatabaseWrapper
) -> _Statement | None:
    """The statement of a QuerySet with `placeholders`; None where Django knows that no row can match."""
    if vars(rows).get("_prefetch_related_lookups"):
        raise CannotBeCompiledError("Related rows are not prefetched.")
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
        indexes=_value_indexes(sql, parameters, placeholders),
        converted=tuple(
            (index, column) for index, column in enumerate(columns) if compiler.get_converters([column])
        ),
        model_rows=ModelRows(info["model"], fields) if info else None,
        fields=tuple(fields),
        annotations=tuple((compiler.annotation_col_map or {}).items()) if info else (),
        populators=tuple(_related_populators(info, compiler, connection)) if info else (),
    )


def _related_populators(
    info: Mapping[str, Any], compiler: Any, connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    # django-stubs knows an argument of a later Django.
    populators = get_related_populators(info, compiler.select, connection.alias)  # type: ignore[call-arg,arg-type]
    build_quickly(populators)
    return populators


def _value_indexes(
    sql: str, parameters: Sequence[Any], placeholders: Sequence[int | str]
) -> tuple[int | None, ...]:
    """Which placeholder each parameter is. Raises CannotBeCompiledError unless each is found, unchanged."""
    if str(FIRST_PLACEHOLDER)[:13] in sql:
        raise CannotBeCompiledError("A value is written into the SQL.")
    known = {placeholder: index for index, placeholder in enumerate(placeholders)}
    indexes = tuple(_value_index(parameter, known) for parameter in parameters)
    if missing := set(known.values()) - set(indexes):
        raise CannotBeCompiledError(f"The values {sorted(missing)} are not among the parameters.")
    return indexes


def _value_index(parameter: Any, known: Mapping[int | str, int]) -> int | None:
    if type(parameter) in {int, str} and parameter in known:
        return known[parameter]
    if isinstance(parameter, int) and not isinstance(parameter, bool):
        distance = abs(abs(parameter) - FIRST_PLACEHOLDER)
        is_changed = distance < MAX_PLACEHOLDERS or abs(parameter) > FIRST_PLACEHOLDER
    else:
        is_changed = str(FIRST_PLACEHOLDER)[:13] in str(parameter)
    if is_changed:
        raise CannotBeCompiledError(f"A value was changed: {parameter!r}.")
    return None


def _convert(
    converted: Sequence[tuple[int, Any]], rows: list[tuple[Any, ...]], connection: BaseDatabaseWrapper
) -> list[tuple[Any, ...]]:
    if not converted:
        return rows
    changed = [list(row) for row in rows]
    for index, column in converted:
        backend = connection.ops.get_db_converters(column)
        for convert in [*backend, *column.get_db_converters(connection)]:
            for values in changed:
                values[index] = convert(values[index], column, connection)
    return [tuple(values) for values in changed]


def _to_rows(
    statement: _Statement, rows: list[tuple[Any, ...]], connection: BaseDatabaseWrapper
) -> list[Any]:
    """Rows as Python wants them: instances of the model with their annotations, or tuples."""
    rows = _convert(statement.converted, rows, connection)
    if statement.model_rows is None:
        return rows
    fields, width = statement.fields, len(statement.fields)
    instances = []
    for row in rows:
        instance = statement.model_rows.from_db(connection.alias, fields, row[:width])
        for name, index in statement.annotations:
            setattr(instance, name, row[index])
        for populator in statement.populators:
            populator.populate(row, instance)
        instances.append(instance)
    return instances
