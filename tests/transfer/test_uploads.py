"""Missing files that rows name: named one by one, and refused when there are no files at all."""

import io
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from operations.transfer.exports import ExportFolder, ExportResult, export_network
from operations.transfer.files import uploads
from operations.transfer.problems import TransferRefused
from operations.transfer.tables import all_tables

from .conftest import Database, Network
from .network import FILES

once = pytest.mark.sqlite_only
PHOTO = "photos/3f/3f00000000000000000000000000000a"
DOCUMENT = "private/documents/aa/aa00000000000000000000000000000b.pdf"
ALL_OF_IT = f"users.user 7, field photo: names {PHOTO}-512.webp, {PHOTO}-192.webp, not among the files"


def run_command(name: str, *arguments: str | Path) -> tuple[int, str]:
    """Exit code and all that the command says."""
    out, error = io.StringIO(), io.StringIO()
    code, last = 0, ""
    try:
        call_command(name, *map(str, arguments), "--quiet", stdout=out, stderr=error)
    except CommandError as refused:
        code, last = refused.returncode, str(refused)
    return code, f"{error.getvalue()}{out.getvalue()}{last}"


def run_export(network: Network, folder: Path, *options: str) -> tuple[int, str]:
    return run_command("export_data", folder, "--source", network.file, "--media", network.media, *options)


@pytest.fixture
def named(network: Network) -> Network:
    """A member has a photo, of which one size of three is there; a post has a document, which is there."""
    network.run_statement("UPDATE users_user SET photo = ? WHERE id = 7", PHOTO)
    network.run_statement("UPDATE feed_post SET document = ? WHERE id = 3", DOCUMENT)
    return network


def make(network: Network, folder: Path) -> ExportResult:
    with closing(network.open_source()) as source:
        return export_network(source, folder)


@once
def test_a_file_that_is_missing_is_named_and_the_rest_is_exported(named: Network, tmp_path: Path) -> None:
    code, output = run_export(named, tmp_path / "export")
    assert code == 3
    assert f"Note: {ALL_OF_IT}" in output
    assert output.splitlines()[-1].startswith(
        "The export was made, but 1 rows name files that are not in the media"
    )
    assert "field document" not in output
    made = ExportFolder(tmp_path / "export", all_tables())
    made.check_all()
    assert {file.name for file in made.list_files()} == set(FILES)


@once
def test_a_file_that_is_known_to_be_lost_is_a_note(named: Network, tmp_path: Path) -> None:
    code, output = run_export(named, tmp_path / "export", "--missing-files", "1")
    assert code == 0
    assert ALL_OF_IT in output


@once
def test_all_files_are_there_and_nothing_is_said(named: Network, tmp_path: Path) -> None:
    for size in (512, 192):
        (named.media / f"{PHOTO}-{size}.webp").write_bytes(b"a picture")
    code, output = run_export(named, tmp_path / "export")
    assert code == 0
    assert "Note" not in output


@once
@pytest.mark.parametrize("is_there", [True, False], ids=["empty folder", "no folder"])
def test_rows_that_name_files_and_no_file_at_all_are_refused(
    named: Network, tmp_path: Path, settings: Settings, is_there: bool
) -> None:
    former = make(named, tmp_path / "export").manifest
    shutil.rmtree(named.media)
    if is_there:
        named.media.mkdir()
    settings.MEDIA_ROOT = str(named.media)
    code, output = run_command("export_data", tmp_path / "export", "--source", named.file)
    assert code == 1
    assert f"2 rows name uploaded files, and not one file is in {named.media}. Is its disk mounted" in output
    assert "--missing-files 2" in output
    assert output.endswith("Nothing was exported.")
    # The one that was good is there still.
    kept = ExportFolder(tmp_path / "export", all_tables())
    kept.check_all()
    assert kept.manifest == former


@once
def test_files_that_are_lost_for_good_do_not_stand_in_the_way_for_ever(
    named: Network, tmp_path: Path
) -> None:
    shutil.rmtree(named.media)
    named.media.mkdir()
    assert run_export(named, tmp_path / "export", "--missing-files", "2")[0] == 0


@once
def test_a_network_without_uploads_needs_no_folder(network: Network, tmp_path: Path) -> None:
    shutil.rmtree(network.media)
    assert make(network, tmp_path / "export").manifest.media.files == 0


@once
@pytest.mark.parametrize("name", ["export_data", "verify_migration"])
def test_a_folder_that_was_named_and_is_none_is_refused(network: Network, tmp_path: Path, name: str) -> None:
    mistyped = network.folder / "medai"
    place: list[str | Path] = [tmp_path / "export", "--source"] if name == "export_data" else []
    code, output = run_command(name, *place, network.file, "--media", mistyped)
    assert code == (1 if name == "export_data" else 2)
    assert f"{mistyped}, which --media names, is not a folder. Name the one that holds the uploads" in output
    assert not (tmp_path / "export").exists()


@once
def test_a_picture_that_is_taken_away_meanwhile_is_not_missing(named: Network, tmp_path: Path) -> None:
    with closing(named.open_source()) as source:
        named.run_statement("UPDATE users_user SET photo = '' WHERE id = 7")
        (named.media / DOCUMENT).unlink()
        made = export_network(source, tmp_path / "export")
    assert [str(problem) for problem in made.missing.problems] == [
        f"feed.post 3, field document: names {DOCUMENT}, not among the files"
    ]


@once
def test_many_are_counted(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network.run_statement("UPDATE users_user SET photo = 'photos/00/' || id")
    monkeypatch.setattr(uploads, "MAX_NAMED", 3)
    monkeypatch.setattr(uploads, "MAX_RECHECKED", 10)
    code, output = run_export(network, tmp_path / "export")
    assert code == 3
    assert [line.split(",")[0] for line in output.splitlines()[:3]] == [
        f"Note: users.user {n}" for n in (1, 2, 3)
    ]
    assert "Note: 37 more rows name files that are not there." in output


@once
def test_an_older_state_without_such_a_column_is_none(network: Network) -> None:
    with closing(network.open_source()) as source:
        source.tables = [table for table in source.tables if table.label == "feed.tag"]
        assert list(uploads.file_references(source)) == []


@once
def test_what_is_refused_tells_where(named: Network, tmp_path: Path) -> None:
    shutil.rmtree(named.media)
    with pytest.raises(TransferRefused) as refused:
        make(named, tmp_path / "export")
    assert [problem.table for problem in refused.value.problems] == ["feed.post", "users.user"]
    assert not (tmp_path / "export").exists()


# -- Verifying against the file ---------------------------------------------------------------
@pytest.fixture
def both(database: Database, named: Network, tmp_path: Path) -> Network:
    """The same with the target filled from it."""
    named.export_to(tmp_path / "export")
    database.import_export(tmp_path / "export")
    return named


@pytest.mark.postgres_only
def test_what_the_source_has_lost_itself_is_a_note(both: Network) -> None:
    code, output = run_command("verify_migration", both.file, "--media", both.media)
    assert (code, output.count(f"Note: {ALL_OF_IT}")) == (0, 1)
    assert "compared with themselves" not in output


@pytest.mark.postgres_only
def test_a_folder_that_is_both_cannot_vouch_for_itself(both: Network, database: Database) -> None:
    code, output = run_command("verify_migration", both.file)
    assert code == 1
    assert f"Different: {ALL_OF_IT}" in output
    assert f"The files were compared with themselves: {database.media} is the target's storage" in output
    assert run_command("verify_migration", both.file, "--missing-files", "1")[0] == 0


@pytest.mark.postgres_only
def test_without_a_single_file_nothing_is_called_the_same(both: Network, database: Database) -> None:
    shutil.rmtree(database.media)
    code, output = run_command("verify_migration", both.file)
    assert code == 2
    assert "Could not be compared. 2 rows name uploaded files, and not one file is in" in output
    assert "The same" not in output


@once
def test_names_that_lead_out_of_the_folder_and_files_that_were_cut_are_reported(
    named: Network, tmp_path: Path
) -> None:
    for size in (512, 192):
        (named.media / f"{PHOTO}-{size}.webp").write_bytes(b"a picture")
    outside = ("/etc/passwd", "../../../../etc/passwd", "private/../../etc/passwd")
    for row, name in enumerate(outside, 4):
        named.run_statement(f"UPDATE feed_post SET document = '{name}' WHERE id = {row}")  # noqa: S608
    named.run_statement(f"UPDATE feed_post SET document_size = 3000 WHERE document = '{DOCUMENT}'")  # noqa: S608
    (named.media / DOCUMENT).write_bytes(b"")
    code, output = run_export(named, tmp_path / "export")
    assert code == 3
    for row, name in enumerate(outside, 4):
        assert f"feed.post {row}, field document: names {name}, not among the files" in output
    assert f"names {DOCUMENT}, which has 0 bytes, 3,000 in the row" in output
