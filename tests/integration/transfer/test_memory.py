"""How much memory a move takes does not grow with the network."""

import pytest

from bench.transfer import run

pytestmark = pytest.mark.night

ROWS = 30_000
# Django alone takes about 70 MiB. The bar for a million rows is 300; this one would notice a table held at once.
MOST_MIB = 90


def test_thirty_thousand_rows_take_no_more_memory_than_a_few() -> None:
    taken = dict(run(ROWS))
    assert set(taken) == {"export", "import", "verify (export)", "verify (SQLite)", "import, again"}
    assert {step: figures.peak_mib for step, figures in taken.items() if figures.peak_mib > MOST_MIB} == {}
