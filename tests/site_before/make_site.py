"""Make the files of this folder from the version that is checked out.

Run it in a checkout of that version, with this folder copied into its `tests/`:
`python -m tests.site_before.make_site OUTPUT SITE`. A backup names the folder SITE, which must not exist: /srv/linkup.
"""

import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from scripts.programs import ROOT, find_or_install
from scripts.servers import private_postgres
from scripts.stack import KEPT_VARIABLES

SECRET_KEY = "the-secret-key-of-the-site-before-0123456789-abcdefghijk"
PASSPHRASE = "a passphrase that only the tests know"
MODULE = "tests.site_before.make_site"
FILL = "--fill"
# How many rows each table had.
ROWS = "rows.json"


def main(output: Path, site: Path) -> None:
    """Make each file in `output`; the sites in `site` are deleted afterwards."""
    site.mkdir()
    with private_postgres(use_environment=False) as url:
        on_sqlite, on_postgres = site / "sqlite", site / "postgres"
        make_installation(on_sqlite, f"sqlite:///{on_sqlite / 'db.sqlite3'}")
        make_installation(on_postgres, url)
        environment = environment_of(on_sqlite, f"sqlite:///{on_sqlite / 'db.sqlite3'}")
        manage(environment, "backup", str(output / "plain.backup"), "--quiet")
        encrypted = {**environment, "BACKUP_KEY": PASSPHRASE}
        manage(encrypted, "backup", str(output / "encrypted.backup"), "--quiet")
        manage(environment, "export_data", str(on_sqlite / "export"), "--quiet")
        with closing(sqlite3.connect(on_sqlite / "db.sqlite3")) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("VACUUM")
        write_gzip(output / "sqlite.db.gz", (on_sqlite / "db.sqlite3").read_bytes())
        write_gzip(output / "postgres.sql.gz", dump_postgres(url))
        for name, folder in {"sqlite": on_sqlite, "postgres": on_postgres}.items():
            write_tar(output / f"{name}.media.tar.gz", folder / "media")
        write_tar(output / "export.tar.gz", on_sqlite / "export")
        rows = [(folder / ROWS).read_text() for folder in (on_sqlite, on_postgres)]
        assert rows[0] == rows[1]
        (output / ROWS).write_text(rows[0])
    shutil.rmtree(site)


def dump_postgres(url: str) -> bytes:
    """Return plain SQL without the commands that only psql knows."""
    program = find_or_install("postgresql")["postgresql"] / "pg_dump"
    command = [str(program), "--no-owner", "--no-privileges", "--rows-per-insert=100", url]
    dump = subprocess.run(command, check=True, capture_output=True).stdout
    return re.sub(rb"^\\(un)?restrict .*\n", b"", dump, flags=re.MULTILINE)


def make_installation(folder: Path, url: str) -> None:
    folder.mkdir()
    environment = environment_of(folder, url)
    manage(environment, "migrate", "--verbosity", "0")
    command = [sys.executable, "-m", MODULE, FILL, str(folder)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def environment_of(folder: Path, url: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    chosen = {"DJANGO_ENVIRONMENT": "development", "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(folder)}
    return {**kept, **chosen, "DATABASE_URL": url}


def manage(environment: Mapping[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def write_gzip(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def write_tar(path: Path, folder: Path) -> None:
    """Write the files in `folder` without the names of users and machines."""

    def without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    with tarfile.open(path, "w:gz") as tar:
        for child in sorted(folder.iterdir()):
            tar.add(child, child.name, filter=without_owner)


def fill_and_count(folder: Path) -> None:
    """Fill the installation of the environment; write down how many rows each table has."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings")
    import django  # noqa: PLC0415 -- after the variables are set
    from django.conf import settings  # noqa: PLC0415

    settings.TASK_EXECUTOR = "immediate"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    django.setup()
    from django.db import connection  # noqa: PLC0415

    from .content import all_labels, fill, model  # noqa: PLC0415

    fill()
    rows = {model(label)._meta.db_table: model(label).objects.count() for label in all_labels()}
    (folder / ROWS).write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
    connection.close()


if __name__ == "__main__":
    if sys.argv[1] == FILL:
        fill_and_count(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
