"""How many contacts a member has, about: lists of members with very many are read by other statements."""

import time

from core.database.compiled_queries import CompiledSQL
from core.database.lru_cache import LRUCache

from .models import Connection

# Beyond this it makes no difference how many there are.
MAX_COUNTED = 5000
# How long a count is used, in seconds. A wrong one costs time and nothing else.
LIFETIME = 600

_CONNECTIONS = CompiledSQL(f"""
SELECT COUNT(*) FROM (
    SELECT 1 FROM network_connection WHERE low_id = %(member)s AND state = {Connection.State.CONNECTED:d}
    UNION ALL
    SELECT 1 FROM network_connection WHERE high_id = %(member)s AND state = {Connection.State.CONNECTED:d}
    LIMIT {MAX_COUNTED:d}
) AS counted
""")  # noqa: S608 -- constants
_FOLLOWED = CompiledSQL(f"""
SELECT COUNT(*) FROM (
    SELECT 1 FROM network_follow WHERE follower_id = %(member)s LIMIT {MAX_COUNTED:d}
) AS counted
""")  # noqa: S608 -- constants

_counts: LRUCache[int] = LRUCache(10_000)


def count_connections(member: int) -> int:
    """About how many connections the member with this id has, at most MAX_COUNTED. Seldom a query."""
    return _count(_CONNECTIONS, member)


def count_followed_authors(member: int) -> int:
    """About how many members' posts are on the home page of the member with this id. Seldom two queries."""
    return count_connections(member) + _count(_FOLLOWED, member)


def _count(statement: CompiledSQL, member: int) -> int:
    key = (statement.name, member, int(time.time() / LIFETIME))
    return _counts.get_or_make(key, lambda: int(statement.fetch(member=member)[0][0]))
