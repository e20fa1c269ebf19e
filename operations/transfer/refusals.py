"""Describes the errors of PostgreSQL during an import, with table, row and field."""

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

# Classes of errors about the connection, other sessions, the server's state, resources, files, or administrator.
NOT_THE_DATA = ("08", "25", "40", "53", "55", "57", "58", "XX")
BROKEN_REFERENCE, BROKEN_CHECK = "23503", "23514"
# The message of PostgreSQL for a file that may not grow; not every version calls that a full disk.
NO_ROOM = "could not extend file"
KEY = re.compile(r"Key \((?P<columns>.+?)\)=\((?P<values>.*)\) ", re.DOTALL)


def refuse_by_server(error: Any, problem: Problem | None = None) -> TransferRefused:
    """Return the refusal for an error of PostgreSQL; `problem` is its location, when that is known."""
    undone = "The import was undone; nothing of it is in the target."
    said = first_line(error)
    if error.pgcode is None or error.pgcode.startswith(NOT_THE_DATA) or NO_ROOM in said:
        server_hint = (error.diag.message_hint or "").rstrip(".")
        more = f" {server_hint}." if server_hint else ""
        return TransferRefused(f"{undone} {said.rstrip('.')}.{more} When that is mended, run it again.")
    if problem is None:
        problem = Problem(error.diag.table_name or "", "", _error_fields(error), said)
    return TransferRefused(f"{undone} PostgreSQL refuses:", [problem])


def find_copy_row(error: Any, table: Table, folder: ExportFolder) -> Problem:
    """Return the row at which COPY failed: PostgreSQL gives the line number, the export has the row."""
    line_number = re.search(r", line (\d+)", error.diag.context or "")
    rows = islice(folder.read_rows(table), int(line_number[1]) - 1, None) if line_number else iter(())
    row = next(rows, None)
    return Problem(
        table.label, table.format_key(row.key) if row else "", _error_fields(error), first_line(error)
    )


def find_orphan(error: Any, folder: ExportFolder) -> Problem | None:
    """Return the first row with a broken reference, or None for another error. Foreign keys are checked at the end,
    when PostgreSQL knows only the value; the export has the row.
    """
    key = KEY.match(error.diag.message_detail or "")
    table = next((one for one in folder.tables if one.name == error.diag.table_name), None)
    if error.pgcode != BROKEN_REFERENCE or key is None or table is None:
        return None
    columns = [column.name for column in table.columns]
    if key["columns"] not in columns:
        return None
    index = columns.index(key["columns"])
    reference = next(one for one in table.references if one.column == key["columns"])
    rows = (row for row in folder.read_rows(table) if decode_values(row.line)[index] == key["values"])
    row = next(rows, None)
    what = f"refers to {reference.other_table} {key['values']}, which is not in the export"
    return Problem(table.label, table.format_key(row.key) if row else "", reference.name, what)


def _error_fields(error: Any) -> str:
    """Return the fields of the error: named by PostgreSQL, in the doubled key, or in a check constraint."""
    diagnosis = error.diag
    named = diagnosis.column_name or (re.search(r"column (\w+)", diagnosis.context or "") or ["", ""])[1]
    if named:
        return str(named)
    if error.pgcode == BROKEN_CHECK:
        constraints = (one for model in apps.get_models() for one in model._meta.constraints)
        broken = next((one for one in constraints if one.name == diagnosis.constraint_name), None)
        if isinstance(broken, CheckConstraint) and isinstance(broken.condition, Q):
            return ", ".join(sorted(broken.condition.referenced_base_fields))
        return ""
    # Only the names: the values of a key may be an address.
    key = KEY.match(diagnosis.message_detail or "")
    return re.sub(r"::[a-z ]+", "", key["columns"]) if key else ""
