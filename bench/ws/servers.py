"""The servers of bench.ws, with production settings on this machine, and their use of CPU and memory."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from scripts.programs import ROOT
from scripts.servers import Server, find_free_port, postgres_server, redis_server, temporary_folder
from scripts.stack import is_healthy, production_environment, run_release, web_command, ws_command

WORKERS, THREADS, DAPHNES = 2, 4, 2
ECHO_APPLICATION = "bench.ws.echo_consumer:application"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class PreparedDatabase:
    """A PostgreSQL with members and conversations, used with all layers."""

    postgres: Server
    folder: Path
    environment: dict[str, str]
    members: dict[str, Any]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        connection = psycopg2.connect(self.postgres.url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()


@dataclass
class RunningServers:
    """The running servers and their ports, by part: postgres, redis, daphne, gunicorn."""

    parts: dict[str, list[Server]] = field(default_factory=dict)
    ports: dict[str, list[int]] = field(default_factory=dict)

    def memory(self, part: str) -> int:
        """Return the resident bytes of all servers of a part."""
        return sum(_resident_bytes(server.process.pid) for server in self.parts[part] if server.process)

    def cpu_seconds(self, **others: int) -> dict[str, float]:
        """Return the CPU seconds so far, by part; `others` are ids of more processes.

        "machine" is the whole machine, "loops" the main threads of the daphnes.
        """
        loops = [
            _process_cpu_seconds(server.process.pid, thread=True)
            for server in self.parts["daphne"]
            if server.process
        ]
        used = {part: sum(map(server_cpu_seconds, servers)) for part, servers in self.parts.items()}
        return {
            **used,
            **{name: _process_cpu_seconds(pid) for name, pid in others.items()},
            "loops": sum(loops),
            "machine": _machine_cpu_seconds(),
        }

    def summarize_warnings(self) -> str:
        """Return the most frequent warnings in the logs of gunicorn and daphne, with their numbers."""
        logs = [
            server.folder / "log" for part in ("gunicorn", "daphne") for server in self.parts.get(part, [])
        ]
        found = Counter(
            " ".join(line.split()[7 if line[:1].isdigit() else 1 :])[:70]
            for log in logs
            for line in log.read_text(errors="replace").splitlines()
            if " WARNING " in line or " ERROR " in line
        )
        return "; ".join(f"{times} × {words}" for words, times in found.most_common(4))


@contextmanager
def prepare_database(members: int, *, fsync: bool) -> Iterator[PreparedDatabase]:
    """Run a PostgreSQL with `members` and their conversations during the block; `fsync`: commits wait for the disk."""
    raise_file_limit()
    options = {"synchronous_commit": "on", "checkpoint_timeout": "5min"}
    options |= {"fsync": "on", "full_page_writes": "on"} if fsync else {}
    with postgres_server(**options) as postgres, temporary_folder(None) as folder:
        environment = production_environment(
            postgres.url,
            "redis://127.0.0.1:1/0",
            folder,
            WEB_CONCURRENCY=str(WORKERS),
            WEB_THREADS=str(THREADS),
        )
        run_release(environment)
        file = folder / "members.json"
        run_module(environment, "bench.ws.members", str(members), str(file))
        yield PreparedDatabase(postgres, folder, environment, json.loads(file.read_text()))


@contextmanager
def run_servers(database: PreparedDatabase, layer: str, *, only_echo: bool) -> Iterator[RunningServers]:
    """Run Redis, two daphnes and gunicorn during the block; with `only_echo`, daphnes with the echo consumer.

    `layer` is core or pubsub.
    """
    with ExitStack() as exit_stack:
        redis = exit_stack.enter_context(redis_server())
        environment = {**database.environment, "REDIS_URL": redis.url, "CHANNEL_LAYER": layer}
        running = RunningServers({"postgres": [database.postgres], "redis": [redis]})
        wanted = ["daphne"] * DAPHNES + ([] if only_echo else ["gunicorn"])
        for part in wanted:
            port = find_free_port()
            folder = exit_stack.enter_context(temporary_folder(None))
            command = (
                web_command(port)
                if part == "gunicorn"
                else ws_command(port, ECHO_APPLICATION if only_echo else "")
            )
            ready = partial(is_healthy, port)
            server = Server(
                command, ready, folder, None, signal.SIGTERM, environment=environment, start_in=ROOT
            )
            server.start()
            exit_stack.callback(server.stop)
            running.parts.setdefault(part, []).append(server)
            running.ports.setdefault(part, []).append(port)
        yield running


def run_module(environment: Mapping[str, str], module: str, *arguments: str) -> str:
    """Run a module with the settings of the servers; return its output. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(  # noqa: S603 -- this Python
        command, cwd=ROOT, env={**environment, "DJANGO_SETTINGS_MODULE": "professional_network.settings"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return result.stdout


def raise_file_limit() -> None:
    """Raise the limit on open files to its maximum; children inherit it."""
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))


def server_cpu_seconds(server: Server) -> float:
    """Return the CPU seconds of a server and its child processes, also of ended ones."""
    if server.process is None:
        return 0.0
    return _process_cpu_seconds(server.process.pid, ended=True) + sum(
        map(_process_cpu_seconds, server.children())
    )


def _process_cpu_seconds(pid: int, *, ended: bool = False, thread: bool = False) -> float:
    # The name of the program, in brackets, may contain blanks; fields 14 to 17 are user and system time of the process
    # and of its children that have ended (proc(5)).
    try:
        path = f"/proc/{pid}/task/{pid}/stat" if thread else f"/proc/{pid}/stat"
        fields = Path(path).read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11 : 15 if ended else 13])) / CLOCK_TICKS


def _machine_cpu_seconds() -> float:
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _wait, interrupts, soft, *_rest = map(int, file.readline().split()[1:])
    return (user + nice + system + interrupts + soft) / CLOCK_TICKS


def _resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
