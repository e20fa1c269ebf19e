"""Puts deploy/nginx/linkup.conf to work on this machine: other ports and folders, and a throw-away certificate."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .programs import ROOT, find_or_install
from .servers import HOST

CONFIG = ROOT / "deploy" / "nginx" / "linkup.conf"
HSTS = "max-age=31536000; includeSubDomains; preload"

MAIN = """\
daemon off;
{user}
worker_processes 2;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
    include {mime_types};
    default_type application/octet-stream;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/linkup.conf;
}}
"""


@dataclass(frozen=True)
class Site:
    """What the configuration of a server has at its places, for this machine."""

    folder: Path
    static: Path
    media: Path
    http: int
    https: int
    web: int
    ws: int
    hsts: str = HSTS

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"


def _replacements(site: Site) -> dict[str, str]:
    live = "/etc/letsencrypt/live/network.example.org"
    return {
        f"{live}/fullchain.pem": str(site.certificate),
        f"{live}/privkey.pem": str(site.key),
        "server_name network.example.org;": "server_name localhost;",
        "listen 80": f"listen {HOST}:{site.http}",
        "listen 443": f"listen {HOST}:{site.https}",
        "127.0.0.1:8000": f"{HOST}:{site.web}",
        "127.0.0.1:8001": f"{HOST}:{site.ws}",
        "/srv/linkup/staticfiles/": f"{site.static}/",
        "/srv/linkup/media/": f"{site.media}/",
        "/var/log/nginx/linkup.log": f"{site.folder}/linkup.log",
        "proxy_set_header Host $host;": f"proxy_set_header Host $host:{site.https};",
        "https://$host$request_uri": f"https://$host:{site.https}$request_uri",
        HSTS: site.hsts,
    }


def rendered(site: Site) -> str:
    """The configuration for this machine. A place that is not found any more is a LookupError: keep both in step."""
    head, *rest = CONFIG.read_text().split("\nupstream ", 1)
    text = head + "\nupstream " + "".join(rest)
    text = re.sub(r"(?m)^ *listen \[::\].*\n", "", text)
    for old, new in _replacements(site).items():
        if old not in text:
            raise LookupError(f"{CONFIG.name} holds no {old!r}")
        text = text.replace(old, new)
    return text


def _mime_types(binary: Path) -> Path:
    """nginx's own list of types lies beside its own configuration."""
    output = subprocess.run([str(binary), "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"--conf-path=(\S+)", output)
    return (Path(found[1]) if found else Path("/etc/nginx/nginx.conf")).parent / "mime.types"


def _make_certificate(site: Site) -> None:
    command = ["openssl", "req", "-x509", "-nodes", "-days", "7", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, "-keyout", str(site.key), "-out", str(site.certificate)], capture_output=True, check=True
    )


def prepare(site: Site) -> list[str]:
    """Write the configuration and a certificate into the site's folder; returns the command that serves it."""
    binary = find_or_install("nginx")["nginx"]
    _make_certificate(site)
    (site.folder / "linkup.conf").write_text(rendered(site))
    # Its workers must read what we wrote; run by root they would be another user.
    user = "user root;" if os.geteuid() == 0 else ""
    main = MAIN.format(user=user, folder=site.folder, mime_types=_mime_types(binary))
    (site.folder / "nginx.conf").write_text(main)
    return [str(binary), "-p", str(site.folder), "-e", "stderr", "-c", str(site.folder / "nginx.conf")]
