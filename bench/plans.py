"""What PostgreSQL does for a page: the plans of its statements, and what must not stand in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

# A scan or sort of more rows than this is one that grows with the network.
MANY_ROWS = 5000

Node = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How one statement was run."""

    sql: str
    root: Node
    milliseconds: float

    def faults(self) -> list[str]:
        """Scans of whole tables and sorts of very many rows, in words."""
        return [fault for node in _nodes(self.root) for fault in _faults(node)]

    @property
    def rows_read(self) -> int:
        """The most rows that any part of the plan produced or threw away."""
        return max(
            _rows(node) + int(node.get("Rows Removed by Filter", 0)) * _loops(node)
            for node in _nodes(self.root)
        )

    @property
    def buffers(self) -> int:
        """How many pages of 8 kB were touched."""
        return int(self.root.get("Shared Hit Blocks", 0)) + int(self.root.get("Shared Read Blocks", 0))


def explained(sql: str, parameters: dict[str, Any] | None = None) -> Plan:
    """Run one statement and return its plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        [[answer]] = cursor.fetchall()
    top = answer[0] if isinstance(answer, list) else json.loads(answer)[0]
    return Plan(sql, top["Plan"], top["Execution Time"])


def explained_text(sql: str, parameters: dict[str, Any] | None = None) -> str:
    """The plan of one statement as PostgreSQL writes it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def plans_of_page(client: Client, address: str) -> list[Plan]:
    """The plans of every SELECT that a page makes. Raises AssertionError when the page is not answered with 200."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    if response.status_code != 200:
        raise AssertionError(f"{address} answered {response.status_code}")
    selects = [query["sql"] for query in captured.captured_queries if _is_select(query["sql"])]
    return [explained(sql) for sql in selects]


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


def _faults(node: Node) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    read = int(node.get("Actual Rows", 0)) + int(node.get("Rows Removed by Filter", 0))
    if kind == "Seq Scan" and (table == "feed_post" or read > MANY_ROWS):
        yield f"sequential scan of {table}, {read:,} rows"
    elif table and read > MANY_ROWS:
        yield f"{kind.lower()} of {table} reads {read:,} rows"
    elif "Sort" in kind and (taken := sum(_rows(child) for child in node.get("Plans", []))) > MANY_ROWS:
        yield f"sort of {taken:,} rows by {', '.join(node.get('Sort Key', []))}"
