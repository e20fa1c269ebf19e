"""The servers of a run: a PostgreSQL that keeps what it acknowledged, Redis, gunicorn, and two daphne processes."""

import json
import signal
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import psycopg2
from redis import Redis

from scripts.programs import ROOT
from scripts.servers import Server, find_free_port, redis_server, temporary_folder
from scripts.stack import is_healthy, production_environment, run_manage_command, web_command, ws_command
from tests.testkit.prepared_files import migrated_postgres, prepare_files

from . import broken, clock
from .cast import SCRIPT, Cast

# What a crash of PostgreSQL alone must not lose; without these, losses would be the server's.
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
HEARTBEAT = 2
WORKERS = 2
DAPHNES = 2
WHOLE = "whole"
# No deed on a server takes longer.
DEED_SECONDS = 30.0


@dataclass
class Site:
    """The servers, and where they are. What is done to one waits until the last deed on it is done."""

    folder: Path
    environment: dict[str, str]
    postgres: Server
    redis: Server
    web: Server
    sockets: list[Server]
    web_port: int
    ws_ports: list[int]
    operators: ThreadPoolExecutor
    name: str

    def __post_init__(self) -> None:
        self._locks = {id(server): Lock() for server in self.servers}

    @property
    def servers(self) -> list[Server]:
        return [self.postgres, self.redis, self.web, *self.sockets]

    @property
    def database(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    def lock(self, server: Server) -> Lock:
        """Held by who does something to the server."""
        return self._locks[id(server)]

    def manage(self, *arguments: str) -> str:
        """Run a management command."""
        return run_manage_command(self.environment, *arguments)

    @contextmanager
    def broken(self, name: str, conversations: Collection[int]) -> Iterator[None]:
        """The same site, broken for the time of the block, in which only these conversations are used."""
        constraint = broken.constraint_of(name)
        self.name = name
        with without_constraint(self.database, *constraint, conversations) if constraint else nullcontext():
            break_file(self.folder).write_text(name)
            try:
                yield
            finally:
                break_file(self.folder).write_text("")
                self.name = WHOLE

    def crash_postgres(self) -> None:
        """PostgreSQL's "immediate" stop, as in a crash, and its recovery."""
        process = self.postgres.process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait()
        self.postgres.process = None
        self.postgres.start()

    def redis_client(self) -> Redis:
        """A connection to Redis, to be closed."""
        return Redis.from_url(self.redis.url, socket_timeout=2, socket_connect_timeout=2)

    def reset_faults(self) -> None:
        """Everything runs, and every clock is right."""
        for slot in range(clock.CLOCKS):
            clock.shift(self.clock, slot, 0.0)
        for server in self.servers:
            server.resume()
        for server in self.servers:
            # Who was interrupted in a deed may hold it still.
            is_ours = self.lock(server).acquire(timeout=DEED_SECONDS)
            try:
                if server.process is None or server.process.poll() is not None:
                    server.process = None
                    server.start()
            finally:
                if is_ours:
                    self.lock(server).release()

    def logs(self) -> str:
        """What the servers wrote, the end of each."""
        logs = ""
        for server in self.servers:
            path = server.folder / "log"
            text = path.read_text(errors="replace") if path.is_file() else ""
            logs += f"\n== {server.folder.name}\n{text[-20_000:]}"
        return logs


@dataclass(frozen=True)
class Ground:
    """What several sites may share. Servers that an operator starts again end with the operators, so these stay."""

    postgres: Server
    redis: Server
    environment: dict[str, str]
    operators: ThreadPoolExecutor
    casts: tuple[Cast, ...]


@contextmanager
def ground(casts: int) -> Iterator[Ground]:
    """PostgreSQL with a LinkUp in it that holds so many casts, Redis, and the environment: what several sites may
    share."""
    with ExitStack() as exit_stack:
        operators = exit_stack.enter_context(ThreadPoolExecutor(8, "operator"))
        postgres = exit_stack.enter_context(migrated_postgres(**SAFE))
        cache = exit_stack.enter_context(redis_server())
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment(
            postgres.url,
            cache.url,
            folder,
            WEB_CONCURRENCY=str(WORKERS),
            DELIVERY_HEARTBEAT=str(HEARTBEAT),
            SECURE_SSL_REDIRECT="true",
            LOG_LEVEL="WARNING",
            STATIC_ROOT=str(prepare_files().static),
        )
        yield Ground(postgres, cache, environment, operators, _casts(environment, casts))


def _casts(environment: dict[str, str], number: int) -> tuple[Cast, ...]:
    """So many casts: members with sessions, and their conversations."""
    logs = run_manage_command(
        environment, "shell", "--no-imports", "--command", SCRIPT.replace("NUMBER", str(number))
    )
    return tuple(Cast.read(line) for line in json.loads(logs.splitlines()[-1]))


@contextmanager
def running_site(base: Ground, *, layer: str = "core") -> Iterator[Site]:
    """Serve LinkUp on `base` with the channel layer `layer`, its sockets in two processes."""
    with ExitStack() as exit_stack:
        folder = exit_stack.enter_context(temporary_folder(None))
        clock.make(folder / "clock")
        break_file(folder).write_text("")
        environment = {**base.environment, "CHANNEL_LAYER": layer, broken.VARIABLE: str(break_file(folder))}
        web_port, ws_ports = find_free_port(), [find_free_port() for _ in range(DAPHNES)]
        serve = "tests.integration.delivery.serve"
        web = _server(
            folder, environment, "gunicorn", [*web_command(web_port), f"{serve}_web:application"], web_port
        )
        sockets = [
            _server(
                folder, environment, f"daphne-{slot}", ws_command(port, f"{serve}_ws:application"), port, slot
            )
            for slot, port in enumerate(ws_ports)
        ]
        starting = []
        for server in (web, *sockets):
            exit_stack.callback(server.stop)
            starting.append(base.operators.submit(server.start))
        for start in starting:
            start.result()
        yield Site(
            folder,
            environment,
            base.postgres,
            base.redis,
            web,
            sockets,
            web_port,
            ws_ports,
            base.operators,
            WHOLE,
        )


def _server(
    folder: Path, environment: dict[str, str], name: str, command: list[str], port: int, slot: int = clock.WEB
) -> Server:
    server_folder = folder / name
    server_folder.mkdir()
    variables = {**environment, clock.FILE: str(folder / "clock"), clock.SLOT: str(slot)}
    return Server(
        command,
        lambda: is_healthy(port),
        server_folder,
        None,
        signal.SIGTERM,
        environment=variables,
        start_in=ROOT,
    )


def break_file(folder: Path) -> Path:
    """Says in which way a site is broken."""
    return folder / "broken"


@contextmanager
def without_constraint(url: str, table: str, name: str, conversations: Collection[int]) -> Iterator[None]:
    """Without it for the time of the block; afterwards the entries of these conversations, which may contradict it, are
    gone."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        [(definition,)] = cursor.fetchall()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            cursor.execute(
                "DELETE FROM messaging_entry WHERE conversation_id = ANY(%s)", [list(conversations)]
            )
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
