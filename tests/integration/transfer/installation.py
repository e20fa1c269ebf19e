"""An installation of LinkUp on SQLite whose members write, and the scripts run on it."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from scripts.programs import ROOT
from scripts.stack import KEPT_VARIABLES
from tests.transfer.network import PASSWORD

# Alice joins, puts up a photo and writes a post, by the forms that members use.
ALICE = f"""
from django.test import Client
from django.utils import timezone
from core.tests import pictures
from feed.tests.factories import upload
from users.models import User
User.objects.create_user("alice", "alice@example.org", "{PASSWORD}", joined_at=timezone.now())
alice = Client(SERVER_NAME="localhost")
assert alice.post("/accounts/login/", {{"login": "alice", "password": "{PASSWORD}"}}).status_code == 302
assert alice.post("/settings/photo/", {{"photo": upload("me.jpg", pictures.jpeg((600, 400)))}}).status_code == 302
assert alice.post("/posts/", {{"text": "Before the fire", "audience": 1}}).status_code == 302
"""
VISIT = f"""
from django.test import Client
from feed.models import Post
visitor = Client(SERVER_NAME="localhost")
answer = visitor.post("/accounts/login/", {{"login": "alice", "password": "{PASSWORD}"}})
print("signed in:", answer.status_code == 302, "home:", visitor.get("/").status_code)
"""
WRITE = (
    VISIT
    + 'print("posted:", visitor.post("/posts/", {"text": "After the switch", "audience": 1}).status_code)'
)
LOOK = VISIT + 'print("posts:", Post.objects.count(), Post.objects.filter(text="After the switch").count())'


@dataclass(frozen=True)
class Installation:
    """In `folder` lie db.sqlite3 and media/."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "db.sqlite3"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def environment(self, **variables: str) -> dict[str, str]:
        """Development settings on this installation, `variables` on top."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {**kept, "DJANGO_ENVIRONMENT": "development", "DATA_DIR": str(self.folder), **variables}

    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def run(environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in LinkUp's folder."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(environment: Mapping[str, str], *command: str) -> str:
    """The same, for a command that must not fail; what it says on stdout."""
    done = run(environment, *command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    return succeed(environment, sys.executable, "manage.py", *arguments)


def beside(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def recreate(url: str, template: str = "template0") -> str:
    """Make the database of this address again, as a copy of `template`; returns the address."""
    admin, name = beside(url, "postgres"), urlsplit(url).path[1:]
    administer(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    administer(admin, f"CREATE DATABASE {name} TEMPLATE {template}")
    return url


def administer(url: str, statement: str) -> None:
    """Run one statement as the administrator of a server."""
    with closing(psycopg2.connect(url)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(statement)
