"""A worker that is killed when half of the digests are sent: each member gets one. `make chaos-digests` has 10,000."""

from tests.integration.conftest import FaultTable

from .digests import running_digests, send_and_kill

MEMBERS = 400
FAULT = "Celery worker killed in the middle of digests"


def test_each_member_gets_one_digest_although_the_worker_is_killed_at_half(fault_table: FaultTable) -> None:
    with running_digests() as (site, sink):
        run = send_and_kill(site, sink, MEMBERS)
    assert run.complaints == []
    assert MEMBERS // 2 <= run.sent_at_kill < MEMBERS
    # One for each process of the worker, at most.
    assert run.repeated <= 2
    fault_table.record_duration(FAULT, "the first digest after the kill", run.resumed_after, most=70)
