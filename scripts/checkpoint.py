"""`make checkpoint`: checks the items of docs/PRODUCTION_CHECKLIST.md, as far as possible without your server.

An item marked "here" is checked by its function below, or by running its command, on a production stack that is started
for it; an item marked "on your server" is only listed. `--only WORDS` checks the items that contain these words.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from .checks import checklist, development, repository, server
from .checks.checklist import CODE, HERE, ChecklistItem
from .checks.results import CHECK_ERRORS, ELSEWHERE, FAILED, CheckResult, format_table, run_check
from .checks.running_site import RunningSite, start_site

CODE_CHECKS: dict[str, Callable[[], str]] = {
    "all settings can be imported": repository.check_settings_import,
    "the required variables are in the example": repository.check_env_example,
    "unit and property tests pass": lambda: repository.run_all_tests(repository.TESTS),
    "recovery is fast enough": repository.check_recovery_time,
    "it starts in development": development.check_development_server,
    "the files of the plan are there": repository.check_plan_paths,
    "git ignores what is secret or local": repository.check_gitignore,
    "the README leads to production": repository.check_readme_links,
    "the guides' commands are run by tests": repository.check_guides_are_tested,
}
SERVER_CHECKS: dict[str, Callable[[RunningSite], str]] = {
    "it starts in production": server.check_both_servers,
    "everything LinkUp depends on answers": server.check_doctor,
    "sockets open": server.check_sockets,
    "mail leaves": server.check_mail,
    "logs are written": server.check_logs,
    "private files are private": server.check_private_files,
    "uploads survive a restart": server.check_restart_keeps_uploads,
    "a reload loses nobody": server.check_reload,
    "a copy can be restored": server.check_backup,
}


def _check_code(item: ChecklistItem) -> str:
    function = CODE_CHECKS.get(item.title)
    return function() if function else checklist.run_command(item, os.environ, {})


def _check_server(item: ChecklistItem, site: RunningSite) -> str:
    function = SERVER_CHECKS.get(item.title)
    return (
        function(site)
        if function
        else checklist.run_command(item, site.environment, site.origins, site.shell)
    )


def _announce(item: ChecklistItem) -> None:
    print(f"-- {item.title} …", flush=True)


def check_server_items(items: list[ChecklistItem]) -> list[CheckResult]:
    """Check the items that need a server on a temporary one; all fail when it does not start."""
    if not items:
        return []
    results: list[CheckResult] = []
    print("-- PostgreSQL, Redis, gunicorn, daphne and nginx start …", flush=True)
    with ExitStack() as exit_stack:
        try:
            site = exit_stack.enter_context(start_site())
        except CHECK_ERRORS as error:
            return [CheckResult(item.title, FAILED, f"the stack did not start: {error}") for item in items]
        for item in items:
            _announce(item)
            results.append(run_check(item.title, partial(_check_server, item, site)))
    return results


def check_items(items: list[ChecklistItem]) -> list[CheckResult]:
    """Check all items, those of the server first: they fail sooner, and the tests take longest."""
    here = [item for item in items if item.where == HERE]
    results = check_server_items([item for item in here if item.section != CODE])
    for item in here:
        if item.section == CODE:
            _announce(item)
            results.append(run_check(item.title, partial(_check_code, item)))
    return results + [
        CheckResult(item.title, ELSEWHERE, item.action) for item in items if item.where == ELSEWHERE
    ]


def main(arguments: list[str]) -> int:
    """Check all items, even after a failure; return 0 only when all succeed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.checkpoint", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="only the items that contain these words")
    chosen = parser.parse_args(arguments)
    results = check_items([item for item in checklist.read_checklist() if chosen.only in item.title])
    print(f"\n{format_table(results)}")
    return 0 if results and all(result.succeeded for result in results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, subprocess.SubprocessError):
        sys.exit(1)
