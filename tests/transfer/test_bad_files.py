"""Uploads and folders in a bad state: links, pipes, names, foreign folders, a disk that fills at the end."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from operations.transfer.exports import ExportFolder, export_network
from operations.transfer.files import media
from operations.transfer.problems import TransferRefused
from operations.transfer.source import SqliteSource
from operations.transfer.tables import all_tables
from tests.testkit.file_size_limit import limit_file_size

from .conftest import Network
from .network import FILES
from .test_exports import expect_refusal, sha256

pytestmark = pytest.mark.sqlite_only


# -- What lies in the media folder ------------------------------------------------------------
def test_a_folder_behind_a_link_is_carried_as_the_site_reads_it(network: Network, tmp_path: Path) -> None:
    shutil.move(network.media / "photos", tmp_path / "another disk")
    (network.media / "photos").symlink_to(tmp_path / "another disk")
    made = network.export_to(tmp_path / "export")
    assert {file.name for file in made.list_files()} == set(FILES)
    made.check_all()
    assert not [path for path in (made.folder / "media").rglob("*") if path.is_symlink()]


def test_a_media_folder_behind_a_link_is_carried(network: Network, tmp_path: Path) -> None:
    shutil.move(network.media, tmp_path / "another disk")
    network.media.symlink_to(tmp_path / "another disk")
    assert {file.name for file in network.export_to(tmp_path / "export").list_files()} == set(FILES)


BAD_FILES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "photos" / "again").symlink_to(folder), "'photos/again': is a link that leads back to"),
    (lambda folder: (folder / "up").symlink_to("/"), "'up': is a link that leads back to /"),
    (lambda folder: (folder / "gone.webp").symlink_to("nowhere"), "gone.webp: is no file, or a link that leads now"),
    (lambda folder: (folder / "self.webp").symlink_to("self.webp"), "self.webp: is no file, or a link that leads now"),
    (lambda folder: os.mkfifo(folder / "pipe.webp"), "pipe.webp: is no file"),
    (lambda folder: (folder / "a\nb.webp").touch(), "'a\\nb.webp': is a file name with characters"),
    (lambda folder: os.renames(folder / "posts", folder / "a\rb" / "c"), "'a\\rb/c/00/"),
    # The kernel gives this file to be opened, and no byte of it to be read: as a disk does that breaks.
    (lambda folder: (folder / "torn.webp").symlink_to("/proc/self/mem"), "torn.webp: cannot be read: Input/output"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "expected"), BAD_FILES, ids=[expected.split(":")[0] for _, expected in BAD_FILES]
)
def test_what_is_no_file_is_named(
    network: Network, tmp_path: Path, make: Callable[[Path], object], expected: str
) -> None:
    make(network.media)
    assert f"media {expected}" in expect_refusal(network, tmp_path / "export")


def test_two_links_that_lead_to_each_other_are_named(network: Network, tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / one).mkdir()
        (tmp_path / one / f"to-{other}").symlink_to(tmp_path / other)
    (network.media / "a").symlink_to(tmp_path / "a")
    assert "media 'a/to-b/to-a': is a link that leads back to" in expect_refusal(network, tmp_path / "export")


class Growing(io.BytesIO):
    """A file that changes between two reads."""

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(100)
        if self.tell() == 100:
            self.seek(0, io.SEEK_END)
            self.write(b"more")
            self.seek(100)
        return piece


def test_a_file_that_changes_meanwhile_is_listed_as_it_was_copied() -> None:
    copy = io.BytesIO()
    size, sha = media.hash_file(Growing(b"x" * 250), copy)
    assert copy.getvalue() == b"x" * 250 + b"more"
    assert (size, sha) == (254, hashlib.sha256(copy.getvalue()).hexdigest())


def test_a_file_that_goes_meanwhile_is_left_out(network: Network, tmp_path: Path) -> None:
    names = media.names_below(network.media)
    first = next(names)
    listed = [first]
    for path in (network.media / "private").rglob("*.pdf"):
        path.unlink()
    listed += names
    assert set(listed) == {name for name in FILES if not name.startswith("private/")}


# -- Where the export goes --------------------------------------------------------------------
@pytest.mark.parametrize("copied", [True, False])
def test_the_folder_around_the_uploads_is_not_taken_for_an_export(
    network: Network, tmp_path: Path, copied: bool
) -> None:
    file = Path(shutil.move(network.file, tmp_path / "elsewhere.sqlite3"))
    for path in network.folder.glob("db.sqlite3*"):
        path.unlink()
    refused = pytest.raises(TransferRefused, match="holds the media folder")
    with closing(SqliteSource(file, network.media, all_tables())) as source, refused:
        export_network(source, network.folder, copy_media=copied)
    assert {name: (network.media / name).read_bytes() for name in FILES} == FILES


@pytest.mark.parametrize("mine", ["media/a.webp", "tables/a.csv", "tables/a.jsonl.gz.old"])
def test_a_folder_of_somebody_with_our_names_is_left_alone(
    network: Network, tmp_path: Path, mine: str
) -> None:
    path = tmp_path / "export" / mine
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(TransferRefused, match="other things"):
        network.export_to(tmp_path / "export")
    assert path.read_text() == "mine"


def test_half_an_export_is_made_whole(network: Network, tmp_path: Path) -> None:
    made = network.export_to(tmp_path / "export").folder
    (made / "manifest.json").unlink()
    shutil.rmtree(made / "media")
    network.export_to(made).check_all()


def test_a_disk_that_fills_at_the_last_file_leaves_the_former_export(
    network: Network, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    network.export_to(folder, copy_media=False)
    before = {path: sha256(path) for path in folder.rglob("*") if path.is_file()}
    # The manifest is the largest file, so the disk takes all but that.
    room = (folder / "manifest.json").stat().st_size - 100
    assert max(path.stat().st_size for path in folder.rglob("*.gz")) < room
    network.run_statement("DELETE FROM feed_reaction")
    full = pytest.raises(TransferRefused, match="disk is full")
    with closing(network.open_source()) as source, limit_file_size(room), full:
        export_network(source, folder, copy_media=False)
    assert {path: sha256(path) for path in folder.rglob("*") if path.is_file()} == before
    ExportFolder(folder, all_tables()).check_all()


@pytest.mark.parametrize(
    "line", [b"[]", b"{", b'{"name": "a"}', b'{"name": "a", "size": "many", "sha256": ""}', b"1"]
)
def test_a_forged_list_of_files_is_named(
    exported: Path, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (exported / "media.jsonl").write_bytes(line + b"\n")
    folder = ExportFolder(exported, all_tables())
    monkeypatch.setitem(vars(folder), "_file_list", exported / "media.jsonl")  # as if the manifest named it
    with pytest.raises(TransferRefused, match=r"media.jsonl: has a line that tells of no file"):
        list(folder.list_files())


def test_a_listed_name_with_other_bytes_than_utf_8_is_refused(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.dumps({"name": "bad\udcff.webp", "size": 1, "sha256": ""})
    (exported / "media.jsonl").write_text(line + "\n")
    folder = ExportFolder(exported, all_tables())
    monkeypatch.setitem(vars(folder), "_file_list", exported / "media.jsonl")
    with pytest.raises(TransferRefused, match="no name of a file"):
        list(folder.list_files())
