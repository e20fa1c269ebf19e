"""nginx with deploy/nginx/linkup.conf on this machine: local ports and folders, and a self-signed certificate."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .programs import ROOT, find_or_install
from .servers import HOST

SITE_CONFIG = ROOT / "deploy" / "nginx" / "linkup.conf"
HSTS = "max-age=31536000; includeSubDomains; preload"

MAIN_CONFIG = """\
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
class NginxSite:
    """Folders and ports of this machine, in place of those in the configuration of a server.

    `folder` gets the configuration, the certificate, logs and temporary files.
    """

    folder: Path
    static: Path
    media: Path
    http_port: int
    https_port: int
    web_port: int
    ws_port: int
    hsts: str = HSTS

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"


def _replacements(site: NginxSite) -> dict[str, str]:
    live = "/etc/letsencrypt/live/network.example.org"
    return {
        f"{live}/fullchain.pem": str(site.certificate),
        f"{live}/privkey.pem": str(site.key),
        "server_name network.example.org;": "server_name localhost;",
        "listen 80": f"listen {HOST}:{site.http_port}",
        "listen 443": f"listen {HOST}:{site.https_port}",
        "127.0.0.1:8000": f"{HOST}:{site.web_port}",
        "127.0.0.1:8001": f"{HOST}:{site.ws_port}",
        "/srv/linkup/staticfiles/": f"{site.static}/",
        "/srv/linkup/media/": f"{site.media}/",
        "/var/log/nginx/linkup.log": f"{site.folder}/linkup.log",
        "proxy_set_header Host $host;": f"proxy_set_header Host $host:{site.https_port};",
        "https://$host$request_uri": f"https://$host:{site.https_port}$request_uri",
        HSTS: site.hsts,
    }


def render_config(site: NginxSite) -> str:
    """Return linkup.conf for this machine; raises LookupError when a part that must be replaced is missing."""
    text = re.sub(r"(?m)^ *listen \[::\].*\n", "", SITE_CONFIG.read_text())
    for old, new in _replacements(site).items():
        if old not in text:
            raise LookupError(f"{SITE_CONFIG.name} does not contain {old!r}")
        text = text.replace(old, new)
    return text


def find_mime_types(binary: Path) -> Path:
    """Return the path of mime.types, which is beside the default configuration of this nginx."""
    output = subprocess.run([str(binary), "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"--conf-path=(\S+)", output)
    return (Path(found[1]) if found else Path("/etc/nginx/nginx.conf")).parent / "mime.types"


def create_certificate(site: NginxSite) -> None:
    """Create a self-signed certificate for localhost in the folder of the site."""
    command = ["openssl", "req", "-x509", "-nodes", "-days", "7", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, "-keyout", str(site.key), "-out", str(site.certificate)], capture_output=True, check=True
    )


def prepare_nginx(site: NginxSite) -> list[str]:
    """Write the configuration and a certificate to the folder of the site; return the command that starts nginx."""
    binary = find_or_install("nginx")["nginx"]
    create_certificate(site)
    (site.folder / "linkup.conf").write_text(render_config(site))
    # The workers must be able to read these files; started by root, they would run as another user.
    user = "user root;" if os.geteuid() == 0 else ""
    main = MAIN_CONFIG.format(user=user, folder=site.folder, mime_types=find_mime_types(binary))
    (site.folder / "nginx.conf").write_text(main)
    return [str(binary), "-p", str(site.folder), "-e", "stderr", "-c", str(site.folder / "nginx.conf")]
