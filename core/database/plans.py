"""Plans that PostgreSQL keeps for a connection: a statement is planned once, and then runs by its name."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

# PostgreSQL's codes for: the plan is gone, is there already, or no longer fits the tables (after a migration).
PLAN_REFUSED = {"26000", "42P05", "0A000"}

# The names of the statements that each open connection to PostgreSQL has plans for.
_planned: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()

# `is_on` while this thread is in a transaction that may use plans (run_with_plans).
_plans_in_transaction = threading.local()


class PlannedStatement(Protocol):
    """A statement with a name, whose parameters can be numbered."""

    @property
    def name(self) -> str: ...

    @property
    def sql(self) -> str: ...

    def numbered_parameters(self) -> Any: ...


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


def statement_name(sql: str, others: tuple[Any, ...]) -> str:
    """Return a name that is the same for the same SQL, in every process."""
    return f"compiled_{hashlib.sha256(repr((sql, others)).encode()).hexdigest()[:24]}"


def execute_plan(
    statement: PlannedStatement, values: Sequence[Any], cursor: Any, connection: BaseDatabaseWrapper
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
