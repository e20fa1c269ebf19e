"""What PostgreSQL holds against an import, told with table, row and field."""

import re
from itertools import islice
from typing import Any

from django.apps import apps
from django.db.models import CheckConstraint, Q

from .exports import ExportFolder
from .problems import Problem, TransferRefused
from .rows import decode_values
from .tables import Table
from .target import first_line

# Classes of errors about the connection, other users of the server, its state, means, files, administrator, or itself.
NOT_THE_DATA = ("08", "25", "40", "53", "55", "57", "58", "XX")
BROKEN_REFERENCE, BROKEN_CHECK = "23503", "23514"
# What PostgreSQL says of a file that may not grow; not every version calls that a full disk.
NO_ROOM = "could not extend file"
KEY = re.compile(r"Key \((?P<columns>.+?)\)=\((?P<values>.*)\) ", re.DOTALL)


def refuse_by_server(error: Any, problem: Problem | None = None) -> TransferRefused:
    """What PostgreSQL holds against the import; `problem` is where, when that is known."""
    undone = "The import was undone; nothing of it is in the target."
    said = first_line(error)
    if error.pgcode is None or error.pgcode.startswith(NOT_THE_DATA) or NO_ROOM in said:
        hint = (error.diag.message_hint or "").rstrip(".")
        more = f" {hint}." if hint else ""
        return TransferRefused(f"{undone} {said.rstrip('.')}.{more} When that is mended, run it again.")
    if problem is None:
        problem = Problem(error.diag.table_name or "", "", _error_fields(error), said)
    return TransferRefused(f"{undone} PostgreSQL refuses:", [problem])


def find_copy_row(error: Any, table: Table, folder: ExportFolder) -> Problem:
    """The row that COPY stumbled over: it tells the line, the export tells which row that is."""
    line = re.search(r", line (\d+)", error.diag.context or "")
    rows = islice(folder.read_rows(table), int(line[1]) - 1, None) if line else iter(())
    row = next(rows, None)
    return Problem(
        table.label, table.format_key(row.key) if row else "", _error_fields(error), first_line(error)
    )


def find_orphan(error: Any, folder: ExportFolder) -> Problem | None:
    """The first row whose reference leads nowhere. Foreign keys are checked at the end, when PostgreSQL knows only
    the value; the export knows the row. None when the error is another one.
    """
    key = KEY.match(error.diag.message_detail or "")
    table = next((one for one in folder.tables if one.name == error.diag.table_name), None)
    if error.pgcode != BROKEN_REFERENCE or key is None or table is None:
        return None
    columns = [column.column for column in table.columns]
    if key["columns"] not in columns:
        return None
    place = columns.index(key["columns"])
    reference = next(one for one in table.references if one.column == key["columns"])
    rows = (row for row in folder.read_rows(table) if decode_values(row.line)[place] == key["values"])
    row = next(rows, None)
    what = f"refers to {reference.other_table} {key['values']}, which is not in the export"
    return Problem(table.label, table.format_key(row.key) if row else "", reference.name, what)


def _error_fields(error: Any) -> str:
    """The fields that the error is about: named by PostgreSQL, in the key that is there twice, in a condition."""
    diagnosis = error.diag
    named = diagnosis.column_name or (re.search(r"column (\w+)", diagnosis.context or "") or ["", ""])[1]
    if named:
        return str(named)
    if error.pgcode == BROKEN_CHECK:
        return ", ".join(_checked(diagnosis.constraint_name or ""))
    # Only the names: the values of a key may be somebody's address.
    key = KEY.match(diagnosis.message_detail or "")
    return re.sub(r"::[a-z ]+", "", key["columns"]) if key else ""


def _checked(constraint: str) -> list[str]:
    """The fields in the condition of a constraint of our models."""
    known = (one for model in apps.get_models() for one in model._meta.constraints if one.name == constraint)
    found = next(known, None)
    if not isinstance(found, CheckConstraint) or not isinstance(found.condition, Q):
        return []
    return sorted(found.condition.referenced_base_fields)
