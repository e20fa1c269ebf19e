"""How much memory a move takes does not grow with the network."""

import pytest

from bench.transfer import measure_transfer

pytestmark = pytest.mark.night

ROWS = 30_000
# Django alone takes about 70 MiB. The target for a million rows is 300; this one would notice a table held at once.
MOST_MIB = 90


def test_thirty_thousand_rows_take_no_more_memory_than_a_few() -> None:
    costs = dict(measure_transfer(ROWS))
    assert set(costs) == {"export", "import", "verify (export)", "verify (SQLite)", "import, again"}
    assert {step: cost.peak_mib for step, cost in costs.items() if cost.peak_mib > MOST_MIB} == {}
