"""Every block of the guides is run by a test, read by one, or says above it why not."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from scripts.programs import ROOT
from tests.variables import read_by_the_code

from .blocks import (
    AWS,
    DIGITALOCEAN,
    DOCKER,
    DOCS,
    GUIDE,
    HEROKU,
    KUBERNETES,
    MIGRATION,
    Block,
    blocks_of,
)

PAGES = [*sorted(DOCS.glob("DEPLOYMENT*.md")), MIGRATION, KUBERNETES, ROOT / "README.md"]
# Who runs the `bash` blocks of a page, all of them, in order.
RUN_BY = {
    GUIDE: "tests/integration/deployment/test_deployment_guide.py",
    DOCKER: "tests/integration/deployment/test_platforms.py",
    MIGRATION: "tests/integration/transfer/test_guide.py",
}
# A page that says once for all its other blocks what they need.
SAID_ONCE = {MIGRATION: "What belongs to your server is in the other blocks"}
ALL = [block for page in PAGES for block in blocks_of(page)]


def ids(block: Block) -> str:
    return block.place


def test_the_guides_hold_the_blocks_that_we_think() -> None:
    kinds = Counter((block.page, block.language) for block in ALL)
    assert kinds[GUIDE, "bash"] >= 14
    assert kinds[DOCKER, "bash"] == 2
    for page in (GUIDE, DOCKER, HEROKU, DIGITALOCEAN, AWS, KUBERNETES):
        assert kinds[page, "sh"]


def test_no_fence_is_left_out() -> None:
    for page in PAGES:
        assert len(re.findall(r"(?m)^\s*```", page.read_text())) == 2 * len(blocks_of(page)), page.name


@pytest.mark.parametrize("block", ALL, ids=ids)
def test_a_block_is_run_or_says_why_not(block: Block) -> None:
    if block.language == "bash":
        assert (ROOT / RUN_BY[block.page]).is_file()
        assert not block.reason, "what a test runs needs no reason"
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


@pytest.mark.parametrize(
    "block", [block for block in ALL if block.language in {"bash", "sh", "text"}], ids=ids
)
def test_a_shell_can_read_it(block: Block) -> None:
    done = subprocess.run(["/bin/bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_that_is_linked_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [GUIDE, DOCKER, HEROKU, DIGITALOCEAN, AWS], ids=lambda page: page.name)
def test_every_variable_of_a_page_is_one_that_is_read(page: Path) -> None:
    """NAME=value in prose or in a block, but for what the page itself or compose.yaml takes from the shell."""
    text = page.read_text()
    of_the_shell = set(re.findall(r"\$\{?!?([A-Z][A-Z0-9_]+)", text + (ROOT / "compose.yaml").read_text()))
    named = set(re.findall(r"(?<![\w$/{.-])([A-Z][A-Z0-9]*_[A-Z0-9_]+)=", text))
    known = read_by_the_code() | {"DJANGO_ENVIRONMENT", "ON_ERROR_STOP"}
    assert named - known - of_the_shell == set()
