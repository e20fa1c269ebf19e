"""docs/DEPLOYMENT.md, step by step on an empty folder; what stands at the end is tried by the files after this one."""

import pytest

from .blocks import Block
from .place import Place, steps, walk


@pytest.mark.parametrize("block", steps(), ids=lambda block: f"{block.section}, line {block.line}")
def test_a_block_runs_as_it_stands(empty_place: Place, block: Block) -> None:
    walk(empty_place, block)
    assert block in empty_place.run
