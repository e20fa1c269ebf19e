"""How much memory a backup and a restore take does not grow with the network."""

from pathlib import Path

import pytest

from bench.transfer import create_environment, fill_database, measure_command
from tests.testkit.prepared_files import copy_migrated_sqlite

pytestmark = pytest.mark.night

ROWS = 12_000
LARGE = 150 << 20
# Django alone takes about 95 MiB; this would notice a file or a table that is held at once.
MOST_MIB = 160


def test_a_large_network_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    here, there = create_environment(tmp_path / "here"), create_environment(tmp_path / "there")
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    fill_database(copy_migrated_sqlite(tmp_path / "here"), ROWS)
    media = tmp_path / "here" / "media"
    media.mkdir()
    with (media / "large").open("wb") as file:
        file.truncate(LARGE)
    key = {"BACKUP_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}  # pragma: allowlist secret
    backup = tmp_path / "large.backup"
    costs = {
        "backup": measure_command({**here, **key}, "backup", str(backup), "--quiet"),
        "check": measure_command({**here, **key}, "backup", "--check", str(backup), "--quiet"),
        "restore": measure_command({**there, **key}, "restore", str(backup), "--quiet"),
    }
    assert backup.stat().st_size > LARGE
    assert {step: cost.peak_mib for step, cost in costs.items() if cost.peak_mib > MOST_MIB} == {}
