"""nginx as compose.yaml starts it: it finds containers that were made again, and visitors behind another proxy."""

import http.client
import http.server
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.nginx import MAIN_CONFIG, NginxSite, create_certificate, find_mime_types
from scripts.programs import ROOT, find_or_install
from scripts.servers import HOST, Server, find_free_port
from scripts.stack import is_port_open
from tests.http_server import run_http_server

from .names import name_server

NAME = "network.example.org"
# Where nobody listens: the address of a container that is gone.
GONE = "127.0.0.9"
VISITOR = "192.0.2.7"


@dataclass
class Front:
    """A running nginx before one server, and the addresses by which it finds that one."""

    site: NginxSite
    addresses: dict[str, str]

    def asked(self, **headers: str) -> tuple[int, str]:
        """The answer to a question of a monitor, by plain HTTP."""
        connection = http.client.HTTPConnection(HOST, self.site.http_port, timeout=30)
        try:
            connection.request("GET", "/health/", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def page(self, path: str) -> str:
        """The answer to a visitor who names the site, by HTTPS."""
        context = ssl.create_default_context(cafile=str(self.site.certificate))
        context.check_hostname = False
        request = f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
        with (
            socket.create_connection((HOST, self.site.https_port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as wire,
        ):
            wire.sendall(request.encode())
            return wire.makefile("rb").read().decode()


class _RequestEcho(http.server.BaseHTTPRequestHandler):
    """Says who is said to ask, and for what."""

    def do_GET(self) -> None:
        body = f"{self.headers['X-Forwarded-For']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def front(folder: Path, **variables: str) -> Iterator[Front]:
    """nginx with what deploy/docker/nginx.sh makes of these variables; only ports and folders are of this machine."""
    addresses = {"web": HOST, "worker": HOST}
    with run_http_server(_RequestEcho) as web, name_server(addresses) as names:
        site = NginxSite(
            folder,
            folder,
            folder,
            http_port=find_free_port(),
            https_port=find_free_port(),
            web_port=web,
            ws_port=web,
        )
        create_certificate(site)
        site.certificate.rename(folder / "fullchain.pem")
        site.key.rename(folder / "privkey.pem")
        site.certificate.symlink_to(folder / "fullchain.pem")
        environment = {
            "ALLOWED_HOSTS": NAME,
            "WEB": f"web:{web}",
            "WORKER": f"worker:{web}",
            "RESOLVER": f"{HOST}:{names}",
            "CERTIFICATES": str(folder),
            "SOURCE": str(ROOT / "deploy" / "nginx" / "linkup.conf"),
            "TARGET": str(folder / "linkup.conf"),
            "DEFAULT_SITE": str(folder / "default.conf"),
        }
        script = ROOT / "deploy" / "docker" / "nginx.sh"
        subprocess.run([script], env={"PATH": os.environ["PATH"], **environment, **variables}, check=True)
        nginx = _nginx(site)
        nginx.start()
        try:
            yield Front(site, addresses)
        finally:
            nginx.stop()


def _nginx(site: NginxSite) -> Server:
    config = site.folder / "linkup.conf"
    text = re.sub(r"(?m)^ *listen \[::\].*\n", "", config.read_text())
    text = text.replace("listen 80", f"listen {HOST}:{site.http_port}")
    config.write_text(text.replace("listen 443", f"listen {HOST}:{site.https_port}"))
    binary = find_or_install("nginx")["nginx"]
    user = "user root;" if os.geteuid() == 0 else ""
    main = site.folder / "nginx.conf"
    text = MAIN_CONFIG.format(user=user, folder=site.folder, mime_types=find_mime_types(binary))
    # Each process remembers addresses for itself.
    main.write_text(text.replace("worker_processes 2;", "worker_processes 1;"))
    command = [str(binary), "-p", str(site.folder), "-e", "stderr", "-c", str(main)]
    return Server(command, lambda: is_port_open(site.https_port), site.folder, None, signal.SIGTERM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "default.conf").touch()
    return tmp_path


def answers_in_time(here: Front, expected: set[int]) -> int:
    """The last answer: one of those expected, or what it still was after a minute."""
    deadline = time.monotonic() + 60
    while (status := here.asked()[0]) not in expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return status


def test_nginx_finds_a_container_that_was_made_anew(folder: Path) -> None:
    """Whatever the name server says of how long an address holds, nginx keeps it for two seconds."""
    with front(folder) as here:
        assert here.asked()[0] == 200
        here.addresses["web"] = GONE
        assert answers_in_time(here, {502, 503, 504}) in {502, 503, 504}
        here.addresses["web"] = HOST
        assert answers_in_time(here, {200}) == 200


def test_paths_come_through_as_they_were_asked_for(folder: Path) -> None:
    with front(folder) as here:
        assert here.page("/a%2Fb/%C3%A9?c=d%20e").endswith(f"{HOST} /a%2Fb/%C3%A9?c=d%20e")
        assert here.page("/ws/tab/?c=d").endswith(f"{HOST} /ws/tab/?c=d")
        assert here.page("/metrics").endswith(f"{HOST} /metrics/")


def test_a_visitor_is_not_believed_about_his_address(folder: Path) -> None:
    with front(folder) as here:
        assert here.asked(**{"X-Forwarded-For": VISITOR}) == (200, f"{HOST} /health/")


def test_the_proxy_before_nginx_is(folder: Path) -> None:
    with front(folder, OUTER_PROXIES=f"198.51.100.0/24,{HOST}") as here:
        # Entries before the last one that is no proxy may be made up by the visitor.
        forwarded = f"203.0.113.9, {VISITOR}, 198.51.100.4"
        assert here.asked(**{"X-Forwarded-For": forwarded}) == (200, f"{VISITOR} /health/")
