"""Sessions in Django's own table (SESSION_ENGINE), read by SQL that is written once, since every request reads one.

A QuerySet built anew for each of them took more of the processor than the database took to answer (decision 0013).
"""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import connection
from django.utils import timezone

from .compiled_queries import CompiledSQL

# The names of django.contrib.sessions, which are those of its migration.
_LOAD = CompiledSQL(
    "SELECT session_data FROM django_session WHERE session_key = %(key)s AND expire_date > %(now)s"
)


# What Django makes, and nothing else: a browser may send any text, also such as no database takes.
_is_key = re.compile(r"[a-z0-9]{32}").fullmatch


class SessionStore(DatabaseStore):
    """Django's store; only what each request asks for differs."""

    def _validate_session_key(self, key: object) -> bool:
        """Whether the database may be asked for this key; Django looks at its length only."""
        return isinstance(key, str) and _is_key(key) is not None

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing, and no key, where there is none that lasts."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        for (data,) in _LOAD.fetch(key=self.session_key or "", now=now):
            held: dict[str, Any] = self.decode(data)
            return held
        self._session_key = None
        return {}


def member_of_session(session_key: str) -> AbstractBaseUser | None:
    """The member of the session, checked as for a page, without changing anything; None where there is none."""
    session = SessionStore(session_key)
    backend = session.get(BACKEND_SESSION_KEY)
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    member: AbstractBaseUser | None = load_backend(backend).get_user(session[SESSION_KEY])
    if member is None:
        return None
    hashes = {member.get_session_auth_hash(), *member.get_session_auth_fallback_hash()}
    return member if session.get(HASH_SESSION_KEY) in hashes else None
