"""The whole production stack on this machine: PostgreSQL, Redis, gunicorn, daphne, and nginx with TLS in front.

`make stack` runs it until Ctrl-C; the integration tests use `running_stack`. Nothing stays behind.
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

from .nginx import HSTS, Site, prepare
from .programs import ROOT, ProgramMissingError, obtain
from .servers import (
    HOST,
    Server,
    ServerStartError,
    free_port,
    postgres_server,
    redis_server,
    temporary_folder,
)

# An address at which no Redis answers.
NO_REDIS = "redis://127.0.0.1:1/0"
# What a shell of a person holds that our programs need; the rest could change what they do.
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
# Where `python` and the servers' commands are.
BINARIES = Path(sys.executable).parent


@dataclass(frozen=True)
class Stack:
    """The running servers. Each may be stopped, killed, frozen and started again, as faults do."""

    origin: str
    http_origin: str
    site: Site
    environment: dict[str, str]
    postgres: Server
    redis: Server
    web: Server
    ws: Server
    nginx: Server

    @property
    def servers(self) -> dict[str, Server]:
        return {
            "PostgreSQL": self.postgres,
            "Redis": self.redis,
            "gunicorn": self.web,
            "daphne": self.ws,
            "nginx": self.nginx,
        }

    @property
    def certificate(self) -> Path:
        """What a client must trust."""
        return self.site.certificate

    def manage(self, *arguments: str, **variables: str) -> str:
        """Run a management command in production settings, `variables` on top; returns what it printed."""
        return manage({**self.environment, **variables}, *arguments)

    def reload_web(self) -> None:
        """Ask gunicorn for new workers (HUP); the old ones finish what they began."""
        if self.web.process is not None:
            self.web.process.send_signal(signal.SIGHUP)

    def kill_worker(self) -> int:
        """Kill one of gunicorn's workers without a word; returns its process id."""
        victim = self.web.children()[0]
        os.kill(victim, signal.SIGKILL)
        return victim

    def kill_workers(self) -> None:
        """Kill all of gunicorn's workers at once; one that has gone by itself counts as killed."""
        for victim in self.web.children():
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)


def production_environment(database: str, cache: str, data: Path, **variables: str) -> dict[str, str]:
    """The variables of a production start whose data lie in the folder `data`, and nothing else of LinkUp's."""
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


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a management command; returns what it printed. RuntimeError, with all that it said, when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def process_command(name: str) -> list[str]:
    """The command of a process in the Procfile, with the program from our own environment."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    program, *arguments = shlex.split(lines[name])
    return [str(BINARIES / program), *arguments]


def web_command(port: int) -> list[str]:
    """gunicorn as the Procfile starts it, on a port of this machine alone."""
    return [*process_command("web"), "--bind", f"{HOST}:{port}"]


@contextmanager
def running_gunicorn(port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Serve with gunicorn on a port of this machine for the time of the block; its log is written to `folder`.

    Raises ServerStartError when it does not answer.
    """
    server = Server(
        web_command(port),
        lambda: answers_health(port),
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
    """daphne as the Procfile starts it, on a port of this machine alone, perhaps with another application."""
    replaced = {"0.0.0.0": HOST, "${PORT:-8001}": str(port)}  # noqa: S104 -- taken away here
    *command, standard = [replaced.get(part, part) for part in process_command("worker")]
    return [*command, application or standard]


def answers_health(port: int) -> bool:
    """Whether an HTTP server on this port says that it is well."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _listens(port: int) -> bool:
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
    say: Callable[[str], None] = lambda words: None,
    **variables: str,
) -> Iterator[Stack]:
    """Serve LinkUp as a server would for the time of the block.

    `ports` are those of HTTP and HTTPS (0: a free one), `ws_application` is what daphne serves in place of ours;
    `cluster` is the data of a PostgreSQL that is migrated and `static` a STATIC_ROOT that is filled, of which copies
    are served; `variables` go on top of the environment. Raises ProgramMissingError or ServerStartError when a part
    cannot be had.
    """
    obtain("postgresql", "redis", "nginx")
    with ExitStack() as until_the_end:
        say("PostgreSQL and Redis …")
        postgres = until_the_end.enter_context(postgres_server(cluster))
        cache = until_the_end.enter_context(redis_server())
        folder = until_the_end.enter_context(temporary_folder(None))
        environment = production_environment(postgres.url, cache.url, folder, **variables)
        say("migrations and static files …")
        release(environment, migrated=cluster is not None, static=static)
        say("gunicorn, daphne and nginx …")
        site = _site(folder, ports, hsts)
        serve = _starter(until_the_end, folder, environment)
        yield Stack(
            origin=f"https://localhost:{site.https}",
            http_origin=f"http://localhost:{site.http}",
            site=site,
            environment=environment,
            postgres=postgres,
            redis=cache,
            web=serve("gunicorn", web_command(site.web), lambda: answers_health(site.web)),
            ws=serve("daphne", ws_command(site.ws, ws_application), lambda: answers_health(site.ws)),
            nginx=serve("nginx", prepare(site), lambda: _listens(site.https)),
        )


def release(environment: Mapping[str, str], *, migrated: bool = False, static: Path | None = None) -> None:
    """What the Procfile's release process does, or what is left of it: the database may be `migrated` already, and
    `static` a STATIC_ROOT to copy."""
    if not migrated:
        migrate(environment)
    if static:
        shutil.copytree(static, Path(environment["DATA_DIR"]) / "staticfiles")
    else:
        collect_static(environment)


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the tables of the environment's database up to date."""
    manage(environment, "migrate", "--noinput", "--verbosity", "0")


def collect_static(environment: Mapping[str, str]) -> None:
    """Fill the environment's STATIC_ROOT."""
    manage(environment, "collectstatic", "--noinput", "--verbosity", "0")


def _starter(
    until_the_end: ExitStack, folder: Path, environment: Mapping[str, str]
) -> Callable[[str, list[str], Callable[[], bool]], Server]:
    def serve(name: str, command: list[str], ready: Callable[[], bool]) -> Server:
        place = folder / name
        place.mkdir(exist_ok=True)
        server = Server(
            command, ready, place, None, signal.SIGTERM, environment={**environment}, start_in=ROOT
        )
        server.start()
        until_the_end.callback(server.stop)
        return server

    return serve


def _site(folder: Path, ports: tuple[int, int], hsts: str) -> Site:
    for name in ("nginx", "media"):
        (folder / name).mkdir(exist_ok=True)
    return Site(
        folder=folder / "nginx",
        static=folder / "staticfiles",
        media=folder / "media",
        http=ports[0] or free_port(),
        https=ports[1] or free_port(),
        web=free_port(),
        ws=free_port(),
        hsts=hsts,
    )


def seed(stack: Stack) -> None:
    """Put the demo network in. Its passwords are public, so the command refuses in production settings."""
    stack.manage("seed_demo", "--once", DJANGO_ENVIRONMENT="development")


WELCOME = """
  LinkUp runs on {origin} as it would on a server (and {http_origin} leads there).
  Your browser warns once: the certificate was made for this run alone.

  Sign in as alice, bob, charlie, mona (moderator) or admin (staff) with the password linkup-demo.
  Logs and uploads: {folder}
  Ctrl-C stops everything and leaves nothing behind.
"""


def _stop_when_told() -> None:
    """SIGTERM stops in order too, and SIGINT also where a shell started us in the background."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def main(arguments: list[str]) -> int:
    """Run the stack until Ctrl-C; 1 when it cannot start or a part of it dies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--https", type=int, default=8443, help="the port of HTTPS (8443)")
    parser.add_argument("--http", type=int, default=8080, help="the port of HTTP (8080)")
    parser.add_argument("--empty", action="store_true", help="without the demo network")
    chosen = parser.parse_args(arguments)
    taken = [port for port in (chosen.http, chosen.https) if _listens(port)]
    if taken:
        print(f"Port {taken[0]} is taken. Choose others: make stack HTTPS=8444 HTTP=8081", file=sys.stderr)
        return 1
    _stop_when_told()
    try:
        # No HSTS: a browser would insist on HTTPS for everything else on localhost, too.
        with running_stack(
            ports=(chosen.http, chosen.https), hsts="", say=print, SECURE_HSTS_SECONDS="0"
        ) as stack:
            if not chosen.empty:
                print("the demo network …")
                seed(stack)
            print(
                WELCOME.format(
                    origin=stack.origin, http_origin=stack.http_origin, folder=stack.site.folder.parent
                ),
                flush=True,
            )
            return _watch(stack)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except (ProgramMissingError, ServerStartError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


def _watch(stack: Stack) -> int:
    while True:
        time.sleep(1)
        for name, server in stack.servers.items():
            if server.process is None or server.process.poll() is not None:
                print(f"{name} ended by itself; what it wrote is above.", file=sys.stderr)
                print((server.folder / "log").read_text(errors="replace")[-4000:], file=sys.stderr)
                return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
