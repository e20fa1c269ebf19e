"""A wrong clock is really wrong: otherwise runs with one would prove nothing."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from . import clock
from .cast import Cast
from .client import Person
from .site import Site
from .wire import ask


async def sent_at(site: Site, person: Person, conversation: int) -> datetime:
    """When a message that is sent now was stored, as the server says."""
    headers = {**person.headers, "Content-Type": "application/json"}
    path = f"/messages/{conversation}/send/"
    answer = await ask(site.web_port, "POST", path, headers, json.dumps({"text": "now"}).encode())
    return datetime.fromisoformat(json.loads(answer.body)["entry"]["at"])


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
async def test_a_server_whose_clock_is_wrong_stores_wrong_times(
    site: Site, cast: Cast, seconds: float
) -> None:
    for slot in range(clock.WEB, clock.CLOCKS):
        clock.shift(site.clock, slot, seconds)
    try:
        at = await sent_at(site, cast.people[0], cast.pairs[0])
    finally:
        site.reset_faults()
    off = at - datetime.now(UTC) - timedelta(seconds=seconds)
    assert abs(off) < timedelta(minutes=5)
    right = await sent_at(site, cast.people[0], cast.pairs[0])
    assert abs(right - datetime.now(UTC)) < timedelta(minutes=5)
