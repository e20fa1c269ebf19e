"""Who asks what came since gets nothing: live frames are all that there is."""

from typing import Any

from messaging import queries

from . import replace

proper = queries.entries_since


def entries_since(*arguments: Any) -> dict[str, Any]:
    return {**proper(*arguments), "entries": [], "more": False}


def apply() -> None:
    # The socket has the proper one: it took it when it was imported.
    replace("entries_since", entries_since, queries)
