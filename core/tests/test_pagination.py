"""Lists by key: each row once, whatever the ties; and cursors that nobody made here are refused."""

import base64
import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from hypothesis import given
from hypothesis import strategies as st

from core.database import pagination
from core.database.pagination import Page, by_text_key, id_cursor, make_page, newest_first, oldest_first
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.models import User

Turn = Callable[[str | None], Page[User]]


def walk(turn: Turn) -> list[list[User]]:
    """Every page, followed by its cursors; more than 50 pages are a circle."""
    pages, cursor = [], ""
    for _page in range(50):
        page = turn(cursor)
        pages.append(page.rows)
        if not page.next:
            return pages
        cursor = page.next
    raise AssertionError("the pages go round in a circle")


@pytest.fixture
def people(db: None) -> list[User]:
    """Thirteen people, with ties, accents, case and scripts in their names."""
    names = [
        "Zoë",
        "zoe",
        "ZOE",
        "Émile",
        "emile",
        "Emile",
        "Ødegård",
        "李雷",
        "علی",
        "O'Brien",
        "a_b%c",
        "Ann",
        "Anna",
    ]
    return [make_member(f"person{number}", name=name) for number, name in enumerate(names)]


@pytest.mark.django_db
def test_each_row_comes_once_and_in_order(people: list[User]) -> None:
    everybody = User.objects.all()
    by_name = list(User.objects.order_by("sort_name", "pk"))
    lists: dict[str, tuple[Callable[..., Page[User]], list[User], list[int]]] = {
        "by text": (partial(by_text_key, field="sort_name"), by_name, [1, 2, 3, 5, 12, 13, 14, 100]),
        "newest first": (newest_first, people[::-1], [1, 4, 13]),
        "oldest first": (oldest_first, people, [1, 4, 13]),
    }
    with all_cases() as case:
        for what, (turn, expected, sizes) in lists.items():
            for size in sizes:
                with case(f"{what}, {size} a page"):
                    pages = walk(partial(turn, everybody, size=size))
                    assert [row for page in pages for row in page] == expected
                    assert all(len(page) == size for page in pages[:-1])
                    assert 1 <= len(pages[-1]) <= size
            with case(f"{what}, no row"):
                assert turn(User.objects.none(), "", size=5) == Page([], "")
        with case("by text, rows that all tie"):
            made = [make_member(f"same{number}", name="Same Name") for number in range(7)]
            pages = walk(
                partial(
                    by_text_key,
                    User.objects.filter(pk__in=[row.pk for row in made]),
                    field="sort_name",
                    size=2,
                )
            )
            assert [row for page in pages for row in page] == made


def test_a_row_that_arrives_or_goes_between_two_pages_moves_and_hides_no_other(people: list[User]) -> None:
    changes: dict[str, Callable[[list[User]], object]] = {
        "arrives": lambda rows: make_member("earlier", name="Aaron"),
        "goes": lambda rows: rows[-1].delete(),
    }
    with all_cases() as case:
        for what, change in changes.items():
            with case(what), rolled_back():
                first = by_text_key(User.objects.all(), None, field="sort_name", size=4)
                before = {row.pk for row in first.rows}
                change(first.rows)
                second = by_text_key(User.objects.all(), first.next, field="sort_name", size=100)
                assert len(first.rows) + len(second.rows) == len(people)
                assert not before & {row.pk for row in second.rows}


def test_a_page_costs_one_query_and_counts_nothing(
    people: list[User], django_assert_num_queries: Callable[..., Any]
) -> None:
    with django_assert_num_queries(1) as queries:
        by_text_key(User.objects.all(), None, field="sort_name", size=4)
    sql = queries.captured_queries[0]["sql"].upper()
    assert "COUNT(" not in sql
    assert "OFFSET" not in sql


@pytest.mark.django_db
def test_only_an_id_or_a_key_is_a_cursor_and_a_cut_page_has_one() -> None:
    with all_cases() as case:
        for found, more in [(0, False), (3, False), (4, True)]:
            with case((found, more)):
                rows: Any = [SimpleNamespace(pk=number) for number in range(found)]
                page: Any = make_page(rows, 3, lambda row: f"after {row.pk}")
                assert page.rows == rows[:3]
                assert page.next == ("after 2" if more else "")
        ids: dict[str | None, int | None] = {None: None, "": None, "1": 1, "007": 7, "9" * 18: 10**18 - 1}
        for raw, expected in ids.items():
            with case(raw):
                assert id_cursor(raw) == expected
        for wrong in NO_IDS:
            with case(wrong[:30]), pytest.raises(BadRequest):
                id_cursor(wrong)
        for what, cursor in BAD_CURSORS.items():
            with case(what), pytest.raises(BadRequest):
                by_text_key(User.objects.all(), cursor, field="sort_name", size=3)


NO_IDS = (
    "abc",
    "-1",
    "+1",
    "1.5",
    " 1",
    "1 ",
    "1e3",
    "0x1",
    "٣",
    "²",
    "1\x00",
    "9" * 19,
    "9" * 5000,
    "1;drop",
    "%",
)


def made(content: Any) -> str:
    """A cursor in the right wrapping with the wrong content."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


BAD_CURSORS = {
    "word": "abc",
    "number": "17",
    "not base64": "%%%",
    "not ascii": "ä",
    "spaces": "W10 W10",
    "line break": "W10\n",
    "nul": "\x00",
    "empty list": made([]),
    "one value": made(["a"]),
    "three values": made(["a", 1, 2]),
    "swapped": made([1, "a"]),
    "text for id": made(["a", "1"]),
    "number for text": made([1, 1]),
    "null": made(None),
    "nulls": made([None, None]),
    "a truth value for the id": made(["a", True]),
    "float": made(["a", 1.5]),
    "negative": made(["a", -1]),
    "thirty digits": made(["a", 10**30]),
    "not a number": made(["a", float("nan")]),
    "infinity": made(["a", float("inf")]),
    "dict": made({"a": 1, "b": 2}),
    "two letters": made("ab"),
    "nul in the text": made(["a\x00b", 1]),
    "half a surrogate": base64.urlsafe_b64encode(rb'["\ud800", 1]').decode().rstrip("="),
    "deep": base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("="),
    "long digits": base64.urlsafe_b64encode(b'["a", ' + b"9" * 5000 + b"]").decode().rstrip("="),
    "not utf-8": base64.urlsafe_b64encode(b"\xff\xfe\xfa").decode().rstrip("="),
}


@given(st.text(min_size=1))
def test_whatever_is_typed_as_a_cursor_is_a_bad_request_or_a_key(garbage: str) -> None:
    try:
        text, pk = pagination._decode_cursor(garbage)
    except BadRequest:
        return
    assert isinstance(text, str)
    assert 0 <= pk < 10**18


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)
)
def test_whatever_is_wrapped_as_a_cursor_is_a_bad_request_or_a_key(content: Any) -> None:
    try:
        text, pk = pagination._decode_cursor(made(content))
    except BadRequest:
        return
    assert [text, pk] == content
    assert "\x00" not in text


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    st.integers(min_value=0, max_value=10**18 - 1),
)
def test_a_key_survives_its_cursor(text: str, pk: int) -> None:
    assert pagination._decode_cursor(made([text, pk])) == (text, pk)
