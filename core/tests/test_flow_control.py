"""How often a tab may speak, and how much may be on its way to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sockets import flow_control
from core.sockets.flow_control import PING_BYTES, WINDOW_BYTES, MemberFlows, TokenBucket, Window


class Clock:
    """A clock that the test advances."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    clock = Clock()
    bucket = TokenBucket(60, 20, clock)
    assert [bucket.consume() for _ in range(61)] == [True] * 60 + [False]
    clock.now = 1.0
    assert [bucket.consume() for _ in range(21)] == [True] * 20 + [False]


def test_a_long_silence_is_worth_no_more_than_a_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(60, 20, clock)
    clock.now = 1e6
    assert sum(bucket.consume() for _ in range(120)) == 60


def test_what_costs_more_than_there_is_takes_nothing() -> None:
    bucket = TokenBucket(60, 20, Clock())
    assert [bucket.consume(25) for _ in range(3)] == [True, True, False]
    assert bucket.consume(10)


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


def test_a_ping_is_due_after_so_many_bytes_and_its_answer_empties_the_window() -> None:
    window = Window()
    assert window.add_sent(PING_BYTES - 1) is None
    number = window.add_sent(1)
    assert number is not None
    assert window.bytes_in_flight == PING_BYTES
    window.acknowledge(number)
    assert window.bytes_in_flight == 0


def test_the_window_is_full_until_an_answer_comes() -> None:
    window = Window()
    numbers = [window.add_sent(PING_BYTES) for _ in range(WINDOW_BYTES // PING_BYTES)]
    assert window.bytes_in_flight == WINDOW_BYTES
    window.add_sent(1)
    assert (window.is_full, window.bytes_in_flight) == (True, WINDOW_BYTES + 1)
    window.acknowledge(numbers[-1] or 0)
    assert (window.is_full, window.bytes_in_flight) == (False, 1)


def test_a_ping_is_due_once_for_so_many_bytes_and_an_old_answer_takes_nothing_back() -> None:
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
