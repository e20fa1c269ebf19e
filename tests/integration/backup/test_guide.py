"""docs/BACKUP.md: its bash blocks, in order and in one shell, make a backup, check it, and restore it."""

import os
import re
import subprocess
from pathlib import Path

from scripts.programs import ROOT
from scripts.stack import BINARIES
from tests.integration.transfer.installation import Installation, beside

GUIDE = ROOT / "docs" / "BACKUP.md"
DECISIONS = ROOT / "docs" / "decisions"


def test_its_commands_run_as_they_stand(installation: Installation, server: str, tmp_path: Path) -> None:
    given = {
        "BACKUPS": str(tmp_path / "backups"),
        "KEY_FILE": str(tmp_path / "backup.key"),
        "ADMIN_URL": beside(server, "postgres"),
        "DRILL_URL": beside(server, "linkup_drill"),
    }
    blocks = re.findall(r"^```bash\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    variables = "".join(f"{name}={value!r}\n" for name, value in given.items())
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", variables + "\n".join(blocks)],
        cwd=ROOT,
        # `python` is LinkUp's own, as in a shell with its environment.
        env={
            **installation.environment(DATABASE_URL=server),
            "TMPDIR": str(tmp_path),
            "PATH": f"{BINARIES}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "encrypted" in done.stdout
    assert done.stdout.count("Sound: ") == 2
    assert "The same as in the backup: " in done.stdout
    assert re.search(r"^members: \d+$", done.stdout, re.MULTILINE)
    assert (tmp_path / "backup.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "backup.key").read_text().strip() not in done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.key", "backups"]


def test_what_it_says_can_be_read_in_the_code() -> None:
    """The symptoms of the table are words that LinkUp says."""
    folders = ("backup", "transfer", "management")
    code = "\n".join(
        path.read_text() for name in folders for path in (ROOT / "professional_network" / name).rglob("*.py")
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
    """Up to where a message names something of its own."""
    for ending in (": Permission", ": permission", "2", "LATIN1", ": …"):
        words = words.partition(ending)[0]
    return words
