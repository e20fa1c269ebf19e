"""PostgreSQL's plan of a statement, with the actual rows of each step."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

# A step of the plan, with PostgreSQL's keys: "Node Type", "Relation Name", "Actual Rows", "Actual Loops", "Plans".
Node = dict[str, Any]


def plan(sql: str, parameters: Sequence[Any] | None = None) -> Node:
    """Run `sql` (also EXECUTE of a prepared statement); return the top step of its plan."""
    with connection.cursor() as query:
        query.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        [[answer]] = query.fetchall()
    document = answer if isinstance(answer, list) else json.loads(answer)
    top: Node = document[0]["Plan"]
    return top


def nodes(node: Node) -> Iterator[Node]:
    """Yield the step and all steps below it."""
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)
