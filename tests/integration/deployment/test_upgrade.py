"""Step 10 of the guide on the deployed LinkUp; the last of this folder, since it changes the place."""

import os
import signal
import time

from scripts.servers import _family
from tests.integration.visitor import Visitor

from .blocks import GUIDE, blocks_of
from .place import NEXT_VERSION, Place

PATIENCE = 60.0


def test_the_guide_leads_to_the_next_version(place: Place, guest: Visitor) -> None:
    for block in blocks_of(GUIDE):
        if block.language == "bash" and block.section.startswith("10."):
            place.follow(block)
    assert place.shell.type("git describe --tags").strip() == NEXT_VERSION
    # systemctl reload is this signal.
    master = place.pids["gunicorn"]
    before = set(_family(master)[1:])
    os.kill(master, signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE
    while before & set(_family(master)[1:]):
        assert time.monotonic() < deadline
        assert guest.get("/accounts/login/").status == 200
        time.sleep(0.1)
    assert guest.get("/accounts/login/").status == 200


def test_every_block_of_the_guide_was_run(place: Place) -> None:
    assert place.run == [block for block in blocks_of(GUIDE) if block.language == "bash"]
