"""gunicorn with one worker and its own world beside the stack, and what each request costs that worker.

It is asked without nginx, whose limits would keep off what is to be measured; what members and visitors may do how
often is forgotten before each form.
"""

import http.client
import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import psycopg2
import redis

from scripts.servers import HOST, find_free_port
from scripts.stack import Stack, run_manage_command, running_gunicorn
from tests.cast import PASSWORD
from tests.testkit.prepared_files import MIGRATED_DATABASE

FORM = "application/x-www-form-urlencoded"
MAKE_WORLD = """
import json
from tests.cast import make_member
from tests.authorization_objects import create_objects
world = create_objects(make_member("alice"), make_member("mona"))
print("WORLD", json.dumps({name: str(value) for name, value in world.words.items()}))
"""
MEMBERS = {"owner": "alice", "staff": "stella"}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sent:
    """A request, by one of MEMBERS or by "anonymous"."""

    who: str
    method: str
    address: str
    body: bytes = b""
    kind: str = FORM
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class OneWorker:
    """The worker, as it is seen from outside."""

    port: int
    limits: redis.Redis
    words: dict[str, str]
    pid: int
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(self, sent: Sent) -> tuple[int, http.client.HTTPMessage, bytes]:
        """The answer: its status, headers and body. A request with a body has the token of its visitor."""
        if sent.method == "POST":
            self.limits.flushdb()
        jar = self.cookies.setdefault(sent.who, {})
        cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
        headers: dict[str, str | bytes] = {
            "Host": "localhost",
            "X-Forwarded-Proto": "https",
            "Referer": "https://localhost/",
            "X-CSRFToken": jar.get("__Host-csrf", ""),
            "Cookie": cookie,
        }
        headers.update(sent.headers)
        if sent.method == "POST":
            headers["Content-Type"] = sent.kind
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=120)) as connection:
            connection.request(sent.method, sent.address, sent.body or None, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def seconds_for(self, sent: Sent) -> tuple[float, int]:
        """The CPU seconds that the worker takes for this request, and the status of its answer."""
        before = self._processor_seconds()
        status, _headers, _body = self.ask(sent)
        return self._processor_seconds() - before, status

    def sign_in(self, who: str) -> None:
        """Keep the cookies that this visitor goes on with."""
        self._keep(who, Sent("nobody yet", "GET", "/accounts/login/"))
        if who in MEMBERS:
            self.cookies["nobody yet"] = self.cookies[who]
            form = urlencode({"login": MEMBERS[who], "password": PASSWORD}).encode()
            self._keep(who, Sent("nobody yet", "POST", "/accounts/login/", form))
            assert "__Host-session" in self.cookies[who]
        self.cookies["nobody yet"] = {}

    def _keep(self, who: str, sent: Sent) -> None:
        _status, headers, _body = self.ask(sent)
        for line in headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.setdefault(who, {})[name] = morsel.value

    def _processor_seconds(self) -> float:
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS

    def peak(self) -> int:
        """The most memory that the worker has held, in megabytes."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) // 1024


@contextmanager
def one_worker(stack: Stack) -> Iterator[OneWorker]:
    """Run one worker with the settings of `make stack` and the objects of tests.authorization_objects.

    All of MEMBERS are signed in.
    """
    database = f"{stack.postgres.url.rpartition('/')[0]}/one_worker"
    with closing(psycopg2.connect(stack.postgres.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE one_worker TEMPLATE {MIGRATED_DATABASE}")
    cache = stack.redis.url.removesuffix("/0") + "/7"
    folder, port = stack.site.folder.parent / "one-worker", find_free_port()
    folder.mkdir()
    environment = {
        **stack.environment,
        "DATABASE_URL": database,
        "REDIS_URL": cache,
        "WEB_CONCURRENCY": "1",
        "MEMBER_LIMITS_FACTOR": "0",
    }
    said = run_manage_command(environment, "shell", "--command", MAKE_WORLD)
    words = json.loads(said.rpartition("WORLD ")[2])
    with running_gunicorn(port, folder, environment) as server:
        (pid,) = server.children()
        worker = OneWorker(port, redis.Redis.from_url(cache), words, pid)
        for who in ("anonymous", *MEMBERS):
            worker.sign_in(who)
        yield worker
