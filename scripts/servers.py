"""Private PostgreSQL and Redis servers on free local ports, for tests and for `make stack`.

`DATABASE_URL` and `REDIS_URL` win when they are set; otherwise a private server is started in a temporary folder.
Both are removed when the context ends or the process that started it dies. Speed comes before safety here: nothing is
synced to the disk, so no data worth keeping belongs in them.
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

from .clusters import copy_cluster, create_cluster
from .programs import find_or_install

HOST = "127.0.0.1"
# Above 32767 Linux hands ports to outgoing connections, which would collide with ours.
PORTS = range(20_000, 32_768)
START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
MAX_START_ATTEMPTS = 3
FOLDER_PREFIX = "linkup-server-"
PR_SET_PDEATHSIG = 1

# Hints by the error messages that they belong to.
HINTS = {
    "No space left|File too large|quota exceeded": "Make room in the temporary folder, or name another with TMPDIR.",
    "Address already in use|could not bind": "Another program has its port: try again.",
}


class ServerStartError(RuntimeError):
    """A private server did not start; the message has the end of its log, and a hint where there is one."""

    def __init__(self, log_text: str) -> None:
        hints = [hint for pattern, hint in HINTS.items() if re.search(pattern, log_text, re.IGNORECASE)]
        super().__init__("\n".join([log_text.rstrip(), *hints]))


def find_free_port() -> int:
    """Return a free TCP port below 32768 on 127.0.0.1."""
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
    """Return a temporary folder that all users can access: PostgreSQL runs as another user."""
    chosen = Path(tempfile.gettempdir()).resolve()
    passable = all(folder.stat().st_mode & 0o001 for folder in [chosen, *chosen.parents])
    return chosen if passable or os.geteuid() != 0 else Path("/tmp")  # noqa: S108


def _remove_stale_folders(root: Path) -> None:
    """Remove the folders of processes that were killed before they could remove them."""
    for folder in root.glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_folder(owner: pwd.struct_passwd | None) -> Iterator[Path]:
    """Create a folder for the block. If this process is killed, the next one removes the folder."""
    root = _temporary_root()
    _remove_stale_folders(root)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=root))
    except OSError as error:
        raise ServerStartError(f"Cannot create a folder in {root}: {error.strerror}") from error
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` that ends the child process when this process dies; None where it is not Linux.

    The kernel then sends the signal. It is set after the change of user, which would clear it.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def set_death_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(with_signal))
        if os.getppid() != parent:
            os._exit(1)

    return set_death_signal


def postgres_owner() -> pwd.struct_passwd | None:
    """Return the user that runs PostgreSQL; None for the current user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerStartError("PostgreSQL refuses to run as root, and there is no user postgres or nobody.")


class Server:
    """A private server that can be stopped, paused and started again on the same port.

    Its output is written to `folder/log`; `environment` is by default that of this process.
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
        """Start, and return once it is ready; raises ServerStartError otherwise.

        Raises RuntimeError when it runs already.
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
                start_new_session=True,  # Ctrl-C reaches only the parent, which then stops the server
                preexec_fn=die_with_parent(self._stop),  # noqa: PLW1509 -- one prctl call, no locks
            )
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            # The process is checked after `ready`: another server may be the one that listens on this port.
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
        """Stop it, and wait until it has ended; does nothing when it does not run."""
        if self.process is None:
            return
        self.resume()
        self.process.send_signal(self._stop)
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """End it without a shutdown, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Pause all its processes: it still accepts connections, and responds to none."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume all its processes."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, wanted: signal.Signals) -> None:
        for pid in list_process_with_children(self.process.pid) if self.process else ():
            with suppress(ProcessLookupError):
                os.kill(pid, wanted)

    def children(self) -> list[int]:
        """Return the ids of its child processes, such as gunicorn's workers."""
        return list_process_with_children(self.process.pid)[1:] if self.process else []

    def _log_tail(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


def list_process_with_children(pid: int) -> list[int]:
    """Return the ids of a process and its children: PostgreSQL has one for each connection."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [pid, *(int(child) for child, parent in pairs if int(parent) == pid)]


@contextmanager
def run_on_free_port(create_server: Callable[[int], Server]) -> Iterator[Server]:
    """Start a server on a free port, and try another port when this one was taken meanwhile."""
    for attempt in range(1, MAX_START_ATTEMPTS + 1):
        server = create_server(find_free_port())
        try:
            server.start()
        except ServerStartError:
            if attempt == MAX_START_ATTEMPTS:
                raise
        else:
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
    """Run a private PostgreSQL during the block; its `url` is that of the database `linkup`.

    The database is empty, or as it is in `cluster`, the data of a stopped PostgreSQL, which is copied. `options` are
    settings of PostgreSQL, in place of QUICK_SETTINGS (`fsync="on"`). Raises ProgramMissingError when PostgreSQL can
    not be found or installed, ServerStartError when it does not start.
    """
    binaries = find_or_install("postgresql")["postgresql"]
    owner = postgres_owner()
    with temporary_folder(owner) as folder:
        data = folder / "data"
        if error := copy_cluster(cluster, data, owner) if cluster else create_cluster(binaries, data, owner):
            raise ServerStartError(f"The data folder of PostgreSQL could not be created:\n{error[-2000:]}")

        def create_server(port: int) -> Server:
            settings = {**QUICK_SETTINGS, **options, "listen_addresses": HOST, "port": str(port)}
            settings["unix_socket_directories"] = ""
            chosen = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
            command = [str(binaries / "postgres"), "-D", str(data), *chosen]
            # SIGINT is PostgreSQL's "fast" stop: it does not wait for clients.
            server = Server(command, lambda: _postgres_ready(port), folder, owner, signal.SIGINT)
            server.url = _postgres_url(port, "linkup")
            return server

        with run_on_free_port(create_server) as server:
            if not cluster:
                _create_database(urlsplit(server.url).port or 0)
            yield server


@contextmanager
def private_postgres(*, use_environment: bool = True, **options: str) -> Iterator[str]:
    """Run a PostgreSQL server during the block; yields the URL of an empty database.

    With `use_environment` (the default) a PostgreSQL named by `DATABASE_URL` is used instead of a new one.
    `options` and exceptions: see `postgres_server`.
    """
    environment_url = os.environ.get("DATABASE_URL", "")
    if use_environment and environment_url.startswith("postgres"):
        yield environment_url
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
    """Run a private Redis during the block. It stores nothing on disk: it is empty after a restart.

    It requires a password, a random one by default; `url` contains it. `options` are settings of Redis
    (`unixsocket="redis.sock"`, in the folder of the server).

    Raises ProgramMissingError when Redis cannot be found or installed, ServerStartError when it does not start.
    """
    binary = find_or_install("redis")["redis"]
    password = password or secrets.token_hex(16)
    settings = {"save": "", "appendonly": "no", "daemonize": "no", "requirepass": password, **options}
    with temporary_folder(None) as folder:

        def create_server(port: int) -> Server:
            chosen = {**settings, "bind": HOST, "port": str(port), "dir": str(folder)}
            command = [
                str(binary),
                *(part for name, value in chosen.items() for part in (f"--{name}", value)),
            ]
            url = f"redis://:{quote(password, safe='')}@{HOST}:{port}/0"
            server = Server(command, lambda: _redis_ready(url), folder, None, signal.SIGTERM)
            server.url = url
            return server

        with run_on_free_port(create_server) as server:
            yield server


@contextmanager
def private_redis(*, use_environment: bool = True) -> Iterator[str]:
    """Run a Redis server during the block; yields its URL.

    With `use_environment` (the default) a Redis named by `REDIS_URL` is used instead of a new one.
    Exceptions: see `redis_server`.
    """
    environment_url = os.environ.get("REDIS_URL", "")
    if use_environment and environment_url:
        yield environment_url
        return
    with redis_server() as server:
        yield server.url
