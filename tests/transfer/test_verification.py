"""A verification only reads, may be run again, names rows but no secrets, and has an exit code for each result."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from operations.transfer.exports import ExportFolder
from operations.transfer.problems import TransferRefused
from operations.transfer.tables import all_tables
from operations.transfer.verification import verify_target

from .conftest import Database, Network
from .network import FILES, MEMBERS, POSTS, SECRET
from .test_folders import POSTS as POSTS_FILE

postgres_only = pytest.mark.postgres_only


def run_verification(source: Path, *options: str) -> tuple[int, str]:
    """Exit code and all that the command says."""
    out = io.StringIO()
    try:
        call_command("verify_migration", str(source), "--quiet", *options, stdout=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


@postgres_only
def test_the_export_and_the_file_are_both_the_same_as_the_target(
    moved: Database, network: Network, built_export: Path
) -> None:
    for source in (built_export, network.file):
        code, output = run_verification(source, "--media", str(network.media))
        assert code == 0, output
        assert "The same: " in output
        assert f"{len(FILES)} files" in output


@postgres_only
def test_it_may_be_run_again_and_writes_nothing(moved: Database, built_export: Path) -> None:
    moved.run_statement(f"ALTER DATABASE {moved.name} SET default_transaction_read_only = on")
    assert run_verification(built_export) == run_verification(built_export)
    assert run_verification(built_export)[0] == 0


@postgres_only
def test_both_values_are_reported_and_a_long_table_is_counted(moved: Database, built_export: Path) -> None:
    moved.run_statement("UPDATE users_user SET headline = 'Else'")
    code, output = run_verification(built_export, "--rows", "3")
    assert code == 1
    assert (
        "users.user 1, field headline: 'Headline of member 1' in the source, 'Else' in the target" in output
    )
    assert "users.user 3, field headline" in output
    assert "users.user 4, field headline" not in output
    assert f"users.user: {MEMBERS - 3} more rows differ" in output


@postgres_only
def test_where_long_texts_part_is_reported(moved: Database, built_export: Path) -> None:
    moved.run_statement("UPDATE users_profile SET about = repeat('x', 100)")
    moved.run_statement(
        "UPDATE users_user SET headline = 'Headline of member ' || id || repeat('.', 50) WHERE id = 2"
    )
    _, output = run_verification(built_export, "--rows", "2")
    assert "'Headline of member 2' in the source" in output
    assert "…" in output


@postgres_only
def test_a_difference_that_the_eye_cannot_see_is_shown_by_code_points(
    moved: Database, built_export: Path
) -> None:
    moved.run_statement(
        "UPDATE users_user SET headline = replace(headline, ' of', chr(160) || 'of') WHERE id = 2"
    )
    moved.run_statement("UPDATE users_user SET headline = headline || chr(8203) WHERE id = 3")
    moved.run_statement("UPDATE users_user SET headline = 'Something else' WHERE id = 4")
    _, output = run_verification(built_export)
    for words in ("(U+0020 U+006F", "(U+00A0 U+006F", "(the end)", "(U+200B)"):
        assert words in output
    assert output.count("U+") < 20


@postgres_only
def test_no_password_and_no_message_is_shown(moved: Database, built_export: Path) -> None:
    moved.run_statement("UPDATE users_user SET password = 'leaked'")
    moved.run_statement("UPDATE messaging_entry SET text = 'private words'")
    code, output = run_verification(built_export)
    assert code == 1
    assert "users.user 1, field password: differs (not shown)" in output
    assert "messaging.entry 1, field text: differs (not shown)" in output
    assert not [word for word in (SECRET, "leaked", "private words", "Message 1") if word in output]


@postgres_only
def test_many_missing_files_are_counted(moved: Database, built_export: Path) -> None:
    for name in FILES:
        (moved.media / name).unlink()
    code, output = run_verification(built_export, "--rows", "1")
    assert code == 1
    assert f"media: {len(FILES) - 1} more files differ" in output


@postgres_only
def test_ids_that_will_be_given_out_again_are_a_note(moved: Database, built_export: Path) -> None:
    moved.run_statement(f"ALTER TABLE feed_post ALTER id RESTART WITH {POSTS + 1}")
    code, output = run_verification(built_export)
    assert code == 0
    assert "Note: feed.post: ids from 121 to 125 belonged to rows that were deleted" in output


@postgres_only
def test_a_lost_sequence_is_a_difference(moved: Database, built_export: Path) -> None:
    moved.run_statement("ALTER TABLE feed_post ALTER id DROP IDENTITY")
    code, output = run_verification(built_export)
    assert code == 1
    assert "feed.post, field id: has no sequence in the target" in output


@postgres_only
def test_other_migrations_are_a_difference(moved: Database, built_export: Path) -> None:
    moved.run_statement("DELETE FROM django_migrations WHERE app = 'feed' AND name = '0001_initial'")
    code, output = run_verification(built_export)
    assert code == 1
    assert "feed.0001_initial is applied in the source only" in output
    assert "Rows were not compared" in output


@postgres_only
def test_a_value_that_only_postgresql_can_hold_is_a_difference(moved: Database, built_export: Path) -> None:
    moved.run_statement("UPDATE feed_post SET edited_at = 'infinity' WHERE id = 2")
    _, output = run_verification(built_export)
    assert (
        "feed.post 2, field edited_at: '2026-03-29T12:30:15.123456+00:00' in the source, 'infinity' in"
        in output
    )


@postgres_only
def test_newer_content_types_in_the_target_are_no_difference(moved: Database, built_export: Path) -> None:
    moved.run_statement("INSERT INTO django_content_type (app_label, model) VALUES ('later', 'thing')")
    assert run_verification(built_export)[0] == 0


@postgres_only
def test_a_damaged_export_cannot_be_compared(moved: Database, exported: Path) -> None:
    (exported / POSTS_FILE).write_bytes(b"torn")
    code, output = run_verification(exported)
    assert code == 2
    assert "feed.post" in output


@postgres_only
def test_a_source_that_holds_what_cannot_be_carried_cannot_be_compared(
    moved: Database, network: Network
) -> None:
    network.run_statement("UPDATE users_user SET headline = char(0) WHERE id = 7")
    assert run_verification(network.file)[0] == 2


@postgres_only
def test_a_target_that_cannot_be_read_cannot_be_compared(moved: Database, built_export: Path) -> None:
    moved.run_statement("DROP TABLE django_migrations")
    assert run_verification(built_export)[0] == 2


@pytest.mark.parametrize("source", ["nowhere.sqlite3", "."])
def test_a_source_that_is_none_cannot_be_compared(tmp_path: Path, source: str) -> None:
    code, output = run_verification(tmp_path / source)
    assert code == 2
    assert "Could not be compared" in output


@pytest.mark.sqlite_only
def test_a_target_that_is_not_postgresql_is_refused(built_export: Path) -> None:
    with pytest.raises(TransferRefused, match="must be PostgreSQL"):
        verify_target(ExportFolder(built_export, all_tables()))
    with pytest.raises(CommandError, match="must be PostgreSQL"):
        call_command("import_data", str(built_export), "--quiet")


@pytest.mark.sqlite_only
def test_the_export_command_says_what_it_did(network: Network, tmp_path: Path) -> None:
    out = io.StringIO()
    options = ["--source", str(network.file), "--media", str(network.media), "--quiet"]
    call_command("export_data", str(tmp_path / "export"), *options, stdout=out)
    assert f"{len(FILES)} files (copied)" in out.getvalue()
    assert "Left out: sessions.session, core.cacheentry, core.outgoingmail." in out.getvalue()
    network.run_statement("UPDATE users_user SET headline = char(0) WHERE id = 7")
    with pytest.raises(CommandError, match=r"users.user 7, field headline(.|\n)*Nothing was exported"):
        call_command("export_data", str(tmp_path / "export"), *options)


@postgres_only
def test_the_export_command_asks_which_source_where_the_settings_name_none(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="say which one: --source FILE"):
        call_command("export_data", str(tmp_path / "export"))


@postgres_only
def test_the_import_command_says_what_it_did(database: Database, network: Network, tmp_path: Path) -> None:
    network.export_to(tmp_path / "listed", copy_media=False)
    out = io.StringIO()
    call_command("import_data", str(tmp_path / "listed"), "--quiet", stdout=out)
    call_command("import_data", str(tmp_path / "listed"), "--quiet", stdout=out)
    for words in ("Imported ", "copy the media folder yourself", "Already complete"):
        assert words in out.getvalue()
    network.export_to(tmp_path / "whole")
    call_command("import_data", str(tmp_path / "whole"), "--quiet", stdout=out)
    assert f"Stored {len(FILES)} files" in out.getvalue()
