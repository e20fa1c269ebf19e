"""Sessions in Django's own table (SESSION_ENGINE), read by SQL that is written once, since every request reads one.

A QuerySet built anew for each of them took more of the processor than the database took to answer (decision 0013).
"""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import connection
from django.utils import timezone

# The names of django.contrib.sessions, which are those of its migration.
_LOAD = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(DatabaseStore):
    """Django's store; only what each request asks for differs."""

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing, and no key, where there is none that lasts."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(_LOAD, [self.session_key, now])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        held: dict[str, Any] = self.decode(row[0])
        return held
