"""docs/DEPLOYMENT.md, step by step on an empty folder; the resulting site is tried by the files after this one."""

import re

import pytest

from scripts.programs import ROOT

from .blocks import GUIDE, Block
from .installation import Installation, steps, walk


@pytest.mark.parametrize("block", steps(), ids=lambda block: f"{block.section}, line {block.line}")
def test_a_block_runs_unchanged(empty_installation: Installation, block: Block) -> None:
    walk(empty_installation, block)
    assert block in empty_installation.run


def test_new_settings_are_taken_by_a_restart() -> None:
    """gunicorn's workers inherit the environment that systemd gave its master; a reload brings new code alone."""
    unit = (ROOT / "deploy" / "systemd" / "linkup-web.service").read_text()
    assert "EnvironmentFile=" in unit
    assert re.search(
        r"# For new code\. New settings need `systemctl restart linkup-web linkup-ws linkup-work`", unit
    )
    rows = [line for line in GUIDE.read_text().splitlines() if line.startswith("| ")]
    assert [row for row in rows if re.search(r"[A-Z]+_[A-Z]+", row) and re.search(r"\breload\b", row)] == []
    hosts = next(row for row in rows if "`ALLOWED_HOSTS`" in row)
    assert "`systemctl restart linkup-web linkup-ws linkup-work`" in hosts
