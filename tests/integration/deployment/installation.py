"""LinkUp where the guide puts it: an empty folder, the guide's blocks run in order, and servers of our own."""

import grp
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from scripts.nginx import NginxSite, find_mime_types
from scripts.programs import ROOT, find_or_install
from scripts.servers import HOST, Server, find_free_port, postgres_server, temporary_folder
from scripts.stack import KEPT_VARIABLES, Stack, is_healthy, is_port_open
from tests.e2e.mailbox import Mailbox
from tests.test_repository import files_of_the_repository

from .blocks import GUIDE, Block, blocks_of
from .shell import BlockFailed, Shell

BINARIES = Path(sys.executable).parent
NAME = "localhost"
OPERATOR = "operator@example.org"
ADMIN = {"USERNAME": "olga", "EMAIL": "olga@example.org", "PASSWORD": "a long sentence of the operator"}
# As the package of Debian 12 leaves it.
DEBIAN_MAIN = Path(__file__).with_name("debian-nginx.conf")
VERSION, NEXT_VERSION = "v0.1.0", "v0.2.0"
# How this machine reaches packages.
OF_THE_MACHINE = re.compile(r"(PIP|UV)_\w+|LC_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(?i:\w+_proxy)")


@dataclass
class Installation:
    """The deployed LinkUp and everything around it."""

    folder: Path
    variables: dict[str, str]
    shell: Shell
    mailbox: Mailbox
    postgres: Server
    redis: Server
    ports: dict[str, int]
    exit_stack: ExitStack
    run: list[Block] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    second: Server | None = None
    stack: Stack | None = None

    @property
    def linkup(self) -> Path:
        """LINKUP: the code, static files, uploads and logs."""
        return Path(self.variables["LINKUP"])

    @property
    def media(self) -> Path:
        """Where uploads lie: elsewhere than the code, as on a separate disk."""
        return Path(self.variables["LINKUP_MEDIA"])

    @property
    def logs(self) -> Path:
        """Where the servers of the guide write, and who they are."""
        return Path(self.variables["LINKUP_LOGS"])

    @property
    def pids(self) -> dict[str, int]:
        """The servers that the guide has started."""
        found = {path.stem: int(path.read_text()) for path in self.logs.glob("*.pid")}
        return {name: pid for name, pid in found.items() if _is_one_of_ours(pid, self.linkup)}

    def follow(self, block: Block) -> str:
        """Run a block of the guide."""
        try:
            self.said[block.location] = self.shell.run(block)
        except BlockFailed as failed:
            logs = sorted(self.logs.glob("*.log"))
            tails = [f"\n== {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs]
            raise BlockFailed(f"{failed}{''.join(tails)}") from None
        self.run.append(block)
        return self.said[block.location]

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of the deployed LinkUp, in its environment."""
        return subprocess.run(
            [self.linkup / ".venv" / "bin" / "python", "manage.py", *arguments],
            cwd=self.linkup,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def server(self, name: str, command: list[str], port: int, **variables: str) -> Server:
        """One more server of the deployed LinkUp, not started."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        program = str(self.linkup / ".venv" / "bin" / command[0])
        return Server(
            [program, *command[1:]],
            lambda: is_healthy(port),
            folder,
            None,
            signal.SIGTERM,
            environment={**self.environment, **variables},
            start_in=self.linkup,
        )

    @property
    def served(self) -> Stack:
        """The site as visitors reach it."""
        assert self.stack is not None
        return self.stack


def _is_one_of_ours(pid: int, linkup: Path) -> bool:
    with suppress(OSError):
        return str(linkup) in Path(f"/proc/{pid}/cmdline").read_text()
    return False


def _source(folder: Path) -> str:
    """A git repository of this checkout as it is now, changes that are not committed included."""
    source = folder / "source"
    for path in files_of_the_repository():
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    _git(source, "init", "--quiet", "--initial-branch=main")
    _git(source, "add", "--all", "--force")
    _git(source, "commit", "--quiet", "--message", "As it is now")
    _git(source, "tag", VERSION)
    (source / "theme" / "static" / "theme" / "next.txt").write_text("Of the next version.\n")
    target = source / "deploy" / "systemd" / "linkup.target"
    target.write_text(f"{target.read_text()}# Of the next version.\n")
    _git(source, "add", "--all", "--force")
    _git(source, "commit", "--quiet", "--message", "As it will be")
    _git(source, "tag", NEXT_VERSION)
    _git(source, "reset", "--quiet", "--hard", "HEAD~1")
    return source.as_uri()


def _git(folder: Path, *arguments: str) -> None:
    of_nobody = ["-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *of_nobody, *arguments]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)


def nginx_group() -> str:
    """The group of nginx's user; our own where we may not give files away."""
    with suppress(KeyError):
        if os.geteuid() == 0:
            return grp.getgrnam("www-data").gr_name
    return grp.getgrgid(os.getgid()).gr_name


def _redis(folder: Path, port: int) -> Server:
    """Redis with the configuration that the guide writes; started when it has."""
    binary = find_or_install("redis")["redis"]
    config = folder / "redis" / "linkup.conf"
    where = ["--bind", HOST, "--port", str(port), "--dir", str(folder / "redis")]
    server = Server(
        [str(binary), str(config), *where], lambda: is_port_open(port), folder / "redis", None, signal.SIGTERM
    )
    server.url = f"redis://{HOST}:{port}/0"
    return server


def _overrides(folder: Path, postgres: str, ports: dict[str, int]) -> dict[str, str]:
    """What the guide's first block takes from the shell instead of a server's values."""
    for name in ("units", "redis", "data", "nginx/conf.d", "nginx/modules-enabled", "nginx/sites-enabled"):
        (folder / name).mkdir(parents=True)
    shutil.copy(DEBIAN_MAIN, folder / "nginx" / "nginx.conf")
    binaries = find_or_install("postgresql")["postgresql"]
    address = urlsplit(postgres)
    return {
        "LINKUP": str(folder / "linkup"),
        "LINKUP_ENV": str(folder / "etc" / "environment"),
        "LINKUP_SOURCE": _source(folder),
        "LINKUP_NAME": NAME,
        "LINKUP_USER": pwd.getpwuid(os.getuid()).pw_name,
        "LINKUP_CERTIFICATE": str(folder / "certificate"),
        "LINKUP_NGINX": str(folder / "nginx" / "conf.d" / "linkup.conf"),
        "LINKUP_NGINX_MAIN": str(folder / "nginx" / "nginx.conf"),
        "LINKUP_UNITS": str(folder / "units"),
        "LINKUP_PSQL": str(binaries / "psql"),
        "LINKUP_REDIS_CONFIG": str(folder / "redis" / "linkup.conf"),
        "LINKUP_REDIS_PORT": str(ports["redis"]),
        "LINKUP_MEDIA": str(folder / "data" / "uploads"),
        "LINKUP_LOGS": str(folder / "data" / "logs"),
        "LINKUP_BACKUPS": str(folder / "data" / "backups"),
        "LINKUP_OPERATOR": OPERATOR,
        "LINKUP_NGINX_GROUP": nginx_group(),
        "LINKUP_WEB_PORT": str(ports["web"]),
        "LINKUP_WS_PORT": str(ports["ws"]),
        "LINKUP_VERSION": NEXT_VERSION,
        "PGHOST": HOST,
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        **{f"DJANGO_SUPERUSER_{name}": value for name, value in ADMIN.items()},
    }


def _shell_of_an_operator(overrides: dict[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name in KEPT_VARIABLES and name != "VIRTUAL_ENV") or OF_THE_MACHINE.fullmatch(name)
    }
    # `python3` is the one of this run: a machine may have another, too old one. pip, which takes this 0 for "do not
    # compile", leaves the 4,500 modules to the servers, which import 700 of them.
    path = f"{BINARIES}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "PIP_NO_COMPILE": "0", **overrides}


@contextmanager
def deployed() -> Iterator[Installation]:
    """An empty folder, servers to lean on, and an operator's shell, in which `walk` follows the guide."""
    find_or_install("postgresql", "redis", "nginx")
    with ExitStack() as exit_stack:
        postgres = exit_stack.enter_context(postgres_server())
        folder = exit_stack.enter_context(temporary_folder(None))
        mailbox = Mailbox()
        mailbox.start()
        exit_stack.callback(mailbox.stop)
        ports = {name: find_free_port() for name in ("web", "ws", "second", "http", "https", "redis")}
        variables = _overrides(folder, postgres.url, ports)
        shell = Shell(folder, _shell_of_an_operator(variables))
        exit_stack.callback(shell.leave)
        cache = _redis(folder, ports["redis"])
        exit_stack.callback(cache.stop)
        installation = Installation(folder, variables, shell, mailbox, postgres, cache, ports, exit_stack)
        exit_stack.callback(_end, installation)
        yield installation


def steps() -> list[Block]:
    """The blocks of the guide's steps 1 to 9 that are run, in order."""
    return [block for block in blocks_of(GUIDE) if block.language == "bash" and 1 <= _step(block) <= 9]


def _step(block: Block) -> int:
    number = block.section.partition(".")[0]
    return int(number) if number.isdigit() else 0


def walk(installation: Installation, last: Block) -> None:
    """Follow the guide to this block, from where we are; between the blocks do what it leaves to the hand."""
    for block in steps():
        if block not in installation.run:
            _do_by_hand(installation, _step(installation.run[-1]) if installation.run else 0, _step(block))
            installation.follow(block)
        if block == last:
            return


def _do_by_hand(installation: Installation, done: int, begun: int) -> None:
    """What lies between the steps `done` and `begun`."""
    if done < 5 <= begun:
        installation.redis.start()
    if done < 6 <= begun:
        _edit_environment(installation)
    if done < 7 <= begun:
        _take_environment(installation)
    if done < 9 <= begun:
        _serve(installation)


def _edit_environment(installation: Installation) -> None:
    """What the operator does in the editor."""
    with Path(installation.variables["LINKUP_ENV"]).open("a") as file:
        file.write(f"EMAIL_HOST={HOST}\nEMAIL_PORT={installation.mailbox.port}\n")
        file.write("DEFAULT_FROM_EMAIL='LinkUp <no-reply@example.org>'\n")
        # What a test's own certificate and port need.
        file.write(f"SITE_URL=https://{NAME}:{installation.ports['https']}\n")
        file.write(
            f"SSL_CERT_FILE={installation.variables['LINKUP_CERTIFICATE']}/fullchain.pem\nDRAIN_SECONDS=0\n"
        )


def _take_environment(installation: Installation) -> None:
    """What the shell holds now is what every server and command of this installation gets."""
    output = installation.shell.type("env -0")
    pairs = (line.partition("=") for line in output.split("\0") if line)
    unwanted = ("PG", "LINKUP", "DJANGO_SUPERUSER")
    installation.environment = {name: value for name, _, value in pairs if not name.startswith(unwanted)}


def _serve(installation: Installation) -> None:
    """Put the guide's site under nginx on ports of this test, and start a second daphne."""
    site = NginxSite(
        folder=installation.folder / "nginx",
        static=installation.linkup / "staticfiles",
        media=installation.media,
        http_port=installation.ports["http"],
        https_port=installation.ports["https"],
        web_port=installation.ports["web"],
        ws_port=installation.ports["ws"],
    )
    shutil.copy(f"{installation.variables['LINKUP_CERTIFICATE']}/fullchain.pem", site.certificate)
    nginx = _nginx(
        site, Path(installation.variables["LINKUP_NGINX"]), Path(installation.variables["LINKUP_NGINX_MAIN"])
    )
    daphne = ["daphne", "--bind", HOST, "--port", str(installation.ports["second"]), "--no-server-name"]
    second = installation.server(
        "second", [*daphne, "professional_network.asgi:application"], installation.ports["second"]
    )
    for server in (nginx, second):
        server.start()
        installation.exit_stack.callback(server.stop)
    installation.second = second
    installation.stack = Stack(
        origin=f"https://{NAME}:{site.https_port}",
        http_origin=f"http://{NAME}:{site.http_port}",
        site=site,
        environment=installation.environment,
        postgres=installation.postgres,
        redis=installation.redis,
        # Started by the guide, so that these two are nothing to start or stop.
        web=installation.server("web", ["gunicorn"], site.web_port),
        ws=installation.server("ws", ["daphne"], site.ws_port),
        nginx=nginx,
    )


def _nginx(site: NginxSite, config: Path, main: Path) -> Server:
    """nginx with the guide's site in Debian's main file: only ports, folders, the log and the user are others."""
    binary = find_or_install("nginx")["nginx"]
    shutil.copy(find_mime_types(binary), main.parent / "mime.types")
    _replace(
        config,
        {
            "listen 80": f"listen {HOST}:{site.http_port}",
            "listen 443": f"listen {HOST}:{site.https_port}",
            "/var/log/nginx/linkup.log": f"{site.folder}/linkup.log",
            "proxy_set_header Host $host;": f"proxy_set_header Host $host:{site.https_port};",
            "https://$host$request_uri": f"https://$host:{site.https_port}$request_uri",
        },
    )
    _replace(
        main,
        {
            "user www-data;": "user root;" if os.geteuid() == 0 else "",
            "pid /run/nginx.pid;": f"pid {site.folder}/nginx.pid;",
            "/var/log/nginx/": f"{site.folder}/",
            "/etc/nginx/": f"{main.parent}/",
        },
    )
    shutil.copy(find_mime_types(binary), main.parent / "mime.types")
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{name}_temp_path {site.folder}/{name};\n" for name in folders)
    config.with_name("temporary.conf").write_text(temporary)
    command = [str(binary), "-p", str(site.folder), "-e", "stderr", "-c", str(main), "-g", "daemon off;"]
    folder = site.folder / "server"
    folder.mkdir()
    return Server(command, lambda: is_port_open(site.https_port), folder, None, signal.SIGTERM)


def _replace(file: Path, replacements: dict[str, str]) -> None:
    text = re.sub(r"(?m)^ *listen \[::\].*\n", "", file.read_text())
    for old, new in replacements.items():
        assert old in text, f"{file.name} holds no {old!r}"
        text = text.replace(old, new)
    file.write_text(text)


def _end(installation: Installation) -> None:
    """End what the guide has started, as it says; by force where that does not help."""
    pids = installation.pids
    for pid in pids.values():
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while installation.pids and time.monotonic() < deadline:
        time.sleep(0.05)
    stubborn = installation.pids
    for pid in stubborn.values():
        os.kill(pid, signal.SIGKILL)
    assert not stubborn, "kill did not end what the guide has started"
