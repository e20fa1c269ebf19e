"""How PostgreSQL went about a statement: its plan, with what each step really did."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

# A step, in the words of PostgreSQL: "Node Type", "Relation Name", "Actual Rows", "Actual Loops", "Plans".
Node = dict[str, Any]


def plan(sql: str, parameters: Sequence[Any] | None = None) -> Node:
    """Run `sql` (EXECUTE of a prepared statement, too); the topmost step of its plan."""
    with connection.cursor() as query:
        query.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        [[answer]] = query.fetchall()
    document = answer if isinstance(answer, list) else json.loads(answer)
    top: Node = document[0]["Plan"]
    return top


def nodes(node: Node) -> Iterator[Node]:
    """The step and all below it."""
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)
