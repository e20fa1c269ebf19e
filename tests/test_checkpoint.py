"""`make checkpoint`: the page and the checks are one, the table says what holds, the exit code whether all does."""

import re

import pytest

from scripts import checkpoint
from scripts.checkpoint import CODE_CHECKS, SERVER_CHECKS, check_items, main
from scripts.checks import checklist, repository
from scripts.checks.checklist import CODE, HERE, PAGE, ChecklistItem, parse_checklist, read_checklist
from scripts.checks.results import ELSEWHERE, CheckFailed, CheckResult, format_table, run_check


def broken() -> str:
    raise CheckFailed("the first line\nand the rest")


def line(what: str, does: str, shows: str = "", where: str = HERE) -> ChecklistItem:
    return ChecklistItem(CODE, what, does, shows, where)


# -- The page -------------------------------------------------------------------------------
def test_every_line_of_the_page_is_looked_at_or_marked() -> None:
    lines = read_checklist()
    assert {one.where for one in lines} == {HERE, ELSEWHERE}
    for one in lines:
        functions = CODE_CHECKS if one.section == CODE else SERVER_CHECKS
        looked_at = one.title in functions or bool(one.command)
        assert (one.where == ELSEWHERE) or looked_at, one.title


def test_no_check_is_without_its_line_and_no_line_stands_twice() -> None:
    lines = [one for one in read_checklist() if one.where == HERE]
    assert set(CODE_CHECKS) <= {one.title for one in lines if one.section == CODE}
    assert set(SERVER_CHECKS) <= {one.title for one in lines if one.section != CODE}
    assert len({one.title for one in read_checklist()}) == len(read_checklist())


def test_every_table_of_the_page_is_read() -> None:
    written = [row for row in PAGE.read_text().splitlines() if row.startswith("|")]
    heads_and_rules = [row for row in written if re.fullmatch(r"\| what .*|[| -]+", row)]
    assert len(read_checklist()) == len(written) - len(heads_and_rules) > 25


@pytest.mark.parametrize(
    "row",
    ["| a | `b` | c |", "| a | `b` | c | somewhere |", "| a | `b | c` | d | here |", "| a | `b` | c | |"],
)
def test_a_torn_line_is_an_error(row: str) -> None:
    with pytest.raises(ValueError, match="no line of the checklist"):
        parse_checklist(
            f"## The code\n\n| what | command | shows | where |\n| --- | --- | --- | --- |\n{row}\n"
        )


def test_a_page_without_tables_is_no_success() -> None:
    assert parse_checklist("# A page\n\nWords.\n") == []
    assert main(["--only", "words that stand in no line"]) == 1


# -- The table ------------------------------------------------------------------------------
def test_a_check_that_holds_is_ok() -> None:
    row = run_check("it is there", lambda: "all of it")
    assert (row.succeeded, row.detail) == (True, "all of it")
    assert format_table([row]).splitlines()[1].startswith("ok             it is there")


def test_a_check_that_fails_is_told_in_full() -> None:
    row = run_check("it is there", broken)
    told = format_table([row])
    assert not row.succeeded
    assert "FAILED         it is there" in told
    assert told.endswith("it is there:\nthe first line\nand the rest")


def test_a_line_for_the_operators_server_is_listed_and_never_run() -> None:
    rows = check_items([line("the name leads here", "`touch /nowhere/at/all`", where=ELSEWHERE)])
    assert rows == [CheckResult("the name leads here", ELSEWHERE, "`touch /nowhere/at/all`")]
    assert format_table(rows).splitlines()[1].startswith("on your server the name leads here")


def test_one_that_fails_does_not_keep_the_others_from_being_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line("one", "`false`"), line("two", "`echo fine`"), line("three", "x", where=ELSEWHERE)]
    monkeypatch.setattr(checklist, "read_checklist", lambda: lines)
    assert main([]) == 1
    told = capsys.readouterr().out
    assert "FAILED         one" in told
    assert re.search(r"ok +two .* fine", told)


def test_all_that_hold_are_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        checklist, "read_checklist", lambda: [line("two", "`true`"), line("x", "y", where=ELSEWHERE)]
    )
    assert main([]) == 0


def test_a_server_that_does_not_start_fails_all_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def start() -> None:
        raise OSError("no room on the disk")

    monkeypatch.setattr(checkpoint, "start_site", start)
    rows = check_items([ChecklistItem("The server", "pages answer", "`true`", "", HERE)])
    assert [(row.succeeded, row.detail) for row in rows] == [
        (False, "the stack did not start: no room on the disk")
    ]


# -- Commands as they stand -----------------------------------------------------------------
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "COLOUR": "green"}


def ran(does: str, shows: str = "", **origins: str) -> str:
    return checklist.run_command(line("x", does, shows), ENVIRONMENT, origins)


def test_a_command_gets_its_environment_and_the_name_of_the_site() -> None:
    assert ran("`echo $COLOUR house`", "`house`", house="hut") == "green hut"


def test_a_command_that_ends_with_another_code_fails() -> None:
    with pytest.raises(CheckFailed, match=r"exit code 3: (.|\n)*why"):
        ran("`echo why; exit 3`")


def test_a_command_that_shows_something_else_fails() -> None:
    with pytest.raises(CheckFailed, match="does not show 'three'"):
        ran("`echo one two`", "`one`, `three`")


def test_a_command_of_the_site_may_be_another_program() -> None:
    one = line("x", "`nginx -t`", "`-c here -t`")
    assert checklist.run_command(one, ENVIRONMENT, {}, 'nginx() { echo -c here "$@"; }') == "-c here -t"


def test_the_python_of_a_command_is_ours() -> None:
    assert "django" in ran("`python -c 'import django; print(django.__name__)'`")


# -- The code -------------------------------------------------------------------------------
def test_the_repository_holds_what_is_asked_of_it() -> None:
    assert "all 4 required ones" in repository.check_env_example()
    assert repository.check_plan_paths().endswith("paths")
    assert repository.check_gitignore().endswith("kinds")
    assert repository.check_readme_links().endswith("links")
    assert "DATABASE_MIGRATION.md" in repository.check_guides_are_tested()
