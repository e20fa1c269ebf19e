"""Checks of a running site that a single command cannot make."""

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2

from ..programs import ROOT
from ..servers import HOST
from ..stack import run_manage_command, run_release
from ..visitor import NoResponse, Response
from .results import CheckFailed
from .running_site import ALICE, PDF, RunningSite

HEALTH = ("/health/", "/health/db/", "/health/redis/", "/readiness/")
LOGS = ("django.log", "security.log")
# The self-signed certificate of this run expires within days.
EXPECTED_WARNINGS = {"certificate"}
VISITORS, RELOADS = 8, 2
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SIGN_IN_TO_RESTORED = f"""
from django.test import Client
from users.models import User
member = Client(SERVER_NAME="localhost")
response = member.post("/accounts/login/", {{"login": "{ALICE}", "password": %r}}, secure=True)
print("signed in:", response.status_code, "home:", member.get("/", secure=True).status_code, User.objects.count())
"""


def request_page(port: int, path: str, *, host: str = "anything.example") -> tuple[int, str]:
    """Return status and text of one page, requested as by a proxy that terminates TLS."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        return response.status, response.read().decode()


def expect_health(port: int) -> None:
    """Raise CheckFailed unless each health endpoint reports success."""
    for path in HEALTH:
        status, text = request_page(port, path)
        if status != http.HTTPStatus.OK or json.loads(text)["status"] != "ok":
            raise CheckFailed(f"{path} returned {status}: {text[:200]}")


def expect_page(port: int) -> None:
    """Raise CheckFailed unless the home page is served."""
    status, text = request_page(port, "/", host="localhost")
    if status != http.HTTPStatus.OK or "LinkUp" not in text:
        raise CheckFailed(f"the home page returned {status}")


def check_both_servers(site: RunningSite) -> str:
    """Request pages from gunicorn and daphne directly, without nginx."""
    expect_page(site.ports[0])
    for port in site.ports:
        expect_health(port)
    return "gunicorn, daphne, home page, health of both"


def check_doctor(site: RunningSite) -> str:
    """Run the doctor: no failure, and only expected warnings."""
    completed = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--no-color"],
        cwd=ROOT,
        env={**site.environment, **({"SSL_CERT_FILE": str(site.certificate)} if site.certificate else {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    warned = set(re.findall(r"(?m)^warning\s+(\S+)", completed.stdout))
    if completed.returncode or not completed.stdout or warned - EXPECTED_WARNINGS:
        raise CheckFailed(f"exit code {completed.returncode}:\n{completed.stdout}{completed.stderr}")
    found = re.findall(r"(?m)^ok\s+\S", completed.stdout)
    return f"{len(found)} findings ok, warnings: {', '.join(warned) or 'none'}"


def check_sockets(site: RunningSite) -> str:
    """Open a member's WebSocket through nginx."""
    with site.member() as member:
        status = member.send_request("GET", "/ws/", headers={**HANDSHAKE, "Origin": site.origin}).status
    if status != http.HTTPStatus.SWITCHING_PROTOCOLS:
        raise CheckFailed(f"the handshake returned {status}")
    return "101 through nginx"


def check_mail(site: RunningSite) -> str:
    """Request a new password; the mail must have a link to this site."""
    _ = site.upload
    site.mails.clear()
    with site.visitor() as visitor:
        response = visitor.submit_form("/accounts/password/reset/", email=f"{ALICE}@example.org")
    if response.status != http.HTTPStatus.FOUND:
        raise CheckFailed(f"asking for a new password returned {response.status}")
    mail = site.wait_for_mail().replace("=\r\n", "").replace("=\n", "")
    if f"{ALICE}@example.org" not in mail or site.origin not in mail:
        raise CheckFailed(f"the mail is not for {ALICE}, or has no link to {site.origin}:\n{mail}")
    return "a mail with a link"


def check_logs(site: RunningSite) -> str:
    """Fail to sign in; it must be in the security log, and only the servers' user may read the logs."""
    _ = site.upload
    security = site.folder / "logs" / "security.log"
    before = security.stat().st_size if security.exists() else 0
    with site.visitor() as visitor:
        visitor.submit_form("/accounts/login/", login=ALICE, password=f"{site.password}?")
    for name in LOGS:
        _expect_log(site.folder / "logs" / name)
    if security.stat().st_size <= before:
        raise CheckFailed("a failed sign-in is not in security.log")
    return ", ".join(LOGS)


def _expect_log(path: Path) -> None:
    if not path.is_file():
        raise CheckFailed(f"{path.name} is not there")
    found = path.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o007:
        raise CheckFailed(f"{path.name} belongs to user {found.st_uid}, mode {found.st_mode & 0o777:o}")


def check_private_files(site: RunningSite) -> str:
    """Request a private file by all its URLs: a member gets it, a visitor does not."""
    upload = site.upload
    with site.member() as member:
        _expect_file(site, member.get(upload.address))
    urls = (upload.address, f"/media/{upload.name}", f"/protected-media/{upload.name}")
    for url in urls:
        with site.visitor() as visitor:
            response = visitor.get(url)
        if response.status == http.HTTPStatus.OK or PDF in response.body:
            raise CheckFailed(f"a visitor gets {url}: {response.status}")
    return f"a member gets it, a visitor gets none of {len(urls)} URLs"


def _expect_file(site: RunningSite, response: Response) -> None:
    if response.status != http.HTTPStatus.OK or response.body != PDF:
        raise CheckFailed(f"{site.upload.address} returned {response.status}, {len(response.body)} bytes")


def check_restart_keeps_uploads(site: RunningSite) -> str:
    """Request a file before and after a restart of gunicorn, daphne and nginx."""
    with site.member() as member:
        _expect_file(site, member.get(site.upload.address))
    site.restart()
    with site.member() as member:
        _expect_file(site, member.get(site.upload.address))
    return "the same bytes after all servers were stopped and started"


def check_reload(site: RunningSite) -> str:
    """Send requests without a pause during reloads; all must succeed."""
    stop = threading.Event()
    outcomes: Counter[str] = Counter()

    def visit() -> None:
        with site.visitor() as visitor:
            while not stop.is_set():
                try:
                    outcomes[str(visitor.get("/accounts/login/").status)] += 1
                except NoResponse as error:
                    outcomes[type(error).__name__] += 1

    with ThreadPoolExecutor(VISITORS) as pool:
        visits = [pool.submit(visit) for _ in range(VISITORS)]
        try:
            for _ in range(RELOADS):
                time.sleep(1)
                site.reload()
            time.sleep(1)
        finally:
            stop.set()
        for visit_result in visits:
            visit_result.result()
    if set(outcomes) != {"200"}:
        raise CheckFailed(f"responses: {dict(outcomes)}")
    return f"{outcomes['200']} requests during {RELOADS} reloads, 0 failed"


def check_backup(site: RunningSite) -> str:
    """Restore a backup of this site into an empty database and folder; a member must be able to sign in."""
    _ = site.upload
    output = run_manage_command(site.environment, "backup", str(site.folder / "backups"), "--quiet")
    environment = _empty_environment(site)
    restored = run_manage_command(environment, "restore", output.split()[-1], "--quiet")
    if "The same as in the backup" not in restored:
        raise CheckFailed(restored)
    if (Path(environment["DATA_DIR"]) / "media" / site.upload.name).read_bytes() != PDF:
        raise CheckFailed(f"{site.upload.name} is not what was uploaded")
    run_release(environment)
    printed = run_manage_command(
        environment, "shell", "--command", SIGN_IN_TO_RESTORED % site.password
    ).splitlines()[-1]
    if printed != "signed in: 302 home: 200 1":
        raise CheckFailed(f"in the restored site: {printed}")
    return "the same rows and files; a member signs in"


def _empty_environment(site: RunningSite) -> dict[str, str]:
    url = site.environment["DATABASE_URL"]
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE restored")
    other = f"{url.rpartition('/')[0]}/restored"
    return {**site.environment, "DATABASE_URL": other, "DATA_DIR": str(site.folder / "restored")}
