"""The whole production stack on this machine: PostgreSQL, Redis, gunicorn, daphne, and nginx with TLS in front.

`make stack` runs it until Ctrl-C; the integration tests use `running_stack`. Everything is removed at the end.
"""

import argparse
import http.client
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .nginx import HSTS, NginxSite, prepare_nginx
from .programs import ROOT, ProgramMissingError, find_or_install
from .servers import (
    HOST,
    Server,
    ServerStartError,
    find_free_port,
    postgres_server,
    redis_server,
    temporary_folder,
)
from .task_workers import WorkerServer, is_consuming

# The URL of a Redis that does not exist.
NO_REDIS = "redis://127.0.0.1:1/0"
# Variables of the caller's shell that LinkUp's programs need; others could change what they do.
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
# Where `python` and the servers' commands are.
BINARIES = Path(sys.executable).parent


@dataclass(frozen=True)
class Stack:
    """The running servers. Each can be stopped, killed, paused and started again."""

    origin: str
    http_origin: str
    site: NginxSite
    environment: dict[str, str]
    postgres: Server
    redis: Server
    web: Server
    ws: Server
    nginx: Server
    # None where another program executes tasks.
    work: Server | None = None

    @property
    def servers(self) -> dict[str, Server]:
        servers = {
            "PostgreSQL": self.postgres,
            "Redis": self.redis,
            "gunicorn": self.web,
            "daphne": self.ws,
            "nginx": self.nginx,
        }
        return {**servers, "Celery": self.work} if self.work else servers

    @property
    def certificate(self) -> Path:
        """The certificate that a client must trust."""
        return self.site.certificate

    def run_manage_command(self, *arguments: str, **variables: str) -> str:
        """Run a management command with production settings and `variables`; returns its output."""
        return run_manage_command({**self.environment, **variables}, *arguments)

    def reload_web(self) -> None:
        """Make gunicorn replace its workers (HUP); the old ones finish their requests."""
        if self.web.process is not None:
            self.web.process.send_signal(signal.SIGHUP)

    def kill_worker(self) -> int:
        """Kill one of gunicorn's workers; returns its process id."""
        victim = self.web.children()[0]
        os.kill(victim, signal.SIGKILL)
        return victim

    def kill_workers(self) -> None:
        """Kill all of gunicorn's workers at once."""
        for victim in self.web.children():
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)


def production_environment(database: str, cache: str, data: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a production start with its data in the folder `data`."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database,
        "REDIS_URL": cache,
        "ALLOWED_HOSTS": "localhost",
        "DATA_DIR": str(data),
        "MEDIA_ACCEL_PREFIX": "/protected-media/",
        "EMAIL_HOST": HOST,
        "DRAIN_SECONDS": "0",
        **variables,
    }


def run_manage_command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a management command; returns its output. Raises RuntimeError with all output when it fails."""
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def process_command(name: str) -> list[str]:
    """Return the command of a process in the Procfile, with the path of the program."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    program, *arguments = shlex.split(lines[name])
    return [str(BINARIES / program), *arguments]


def web_command(port: int) -> list[str]:
    """Return the command of gunicorn from the Procfile, with a local port."""
    return [*process_command("web"), "--bind", f"{HOST}:{port}"]


@contextmanager
def running_gunicorn(port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run gunicorn on a local port during the block; its log is written to `folder`.

    Raises ServerStartError when it does not start.
    """
    server = Server(
        web_command(port),
        lambda: is_healthy(port),
        folder,
        None,
        signal.SIGTERM,
        environment=dict(environment),
        start_in=ROOT,
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


def ws_command(port: int, application: str = "") -> list[str]:
    """Return the command of daphne from the Procfile, with a local port and perhaps another application."""
    replaced = {"0.0.0.0": HOST, "${PORT:-8001}": str(port)}  # noqa: S104 -- taken away here
    *command, standard = [replaced.get(part, part) for part in process_command("worker")]
    return [*command, application or standard]


def is_healthy(port: int) -> bool:
    """Return whether the server on this port reports success at /health/."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def is_port_open(port: int) -> bool:
    """Return whether a server on this machine accepts connections at this port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@contextmanager
def running_stack(
    *,
    ports: tuple[int, int] = (0, 0),
    ws_application: str = "",
    hsts: str = HSTS,
    cluster: Path | None = None,
    static: Path | None = None,
    report_progress: Callable[[str], None] = lambda words: None,
    **variables: str,
) -> Iterator[Stack]:
    """Run LinkUp with all its servers during the block.

    `ports` are those of HTTP and HTTPS (0: a free one), `ws_application` is what daphne serves in place of LinkUp;
    `cluster` is the data of a PostgreSQL that is migrated and `static` a STATIC_ROOT that is filled, of which copies
    are served; `variables` are added to the environment. Raises ProgramMissingError or ServerStartError.
    """
    find_or_install("postgresql", "redis", "nginx")
    with ExitStack() as exit_stack:
        report_progress("PostgreSQL and Redis …")
        postgres = exit_stack.enter_context(postgres_server(cluster))
        cache = exit_stack.enter_context(redis_server())
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment(postgres.url, cache.url, folder, **variables)
        report_progress("migrations and static files …")
        run_release(environment, migrated=cluster is not None, static=static)
        report_progress("gunicorn, daphne and nginx …")
        site = _create_site(folder, ports, hsts)
        serve = create_server_starter(exit_stack, folder, environment)
        yield Stack(
            origin=f"https://localhost:{site.https_port}",
            http_origin=f"http://localhost:{site.http_port}",
            site=site,
            environment=environment,
            postgres=postgres,
            redis=cache,
            web=serve("gunicorn", web_command(site.web_port), lambda: is_healthy(site.web_port)),
            ws=serve("daphne", ws_command(site.ws_port, ws_application), lambda: is_healthy(site.ws_port)),
            nginx=serve("nginx", prepare_nginx(site), lambda: is_port_open(site.https_port)),
            work=serve("celery", process_command("work"), lambda: is_consuming(cache.url), WorkerServer),
        )


def run_release(
    environment: Mapping[str, str], *, migrated: bool = False, static: Path | None = None
) -> None:
    """Migrate and collect static files, as the Procfile's release process does.

    The database may be `migrated` already, and `static` a STATIC_ROOT to copy.
    """
    if not migrated:
        migrate(environment)
    if static:
        shutil.copytree(static, Path(environment["DATA_DIR"]) / "staticfiles")
    else:
        collect_static(environment)


def migrate(environment: Mapping[str, str]) -> None:
    """Migrate the database of the environment."""
    run_manage_command(environment, "migrate", "--noinput", "--verbosity", "0")


def collect_static(environment: Mapping[str, str]) -> None:
    """Collect static files into the STATIC_ROOT of the environment."""
    run_manage_command(environment, "collectstatic", "--noinput", "--verbosity", "0")


def create_server_starter(
    exit_stack: ExitStack, folder: Path, environment: Mapping[str, str]
) -> Callable[..., Server]:
    """Return a function that starts a server with these variables, until the exit stack closes.

    Its arguments: the name of the log folder, the command, whether the server is ready, and the class of the server.
    """

    def serve(
        name: str, command: list[str], ready: Callable[[], bool], kind: type[Server] = Server
    ) -> Server:
        server_folder = folder / name
        server_folder.mkdir(exist_ok=True)
        server = kind(
            command, ready, server_folder, None, signal.SIGTERM, environment={**environment}, start_in=ROOT
        )
        server.start()
        exit_stack.callback(server.stop)
        return server

    return serve


def _create_site(folder: Path, ports: tuple[int, int], hsts: str) -> NginxSite:
    for name in ("nginx", "media"):
        (folder / name).mkdir(exist_ok=True)
    return NginxSite(
        folder=folder / "nginx",
        static=folder / "staticfiles",
        media=folder / "media",
        http_port=ports[0] or find_free_port(),
        https_port=ports[1] or find_free_port(),
        web_port=find_free_port(),
        ws_port=find_free_port(),
        hsts=hsts,
    )


def seed_demo(stack: Stack) -> None:
    """Create the demo network; its passwords are public, so production settings refuse the command."""
    stack.run_manage_command("seed_demo", "--once", DJANGO_ENVIRONMENT="development")


WELCOME = """
  LinkUp runs on {origin} as it would on a server (and {http_origin} leads there).
  Your browser warns once: the certificate was made for this run alone.

  Sign in as alice, bob, charlie, mona (moderator) or admin (staff) with the password linkup-demo.
  Logs and uploads: {folder}
  Ctrl-C stops everything and leaves nothing behind.
"""


def _stop_on_signals() -> None:
    """Stop in order on SIGTERM and SIGINT, also where a shell started this process in the background."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def main(arguments: list[str]) -> int:
    """Run the stack until Ctrl-C; returns 1 when it cannot start or a server ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--https", type=int, default=8443, help="the port of HTTPS (8443)")
    parser.add_argument("--http", type=int, default=8080, help="the port of HTTP (8080)")
    parser.add_argument("--empty", action="store_true", help="without the demo network")
    chosen = parser.parse_args(arguments)
    taken = [port for port in (chosen.http, chosen.https) if is_port_open(port)]
    if taken:
        print(f"Port {taken[0]} is taken. Choose others: make stack HTTPS=8444 HTTP=8081", file=sys.stderr)
        return 1
    _stop_on_signals()
    try:
        # No HSTS: a browser would insist on HTTPS for everything else on localhost, too.
        with running_stack(
            ports=(chosen.http, chosen.https), hsts="", report_progress=print, SECURE_HSTS_SECONDS="0"
        ) as stack:
            if not chosen.empty:
                print("the demo network …")
                seed_demo(stack)
            print(
                WELCOME.format(
                    origin=stack.origin, http_origin=stack.http_origin, folder=stack.site.folder.parent
                ),
                flush=True,
            )
            return _wait_for_failure(stack)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except (ProgramMissingError, ServerStartError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


def _wait_for_failure(stack: Stack) -> int:
    while True:
        time.sleep(1)
        for name, server in stack.servers.items():
            if server.process is None or server.process.poll() is not None:
                print(f"{name} ended by itself; what it wrote is above.", file=sys.stderr)
                print((server.folder / "log").read_text(errors="replace")[-4000:], file=sys.stderr)
                return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
