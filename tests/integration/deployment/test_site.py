"""The deployed LinkUp, as its members and its operator use it."""

import gzip
import http.client
import json
import os
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
import redis

from scripts.servers import HOST
from scripts.visitor import Visitor
from tests.testkit.websocket import WebSocket

from .installation import ADMIN, OPERATOR, Installation, nginx_group
from .members import PASSWORD, photo, send_form


def plain(requirement: str) -> str:
    """A requirement in the one spelling of its name, without extras and conditions."""
    name, _, version = re.sub(r"\[.*\]| *[;\\].*", "", requirement).partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def test_what_was_installed_is_what_is_pinned(installation: Installation) -> None:
    pip = installation.linkup / ".venv" / "bin" / "pip"
    listed = subprocess.run([pip, "freeze"], capture_output=True, text=True, check=True).stdout
    installed = {plain(line) for line in listed.splitlines()}
    pinned = {
        plain(line)
        for line in (installation.linkup / "requirements.txt").read_text().splitlines()
        if "==" in line
    }
    project = tomllib.loads((installation.linkup / "pyproject.toml").read_text())["project"]
    assert installed <= pinned
    assert installed >= {plain(dependency) for dependency in project["dependencies"]}


def test_secrets_are_for_root_alone(installation: Installation) -> None:
    file = Path(installation.variables["LINKUP_ENV"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_uid == os.getuid()
    assert len(re.findall(r"(?m)^SECRET_KEY='.{50,}'$", file.read_text())) == 1
    assert installation.environment["DJANGO_ENVIRONMENT"] == "production"


def readers(path: Path, asker: str) -> bool:
    """Whether the user reads it: as the kernel says where we may ask it, else by owner, group and mode."""
    if os.geteuid() == 0:
        someone = ["setpriv", "--reuid", asker, "--regid", asker, "--init-groups"]
        done = subprocess.run([*someone, "cat", path], capture_output=True, check=False)
        return done.returncode == 0
    status = path.stat()
    return bool(status.st_mode & 0o004) or (nginx_group() == asker and bool(status.st_mode & 0o040))


def test_the_web_servers_user_reads_no_secret(installation: Installation) -> None:
    """Every page of PHP on that machine runs as www-data; nginx needs static files and uploads."""
    upload = installation.media / "looked-at.txt"
    upload.write_text("An upload.")
    secrets = [
        Path(installation.variables["LINKUP_ENV"]),
        Path(installation.variables["LINKUP_REDIS_CONFIG"]),
        Path(installation.variables["LINKUP_CERTIFICATE"]) / "privkey.pem",
    ]
    logs = sorted(installation.logs.iterdir())
    static = installation.linkup / "staticfiles" / "staticfiles.json"
    # The folder of this test lets nobody in; a server's do.
    opened = {folder: folder.stat().st_mode for folder in (installation.folder, installation.folder / "data")}
    for folder in opened:
        folder.chmod(0o711)
    try:
        read = {path for path in [*secrets, *logs, static, upload] if readers(path, "www-data")}
        strangers = {path for path in [*secrets, *logs, static, upload] if readers(path, "nobody")}
    finally:
        for folder, mode in opened.items():
            folder.chmod(mode)
        upload.unlink()
    assert logs
    assert [path for path in secrets if path in read | strangers] == []
    if os.geteuid() == 0:
        assert read == {static, upload}
        assert strangers == set()


def test_redis_answers_nobody_without_the_password_and_keeps_nothing(installation: Installation) -> None:
    port = installation.ports["redis"]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(host=HOST, port=port).ping()
    with redis.Redis.from_url(installation.environment["REDIS_URL"]) as client:
        said = {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy", "save")}
    assert said == {"maxmemory": str(256 * 1024**2), "maxmemory-policy": "allkeys-lru", "save": ""}
    assert not list((installation.folder / "redis").glob("*.rdb"))


def test_the_mail_of_the_trial_arrives(installation: Installation) -> None:
    assert [mail for mail in installation.mailbox.sent_to(OPERATOR) if "Test email" in str(mail["Subject"])]


def test_waiting_for_a_server_says_nothing(installation: Installation) -> None:
    assert not [
        where for where, said in installation.said.items() if re.search(r"^curl:", said, re.MULTILINE)
    ]


def test_the_units_let_the_servers_write_where_the_environment_says(installation: Installation) -> None:
    units = Path(installation.variables["LINKUP_UNITS"])
    writes = {
        unit.name: {path.lstrip("-") for path in re.findall(r"\S+", line)}
        for unit in units.glob("*.service")
        for line in re.findall(r"(?m)^ReadWritePaths=(.*)$", unit.read_text())
    }
    uploads, logs = installation.environment["MEDIA_ROOT"], installation.environment["LOG_DIR"]
    assert writes["linkup-web.service"] == writes["linkup-ws.service"] == {uploads, logs}
    assert writes["linkup-backup.service"] == {installation.variables["LINKUP_BACKUPS"], logs}
    assert f" {installation.variables['LINKUP_BACKUPS']} " in (units / "linkup-backup.service").read_text()
    assert installation.media.as_posix() in Path(installation.variables["LINKUP_NGINX"]).read_text()


def test_nginx_says_of_https_what_linkup_says(installation: Installation) -> None:
    own, _body = ask(installation.ports["web"], "/accounts/login/")
    said = own.getheader("Strict-Transport-Security")
    assert said
    assert f'"{said}"' in Path(installation.variables["LINKUP_NGINX"]).read_text()


def test_the_guide_says_what_its_commands_print(installation: Installation) -> None:
    of_the_servers = "".join(
        installation.said[block.location] for block in installation.run if block.section.startswith("7.")
    )
    assert of_the_servers.count('{"status": "ok"}') == 2
    heard = "".join(installation.said.values())
    assert "System check identified no issues" in heard
    for subject in ("database", "migrations", "Redis", "storage", "mail", "certificate"):
        assert re.search(rf"^ok +{subject} ", heard, re.MULTILINE), heard
    assert not re.search(r"^(failure|ERROR|Traceback)", heard, re.MULTILINE)


def test_the_units_name_this_installation_and_systemd_takes_them(installation: Installation) -> None:
    units = sorted(Path(installation.variables["LINKUP_UNITS"]).iterdir())
    assert {unit.name for unit in units} >= {"linkup-web.service", "linkup-ws.service", "linkup.target"}
    text = "".join(unit.read_text() for unit in units)
    assert not re.search(r"/srv/linkup|/etc/linkup|(User|Group)=linkup\b", re.sub(r"(?m)^#.*", "", text))
    for program in re.findall(r"^Exec\w+=-?(\S+)", text, re.MULTILINE):
        assert shutil.which(program), program
    for file in re.findall(r"^EnvironmentFile=-?(\S+)", text, re.MULTILINE):
        assert Path(file).is_file()
    if analyze := shutil.which("systemd-analyze"):
        done = subprocess.run(
            [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def ask(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """A request to a server itself, as a proxy sends it."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request("GET", path, headers={"Host": "localhost", "X-Forwarded-Proto": "https", **headers})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_gunicorn_serves_static_files_by_itself(installation: Installation, encoding: str) -> None:
    manifest = json.loads((installation.linkup / "staticfiles" / "staticfiles.json").read_text())
    address = f"/static/{manifest['paths']['theme/app.css']}"
    response, body = ask(installation.ports["web"], address, **{"Accept-Encoding": encoding})
    assert (response.status, response.getheader("Content-Encoding")) == (200, encoding)
    assert response.getheader("Cache-Control") == "max-age=315360000, public, immutable"
    assert (
        len(body) < (installation.linkup / "staticfiles" / manifest["paths"]["theme/app.css"]).stat().st_size
    )


def test_nginx_serves_static_files_from_the_folder(guest: Visitor) -> None:
    names = re.findall(r'href="(/static/[^"]+\.css)"', guest.get("/").text)
    assert names
    for name in names:
        assert re.search(r"\.[0-9a-f]{12}\.css$", name)
        response = guest.get(name, **{"Accept-Encoding": "gzip"})
        assert (response.status, response.header("Content-Encoding")) == (200, "gzip")
        assert response.header("Cache-Control") == "public, max-age=31536000, immutable"
        assert gzip.decompress(response.body)


def test_debians_nginx_has_room_for_the_tabs_of_a_network(installation: Installation) -> None:
    assert "worker_connections 8192;" in Path(installation.variables["LINKUP_NGINX_MAIN"]).read_text()
    workers = installation.served.nginx.children()
    assert workers
    for worker in workers:
        limits = Path(f"/proc/{worker}/limits").read_text()
        assert re.search(r"Max open files +16384 ", limits), limits


def test_plain_http_leads_to_https(installation: Installation) -> None:
    response, _body = ask(installation.ports["http"], "/accounts/login/")
    assert response.status == 301
    assert response.getheader("Location") == f"{installation.served.origin}/accounts/login/"


def test_the_account_of_the_guide_administers(guest: Visitor) -> None:
    guest.sign_in(ADMIN["USERNAME"], ADMIN["PASSWORD"])
    assert guest.get("/admin/").status == 200


def test_a_member_joins_and_posts_a_picture(installation: Installation, alice: str, guest: Visitor) -> None:
    guest.sign_in(alice, PASSWORD)
    sent = send_form(
        guest, "/", "/posts/", text="First light", audience=1, images=photo(), image_alt="The harbour"
    )
    assert sent.status == 302, sent.text[:2000]
    page = guest.get("/")
    assert page.status == 200
    assert "First light" in page.text
    address = re.search(r'src="(/posts/\d+/pictures/\d+/\?size=800)"', page.text)
    assert address
    picture = guest.get(address[1])
    (stored,) = (installation.media / "private" / "posts").glob("*/*-800.webp")
    assert (picture.status, picture.header("Content-Type")) == (200, "image/webp")
    assert picture.body[8:12] == b"WEBP"
    assert stored.read_bytes() == picture.body
    assert picture.header("Cache-Control") == "private, no-cache"
    again = guest.get(address[1], **{"If-None-Match": picture.header("ETag") or ""})
    assert (again.status, again.body) == (304, b"")


def test_a_tab_is_greeted_through_nginx(alice: str, guest: Visitor) -> None:
    guest.sign_in(alice, PASSWORD)
    with WebSocket.open_for(guest) as socket:
        assert socket.status == 101
        assert socket.receive()["type"] == "hello"


def test_who_has_not_signed_in_gets_no_socket(installation: Installation) -> None:
    with WebSocket(installation.served) as socket:
        assert socket.status == 403
