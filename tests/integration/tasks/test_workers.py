"""Workers and Redis that are killed, stopped and doubled: no effect is lost, none happens twice (bar.md, faults)."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.integration.conftest import FaultTable
from tests.testkit.workers import make_worker

from .site import APPLICATION, Site, run_seed, running_site

# One of each kind of fault; `make chaos-tasks` runs more.
SEEDS = (2, 3, 7, 8, 9)
FAULT = "Celery worker killed in mid-task, Redis emptied"
DONE_WITHIN = 60.0


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


def test_nothing_is_lost_and_nothing_happens_twice(site: Site) -> None:
    broken = {run_seed(site, seed, tasks=10) for seed in SEEDS}
    assert site.complaints() == []
    assert len(broken) == len(SEEDS)


def test_sigterm_lets_the_task_at_hand_finish(site: Site) -> None:
    number = site.produce_long(2500)
    running = "SELECT 1 FROM core_queuedtask WHERE name = 'tests.long' AND leased_by <> ''"
    site.wait(lambda: bool(site.run(running)), 30, "it begins")
    process = site.work.process
    assert process
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    site.work.kill()
    assert (number,) in site.run("SELECT number FROM test_effects")
    assert site.complaints() == []
    assert site.waiting() == 0
    site.work.start()


def test_two_beats_run_a_periodic_task_once_in_each_period(site: Site) -> None:
    second_folder = site.folder / "second"
    second_folder.mkdir()
    second = make_worker(site.redis.url, second_folder, site.environment, APPLICATION)
    second.start()
    try:
        site.run("DELETE FROM test_effects WHERE kind = 'tick'")
        ticks = "SELECT floor(extract(epoch FROM at) / 2) FROM test_effects WHERE kind = 'tick'"
        site.wait(lambda: len(site.run(ticks)) >= 4, 60, "four periods")
        periods = [int(period) for (period,) in site.run(ticks)]
    finally:
        second.stop()
    assert len(set(periods)) == len(periods)
    assert site.run("SELECT count(*) FROM core_queuedtask WHERE key = 'periodic:tests.tick'") == [(1,)]


def test_a_request_does_not_wait_for_a_redis_that_hangs(site: Site, fault_table: FaultTable) -> None:
    site.produce(1, 1)
    site.redis.pause()
    try:
        begun = time.monotonic()
        site.produce(20, 99)
        took = time.monotonic() - begun
    finally:
        site.redis.resume()
    # One of them waits for half a second, which opens the breaker for five.
    fault_table.record_duration("Redis hangs", "20 tasks enqueued", took, most=2.0)
    site.wait_until_done()
    assert site.complaints() == []


def test_at_its_usual_pace_killed_work_is_done_within_a_minute(fault_table: FaultTable) -> None:
    with running_site(TASKS_AT_USUAL_PACE="1") as usual:
        usual.produce_long(300)
        usual.wait_until_done()
        usual.produce_long(3000)
        running = "SELECT 1 FROM core_queuedtask WHERE name = 'tests.long' AND leased_by <> ''"
        usual.wait(lambda: bool(usual.run(running)), 30, "it begins")
        usual.restart_redis()
        usual.kill_worker()
        took = usual.wait_until_done(120)
        fault_table.record_duration(FAULT, "the work is done", took, most=DONE_WITHIN)
        assert usual.complaints() == []
