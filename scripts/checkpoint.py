"""`make checkpoint`: checks docs/PRODUCTION_CHECKLIST.md line by line, as far as possible without your server.

The page is the source. A line marked "here" is checked by its function below, or else by running its command, on a
production stack that this starts; a line marked "on your server" is only listed. `--only WORDS` checks the lines that
contain these words.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from .checks import development, page, repository, server
from .checks.page import CODE, HERE, Line
from .checks.rows import ELSEWHERE, FAILED, TROUBLE, Row, format_table, run_check
from .checks.running_site import RunningSite, start_site

OF_THE_CODE: dict[str, Callable[[], str]] = {
    "all settings can be imported": repository.settings_can_be_imported,
    "the required variables are in the example": repository.example_is_complete,
    "unit and property tests pass": lambda: repository.all_tests_pass(repository.TESTS),
    "faults are over in time": repository.recovery_is_in_time,
    "it starts in development": development.development_starts,
    "the files of the plan are there": repository.plan_is_there,
    "git ignores what is secret or local": repository.sensitive_files_are_ignored,
    "the README leads to production": repository.readme_leads_to_production,
    "the guides' commands are run by tests": repository.guides_are_run,
}
OF_THE_SERVER: dict[str, Callable[[RunningSite], str]] = {
    "it starts in production": server.both_servers_answer,
    "everything LinkUp leans on answers": server.doctor_finds_nothing,
    "sockets open": server.sockets_open,
    "mail leaves": server.mail_leaves,
    "logs are written": server.logs_are_written,
    "private files are private": server.private_files_are_private,
    "uploads outlive a restart": server.uploads_outlive_a_restart,
    "a reload loses nobody": server.a_reload_loses_nobody,
    "a copy can be restored": server.a_backup_is_restored,
}


def _of_the_code(line: Line) -> str:
    function = OF_THE_CODE.get(line.what)
    return function() if function else page.run_command(line, os.environ, {})


def _of_the_server(line: Line, site: RunningSite) -> str:
    function = OF_THE_SERVER.get(line.what)
    return function(site) if function else page.run_command(line, site.environment, site.origins, site.shell)


def _announce(line: Line) -> None:
    print(f"-- {line.what} …", flush=True)


def check_server_lines(lines: list[Line]) -> list[Row]:
    """Check the lines that need a server on a temporary one; all of them fail when it does not start."""
    if not lines:
        return []
    rows: list[Row] = []
    print("-- PostgreSQL, Redis, gunicorn, daphne and nginx start …", flush=True)
    with ExitStack() as until_the_end:
        try:
            site = until_the_end.enter_context(start_site())
        except TROUBLE as error:
            return [Row(line.what, FAILED, f"the stack did not start: {error}") for line in lines]
        for line in lines:
            _announce(line)
            rows.append(run_check(line.what, partial(_of_the_server, line, site)))
    return rows


def check_lines(lines: list[Line]) -> list[Row]:
    """Check all lines, those of the server first: they fail sooner, and the tests take longest."""
    here = [line for line in lines if line.where == HERE]
    rows = check_server_lines([line for line in here if line.section != CODE])
    for line in here:
        if line.section == CODE:
            _announce(line)
            rows.append(run_check(line.what, partial(_of_the_code, line)))
    return rows + [Row(line.what, ELSEWHERE, line.does) for line in lines if line.where == ELSEWHERE]


def main(arguments: list[str]) -> int:
    """Check all lines, even after a failure; return 0 only when all succeed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.checkpoint", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="only the lines that contain these words")
    chosen = parser.parse_args(arguments)
    rows = check_lines([line for line in page.read_checklist() if chosen.only in line.what])
    print(f"\n{format_table(rows)}")
    return 0 if rows and all(row.holds for row in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, subprocess.SubprocessError):
        sys.exit(1)
