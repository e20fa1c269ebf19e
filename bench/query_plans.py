"""Reads PostgreSQL's plans of the statements of a page, and finds expensive steps in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

# A scan or sort of more rows than this grows with the network.
MAX_ROWS = 5000

Node = dict[str, Any]


@dataclass(frozen=True)
class QueryPlan:
    """The plan of one executed statement."""

    sql: str
    root: Node
    milliseconds: float

    def find_problems(self) -> list[str]:
        """Describe scans of whole tables, and scans and sorts of more than MAX_ROWS rows."""
        return [problem for node in _nodes(self.root) for problem in _find_problems(node)]

    @property
    def rows_read(self) -> int:
        """The most rows that a step of the plan returned or filtered out."""
        return max(
            _rows(node) + int(node.get("Rows Removed by Filter", 0)) * _loops(node)
            for node in _nodes(self.root)
        )

    @property
    def buffers(self) -> int:
        """The number of 8 kB pages that were read."""
        return int(self.root.get("Shared Hit Blocks", 0)) + int(self.root.get("Shared Read Blocks", 0))


def explain_query(sql: str, parameters: dict[str, Any] | None = None) -> QueryPlan:
    """Run one statement and return its plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        [[result]] = cursor.fetchall()
    top = result[0] if isinstance(result, list) else json.loads(result)[0]
    return QueryPlan(sql, top["Plan"], top["Execution Time"])


def explain_as_text(sql: str, parameters: dict[str, Any] | None = None) -> str:
    """Run one statement and return its plan as PostgreSQL's text."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def explain_page(client: Client, path: str) -> list[QueryPlan]:
    """Return the plans of all SELECTs of a page. Raises AssertionError unless the response is a 200."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    if response.status_code != 200:
        raise AssertionError(f"{path} returned {response.status_code}")
    selects = [query["sql"] for query in captured.captured_queries if _is_select(query["sql"])]
    return [explain_query(sql) for sql in selects]


def _is_select(sql: str) -> bool:
    return sql.lstrip().upper().startswith(("SELECT", "WITH", "EXECUTE"))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _loops(node: Node) -> int:
    return max(1, int(node.get("Actual Loops", 1)))


def _rows(node: Node) -> int:
    return int(node.get("Actual Rows", 0)) * _loops(node)


def _find_problems(node: Node) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    read = int(node.get("Actual Rows", 0)) + int(node.get("Rows Removed by Filter", 0))
    if kind == "Seq Scan" and (table == "feed_post" or read > MAX_ROWS):
        yield f"sequential scan of {table}, {read:,} rows"
    elif table and read > MAX_ROWS:
        yield f"{kind.lower()} of {table} reads {read:,} rows"
    elif "Sort" in kind and (sorted_rows := sum(_rows(child) for child in node.get("Plans", []))) > MAX_ROWS:
        yield f"sort of {sorted_rows:,} rows by {', '.join(node.get('Sort Key', []))}"
