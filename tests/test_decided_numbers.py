"""Numbers that members, operators and other programs count on: whoever changes one says so here as well.

Other tests go by the names of these numbers, and so would follow a change without a word.
"""

from datetime import timedelta
from importlib import import_module
from typing import Any

DECIDED: dict[str, dict[str, Any]] = {
    "core.sockets.flow_control": {
        "BURST": 200,
        "RATE": 30.0,
        "FRAME_BYTES": 64 * 1024,
        "WAITING_BYTES": 256 * 1024,
        "WAITING_EVENTS": 1000,
        "SOCKETS_PER_MEMBER": 10,
        "REMEMBERED_MEMBERS": 10_000,
        "PING_BYTES": 64 * 1024,
        "WINDOW_BYTES": 512 * 1024,
    },
    "core.database.pagination": {"MAX_ID": 2**63 - 1},
    "core.sockets.connection": {
        "RESTART": 1012,
        "FLOODED": 1008,
        "TOO_LARGE": 1009,
        "SIGNED_OUT": 4401,
        "EVENTS_AT_ONCE": 50,
    },
    "feed.queries.comments": {"FIRST_REPLIES": 3, "LATEST": 3, "PAGE_SIZE": 20},
    "feed.queries.reactions": {"PAGE_SIZE": 50},
    "feed.models.post": {"IMAGE_SIZES": (1600, 800)},
    "feed.rendering": {"MOST_TAGS": 30, "MOST_MENTIONS": 50},
    "feed.timeline": {"PAGE_SIZE": 20},
    "messaging.display.inbox": {"PAGE_SIZE": 20, "LONGEST_SNIPPET": 120, "LONGEST_LOOKED_AT": 2000},
    "messaging.models.entry": {"MOST_WORDS": 6, "PICTURE_SIZES": (1600, 800)},
    "messaging.queries": {"AT_ONCE": 100, "MOST_COUNTED": 100},
    "messaging.socket.receipts": {"MOMENT": 0.3, "MOST_OF_ONE": 100},
    "messaging.services.conversations": {"MOST_IN_A_GROUP": 50, "MOST_REQUESTS": 20, "TITLE_NAMES": 3},
    "messaging.services.cursors": {"AT_ONCE": 200},
    "messaging.services.send": {
        "MAX_UNANSWERED_MESSAGES": 5,
        "RATE_LIMIT_MESSAGES": 120,
        "RATE_LIMIT_SECONDS": 60,
    },
    "messaging.display.history": {"PAGE_SIZE": 50, "AROUND": 40},
    "network.graph": {"MAX_CONNECTIONS": 500, "MAX_SUGGESTIONS": 12, "FIRST_MUTUAL": 3},
    "network.invitation_queries": {"PAGE_SIZE": 24},
    "network.member_queries": {"PAGE_SIZE": 24},
    "network.models": {"MOST_WORDS": 6},
    "network.reach": {"DAY": 86_400, "NEW_FOR": timedelta(days=7)},
    "notifications.display.badge": {"MOST": 100},
    "notifications.mailing": {"LATER": timedelta(minutes=15), "REST": timedelta(hours=1), "MOST": 20},
    "notifications.receivers": {"MOST_IN_THREAD": 30},
    "notifications.services": {"TRIES": 10},
    "operations.backup.sqlite_target": {"BATCH_SIZE": 1000},
    "professional_network.env": {"LARGEST": 2**31 - 1},
    "operations.transfer.comparison": {"MAX_NAMED_ROWS": 20, "LOOKED_AT": 40, "POINTS": 6},
    "professional_network.values": {"PORTS": (1, 65_535), "DEFAULT_PORTS": {"http": 80, "https": 443}},
    "users.accounts.mail_limits": {"HOUR": 3600},
    "users.accounts.abandoned_accounts": {"BATCH": 500},
}


def test_the_numbers_are_those_that_were_decided() -> None:
    found = {
        module: {name: getattr(import_module(module), name) for name in names}
        for module, names in DECIDED.items()
    }
    assert found == DECIDED
