"""A backup of rows whose uploads are missing: they are named, and no older backup is removed."""

import shutil
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage
from django.core.management import CommandError, call_command

from operations.backup import create, destinations
from operations.backup.backup_file import BackupFile
from operations.backup.create import create_backup
from operations.transfer.problems import TransferRefused
from tests.transfer.network import FILES

from .conftest import BIG, Server

DOCUMENT = "private/documents/aa/aa00000000000000000000000000000b.pdf"
LOST = "posts/0b/0b00000000000000000000000000000c"


@pytest.fixture
def naming(network: Server) -> Server:
    """Rows of the network name a document that is there, and both sizes of a picture, of which none is."""
    network.run("UPDATE feed_post SET document = %s WHERE id = 3", DOCUMENT)
    network.run(
        "INSERT INTO feed_postimage (post_id, file, width, height, alt) VALUES (4, %s, 1, 1, '')", LOST
    )
    return network


@pytest.fixture
def former(tmp_path: Path, plain: Path) -> Path:
    """A folder with backups of three nights."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        shutil.copy(plain, folder / destinations.new_name(datetime(2026, 1, day, tzinfo=UTC)))
    return folder


def run_backup(*arguments: str | Path, **options: Any) -> tuple[int, str]:
    """Exit code and all that the command says."""
    out, error = StringIO(), StringIO()
    code, last = 0, ""
    try:
        call_command("backup", *map(str, arguments), quiet=True, stdout=out, stderr=error, **options)
    except CommandError as refused:
        code, last = refused.returncode, str(refused)
    return code, f"{error.getvalue()}{out.getvalue()}{last}"


def test_without_a_single_file_nothing_is_made_and_nothing_goes(naming: Server, former: Path) -> None:
    before = {path: path.read_bytes() for path in former.iterdir()}
    shutil.rmtree(naming.media)
    for _night in range(3):
        code, output = run_backup(former, "--keep", "1")
        assert code == 1
        assert (
            f"2 rows name uploaded files, and not one file is in {naming.media}. Is its disk mounted"
            in output
        )
    assert {path: path.read_bytes() for path in former.iterdir()} == before


def test_a_file_that_is_missing_is_named_and_no_older_backup_goes(naming: Server, former: Path) -> None:
    before = set(former.iterdir())
    code, output = run_backup(former, "--keep", "1")
    assert code == 3
    assert (
        f"feed.postimage 1, field file: names {LOST}-1600.webp, {LOST}-800.webp, not among the files"
        in output
    )
    assert "document" not in output
    last = output.splitlines()[-1]
    assert last.startswith("The backup was made, but 1 rows name files that are not there")
    assert last.endswith("No older backup was removed: one of them may have the files.")
    made = set(former.iterdir()) - before
    assert len(made) == 1
    assert before < set(former.iterdir())
    assert {file.name for file in BackupFile(made.pop(), "").list_files()} == {*FILES, BIG}


def test_a_file_that_is_known_to_be_lost_is_a_note(naming: Server, former: Path) -> None:
    code, output = run_backup(former, "--keep", "2", "--missing-files", "1")
    assert code == 0
    assert "Note: feed.postimage 1, field file" in output
    assert output.count("Removed ") == 2
    assert len(list(former.iterdir())) == 2


def test_what_a_member_takes_away_meanwhile_is_not_missing(
    naming: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and files are not of one moment; that alone is no reason for an alarm."""
    naming.run("DELETE FROM feed_postimage")
    monkeypatch.setattr("operations.transfer.progress.REPORT_SECONDS", 0.0)

    def take_away(words: str) -> None:
        if words.startswith("backup: 100 %") and words.endswith("done"):
            naming.run("UPDATE feed_post SET document = '' WHERE id = 3")
            (naming.media / DOCUMENT).unlink()

    made = create_backup(tmp_path / "while.backup", "", progress=take_away)
    assert (made.missing.rows, made.is_whole) == (0, True)
    assert DOCUMENT not in {file.name for file in made.backup.list_files()}


@pytest.mark.sqlite_only
def test_an_empty_bucket_is_refused_too(
    naming: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "default_storage", InMemoryStorage())
    with pytest.raises(
        TransferRefused, match="2 rows name uploaded files, and not one file is in the bucket"
    ):
        create_backup(tmp_path / "x.backup", "")
    assert not (tmp_path / "x.backup").exists()


@pytest.mark.parametrize("number", ["-1", "1.5", "many"])
@pytest.mark.sqlite_only
def test_the_number_of_known_losses_is_a_number(tmp_path: Path, number: str) -> None:
    assert "is not a number from 0 on" in run_backup(tmp_path, "--missing-files", number)[1]
    assert not list(tmp_path.iterdir())
