"""Makes a small network in a SQLite file, with what is hard to carry: `python -m tests.transfer.network FOLDER`.

A separate process, so that the tests' database is left alone.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings

from scripts.programs import ROOT
from scripts.stack import KEPT_VARIABLES
from tests.testkit.prepared_files import copy_migrated_sqlite

SETTINGS = "professional_network.settings.test"
PASSWORD = "a long sentence of the tests"
MEMBERS = 40
POSTS = 120
# Deleted again: their ids must not be given out a second time.
DELETED_POSTS = 5
SECRET = "pbkdf2_sha256$1$salt$never-to-be-told"
HARD_TEXTS = [
    "",
    "\\N",
    "\\",
    "a\tb\nc\r\nd\\n",
    "NULL",
    "“Größe” – naïve 日本語 🧑‍💻 e\u0301",
    '{"a": [1, null]}',
    " leading and trailing ",
    "'; DROP TABLE users_user; --",
    "\x01\x7f\u2028\ufffe",
]
FILES = {
    "photos/3f/3f00000000000000000000000000000a-64.webp": b"a small picture" * 100,
    "private/documents/aa/aa00000000000000000000000000000b.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 50,
    "posts/00/Größe 日本.webp": b"\x00\xff",
    "posts/00/empty.webp": b"",
}
NOON = datetime(2026, 3, 29, 12, 30, 15, 123456, tzinfo=UTC)


def process_environment(url: str) -> dict[str, str]:
    """The variables of a process in test settings on the database `url`."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "DJANGO_SETTINGS_MODULE": SETTINGS, "DATABASE_URL": url}


def build_network(folder: Path) -> None:
    """Make the network in `folder`: db.sqlite3 and media/."""
    command = [sys.executable, "-m", "tests.transfer.network", str(folder)]
    url = f"sqlite:///{copy_migrated_sqlite(folder)}"
    subprocess.run(command, cwd=ROOT, env=process_environment(url), check=True, capture_output=True)


def main() -> None:
    """Fill the database of the environment, which has all tables."""
    media = Path(sys.argv[1]) / "media"
    settings.MEDIA_ROOT = str(media)
    django.setup()
    from .contents import fill_database  # noqa: PLC0415 -- models can be imported once the settings stand

    fill_database(media)


if __name__ == "__main__":
    main()
