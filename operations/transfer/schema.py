"""Compares the schema of PostgreSQL with the schema that the migrations create.

The expected schema is a description made from a freshly migrated database (`python -m scripts.schema`, held to the
migrations by a test). Migrating a scratch database instead would need rights that LinkUp's role does not have, and a
verification never writes. The description names its migrations; for others nothing is compared.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .problems import Problem
from .rows import Migration

DESCRIPTION = Path(__file__).with_name("schema.json")
# Versions of PostgreSQL differ in casts and parentheses.
_noise = re.compile(r'::(character varying|[a-z_]+)(\(\d+\))?(\[\])?|[\s()"]')

RunStatement = Callable[..., list[Any]]


class Part(NamedTuple):
    """One part of a table's schema: its kind, name and definition."""

    table: str
    kind: str
    name: str
    text: str

    @property
    def comparison_key(self) -> tuple[str, str, str]:
        """Equal for equal parts: the names of indexes and constraints do not count, those of columns do."""
        name = self.name if self.kind == "column" else ""
        return self.kind, name, _noise.sub("", self.text).lower()


class Schema(NamedTuple):
    """All parts, and the migrations that created them."""

    migrations: set[Migration]
    parts: list[Part]


_STATEMENTS = r"""
WITH t AS (SELECT * FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace)
SELECT t.relname, 'column', a.attname,
       format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END
       || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
       || CASE a.attidentity WHEN '' THEN '' ELSE ' IDENTITY ' || a.attidentity::text END
       || coalesce(CASE a.attgenerated WHEN '' THEN ' DEFAULT ' ELSE ' GENERATED ' END
                   || pg_get_expr(d.adbin, d.adrelid), '')
FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
UNION ALL
SELECT t.relname, 'constraint', c.conname, pg_get_constraintdef(c.oid)
FROM t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype IN ('c', 'u', 'p', 'f', 'x')
UNION ALL
SELECT t.relname, CASE WHEN i.indisunique THEN 'unique index' ELSE 'index' END, n.relname,
       regexp_replace(pg_get_indexdef(n.oid), '^.* USING ', '')
       || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' INVALID' END
FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class n ON n.oid = i.indexrelid
WHERE NOT i.indisvalid
OR NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = n.oid AND c.contype IN ('u', 'p', 'x'))
UNION ALL
SELECT t.relname, 'trigger', g.tgname,
       regexp_replace(pg_get_triggerdef(g.oid), ' ON \S+ ', ' ON ' || t.relname || ' ')
       || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' ENABLED ' || g.tgenabled::text END
FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
UNION ALL
SELECT DISTINCT t.relname, 'trigger', 'of foreign keys', 'DISABLED: foreign keys are not checked'
FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE g.tgisinternal AND g.tgenabled <> 'O'
UNION ALL
SELECT t.relname, 'sequence', a.attname,
       concat_ws(' ', format_type(s.seqtypid, NULL), 'START', s.seqstart, 'BY', s.seqincrement, 'FROM', s.seqmin, 'TO',
                 s.seqmax, CASE WHEN s.seqcycle THEN 'CYCLE' END)
FROM t JOIN pg_depend d ON d.refobjid = t.oid AND d.deptype IN ('i', 'a') AND d.refobjsubid > 0
JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
UNION ALL
SELECT t.relname, 'table', t.relname,
       concat_ws(', ', t.relkind::text, CASE t.relpersistence WHEN 'u' THEN 'UNLOGGED: emptied after a crash' END,
                 CASE WHEN t.relrowsecurity THEN 'row security' END,
                 CASE WHEN t.relforcerowsecurity THEN 'row security for its owner' END)
FROM t
UNION ALL
SELECT t.relname, 'policy', p.polname, pg_get_expr(p.polqual, p.polrelid) FROM t JOIN pg_policy p ON p.polrelid = t.oid
UNION ALL
SELECT t.relname, 'rule', r.rulename, pg_get_ruledef(r.oid) FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
"""


def read_parts(run: RunStatement) -> list[Part]:
    """Read the parts of the database, with `run(statement)`."""
    return sorted(Part(*(str(value or "") for value in row)) for row in run(_STATEMENTS))


def load_description(path: Path = DESCRIPTION) -> Schema:
    """Load the description that `describe_schema` wrote."""
    description = json.loads(path.read_text())
    parts = [Part(table, *part) for table, own in description["tables"].items() for part in own]
    return Schema({(app, name) for app, name in description["migrations"]}, parts)


def describe_schema(migrations: Iterable[Migration], parts: Iterable[Part]) -> str:
    """Return the description as JSON, sorted, one part a line."""
    tables: dict[str, list[Part]] = {}
    for part in sorted(parts):
        tables.setdefault(part.table, []).append(part)
    listed = ",\n".join(f"  {json.dumps(list(migration))}" for migration in sorted(migrations))
    shown = ",\n".join(
        f"  {json.dumps(table)}: [\n"
        + ",\n".join(f"   {json.dumps(list(part[1:]))}" for part in own)
        + "\n  ]"
        for table, own in sorted(tables.items())
    )
    return f'{{\n "migrations": [\n{listed}\n ],\n "tables": {{\n{shown}\n }}\n}}\n'


def compare_schemas(expected: list[Part], found: list[Part]) -> list[Problem]:
    """Return missing and additional parts. Tables of other apps and additional non-unique indexes are allowed."""
    problems = []
    for table in sorted({part.table for part in expected}):
        wanted = {part.comparison_key: part for part in expected if part.table == table}
        there = {part.comparison_key: part for part in found if part.table == table}
        if not there:
            problems.append(Problem(table, "", "", "has no table in the target"))
            continue
        missing = [part for meaning, part in wanted.items() if meaning not in there]
        extra = [part for meaning, part in there.items() if meaning not in wanted and part.kind != "index"]
        problems += [Problem(table, "", "", f"the target lacks: {_describe_part(part)}") for part in missing]
        problems += [
            Problem(table, "", "", f"the target has besides: {_describe_part(part)}") for part in extra
        ]
    return problems


def _describe_part(part: Part) -> str:
    return f"{part.kind} {part.name}: {part.text}"
