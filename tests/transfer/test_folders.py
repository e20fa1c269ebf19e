"""A damaged, half-written or foreign export is recognised, and what is wrong with it is named."""

import gzip
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.transfer.exports import ExportFolder
from operations.transfer.problems import TransferRefused
from operations.transfer.tables import all_tables

pytestmark = pytest.mark.sqlite_only

POSTS = "tables/feed.post.jsonl.gz"
PHOTO = "media/photos/3f/3f00000000000000000000000000000a-64.webp"


def expect_refusal(folder: Path) -> str:
    with pytest.raises(TransferRefused) as refused:
        ExportFolder(folder, all_tables()).check_all()
    return str(refused.value)


def test_a_whole_one_is_fine(exported: Path) -> None:
    ExportFolder(exported, all_tables()).check_all()


def test_without_its_manifest_it_is_half_an_export(exported: Path) -> None:
    (exported / "manifest.json").unlink()
    assert "not a complete export" in expect_refusal(exported)


@pytest.mark.parametrize("change", ['"rows": 120', "0001_initial", '"copied": true', '"format": 1'])
def test_a_changed_manifest_is_noticed(exported: Path, change: str) -> None:
    path = exported / "manifest.json"
    text = path.read_text()
    assert change in text
    path.write_text(text.replace(change, change.replace("1", "2").replace("true", "false"), 1))
    assert re.search("manifest.json: its content|has format 2", expect_refusal(exported))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "digest": 2, "x": 3}']
)
def test_a_torn_manifest_is_named(exported: Path, text: str) -> None:
    (exported / "manifest.json").write_text(text)
    assert "manifest.json" in expect_refusal(exported)


@pytest.mark.parametrize("part", [POSTS, PHOTO, "media.jsonl"])
def test_a_missing_file_is_named(exported: Path, part: str) -> None:
    (exported / part).unlink()
    assert Path(part).name in expect_refusal(exported)


@pytest.mark.parametrize("part", [POSTS, PHOTO, "media.jsonl"])
@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_named(exported: Path, part: str, left: float) -> None:
    data = (exported / part).read_bytes()
    (exported / part).write_bytes(data[: int(len(data) * left)])
    assert Path(part).name in expect_refusal(exported)


@pytest.mark.parametrize("part", [POSTS, PHOTO, "media.jsonl"])
def test_any_flipped_bit_is_noticed(exported: Path, part: str) -> None:
    whole, chance = (exported / part).read_bytes(), random.Random(14)
    for _ in range(30):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        (exported / part).write_bytes(data)
        assert Path(part).name in expect_refusal(exported)


def rewritten(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Rewrite the file of a table with other lines; its compression is valid."""
    with gzip.open(path) as file:
        lines = file.readlines()
    with gzip.open(path, "w") as file:
        file.writelines(change(lines))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: lines[:-1], "ends before its last line"),
        (lambda lines: lines[:5], "ends before its last line"),
        (lambda lines: [*lines[:5], *lines[6:]], "does not hold the rows that its last line tells of"),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], "does not hold the rows"),
        (lambda lines: [*lines, b"[]\n"], "does not hold the rows"),
        (
            lambda lines: [lines[0], b"[1, 2]\n", *lines[2:]],
            "(line 2): feed.post.jsonl.gz does not hold a row",
        ),
        (
            lambda lines: [lines[0], b"torn\n", *lines[2:]],
            "feed.post (line 2): feed.post.jsonl.gz cannot be read",
        ),
        (
            lambda lines: [b'{"table": "feed.post", "columns": []}\n', *lines[1:]],
            "other columns than the model",
        ),
        (lambda lines: lines[1:], "other columns than the model"),
        (lambda lines: [], "other columns than the model"),
        (lambda lines: lines, "is not the file that the manifest tells of"),
    ],
)
def test_a_file_with_other_lines_is_named(
    exported: Path, change: Callable[[list[bytes]], list[bytes]], expected: str
) -> None:
    rewritten(exported / POSTS, change)
    assert expected in expect_refusal(exported)


def test_a_table_that_this_version_does_not_know_is_named(exported: Path) -> None:
    tables = [table for table in all_tables() if table.label != "feed.post"]
    with pytest.raises(TransferRefused, match=r"feed.post: has no model here"):
        ExportFolder(exported, tables)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a//b", "a/./b", "a\nb"])
def test_a_listed_name_cannot_leave_its_folder(
    exported: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (exported / "media.jsonl").write_text(json.dumps({"name": name, "size": 1, "sha256": ""}) + "\n")
    folder = ExportFolder(exported, all_tables())
    monkeypatch.setitem(vars(folder), "_file_list", exported / "media.jsonl")  # as if the manifest named it
    with pytest.raises(TransferRefused, match="no name of a file"):
        list(folder.list_files())
