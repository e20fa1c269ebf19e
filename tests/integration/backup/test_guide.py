"""docs/BACKUP.md: its bash blocks, in order and in one shell, make a backup, check it, restore it, and show it."""

import os
import pwd
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.programs import ROOT, find_or_install
from scripts.servers import HOST, find_free_port
from scripts.stack import KEPT_VARIABLES, NO_REDIS, production_environment
from scripts.visitor import SimpleSite, Visitor
from tests.integration.deployment.blocks import Block, blocks_of
from tests.integration.deployment.shell import Shell
from tests.integration.transfer.installation import Installation
from tests.transfer.network import PASSWORD

GUIDE = ROOT / "docs" / "BACKUP.md"
END_WITH_ME = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"
# As on a fresh server: LinkUp's own Python is the one in .venv alone.
NO_PYTHON = '#!/bin/sh\necho "$0: command not found" >&2\nexit 127\n'


def written(installation: Installation, server: str, file: Path) -> None:
    """The environment of production, as docs/DEPLOYMENT.md has it written."""
    address = urlsplit(server)
    variables = production_environment("", NO_REDIS, installation.folder)
    variables |= {
        "DB_HOST": address.hostname or "",
        "DB_PORT": str(address.port),
        "DB_NAME": address.path[1:],
        "DB_USER": address.username or "",
        "DB_PASSWORD": address.password or "unasked",
    }
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in variables.items() if value)
    kept = tuple(f"{name}=" for name in KEPT_VARIABLES)
    file.parent.mkdir()
    file.write_text("".join(line for line in lines if not line.startswith(kept)))


@pytest.fixture
def shell(installation: Installation, server: str, tmp_path: Path) -> Iterator[Shell]:
    """The operator's, on the server of the network; only places and ports are a test's own."""
    written(installation, server, tmp_path / "etc" / "environment")
    for name in ("bin", "tmp", "shell"):
        (tmp_path / name).mkdir()
    for name in ("python", "python3"):
        (tmp_path / "bin" / name).write_text(NO_PYTHON)
        (tmp_path / "bin" / name).chmod(0o755)
    address = urlsplit(server)
    variables = {
        "LINKUP": str(ROOT),
        "LINKUP_ENV": str(tmp_path / "etc" / "environment"),
        "LINKUP_USER": pwd.getpwuid(os.getuid()).pw_name,
        "LINKUP_PSQL": str(find_or_install("postgresql")["postgresql"] / "psql"),
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        "BACKUPS": str(tmp_path / "backups"),
        "KEY_FILE": str(tmp_path / "etc" / "backup.key"),
        "DRILL_PORT": str(find_free_port()),
        "TMPDIR": str(tmp_path / "tmp"),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }
    operator = Shell(tmp_path / "shell", variables)
    # The pages that the guide shows go with the shell, also when a block fails.
    operator.type(END_WITH_ME, "end")
    yield operator
    operator.leave()


def look(shell: Shell) -> None:
    """What the page tells to do in a browser: sign in, see a post and a picture. Nothing may be sent or shared."""
    with Visitor(SimpleSite(f"http://{HOST}:{shell.type('echo $DRILL_PORT').strip()}")) as alice:
        home = alice.follow_redirect(alice.sign_in("alice", PASSWORD)).text
        assert "Before the fire" in home
        picture = re.search(r'"(/media/photos/[^"]+)"', home)
        assert picture is not None
        assert alice.get(picture[1]).body.startswith(b"RIFF")


def test_its_commands_run_as_they_stand(shell: Shell, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of(GUIDE) if block.language == "bash"]
    said = ""
    for block in blocks:
        said += shell.run(block)
        if "runserver" in block.text:
            look(shell)
    assert "encrypted" in said
    assert said.count("Sound: ") == 2
    assert "The same as in the backup: " in said
    assert re.search(r"^members: \d+$", said, re.MULTILINE)
    key = tmp_path / "etc" / "backup.key"
    assert key.stat().st_mode & 0o777 == 0o400
    assert key.read_text().strip()
    assert key.read_text().strip() not in said
    assert (tmp_path / "backups").stat().st_mode & 0o777 == 0o700
    assert len(list((tmp_path / "backups").iterdir())) == 1
    # The drill leaves nothing, and no server.
    assert list((tmp_path / "tmp").iterdir()) == []
    assert shell.type("jobs -r") == ""
    assert "linkup_drill" not in shell.type(
        '$LINKUP_PSQL --dbname postgres -Atc "SELECT datname FROM pg_database"'
    )


def by_hand(block: Block) -> bool:
    """Whether its paragraph says what it needs that a test has not."""
    return bool(re.search(r"\bneeds?\b", block.reason))


def test_the_other_blocks_say_what_they_need() -> None:
    blocks = blocks_of(GUIDE)
    assert [block.location for block in blocks if block.language != "bash" and not by_hand(block)] == []
    assert {block.language for block in blocks} == {"bash", "sh"}


def test_nothing_is_called_that_a_fresh_server_has_not() -> None:
    """There is no `python` there; LinkUp's is in .venv."""
    text = GUIDE.read_text()
    assert re.findall(r"(?<![\w/.])python3? manage.py", text) == []
    assert re.findall(r"`[^`\n]*runserver[^`\n]*`", text) == []


def test_what_it_says_can_be_read_in_the_code() -> None:
    """The symptoms of the table are words that LinkUp says."""
    folders = ("backup", "transfer", "management")
    code = "\n".join(
        path.read_text() for name in folders for path in (ROOT / "operations" / name).rglob("*.py")
    )
    code = re.sub(r'"\s+f?"', "", code)
    table = GUIDE.read_text().split("## When something goes wrong")[1]
    symptoms = re.findall(
        r"`([^`]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line)
    )
    assert len(symptoms) > 20
    unknown = [words for words in symptoms if _beginning(words) not in code]
    assert unknown == []


def _beginning(words: str) -> str:
    """Up to where a message names something particular."""
    for ending in (": Permission", ": permission", "2", "LATIN1", ": …"):
        words = words.partition(ending)[0]
    return words
