"""`make checkpoint`: docs/PRODUCTION_CHECKLIST.md line by line, as far as it can be seen without your server.

The page is the source. A line marked "here" is looked at by the function that stands below under its words, or else by
its command as it stands, on the production stack that this starts; a line marked "on your server" is only listed.
`--only WORDS` looks at the lines that hold these words.
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
from .checks.place import Place, running_place
from .checks.rows import ELSEWHERE, FAILED, TROUBLE, Row, look, table

OF_THE_CODE: dict[str, Callable[[], str]] = {
    "all settings can be imported": repository.settings_can_be_imported,
    "the required variables are in the example": repository.example_is_complete,
    "unit and property tests pass": lambda: repository.all_tests_pass(repository.TESTS),
    "faults are over in time": repository.faults_are_over_in_time,
    "it starts in development": development.development_starts,
    "the files of the plan are there": repository.plan_is_there,
    "git ignores what is secret or local": repository.sensitive_files_are_ignored,
    "the README leads to production": repository.readme_leads_to_production,
    "the guides' commands are run by tests": repository.guides_are_run,
}
OF_THE_SERVER: dict[str, Callable[[Place], str]] = {
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
    return function() if function else page.run(line, os.environ, {})


def _of_the_server(line: Line, place: Place) -> str:
    function = OF_THE_SERVER.get(line.what)
    return function(place) if function else page.run(line, place.environment, place.origins, place.shell)


def _told(line: Line) -> None:
    print(f"-- {line.what} …", flush=True)


def look_at_server(lines: list[Line]) -> list[Row]:
    """The lines that need a server, on one of our own; all of them fail when it does not start."""
    if not lines:
        return []
    rows: list[Row] = []
    print("-- PostgreSQL, Redis, gunicorn, daphne and nginx start …", flush=True)
    with ExitStack() as until_the_end:
        try:
            place = until_the_end.enter_context(running_place())
        except TROUBLE as error:
            return [Row(line.what, FAILED, f"the stack did not start: {error}") for line in lines]
        for line in lines:
            _told(line)
            rows.append(look(line.what, partial(_of_the_server, line, place)))
    return rows


def look_at(lines: list[Line]) -> list[Row]:
    """All lines, those of the server first: they fail sooner, and the tests take longest."""
    here = [line for line in lines if line.where == HERE]
    rows = look_at_server([line for line in here if line.section != CODE])
    for line in here:
        if line.section == CODE:
            _told(line)
            rows.append(look(line.what, partial(_of_the_code, line)))
    return rows + [Row(line.what, ELSEWHERE, line.does) for line in lines if line.where == ELSEWHERE]


def main(arguments: list[str]) -> int:
    """Look at all lines, also after one has failed; 0 only when all hold."""
    parser = argparse.ArgumentParser(prog="python -m scripts.checkpoint", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="only the lines that hold these words")
    chosen = parser.parse_args(arguments)
    rows = look_at([line for line in page.read() if chosen.only in line.what])
    print(f"\n{table(rows)}")
    return 0 if rows and all(row.holds for row in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, subprocess.SubprocessError):
        sys.exit(1)
