"""Creates the members of bench.ws in bulk: `python -m bench.ws.members COUNT FILE`, with the servers' settings.

Each pair of them has a conversation. FILE gets their ids, sessions and conversations, for the generators.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

POSTS, CROWD = 2000, 300
ENTRIES = 10


def main(count: int, file: Path) -> None:
    """Create `count` members and their conversations; write their ids and sessions to `file`."""
    django.setup()
    from bench import crowd  # noqa: PLC0415 -- models need the settings

    crowd.create_crowd(members=CROWD, posts=POSTS, report_progress=lambda text: None)
    members = _create_members(count)
    conversations = _create_conversations([member.pk for member in members])
    sessions = _create_sessions([*members, _bench_member()])
    data = {
        "cookies": _cookie_names(),
        "reader": sessions.pop(),
        "members": [
            {"member": member.pk, "session": session, "conversation": conversations[index // 2]}
            for index, (member, session) in enumerate(zip(members, sessions, strict=True))
        ],
    }
    file.write_text(json.dumps(data))


def _cookie_names() -> dict[str, str]:
    from django.conf import settings  # noqa: PLC0415

    return {"session": settings.SESSION_COOKIE_NAME, "csrf": settings.CSRF_COOKIE_NAME}


def _bench_member() -> Any:
    from bench.crowd import BENCH  # noqa: PLC0415
    from users.models import User  # noqa: PLC0415

    return User.objects.get(username=BENCH)


def _create_members(count: int) -> list[Any]:
    from allauth.account.models import EmailAddress  # noqa: PLC0415
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from users.models import Profile, User  # noqa: PLC0415

    now, password = timezone.now(), make_password(None)
    rows = []
    for number in range(count):
        name = f"socket{number:05}"
        user = User(username=name, email=f"{name}@sockets.example.org", name=f"Robin Socket {number}")
        user.password, user.joined_at = password, now
        user.refresh_sort_name()
        rows.append(user)
    members = User.objects.bulk_create(rows, batch_size=1000)
    Profile.objects.bulk_create([Profile(user=user) for user in members], batch_size=1000)
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in members],
        batch_size=1000,
    )
    return members


def _create_conversations(ids: list[int]) -> list[int]:
    """Connect each pair and create its conversation, with the last message unread; return the ids."""
    from django.utils import timezone  # noqa: PLC0415

    from messaging.models import Conversation, Entry, Membership  # noqa: PLC0415
    from network.models import Connection  # noqa: PLC0415

    now = timezone.now()
    pairs = list(zip(ids[::2], ids[1::2], strict=True))
    connected = {"state": Connection.State.CONNECTED, "invited_at": now, "connected_at": now}
    Connection.objects.bulk_create(
        [Connection(low_id=low, high_id=high, inviter_id=low, **connected) for low, high in pairs],
        batch_size=1000,
    )
    conversations = Conversation.objects.bulk_create(
        [
            Conversation(pair=Conversation.pair_of(*pair), created_by_id=pair[0], last_seq=ENTRIES)
            for pair in pairs
        ],
        batch_size=1000,
    )
    entries = Entry.objects.bulk_create(
        [
            Entry(conversation=conversations[index], seq=seq, author_id=pair[seq % 2], text="Before.",
                  html="<p>Before.</p>", created_at=now - timedelta(hours=1))
            for index, pair in enumerate(pairs) for seq in range(1, ENTRIES + 1)
        ], batch_size=1000,
    )  # fmt: skip
    seen = {"accepted_at": now, "delivered_seq": ENTRIES - 1, "read_seq": ENTRIES - 1, "unread": 1}
    Membership.objects.bulk_create(
        [
            Membership(conversation=conversations[index], member_id=pk,
                       sort_key=entries[(index + 1) * ENTRIES - 1].pk, **seen)
            for index, pair in enumerate(pairs) for pk in pair
        ], batch_size=1000,
    )  # fmt: skip
    return [conversation.pk for conversation in conversations]


def _create_sessions(members: list[Any]) -> list[str]:
    from django.conf import settings  # noqa: PLC0415
    from django.contrib import auth  # noqa: PLC0415
    from django.contrib.sessions.backends.base import VALID_KEY_CHARS  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415
    from django.contrib.sessions.models import Session  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415
    from django.utils.crypto import get_random_string  # noqa: PLC0415

    store, until = SessionStore(), timezone.now() + timedelta(days=1)
    rows = []
    for member in members:
        data = {
            auth.SESSION_KEY: str(member.pk),
            auth.BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            auth.HASH_SESSION_KEY: member.get_session_auth_hash(),
        }
        key = get_random_string(32, VALID_KEY_CHARS)
        rows.append(Session(session_key=key, session_data=store.encode(data), expire_date=until))
    Session.objects.bulk_create(rows, batch_size=1000)
    return [row.session_key for row in rows]


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
