"""Members at work while a server changes under them, and a log of the locks that they might wait for."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

import psycopg2

from core.database import migration_locks
from scripts.stack import Stack
from scripts.visitor import NoResponse, Response, UnexpectedResponse, Visitor

from .people import PASSWORD
from .test_faults import seconds_until

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
TABLES = """
SELECT array_agg(oid::bigint) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
LOCKS = """
SELECT pid, relation::regclass::text, mode, granted, coalesce(xact_start::text, '')
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'relation' AND relation = ANY(%s::oid[]) AND mode = ANY(%s)
"""


class Town:
    """Members who read, sign in, post and write until stopped, and what they got."""

    def __init__(self, stack: Stack) -> None:
        self.outcomes: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}
        self.files: list[str] = []
        self._stack = stack
        self._enough = threading.Event()
        ways = [self._read, self._read_inbox, self._sign_in, self._post, self._post, self._write]
        self._threads = [threading.Thread(target=self._live, args=[way]) for way in ways]
        for thread in self._threads:
            thread.start()

    def _live(self, way: Callable[[Visitor], tuple[str, Response]]) -> None:
        with Visitor(self._stack, timeout=30) as visitor:
            if way != self._sign_in:
                visitor.sign_in("bob" if way == self._write else "alice", PASSWORD)
            while not self._enough.wait(0.2):
                try:
                    what, response = way(visitor)
                    self.slowest[what] = max(self.slowest.get(what, 0), response.seconds)
                    self.outcomes[f"{what} {response.status}"] += 1
                except (NoResponse, UnexpectedResponse) as error:
                    self.outcomes[f"{way.__name__} {type(error).__name__}: {error}"] += 1

    def _read(self, visitor: Visitor) -> tuple[str, Response]:
        return "read", visitor.get("/")

    def _read_inbox(self, visitor: Visitor) -> tuple[str, Response]:
        return "inbox", visitor.get("/messages/")

    def _sign_in(self, visitor: Visitor) -> tuple[str, Response]:
        self._enough.wait(2.5)  # one address may do it thirty times a minute
        visitor.cookies.clear()
        return "sign in", visitor.sign_in("bob", PASSWORD)

    def _post(self, visitor: Visitor) -> tuple[str, Response]:
        """With a document, whose name is what the upgrades are about."""
        name, border = f"notes-{uuid.uuid4().hex}.pdf", uuid.uuid4().hex
        fields = {"text": "The minutes of yesterday.", "audience": "1"}
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        head = f'--{border}\r\nContent-Disposition: form-data; name="document"; filename="{name}"\r\n\r\n'
        body = "".join([*parts, head]).encode() + PDF + f"\r\n--{border}--\r\n".encode()
        response = self._send(visitor, "/posts/", body, f"multipart/form-data; boundary={border}")
        if response.status == HTTPStatus.FOUND:
            self.files.append(name)
        return "post", response

    def _write(self, visitor: Visitor) -> tuple[str, Response]:
        self._enough.wait(1)  # nobody may write faster than others read
        body = urlencode({"text": f"Hello {uuid.uuid4()}"}).encode()
        return "write", self._send(visitor, "/messages/to/alice/", body, "application/x-www-form-urlencoded")

    def _send(self, visitor: Visitor, path: str, body: bytes, kind: str) -> Response:
        headers = {
            "Content-Type": kind,
            "Referer": self._stack.origin + "/",
            "X-CSRFToken": visitor.cookies["__Host-csrf"],
        }
        return visitor.send_request("POST", path, body, headers)

    def goes_on(self) -> None:
        """Wait until five more posts have been made."""
        wanted = len(self.files) + 5
        seconds_until(lambda: len(self.files) >= wanted, 60)

    def go_home(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> dict[str, int]:
        """What nobody should have got."""
        fine = {"read 200", "inbox 200", "sign in 302", "post 302", "write 302"}
        return {outcome: count for outcome, count in self.outcomes.items() if outcome not in fine}


class LockLog:
    """How long locks that readers or writers of a table wait for were held, and waited for, by a look every 10 ms.

    A lock was there from the look before it was seen until the look after: the figures are the most that it can be.
    """

    def __init__(self, database: str) -> None:
        self.held: tuple[float, str] = (0.0, "none")
        self.waited_for: tuple[float, str] = (0.0, "none")
        self._connection = psycopg2.connect(database)
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(TABLES)
            [(self._tables,)] = cursor.fetchall()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        began: dict[tuple[object, ...], float] = {}
        before = time.monotonic()
        while not self._enough.wait(0.01):
            with self._connection.cursor() as cursor:
                cursor.execute(LOCKS, [self._tables, migration_locks.BLOCKING_MODES])
                rows = cursor.fetchall()
            now = time.monotonic()
            for row, since in began.items():
                self._note(now - since, row)
            began = {row: began.get(row, before) for row in rows}
            before = now

    def _note(self, seconds: float, row: tuple[object, ...]) -> None:
        _, table, mode, is_held, _ = row
        if is_held:
            self.held = max(self.held, (seconds, f"{mode} on {table}"))
        else:
            self.waited_for = max(self.waited_for, (seconds, f"{mode} on {table}"))

    def close(self) -> None:
        self._enough.set()
        self._thread.join()
        self._connection.close()
