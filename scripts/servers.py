"""Private PostgreSQL and Redis servers on free local ports, for tests and for `make stack`.

`DATABASE_URL` and `REDIS_URL` win when they are set; otherwise a server of our own is started in a temporary
folder and is gone, folder included, when the context ends or the process that started it dies. Speed comes
before safety here: nothing is synced to the disk, so no data worth keeping belongs in them.
"""

import ctypes
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg2
import redis

from .clusters import copy_cluster, make_cluster
from .programs import obtain

HOST = "127.0.0.1"
# Above 32767 Linux hands ports to outgoing connections, which would collide with ours.
PORTS = range(20_000, 32_768)
START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
STARTS = 3
FOLDER_PREFIX = "linkup-server-"
PR_SET_PDEATHSIG = 1


# What to do, by what is said of the failure.
ADVICE = {
    "No space left|File too large|quota exceeded": "Make room in the temporary folder, or name another with TMPDIR.",
    "Address already in use|could not bind": "Another program has its port: try again.",
}


class ServerStartError(RuntimeError):
    """A private server did not come up; the message carries the end of its log, and what to do where that is known."""

    def __init__(self, said: str) -> None:
        advice = [what for found, what in ADVICE.items() if re.search(found, said, re.IGNORECASE)]
        super().__init__("\n".join([said.rstrip(), *advice]))


def free_port() -> int:
    """A TCP port below 32768 on which nobody listens on 127.0.0.1."""
    for port in random.sample(PORTS, k=200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return port
    raise ServerStartError("Found no free port below 32768.")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _temporary_root() -> Path:
    """The folder for temporary files that every user may pass through: PostgreSQL runs as another user."""
    chosen = Path(tempfile.gettempdir()).resolve()
    passable = all(folder.stat().st_mode & 0o001 for folder in [chosen, *chosen.parents])
    return chosen if passable or os.geteuid() != 0 else Path("/tmp")  # noqa: S108


def _sweep(root: Path) -> None:
    """Remove the folders of runners that were killed before they could tidy up."""
    for folder in root.glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_folder(owner: pwd.struct_passwd | None) -> Iterator[Path]:
    """A folder that is gone when the block ends, and swept away by the next runner when this one is killed."""
    root = _temporary_root()
    _sweep(root)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=root))
    except OSError as error:
        raise ServerStartError(f"No folder can be made in {root}: {error.strerror}") from error
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """The `preexec_fn` for a child process that must not outlive us; None where the kernel cannot do it (not Linux).

    The kernel sends the signal when we die. The wish is made after the change of user, which would clear the wish.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(with_signal))
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel


def postgres_owner() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: it refuses root. None means ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerStartError("PostgreSQL refuses to run as root, and there is no user postgres or nobody.")


class Server:
    """A server of our own, which can be stopped, frozen and started again on the same port.

    What it writes lands in `folder/log`; `environment` is ours when none is given.
    """

    def __init__(
        self,
        command: list[str],
        ready: Callable[[], bool],
        folder: Path,
        owner: pwd.struct_passwd | None,
        stop: signal.Signals,
        *,
        environment: dict[str, str] | None = None,
        start_in: Path | None = None,
    ) -> None:
        self.url = ""
        self.folder = folder
        self._command = command
        self._ready = ready
        self._owner = owner
        self._stop = stop
        self.environment = environment
        self._start_in = start_in or folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it answers; ServerStartError, with the end of its log, when it does not.

        A server that runs already is an error of the caller's: RuntimeError.
        """
        if self.process is not None:
            raise RuntimeError(f"{self._command!r} runs already")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._start_in,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._owner.pw_uid if self._owner else None,
                group=self._owner.pw_gid if self._owner else None,
                extra_groups=[] if self._owner else None,
                start_new_session=True,  # Ctrl-C reaches the runner alone, which then stops us in order
                preexec_fn=die_with_parent(self._stop),  # noqa: PLW1509 -- one prctl call, no locks
            )
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            # Looked at again when it is ready: another server may be the one that answers on this port.
            ready = self._ready()
            if self.process.poll() is not None or time.monotonic() > deadline:
                code = self.process.returncode
                self.kill()
                how = (
                    f"gave no answer in {START_TIMEOUT:.0f} s" if code is None else f"ended with code {code}"
                )
                raise ServerStartError(f"{self._command!r} {how}:\n{self._log_tail()}")
            if ready:
                return
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to stop, and wait until it has; nothing when it does not run."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(self._stop)
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """End it without a word, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """It still takes connections, and answers none. All its processes: the session is its own."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """It answers again."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, wanted: signal.Signals) -> None:
        for pid in _family(self.process.pid) if self.process else ():
            with suppress(ProcessLookupError):
                os.kill(pid, wanted)

    def children(self) -> list[int]:
        """The ids of the processes that it has started, such as gunicorn's workers."""
        return _family(self.process.pid)[1:] if self.process else []

    def _log_tail(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


def _family(pid: int) -> list[int]:
    """A process and its children: PostgreSQL has one for each connection."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [pid, *(int(child) for child, parent in pairs if int(parent) == pid)]


@contextmanager
def running(make: Callable[[int], Server]) -> Iterator[Server]:
    """Start a server on a free port, again on another one when somebody was quicker; yields it."""
    for attempt in range(1, STARTS + 1):
        server = make(free_port())
        try:
            server.start()
        except ServerStartError:
            if attempt == STARTS:
                raise
            continue
        break
    try:
        yield server
    finally:
        server.stop()


QUICK_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10s",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "timezone": "UTC",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


def _postgres_url(port: int, database: str) -> str:
    return f"postgres://linkup@{HOST}:{port}/{database}"


def _postgres_ready(port: int) -> bool:
    try:
        psycopg2.connect(_postgres_url(port, "postgres")).close()
    except psycopg2.OperationalError:
        return False
    return True


def _create_database(port: int) -> None:
    connection = psycopg2.connect(_postgres_url(port, "postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE linkup")
    finally:
        connection.close()


@contextmanager
def postgres_server(cluster: Path | None = None, /, **options: str) -> Iterator[Server]:
    """A PostgreSQL of our own for the time of the block; its `url` is that of the database `linkup`: empty, or as it is
    in `cluster`, the data of a stopped PostgreSQL, of which this one gets a copy.

    `options` are PostgreSQL's own, in place of QUICK_SETTINGS (`fsync="on"`). Raises ProgramMissingError when there is
    no PostgreSQL to be had, ServerStartError when it does not start.
    """
    binaries = obtain("postgresql")["postgresql"]
    owner = postgres_owner()
    with temporary_folder(owner) as folder:
        data = folder / "data"
        if said := copy_cluster(cluster, data, owner) if cluster else make_cluster(binaries, data, owner):
            raise ServerStartError(f"PostgreSQL gets no data:\n{said[-2000:]}")

        def make(port: int) -> Server:
            settings = {**QUICK_SETTINGS, **options, "listen_addresses": HOST, "port": str(port)}
            settings["unix_socket_directories"] = ""
            chosen = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
            command = [str(binaries / "postgres"), "-D", str(data), *chosen]
            # SIGINT is PostgreSQL's "fast" stop: it waits for nobody.
            server = Server(command, lambda: _postgres_ready(port), folder, owner, signal.SIGINT)
            server.url = _postgres_url(port, "linkup")
            return server

        with running(make) as server:
            if not cluster:
                _create_database(urlsplit(server.url).port or 0)
            yield server


@contextmanager
def private_postgres(*, use_environment: bool = True, **options: str) -> Iterator[str]:
    """A PostgreSQL server for the time of the block; yields the URL of an empty database.

    With `use_environment` (the default) a PostgreSQL named by `DATABASE_URL` is used instead of a new one.
    `options` and what is raised: as for `postgres_server`.
    """
    given = os.environ.get("DATABASE_URL", "")
    if use_environment and given.startswith("postgres"):
        yield given
        return
    with postgres_server(**options) as server:
        yield server.url


def _redis_ready(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


@contextmanager
def redis_server(password: str = "", **options: str) -> Iterator[Server]:
    """A Redis of our own for the time of the block. It keeps everything in memory: a restart comes back empty.

    It requires a password, a random one by default; `url` contains it. `options` are settings of Redis
    (`unixsocket="redis.sock"`, in the folder of the server).

    Raises ProgramMissingError when there is no Redis to be had, ServerStartError when it does not start.
    """
    binary = obtain("redis")["redis"]
    password = password or secrets.token_hex(16)
    settings = {"save": "", "appendonly": "no", "daemonize": "no", "requirepass": password, **options}
    with temporary_folder(None) as folder:

        def make(port: int) -> Server:
            chosen = {**settings, "bind": HOST, "port": str(port), "dir": str(folder)}
            command = [
                str(binary),
                *(part for name, value in chosen.items() for part in (f"--{name}", value)),
            ]
            url = f"redis://:{quote(password, safe='')}@{HOST}:{port}/0"
            server = Server(command, lambda: _redis_ready(url), folder, None, signal.SIGTERM)
            server.url = url
            return server

        with running(make) as server:
            yield server


@contextmanager
def private_redis(*, use_environment: bool = True) -> Iterator[str]:
    """A Redis server for the time of the block; yields its URL.

    With `use_environment` (the default) a Redis named by `REDIS_URL` is used instead of a new one.
    Raises what `redis_server` raises.
    """
    given = os.environ.get("REDIS_URL", "")
    if use_environment and given:
        yield given
        return
    with redis_server() as server:
        yield server.url
