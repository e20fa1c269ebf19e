"""How often a member may do something: windows, who counts apart, and many at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.cache.backends import base, locmem
from django.forms import CharField, Form
from django.http import HttpResponse
from django.test import override_settings

from core.web import rate_limits
from core.web.responses import with_limit
from tests.cases import all_cases

pytestmark = pytest.mark.usefixtures("clock")


class Clock:
    """Stands where a window of a minute and one of a day begin."""

    def __init__(self) -> None:
        self.now = 86_400.0 * 20_000

    def time(self) -> float:
        return self.now


class Words(Form):
    text = CharField()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(rate_limits, "time", clock)
    with override_settings(MEMBER_LIMITS={"post": ((2, 60), (3, 86_400)), "comment": ((2, 60),)}):
        yield clock


def may(kind: str = "post", member: int = 1) -> bool:
    try:
        rate_limits.consume(kind, member)
    except rate_limits.RateLimited:
        return False
    return True


Step = float | tuple[str, int, bool]


def post(allowed: bool, *, times: int = 1, kind: str = "post", member: int = 1) -> list[Step]:
    """So many acts of a member, all of them allowed or none."""
    return [(kind, member, allowed)] * times


# A number lets so many seconds pass.
HISTORIES: dict[str, list[Step]] = {
    "so many and no more": [*post(True, times=2), *post(False, times=2)],
    "a window ends": [*post(True, times=2), *post(False), 60, *post(True)],
    "the longer window holds too": [*post(True, times=2), 60, *post(True), *post(False), 86_400, *post(True)],
    "a refusal of the minute does not consume the day": [
        *post(True, times=2),
        *post(False, times=18),
        60,
        *post(True),
    ],
    "kinds and members count apart": [
        *post(True, times=2),
        *post(False),
        *post(True, kind="comment"),
        *post(True, member=2),
    ],
}
BY_OPERATORS: dict[str, tuple[int, list[Step]]] = {
    "allow more": (3, [*post(True, times=6, kind="comment"), *post(False, kind="comment")]),
    "take the limits away": (0, post(True, times=20)),
}


def test_so_many_in_a_window_and_no_more(clock: Clock) -> None:
    histories = {name: (1, steps) for name, steps in HISTORIES.items()} | BY_OPERATORS
    with all_cases() as case:
        for name, (factor, steps) in histories.items():
            cache.clear()
            with case(name), override_settings(MEMBER_LIMITS_FACTOR=factor):
                for number, step in enumerate(steps):
                    if isinstance(step, tuple):
                        kind, member, allowed = step
                        assert may(kind, member) is allowed, number
                    else:
                        clock.now += step


def test_the_wait_is_to_the_end_of_the_window(clock: Clock) -> None:
    clock.now += 17.5
    assert [may(), may()] == [True, True]
    with pytest.raises(rate_limits.RateLimited, match="Try again in 43 seconds") as refused:
        rate_limits.consume("post", 1)
    assert refused.value.wait == 43
    clock.now += 60
    assert may()
    with pytest.raises(rate_limits.RateLimited, match="Try again in 24 hours"):
        rate_limits.consume("post", 1)


def test_many_at_once_count_each() -> None:
    with ThreadPoolExecutor(8) as threads:
        allowed = list(threads.map(lambda number: may("comment", 7), range(40)))
    assert allowed.count(True) == 2


def test_what_was_counted_is_forgotten_with_its_window(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locmem, "time", clock)
    monkeypatch.setattr(base, "time", clock)
    key = f"quota:comment:1:60:{clock.now // 60:.0f}"
    may("comment")
    clock.now += 59
    assert cache.get(key) == 1
    clock.now += 1
    assert cache.get(key) is None


def test_a_form_shows_the_limit_and_the_response_has_retry_after() -> None:
    form = Words({"text": "Hello"})
    assert form.is_valid()
    assert rate_limits.consume_or_add_error(form, "text", "comment", 1)
    assert rate_limits.consume_or_add_error(form, "text", "comment", 1)
    assert not rate_limits.consume_or_add_error(form, "text", "comment", 1)
    assert "Try again in 60 seconds" in str(form.errors["text"])
    answer = with_limit(form, HttpResponse("the form", status=422))
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    other = Words({"text": ""})
    answer = with_limit(other, HttpResponse("the form", status=422))
    assert (answer.status_code, answer.headers.get("Retry-After")) == (422, None)
