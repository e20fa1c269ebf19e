"""The registry of what apps say on the socket, and how they read what a tab sent."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.sockets import frames
from core.sockets.frames import FrameError, TabState, read_number, read_text
from tests.cases import all_cases

BIG = 2**62


def test_a_new_tab_listens_to_its_member_and_a_refusal_shows_its_reason() -> None:
    with all_cases() as case:
        with case("a new tab subscribes to the topic of its member"):
            tab = TabState(5)
            assert (tab.member_id, tab.topics, tab.visible, tab.state) == (5, {"member.5"}, False, {})
        with case("two tabs of one member are two"):
            assert len({TabState(5, "key"), TabState(5, "key")}) == 2
        with case("a refusal is logged by its reason"):
            assert str(FrameError("not_found", "There is no such thing.")) == "not_found"


@pytest.mark.usefixtures("registry")
def test_apps_register_each_kind() -> None:
    def one(*arguments: Any) -> None:
        """One app's."""

    def two(*arguments: Any) -> None:
        """Another's."""

    for function in (one, two):
        assert frames.on_frame("visible")(function) is function
        assert frames.on_quick_frame("visible")(function) is function
        assert frames.on_event("tests.look")(function) is function
        assert frames.on_open(function) is function
        assert frames.on_close(function) is function
        assert frames.run_every(0.2)(function) is function
        assert frames.on_heartbeat(function.__name__)(function) is function
    assert frames.frame_handlers == frames.quick_handlers == {"visible": [one, two]}
    assert frames.event_renderers == {"tests.look": [one, two]}
    assert (frames.openers, frames.closers) == ([one, two], [one, two])
    assert frames.periodic_jobs == [(0.2, one), (0.2, two)]
    assert list(frames.heartbeat_parts) == ["one", "two"]


@pytest.mark.usefixtures("registry")
def test_what_apps_say_of_a_kind_decides_its_tabs_cost_and_owner() -> None:
    with all_cases() as case:
        with case("a tab gets only the events that an app wants for it"):

            def is_of_another(tab: TabState, event: frames.Event) -> bool:
                return event.get("member") != tab.member_id

            frames.on_event("tests.look")(dict)
            frames.on_event("tests.moved", only=is_of_another)(dict)
            events: list[frames.Event] = [
                {"type": "tests.look", "member": 5},
                {"type": "tests.moved", "member": 5},
                {"type": "tests.moved", "member": 6},
                {"type": "tests.moved"},
                {"type": "tests.unknown"},
            ]
            tab = TabState(5, "key")
            assert [frames.is_event_for(tab, event) for event in events] == [True, False, True, True, False]
        with case("a frame costs what the dearest of its hearers says"):
            for costs in ((10, 1), (1, 10)):
                for cost in costs:
                    frames.on_frame(f"tests.{costs}", cost=cost)(dict)
            assert set(frames.frame_costs.values()) == {10}
            frames.on_frame("tests.usual")(dict)
            assert frames.frame_costs["tests.usual"] == 1
        with case("a part of the heartbeat has one owner"):
            frames.on_heartbeat("tests")(dict)
            with pytest.raises(ValueError, match="tests"):
                frames.on_heartbeat("tests")(dict)


@given(st.integers(0, BIG))
@example(0)
@example(BIG)
def test_a_whole_number_is_read(number: int) -> None:
    assert read_number({"id": number}, "id") == number


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20))
@example("x" * 20)
def test_a_text_is_read(value: str) -> None:
    assert read_text({"q": value}, "q", 20) == value


NO_NUMBERS: tuple[object, ...] = (-1, BIG + 1, 10**400, True, False, 1.0, "1", None, [1], {}, float("inf"))
NO_TEXTS: tuple[object, ...] = ("x" * 21, "a\x00b", "\ud800", "a\udfffb", 1, None, ["x"], b"x")


def test_anything_else_is_malformed() -> None:
    assert read_number({"id": 7}, "id", most=7) == 7
    frames_and_readers: list[tuple[dict[str, Any], Callable[[dict[str, Any]], object]]] = [
        *(({"id": value}, lambda frame: read_number(frame, "id")) for value in NO_NUMBERS),
        *((frame, lambda frame: read_number(frame, "id", most=7)) for frame in ({}, {"id": 8})),
        *(({"q": value}, lambda frame: read_text(frame, "q", 20)) for value in NO_TEXTS),
    ]
    with all_cases() as case:
        for frame, read in frames_and_readers:
            with case(frame):
                with pytest.raises(FrameError) as refusal:
                    read(frame)
                assert (refusal.value.reason, refusal.value.text) == ("malformed", "")
