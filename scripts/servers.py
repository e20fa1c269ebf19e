"""Private PostgreSQL and Redis servers on free local ports, for tests and for `make stack`.

`DATABASE_URL` and `REDIS_URL` win when they are set; otherwise a server of our own is started in a temporary
folder and is gone, folder included, when the context ends or the process that started it dies. Speed comes
before safety here: nothing is synced to the disk, so no data worth keeping belongs in them.
"""

import ctypes
import os
import pwd
import random
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

import psycopg2
import redis

from .programs import obtain

HOST = "127.0.0.1"
# Above 32767 Linux hands ports to outgoing connections, which would collide with ours.
PORTS = range(20_000, 32_768)
START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
STARTS = 3
FOLDER_PREFIX = "linkup-server-"
PR_SET_PDEATHSIG = 1


class ServerStartError(RuntimeError):
    """A private server did not come up; the message carries the end of its log."""


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
def _temporary_folder(owner: pwd.struct_passwd | None) -> Iterator[Path]:
    root = _temporary_root()
    _sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=root))
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


def _postgres_owner() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: it refuses root. None means ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerStartError("PostgreSQL refuses to run as root, and there is no user postgres or nobody.")


def _start(
    command: list[str], folder: Path, owner: pwd.struct_passwd | None, stop: signal.Signals
) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
            start_new_session=True,  # Ctrl-C reaches the runner alone, which then stops us in order
            preexec_fn=die_with_parent(stop),  # noqa: PLW1509 -- one prctl call, no locks
        )


def _stop(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _log_tail(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")[-2000:]


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerStartError(f"{process.args!r} did not start:\n{_log_tail(folder)}")
        time.sleep(0.02)


@contextmanager
def _server(
    make_command: Callable[[int], list[str]],
    ready: Callable[[int], bool],
    folder: Path,
    owner: pwd.struct_passwd | None,
    stop: signal.Signals,
) -> Iterator[int]:
    """Start a server on a free port, again on another one when somebody was quicker; yields the port."""
    for attempt in range(1, STARTS + 1):
        port = free_port()
        process = _start(make_command(port), folder, owner, stop)
        try:
            _wait_until(lambda at=port: ready(at), process, folder)  # type: ignore[misc]
        except ServerStartError:
            process.kill()
            process.wait()
            if attempt == STARTS:
                raise
            continue
        break
    try:
        yield port
    finally:
        _stop(process, stop)


def _initdb(binaries: Path, data: Path, owner: pwd.struct_passwd | None) -> None:
    """Make a database cluster. C.UTF-8 knows upper and lower case of all letters, as servers' locales do."""
    command = [str(binaries / "initdb"), "--pgdata", str(data), "--username", "linkup"]
    command += ["--auth", "trust", "--encoding", "UTF8", "--no-sync"]
    said = ""
    for locale in ("C.UTF-8", "en_US.UTF-8"):
        done = subprocess.run(
            [*command, "--locale", locale],
            cwd=data.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
            check=False,
        )
        if done.returncode == 0:
            return
        said = done.stderr
        shutil.rmtree(data, ignore_errors=True)
    raise ServerStartError(f"initdb failed:\n{said}")


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
def private_postgres(*, use_environment: bool = True) -> Iterator[str]:
    """A PostgreSQL server for the time of the block; yields the URL of an empty database.

    With `use_environment` (the default) a PostgreSQL named by `DATABASE_URL` is used instead of a new one.
    Raises ProgramMissingError when there is no PostgreSQL to be had, ServerStartError when it does not start.
    """
    given = os.environ.get("DATABASE_URL", "")
    if use_environment and given.startswith("postgres"):
        yield given
        return
    binaries = obtain("postgresql")["postgresql"]
    owner = _postgres_owner()
    with _temporary_folder(owner) as folder:
        data = folder / "data"
        _initdb(binaries, data, owner)

        def command(port: int) -> list[str]:
            settings = {**QUICK_SETTINGS, "listen_addresses": HOST, "port": str(port)}
            settings["unix_socket_directories"] = ""
            return [
                str(binaries / "postgres"),
                *("-D", str(data)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ]

        # SIGINT is PostgreSQL's "fast" stop: it waits for nobody.
        with _server(command, _postgres_ready, folder, owner, signal.SIGINT) as port:
            _create_database(port)
            yield _postgres_url(port, "linkup")


def _redis_ready(port: int) -> bool:
    client = redis.Redis(host=HOST, port=port, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


@contextmanager
def private_redis(*, use_environment: bool = True) -> Iterator[str]:
    """A Redis server for the time of the block; yields its URL. It keeps everything in memory.

    With `use_environment` (the default) a Redis named by `REDIS_URL` is used instead of a new one.
    Raises ProgramMissingError when there is no Redis to be had, ServerStartError when it does not start.
    """
    given = os.environ.get("REDIS_URL", "")
    if use_environment and given:
        yield given
        return
    binary = obtain("redis")["redis"]
    with _temporary_folder(None) as folder:

        def command(port: int) -> list[str]:
            where = ("--bind", HOST, "--port", str(port), "--dir", str(folder))
            return [str(binary), *where, "--save", "", "--appendonly", "no", "--daemonize", "no"]

        with _server(command, _redis_ready, folder, None, signal.SIGTERM) as port:
            yield f"redis://{HOST}:{port}/0"
