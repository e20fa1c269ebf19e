"""A verification only reads, may be run again, names rows but no secrets, and has an exit code for each result."""

import io
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from operations.transfer import progress
from operations.transfer.comparison import TableComparison, compare_rows
from operations.transfer.exports import ExportFolder
from operations.transfer.problems import TransferRefused
from operations.transfer.rows import Row, TableHash, encode_values, row_hash
from operations.transfer.tables import LEFT_OUT, all_tables
from operations.transfer.target import Target
from operations.transfer.verification import Verification, verify_target

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


# -- Rows beside each other -------------------------------------------------------------------

TABLES = {table.label: table for table in all_tables()}


def rows_of(*names: str | None, keys: str = "") -> list[Row]:
    """Rows of feed.tag with these names and the ids 1, 2, 3 (or `keys`)."""
    numbers = keys or "123456789"
    return [
        Row((int(number),), encode_values([number, name]))
        for number, name in zip(numbers, names, strict=False)
    ]


def compare_tags(source: list[Row], target: list[Row], **options: int) -> TableComparison:
    return compare_rows(TABLES["feed.tag"], iter(source), iter(target), **options)


def test_each_row_is_the_same_lost_doubled_added_or_changed() -> None:
    abc = rows_of("a", "b", "c")
    lost, only = "is lost: the target does not have it", "is in the target only"
    twice, differs = "is doubled: the target has it twice", "'b' in the source, 'x' in the target"
    wrong = []
    for target, expected in (
        ("1a 2b 3c", []),
        ("2b 3c", [("1", "", lost)]),
        ("1a 3c", [("2", "", lost)]),
        ("1a 2b", [("3", "", lost)]),
        ("", [("1", "", lost), ("2", "", lost), ("3", "", lost)]),
        ("0z 1a 2b 3c", [("0", "", only)]),
        ("1a 2b 3c 4z", [("4", "", only)]),
        ("0z 0z 1a 2b 3c", [("0", "", only), ("0", "", twice)]),
        ("1a 1a 2b 3c", [("1", "", twice)]),
        ("1a 2b 3c 3c", [("3", "", twice)]),
        ("1a 2x 3c", [("2", "name", differs)]),
        ("0z 2x 3c", [("0", "", only), ("1", "", lost), ("2", "name", differs)]),
    ):
        other = [rows_of(word[1], keys=word[0])[0] for word in target.split()]
        found = compare_tags(abc, other)
        named = [(problem.row, problem.field, problem.what) for problem in found.problems]
        hashes = []
        for rows in (abc, other):
            table = TableHash()
            for row in rows:
                table.add_row(row_hash(row.line))
            hashes.append((table.rows, table.text))
        sums = [(side.rows, side.text) for side in (found.source, found.target)]
        if (named, found.differing, found.same, sums) != (expected, len(expected), not expected, hashes):
            wrong.append((target, named, found.differing, found.same))
        if {problem.table for problem in found.problems} - {"feed.tag"}:
            wrong.append((f"{target} names another table", [], 0, False))
    assert wrong == []


def test_no_more_rows_are_named_than_was_asked_for_and_all_are_counted() -> None:
    many = rows_of(*"abcdefghi")
    for most in (0, 1, 9):
        found = compare_tags(many, [], max_named=most)
        assert (len(found.problems), found.differing, found.same) == (most, 9, False)


def test_what_migrate_adds_to_the_target_is_no_difference() -> None:
    row = Row(("later", "thing"), encode_values(["later", "thing"]))
    table = TABLES["contenttypes.contenttype"]
    found = compare_rows(table, iter([]), iter([row]))
    assert (found.same, found.target.rows) == (True, 1)
    assert compare_rows(table, iter([row]), iter([])).differing == 1


def test_rows_out_of_order_are_refused_with_their_side() -> None:
    turned = rows_of("a", "b", keys="21")
    for source, target, side in ((turned, [], "source"), ([], turned, "target")):
        with pytest.raises(TransferRefused, match=f"feed.tag 1: comes out of order from the {side}"):
            compare_tags(source, target)


def test_the_two_values_are_shown_from_shortly_before_they_part() -> None:
    near, far = "n" * 30, "f" * 31
    same = "=" * 100
    wrong = []
    for one, other, shown in (
        (None, "x", ("NULL", "'x'")),
        ("x", None, ("'x'", "NULL")),
        ("a", "b", ("'a'", "'b'")),
        (f"{near}a", f"{near}b", (f"'{near}a'", f"'{near}b'")),
        (f"{far}a", f"{far}b", (f"…'{far[:10]}a'", f"…'{far[:10]}b'")),
        (f"{far}a{same}", f"{far}b", (f"…'{far[:10]}a{same[:29]}…'", f"…'{far[:10]}b'")),
        ("a", "a ", ("'a' (the end)", "'a ' (U+0020)")),
        ("abcdefgh\u200b", "\u00a0abcdefgh", (
            "'abcdefgh\\u200b' (U+0061 U+0062 U+0063 U+0064 U+0065 U+0066)",
            "'\\xa0abcdefgh' (U+00A0 U+0061 U+0062 U+0063 U+0064 U+0065)",
        )),
        ("e\u0301", "\u00e9", ("'e\u0301' (U+0065 U+0301)", "'\u00e9' (U+00E9)")),
        # A letter beyond the forty characters that are compared by appearance is not looked at.
        (f" {'-' * 39}a", f"\u00a0{'-' * 39}b", (f"' {'-' * 39}…' (U+0020{' U+002D' * 5})",
            f"'\\xa0{'-' * 39}…' (U+00A0{' U+002D' * 5})")),
        (f" {'-' * 38}a", f"\u00a0{'-' * 38}b", (f"' {'-' * 38}a'", f"'\\xa0{'-' * 38}b'")),
    ):  # fmt: skip
        (problem,) = compare_tags(rows_of(one), rows_of(other)).problems
        expected = f"{shown[0]} in the source, {shown[1]} in the target"
        if problem.what != expected:
            wrong.append((problem.what, expected))
    assert wrong == []


# -- The command ------------------------------------------------------------------------------


@postgres_only
def test_the_export_and_the_file_are_both_the_same_as_the_target(
    moved: Database, network: Network, built_export: Path
) -> None:
    for source in (built_export, network.file):
        code, output = run_verification(source, "--media", str(network.media))
        assert code == 0, output
        tables = list(TABLES.values())
        rows = sum(facts.rows for facts in ExportFolder(built_export, tables).manifest.tables.values())
        sequences = sum(table.auto_id is not None for table in tables)
        references = sum(len(table.references) for table in tables)
        compared = f"{rows:,} rows of {len(tables)} tables, {sequences} sequences, {references} foreign keys"
        assert f"The same: {compared}, {len(FILES)} files" in output


@postgres_only
def test_it_may_be_run_again_and_writes_nothing(moved: Database, built_export: Path) -> None:
    moved.run_statement(f"ALTER DATABASE {moved.name} SET default_transaction_read_only = on")
    assert run_verification(built_export) == run_verification(built_export)
    assert run_verification(built_export)[0] == 0


@postgres_only
def test_it_sees_one_state_of_the_target_and_reports_its_progress(
    moved: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output: list[str] = []

    def report(line: str) -> None:
        output.append(line)
        if line.startswith("verification: 100 %") and line.endswith(" done"):
            moved.run_statement("INSERT INTO feed_tag (id, name) VALUES (1000000, 'later')")

    monkeypatch.setattr(progress, "REPORT_SECONDS", 0.0)
    # The new row is above the sequence, which is looked at after the rows.
    findings = verify_target(ExportFolder(built_export, all_tables()), progress=report)
    assert findings.is_same, findings.differences
    assert not verify_target(ExportFolder(built_export, all_tables())).is_same
    rows, size = sum(table.source.rows for table in findings.tables), sum(map(len, FILES.values()))
    last, *files = output[-1 - len(FILES) :]
    assert last.startswith(f"verification: 100 %, {rows:,} rows, ")
    assert sorted(line.rpartition(", ")[2] for line in files) == sorted(FILES)
    assert files[-1].startswith(f"files: 100 %, {size:,} bytes, ")


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
    assert "more rows" not in run_verification(built_export, "--rows", str(MEMBERS))[1]


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
    output = run_verification(built_export, "--rows", str(len(FILES)))[1]
    assert "more files" not in output
    assert output.count("Different: media ") == len(FILES)


@postgres_only
def test_ids_that_will_be_given_out_again_are_a_note(moved: Database, built_export: Path) -> None:
    moved.run_statement(f"ALTER TABLE feed_post ALTER id RESTART WITH {POSTS + 1}")
    code, output = run_verification(built_export)
    assert code == 0
    assert "Note: feed.post: ids from 121 to 125 belonged to rows that were deleted" in output


@postgres_only
def test_a_sequence_may_give_out_what_is_above_every_id_that_was_issued(
    moved: Database, built_export: Path
) -> None:
    source, table, issued = ExportFolder(built_export, all_tables()), TABLES["feed.post"], POSTS + 5
    found = {}
    for next_id in (POSTS, POSTS + 1, issued, issued + 1):
        moved.run_statement(f"ALTER TABLE feed_post ALTER id RESTART WITH {next_id}")
        with closing(Target(source.tables, read_only=True)) as target:
            verification = Verification(source, target)
            verification.compare_sequence(table)
        findings = verification.findings
        found[next_id] = len(findings.differences), [note.split(" belonged")[0] for note in findings.notes]
        assert findings.sequences == 1
    assert found == {
        POSTS: (1, []),
        POSTS + 1: (0, [f"feed.post: ids from {POSTS + 1} to {issued}"]),
        issued: (0, [f"feed.post: ids from {issued} to {issued}"]),
        issued + 1: (0, []),
    }


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
    assert "Nothing else was compared" in output


@postgres_only
def test_migrations_of_other_apps_keep_nothing_from_being_compared(moved: Database, network: Network) -> None:
    for database in (moved, network):
        database.run_statement(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('others', '0001_initial', '2026-01-01')"
        )
    moved.run_statement("ALTER TABLE feed_post DROP CONSTRAINT feed_post_has_audience")
    code, output = run_verification(network.file, "--media", str(network.media))
    assert code == 1
    assert "feed_post_has_audience: CHECK" in output
    # Migrations of ours that both sides lack: the description is of another state.
    for database in (moved, network):
        database.run_statement("DELETE FROM django_migrations WHERE app = 'feed' AND name = '0001_initial'")
    code, output = run_verification(network.file, "--media", str(network.media))
    assert code == 0
    assert "Note: Constraints and indexes were not compared" in output


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
    assert f"Left out: {', '.join(LEFT_OUT)}." in out.getvalue()
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
