"""docs/UPGRADING.md on the deployed LinkUp, there and back; the last of this folder: it changes the installation."""

import os
import signal
import time

import pytest

from scripts.servers import list_process_with_children
from scripts.visitor import Visitor

from .blocks import GUIDE, UPGRADING, Block, blocks_of
from .installation import NEXT_VERSION, VERSION, Installation

pytestmark = pytest.mark.night

PATIENCE = 60.0
WAY = [block for block in blocks_of(UPGRADING) if block.language == "bash"]
THERE = [block for block in WAY if block.section == "A server of your own"]
BACK = [block for block in WAY if block.section == "Back to the version before"]


def reload(installation: Installation, guest: Visitor) -> None:
    """As systemd reloads gunicorn, while somebody asks for pages."""
    master = installation.pids["gunicorn"]
    before = set(list_process_with_children(master)[1:])
    os.kill(master, signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE
    while before & set(list_process_with_children(master)[1:]):
        assert time.monotonic() < deadline
        assert guest.get("/accounts/login/").status == 200
        time.sleep(0.1)
    assert guest.get("/accounts/login/").status == 200


def version(installation: Installation) -> str:
    return installation.shell.type('git -C "$LINKUP" describe --tags').strip()


@pytest.mark.parametrize("block", THERE + BACK, ids=lambda block: f"{block.section}, line {block.line}")
def test_a_block_of_the_page_runs_as_it_stands(
    installation: Installation, guest: Visitor, block: Block
) -> None:
    """`systemctl reload linkup-web` is the hand's, after the block that takes the code."""
    assert version(installation) == (VERSION if block in THERE[:3] else NEXT_VERSION)
    said = installation.follow(block)
    if "collectstatic" in block.text:
        reload(installation, guest)
        assert version(installation) == (NEXT_VERSION if block in THERE else VERSION)
    if block == THERE[-1]:
        assert guest.get("/static/theme/next.txt").status == 200
        assert not (installation.linkup.parent / f"{installation.linkup.name}-next").exists()
        # What the operator has to write again is named.
        assert said.rstrip().endswith("deploy/systemd/linkup.target")


def test_every_block_of_the_pages_was_run(installation: Installation) -> None:
    of_the_guide = [block for block in blocks_of(GUIDE) if block.language == "bash"]
    assert THERE + BACK == WAY
    assert installation.run == of_the_guide + WAY
