"""How often a tab may speak, and how much may be on its way to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sockets import flow_control
from core.sockets.flow_control import PING_BYTES, WINDOW_BYTES, MemberFlows, TokenBucket, Window
from tests.cases import all_cases


class Clock:
    """A clock that the test advances."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


# Each step: the time, what one act costs, how many are tried, and how many of them pass.
BUCKETS: dict[str, list[tuple[float, int, int, int]]] = {
    "a burst passes and then so many a second": [(0, 1, 61, 60), (1, 1, 21, 20)],
    "a long silence is worth no more than a burst": [(1e6, 1, 120, 60)],
    "what costs more than there is takes nothing": [(0, 25, 3, 2), (0, 10, 1, 1)],
}


def test_a_bucket_holds_a_burst_and_fills_again() -> None:
    with all_cases() as case:
        for what, steps in BUCKETS.items():
            with case(what):
                clock = Clock()
                bucket = TokenBucket(60, 20, clock)
                for now, cost, tries, passed in steps:
                    clock.now = now
                    results = [bucket.consume(cost) for _ in range(tries)]
                    assert results == [True] * passed + [False] * (tries - passed)


def test_sockets_of_one_member_share_a_flow_that_outlives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_control, "REMEMBERED_MEMBERS", 2)
    flows = MemberFlows()
    alice = flows.flow_of(1)
    assert flows.flow_of(1) is alice
    flows.flow_of(2)
    assert flows.flow_of(1) is alice, "seen again, it is the last to be forgotten"
    flows.flow_of(3)
    assert flows.flow_of(1) is alice
    assert len(flows._flows) == 2


def test_a_ping_is_due_after_so_many_bytes_and_its_answer_takes_them_out_of_the_window() -> None:
    with all_cases() as case:
        with case("a ping is due after so many bytes and its answer empties the window"):
            window = Window()
            assert window.add_sent(PING_BYTES - 1) is None
            number = window.add_sent(1)
            assert number is not None
            assert window.bytes_in_flight == PING_BYTES
            window.acknowledge(number)
            assert window.bytes_in_flight == 0
        with case("the window is full until an answer comes"):
            window = Window()
            numbers = [window.add_sent(PING_BYTES) for _ in range(WINDOW_BYTES // PING_BYTES)]
            assert window.bytes_in_flight == WINDOW_BYTES
            window.add_sent(1)
            assert (window.is_full, window.bytes_in_flight) == (True, WINDOW_BYTES + 1)
            window.acknowledge(numbers[-1] or 0)
            assert (window.is_full, window.bytes_in_flight) == (False, 1)
        with case("a ping is due once for so many bytes and an old answer takes nothing back"):
            window = Window()
            first, none, second = window.add_sent(PING_BYTES), window.add_sent(1), window.add_sent(PING_BYTES)
            assert (first is None, none, second is None) == (False, None, False)
            for number in (second, first, second):
                window.acknowledge(number or 0)
                assert window.bytes_in_flight == 0


@given(st.lists(st.integers(0, 200_000), max_size=30), st.data())
def test_answers_in_any_order_never_count_more_than_was_sent(sizes: list[int], data: st.DataObject) -> None:
    window = Window()
    numbers = [number for number in map(window.add_sent, sizes) if number is not None]
    for number in data.draw(st.lists(st.sampled_from([*numbers, -1]))):
        before = window.bytes_in_flight
        window.acknowledge(number)
        assert 0 <= window.bytes_in_flight <= before
