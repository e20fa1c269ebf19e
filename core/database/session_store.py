"""Sessions in Django's own table (SESSION_ENGINE), read with prepared SQL, since every request reads one.

Building a QuerySet for each request took more CPU time than the query itself (decision 0013).
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

# Table and columns of django.contrib.sessions, as in its migration.
_LOAD = CompiledSQL(
    "SELECT session_data FROM django_session WHERE session_key = %(key)s AND expire_date > %(now)s"
)


# Only keys as Django makes them: a browser may send any text, even one that no database accepts.
_is_key = re.compile(r"[a-z0-9]{32}").fullmatch


class SessionStore(DatabaseStore):
    """Django's store, with a faster `load`."""

    def _validate_session_key(self, key: object) -> bool:
        """Return whether this key may be looked up; Django checks its length only."""
        return isinstance(key, str) and _is_key(key) is not None

    def load(self) -> dict[str, Any]:
        """Return the session data; without a valid session, return {} and drop the key."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        for (encoded,) in _LOAD.fetch(key=self.session_key or "", now=now):
            data: dict[str, Any] = self.decode(encoded)
            return data
        self._session_key = None
        return {}


def member_of_session(session_key: str) -> AbstractBaseUser | None:
    """Return the member of the session, checked as for a page, without side effects; None when there is none."""
    session = SessionStore(session_key)
    backend = session.get(BACKEND_SESSION_KEY)
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    member: AbstractBaseUser | None = load_backend(backend).get_user(session[SESSION_KEY])
    if member is None:
        return None
    hashes = {member.get_session_auth_hash(), *member.get_session_auth_fallback_hash()}
    return member if session.get(HASH_SESSION_KEY) in hashes else None
