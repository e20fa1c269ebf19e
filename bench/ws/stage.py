"""The servers of the bench, as in production but on this machine alone, and what each part of them uses."""

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
BARE = "bench.ws.consumers:application"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Base:
    """A database with its members, for all layers."""

    postgres: Server
    folder: Path
    environment: dict[str, str]
    people: dict[str, Any]

    def asked(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        connection = psycopg2.connect(self.postgres.url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()


@dataclass
class Servers:
    """What is up, by the name under which its processor time is told."""

    parts: dict[str, list[Server]] = field(default_factory=dict)
    ports: dict[str, list[int]] = field(default_factory=dict)

    def rss(self, part: str) -> int:
        """Bytes in memory of all its processes."""
        return sum(_rss(server.process.pid) for server in self.parts[part] if server.process)

    def cpu(self, **others: int) -> dict[str, float]:
        """Seconds of processor time so far, by part; `others` are processes.

        "machine" is all that this one did, "loops" what daphnes' main threads have of theirs.
        """
        loops = [_cpu(server.process.pid, thread=True) for server in self.parts["daphne"] if server.process]
        used = {part: sum(map(cpu_of, servers)) for part, servers in self.parts.items()}
        return {
            **used,
            **{name: _cpu(pid) for name, pid in others.items()},
            "loops": sum(loops),
            "machine": _cpu_of_machine(),
        }

    def warnings(self) -> str:
        """What our servers warned of so far, and how often."""
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
def base(members: int, *, fsync: bool) -> Iterator[Base]:
    """PostgreSQL with `members` and their conversations; commits wait for the disk, with `fsync` for real."""
    allow_many_files()
    honest = {"synchronous_commit": "on", "checkpoint_timeout": "5min"}
    honest |= {"fsync": "on", "full_page_writes": "on"} if fsync else {}
    with postgres_server(**honest) as postgres, temporary_folder(None) as folder:
        environment = production_environment(
            postgres.url,
            "redis://127.0.0.1:1/0",
            folder,
            WEB_CONCURRENCY=str(WORKERS),
            WEB_THREADS=str(THREADS),
        )
        run_release(environment)
        file = folder / "people.json"
        run_module(environment, "bench.ws.people", str(members), str(file))
        yield Base(postgres, folder, environment, json.loads(file.read_text()))


@contextmanager
def servers(on: Base, layer: str, *, bare: bool) -> Iterator[Servers]:
    """Redis and two daphnes, and gunicorn unless they serve the `bare` consumer; `layer` is core or pubsub."""
    with ExitStack() as exit_stack:
        redis = exit_stack.enter_context(redis_server())
        environment = {**on.environment, "REDIS_URL": redis.url, "CHANNEL_LAYER": layer}
        up = Servers({"postgres": [on.postgres], "redis": [redis]})
        wanted = ["daphne"] * DAPHNES + ([] if bare else ["gunicorn"])
        for part in wanted:
            port = find_free_port()
            folder = exit_stack.enter_context(temporary_folder(None))
            command = web_command(port) if part == "gunicorn" else ws_command(port, BARE if bare else "")
            ready = partial(is_healthy, port)
            server = Server(
                command, ready, folder, None, signal.SIGTERM, environment=environment, start_in=ROOT
            )
            server.start()
            exit_stack.callback(server.stop)
            up.parts.setdefault(part, []).append(server)
            up.ports.setdefault(part, []).append(port)
        yield up


def run_module(environment: Mapping[str, str], module: str, *arguments: str) -> str:
    """Run a module in the settings of the servers; returns what it printed. CalledProcessError when it fails."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(  # noqa: S603 -- this Python
        command, cwd=ROOT, env={**environment, "DJANGO_SETTINGS_MODULE": "professional_network.settings"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def allow_many_files() -> None:
    """As many open files as the machine lets us have; children inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def cpu_of(server: Server) -> float:
    """Seconds of a server and its processes, those that have ended included."""
    if server.process is None:
        return 0.0
    return _cpu(server.process.pid, ended=True) + sum(map(_cpu, server.children()))


def _cpu(pid: int, *, ended: bool = False, thread: bool = False) -> float:
    # The name of the program, in brackets, may hold blanks; fields 14 to 17 are user and system time of the process
    # and of its children that have ended (proc(5)).
    try:
        place = f"/proc/{pid}/task/{pid}/stat" if thread else f"/proc/{pid}/stat"
        fields = Path(place).read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11 : 15 if ended else 13])) / TICKS


def _cpu_of_machine() -> float:
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _wait, interrupts, soft, *_rest = map(int, file.readline().split()[1:])
    return (user + nice + system + interrupts + soft) / TICKS


def _rss(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
