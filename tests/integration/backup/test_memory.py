"""How much memory a backup and a restore take does not grow with the network."""

from pathlib import Path

import pytest

from bench.transfer import environment, fill, manage
from tests.testkit.prepared_files import copy_migrated_sqlite

pytestmark = pytest.mark.night

ROWS = 12_000
LARGE = 150 << 20
# Django alone takes about 95 MiB; this would notice a file or a table that is held at once.
MOST_MIB = 160


def test_a_large_network_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    here, there = environment(tmp_path / "here"), environment(tmp_path / "there")
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    fill(copy_migrated_sqlite(tmp_path / "here"), ROWS)
    media = tmp_path / "here" / "media"
    media.mkdir()
    with (media / "large").open("wb") as file:
        file.truncate(LARGE)
    key = {"BACKUP_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}  # pragma: allowlist secret
    backup = tmp_path / "large.backup"
    taken = {
        "backup": manage({**here, **key}, "backup", str(backup), "--quiet"),
        "check": manage({**here, **key}, "backup", "--check", str(backup), "--quiet"),
        "restore": manage({**there, **key}, "restore", str(backup), "--quiet"),
    }
    assert backup.stat().st_size > LARGE
    assert {step: figures.peak_mib for step, figures in taken.items() if figures.peak_mib > MOST_MIB} == {}
