"""The whole way with a small network, there and back again."""

import re
from pathlib import Path

import pytest

from scripts.programs import ROOT
from scripts.stack import NO_REDIS, production_environment
from tests.testkit.prepared_files import MIGRATED_DATABASE, copy_migrated_sqlite

from .installation import ALICE, LOOK, WRITE, Installation, manage, recreate, run, succeed

EXPORT, IMPORT, VERIFY = "scripts/export_data.sh", "scripts/import_data.sh", "scripts/verify_migration.py"


def files_of(folder: Path) -> dict[Path, bytes]:
    """The content of each file in the folder, by its relative path."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def test_the_move_in_production_settings_and_the_way_back(
    sqlite: Installation, target: str, export: str, tmp_path: Path
) -> None:
    before = sqlite.sha256()
    here = sqlite.environment()
    there = production_environment(target, NO_REDIS, tmp_path / "target")
    exported = run(here, EXPORT, export)
    assert exported.returncode == 0
    assert "export: 100 %" in exported.stderr
    assert re.search(r"Exported [1-9][\d,]* rows of \d+ tables and [1-9]\d* files", exported.stdout)
    assert "Imported " in succeed(there, IMPORT, export)
    assert "The same: " in succeed(there, VERIFY, export)
    assert "The same: " in succeed(there, VERIFY, str(sqlite.file), "--media", str(sqlite.media))
    assert "Already complete" in succeed(there, IMPORT, export)
    assert files_of(tmp_path / "target" / "media") == files_of(sqlite.media)

    # The switch: members sign in with the passwords they had, and write.
    switched = sqlite.environment(DATABASE_URL=target)
    assert manage(switched, "shell", "--command", WRITE).splitlines()[-2:] == [
        "signed in: True home: 200",
        "posted: 302",
    ]
    differs = run(there, VERIFY, export)
    assert differs.returncode == 1
    assert re.search(r"Different: feed.post \d+: is in the target only", differs.stdout)

    # Rollback: the file was never written to, and the site runs on it again.
    assert sqlite.sha256() == before
    posts = manage(switched, "shell", "--command", LOOK).splitlines()[-1]
    assert re.fullmatch(r"posts: \d+ 1", posts)
    back = manage(here, "shell", "--command", LOOK).splitlines()
    assert back[-2:] == ["signed in: True home: 200", f"posts: {int(posts.split()[1]) - 1} 0"]

    # And the next attempt, with what has been written since.
    manage(here, "shell", "--command", WRITE)
    recreate(target, MIGRATED_DATABASE)
    succeed(here, EXPORT, export)
    succeed(there, IMPORT, export)
    assert "The same: " in succeed(there, VERIFY, str(sqlite.file), "--media", str(sqlite.media))


LEFT_OUT = ("contenttypes", "auth.permission", "sessions", "core.cacheentry", "admin.logentry")


def test_dumpdata_and_loaddata_bring_the_same_rows(target: str, tmp_path: Path) -> None:
    """Of a network that XML can hold: it has no word for control characters."""
    sqlite = Installation(tmp_path / "sqlite")
    sqlite.folder.mkdir()
    copy_migrated_sqlite(sqlite.folder)
    manage(sqlite.environment(), "shell", "--command", ALICE)
    file = str(tmp_path / "linkup.xml")
    excluded = [word for label in LEFT_OUT for word in ("--exclude", label)]
    options = ["--format", "xml", "--natural-foreign", "--output", file]
    manage(sqlite.environment(), "dumpdata", *options, *excluded)
    there = sqlite.environment(DATABASE_URL=target)
    manage(there, "loaddata", file)
    assert "The same: " in succeed(there, VERIFY, str(sqlite.file), "--media", str(sqlite.media))


def test_the_guide_tells_of_the_same_dumpdata() -> None:
    guide = (ROOT / "docs" / "DATABASE_MIGRATION.md").read_text()
    assert all(f"--exclude {label}" in guide for label in LEFT_OUT)
    assert "dumpdata --format xml --natural-foreign" in guide


@pytest.mark.parametrize("script", [EXPORT, IMPORT, VERIFY])
def test_wrong_arguments_get_the_usage(installation: Installation, script: str) -> None:
    done = run(installation.environment(), script)
    assert done.returncode == 2
    assert "usage" in done.stderr.lower()


@pytest.mark.parametrize("script", [EXPORT, IMPORT])
def test_who_asks_gets_the_usage(installation: Installation, script: str) -> None:
    assert "Usage:" in succeed(installation.environment(), script, "--help")


def test_an_unprepared_target_is_named(installation: Installation, empty_target: str, export: str) -> None:
    succeed(installation.environment(), EXPORT, export, "--quiet")
    done = run(installation.environment(DATABASE_URL=empty_target), IMPORT, export)
    assert done.returncode == 1
    assert "run `python manage.py migrate` there first" in done.stderr


def test_settings_without_their_variables_cannot_compare(installation: Installation, export: str) -> None:
    done = run(installation.environment(DJANGO_ENVIRONMENT="production"), VERIFY, export)
    assert done.returncode == 2
    assert "SECRET_KEY" in done.stderr
