"""Every block of the guides is run by a test, read by one, or says above it why not."""

import json
import re
import subprocess
from collections import Counter

import yaml

from scripts.programs import ROOT

from .cases import all_cases
from .environment_variables import find_used_variables
from .integration.deployment.blocks import (
    AWS,
    BACKUP,
    DIGITALOCEAN,
    DOCKER,
    GUIDE,
    HEROKU,
    KUBERNETES,
    MIGRATION,
    MONITORING,
    PAGES,
    UPGRADING,
    WRITING,
    Block,
    blocks_of,
)
from .migration_example import load_releases

# Who runs the `bash` blocks of a page, all of them, in order; and how it tells that it reads the page.
RUN_BY = {
    GUIDE: ("tests/integration/deployment/test_deployment_guide.py", "from .installation import"),
    DOCKER: ("tests/integration/deployment/test_platforms.py", "blocks_of(DOCKER)"),
    MIGRATION: ("tests/integration/transfer/test_guide.py", "DATABASE_MIGRATION.md"),
    BACKUP: ("tests/integration/backup/test_guide.py", "BACKUP.md"),
    UPGRADING: ("tests/integration/deployment/test_upgrade.py", "blocks_of(UPGRADING)"),
}
# A page that says once for all its other blocks what they need.
SAID_ONCE = {MIGRATION: "What belongs to your server is in the other blocks"}
# The worked example of WRITING_MIGRATIONS.md. tests/migration_example.py reads it; test_upgrade.py runs it.
CODE = {"python", "diff"}
ALL = [block for page in PAGES for block in blocks_of(page)]


def in_the_example(block: Block) -> bool:
    """Whether the block is a migration or an edit that the versions of the example are made of."""
    if block.language == "python":
        _path, _, code = block.text.partition("\n")
        return any(code in release.migrations.values() for release in load_releases().values())
    edits = [edit.path for release in load_releases().values() for edit in release.edits]
    return all(path in edits for path in re.findall(r"(?m)^--- (\S+)$", block.text))


def what_is_said(block: Block) -> str:
    """The end of the first line that a command is shown to say, from where it names nothing particular."""
    return block.text.splitlines()[0].rpartition(" s ")[2]


def said_by_the_code() -> str:
    paths = (ROOT / "operations" / "management").rglob("*.py")
    return "\n".join(path.read_text() for path in paths)


def test_the_guides_hold_the_blocks_that_we_think() -> None:
    kinds = Counter((block.page, block.language) for block in ALL)
    assert kinds[GUIDE, "bash"] >= 15
    assert kinds[DOCKER, "bash"] == 3
    assert kinds[WRITING, "python"] >= 5
    for page in (GUIDE, DOCKER, HEROKU, DIGITALOCEAN, AWS, KUBERNETES, UPGRADING, BACKUP, MONITORING):
        assert kinds[page, "sh"]


def test_no_fence_is_left_out() -> None:
    for page in PAGES:
        assert len(re.findall(r"(?m)^\s*```", page.read_text())) == 2 * len(blocks_of(page)), page.name


def check_run_or_excused(block: Block) -> None:
    """Fails unless a test runs the block, reads it, or the page says above it why not."""
    if block.language == "bash":
        test, sign = RUN_BY[block.page]
        assert sign in (ROOT / test).read_text()
        assert not block.reason, "what a test runs needs no reason"
    elif block.language in CODE:
        assert block.page == WRITING
        assert in_the_example(block)
    elif block.language == "console":
        assert what_is_said(block) in said_by_the_code()
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        yaml.safe_load(block.text)
    elif block.page in SAID_ONCE:
        assert block.language in {"sh", "text"}
        assert SAID_ONCE[block.page] in " ".join(block.page.read_text().split())
    else:
        assert block.language == "sh"
        assert re.search(
            r"\bneeds?\b|platform's own client|only you know|\bit (installs|rewrites) ", block.reason
        )


def test_a_block_is_run_or_says_why_not() -> None:
    with all_cases() as case:
        for block in ALL:
            with case(block.location):
                check_run_or_excused(block)


def test_a_shell_can_read_every_block_for_one() -> None:
    with all_cases() as case:
        for block in ALL:
            if block.language not in {"bash", "sh", "text"}:
                continue
            with case(block.location):
                done = subprocess.run(
                    ["/bin/bash", "-n"], input=block.text, capture_output=True, text=True, check=False
                )
                assert (done.returncode, done.stderr) == (0, "")


def test_every_page_that_is_linked_is_there() -> None:
    missing = {
        page.name: [
            target
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
            if not (page.parent / target).exists()
        ]
        for page in PAGES
    }
    assert {name: targets for name, targets in missing.items() if targets} == {}


def test_every_variable_of_a_page_is_one_that_is_read() -> None:
    """NAME=value in prose or in a block, but for what the page itself or compose.yaml takes from the shell."""
    compose = (ROOT / "compose.yaml").read_text()
    known = find_used_variables() | {"DJANGO_ENVIRONMENT", "ON_ERROR_STOP"}
    unknown = {}
    for page in (GUIDE, DOCKER, HEROKU, DIGITALOCEAN, AWS, UPGRADING):
        text = page.read_text()
        of_the_shell = set(re.findall(r"\$\{?!?([A-Z][A-Z0-9_]+)", text + compose))
        named = set(re.findall(r"(?<![\w$/{.-])([A-Z][A-Z0-9]*_[A-Z0-9_]+)=", text))
        unknown[page.name] = named - known - of_the_shell
    assert {name: names for name, names in unknown.items() if names} == {}
