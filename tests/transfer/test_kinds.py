"""The canonical text of a value: equal on both sides for equal values; an error for what cannot be transferred."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from operations.transfer.problems import TransferRefused
from operations.transfer.tables import LEFT_OUT, all_tables, build_table
from operations.transfer.values.json_text import canonical_json
from operations.transfer.values.kinds import BrokenText, Kind, kind_of
from operations.transfer.values.unconvertible_values import UnconvertibleValue
from tests.cases import all_cases
from users.models import User


def kind_for(field: "models.Field[Any, Any]") -> Kind:
    found = kind_of(field)
    assert found is not None
    return found


def describe_problem(field: "models.Field[Any, Any]", value: object) -> str:
    with pytest.raises(UnconvertibleValue) as unconvertible:
        kind_for(field).from_source(value)
    return unconvertible.value.describe_value(hidden=False)


# What SQLite keeps, what PostgreSQL shows, what both are.
SAME: list[tuple["models.Field[Any, Any]", object, str, str]] = [
    (models.IntegerField(), -5, "-5", "-5"),
    (models.BooleanField(), 1, "true", "true"),
    (models.BooleanField(), 0, "false", "false"),
    (models.TextField(), "", "", ""),
    (
        models.DateTimeField(),
        "2026-03-29 01:30:00",
        "2026-03-29 01:30:00+00",
        "2026-03-29T01:30:00.000000+00:00",
    ),
    (
        models.DateTimeField(),
        "2026-03-29 01:30:00.500000",
        "2026-03-29 01:30:00.5+00",
        "2026-03-29T01:30:00.500000+00:00",
    ),
    (
        models.DateTimeField(),
        "0001-01-02 00:00:00",
        "0001-01-02 00:00:00+00",
        "0001-01-02T00:00:00.000000+00:00",
    ),
    (models.DateField(), "0999-12-31", "0999-12-31", "0999-12-31"),
    (models.TimeField(), "06:30:00.000250", "06:30:00.00025", "06:30:00.000250"),
    (models.DurationField(), 90_061_000_001, "90061000001", "90061000001"),
    (models.DecimalField(max_digits=9, decimal_places=2), 1.1, "1.10", "1.10"),
    (models.DecimalField(max_digits=9, decimal_places=2), 7, "7.00", "7.00"),
    (models.DecimalField(max_digits=9, decimal_places=2), "-0", "0.00", "0.00"),
    (models.FloatField(), 0.1, "0.1", "0.1"),
    (models.FloatField(), 1, "1", "1.0"),
    (models.FloatField(), float("inf"), "Infinity", "inf"),
    (
        models.UUIDField(),
        "0123456789ABCDEF0123456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdef",
    ),
    (models.JSONField(), '{"b": 1e2, "a": [-0.0, "é"]}', '{"a": [0.0, "é"], "b": 100}', '{"a":[0.0,"é"],"b":100}'),
    (models.JSONField(), "null", "null", "null"),
    (models.BinaryField(), b"\x00\xff", "\\x00ff", "\\x00ff"),
    (models.GenericIPAddressField(), "2001:db8:0:0::1", "2001:db8::1", "2001:db8::1"),
    (models.FileField(), "a/b.pdf", "a/b.pdf", "a/b.pdf"),
]  # fmt: skip


def test_both_sides_of_a_value_have_one_text() -> None:
    with all_cases() as case:
        for field, in_sqlite, in_postgresql, canonical in SAME:
            with case(f"{field.__class__.__name__} {canonical}"):
                assert kind_for(field).from_source(in_sqlite) == canonical
                assert kind_for(field).from_target(in_postgresql) == canonical


def test_a_moment_with_an_offset_is_that_moment() -> None:
    assert (
        kind_for(models.DateTimeField()).from_source("2026-03-29 03:30:00+02:00")
        == "2026-03-29T01:30:00.000000+00:00"
    )


def test_a_duration_is_copied_in_days_and_microseconds() -> None:
    assert kind_for(models.DurationField()).to_copy("-1") == "-1 days 86399999999 microseconds"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (models.DateTimeField(), "infinity"),
        (models.DateTimeField(), "0044-03-15 00:00:00+00 BC"),
        (models.TimeField(), "24:00:00"),
        (models.JSONField(), "[1e999]"),
    ],
)
def test_what_only_postgresql_can_hold_stands_for_itself(field: "models.Field[Any, Any]", text: str) -> None:
    assert kind_for(field).from_target(text) == text


def test_what_cannot_go_is_reported() -> None:
    cases: list[tuple[models.Field[Any, Any], object, str]] = [
        (models.IntegerField(), "5", "holds '5' in place of a whole number"),
        (models.IntegerField(), 2**31, "holds '2147483648', outside -2147483648 to 2147483647"),
        (models.BigIntegerField(), True, "holds 'True' in place of a whole number"),
        (models.BooleanField(), 2, "holds '2' in place of a truth value (0 or 1)"),
        (models.CharField(max_length=3), "four", "is 4 characters long, 3 is the most"),
        (models.TextField(), "a\0", "holds a NUL character (at 2), which PostgreSQL cannot store"),
        (models.TextField(), BrokenText(b"\xed\xa0\x80"), "holds a lone surrogate"),
        (models.TextField(), BrokenText(b"\xff"), "holds bytes that are not UTF-8"),
        (models.TextField(), b"x", "holds bytes in place of text"),
        (models.DateTimeField(), "0001-01-01 00:00:00+10:00", "out of range for"),
        (models.DateTimeField(), 7, "holds '7' in place of a date with time"),
        (models.TimeField(), "", "holds '' in place of a time of day"),
        (models.DurationField(), "1 day", "in place of a duration"),
        (models.FloatField(), "1.5", "in place of a number"),
        (models.DecimalField(max_digits=4, decimal_places=2), 123.45, "more than 4 digits"),
        (models.DecimalField(max_digits=4, decimal_places=2), "NaN", "more than 4 digits"),
        (models.DecimalField(max_digits=4, decimal_places=2), "many", "in place of a decimal number"),
        (models.DecimalField(max_digits=4, decimal_places=2), b"1", "bytes in place of a decimal number"),
        (models.DecimalField(max_digits=4, decimal_places=2), 1e30, "in place of a decimal number"),
        (models.UUIDField(), "01234567-89ab", "in place of a UUID"),
        (models.BinaryField(), "text", "in place of bytes"),
        (models.GenericIPAddressField(), "1.2.3", "in place of a network address"),
        (models.JSONField(), "[NaN]", "holds JSON with NaN, which is not a JSON value"),
        (models.JSONField(), "[-Infinity]", "holds JSON with -Infinity"),
        (models.JSONField(), "[1e999]", "number out of range"),
        (models.JSONField(), '["\\ud800"]', "lone surrogate"),
        (models.JSONField(), '["\\u0000"]', "NUL"),
        (models.JSONField(), "{", "holds text that is not JSON"),
        (models.JSONField(), "", "holds text that is not JSON"),
        (models.JSONField(), "[" * 100_000, "nested too deeply"),
    ]
    with all_cases() as case:
        for field, value, expected in cases:
            with case(expected):
                assert expected in describe_problem(field, value)


def test_a_hidden_value_is_not_shown() -> None:
    with pytest.raises(UnconvertibleValue) as unconvertible:
        kind_for(models.IntegerField()).from_source("secret")
    assert (
        unconvertible.value.describe_value(hidden=True)
        == "holds a value (not shown) in place of a whole number"
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('ab\\"é', max_size=3), inner, max_size=4)
    ),
)


def read_exactly(text: str) -> object:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@given(json_values)
def test_any_json_keeps_its_value(value: object) -> None:
    text = canonical_json(json.dumps(value))
    # Not as floating point: 1e22 is a whole number to jsonb.
    assert read_exactly(text) == read_exactly(json.dumps(value))
    assert canonical_json(text) == text
    assert canonical_json(json.dumps(value, indent=2, ensure_ascii=False)) == text


@given(st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)))  # noqa: DTZ001
def test_any_moment_is_the_same_on_both_sides(moment: datetime) -> None:
    moments = kind_for(models.DateTimeField())
    shown = str(moment).replace("+00:00", "+00")
    shown = shown.replace("+00", "").rstrip("0") + "+00" if moment.microsecond else shown
    assert moments.from_source(str(moment.replace(tzinfo=None))) == moments.from_target(shown)


@given(st.decimals(min_value=-10_000, max_value=10_000, places=4))
def test_any_decimal_survives_sqlites_floating_point(number: Decimal) -> None:
    decimals = kind_for(models.DecimalField(max_digits=12, decimal_places=4))
    assert decimals.from_source(float(number)) == decimals.from_source(str(number))


@given(st.text())
def test_any_text_is_itself_or_a_fault(text: str) -> None:
    texts = kind_for(models.TextField())
    if "\0" in text:
        assert "NUL" in describe_problem(models.TextField(), text)
    else:
        assert texts.from_source(text) == text


def test_every_table_of_the_product_can_be_carried() -> None:
    labels = {table.label for table in all_tables()}
    assert {"users.user", "users.user_groups", "account.emailaddress", "admin.logentry"} <= labels
    assert not labels & {*LEFT_OUT, "network.member"}


def test_a_table_knows_where_it_refers_to() -> None:
    table = build_table(User.user_permissions.through)
    assert [(reference.name, reference.other_table) for reference in table.references] == [
        ("user", "users_user"),
        ("permission", "auth_permission"),
    ]


def test_a_kind_without_a_rule_is_refused_by_name() -> None:
    class Odd(models.Field):  # type: ignore[type-arg]
        pass

    class Oddity(models.Model):
        odd = Odd()

        class Meta:
            app_label = "elsewhere"
            apps = Apps()

    with pytest.raises(TransferRefused, match=r"elsewhere.oddity, field odd: there is no rule"):
        build_table(Oddity)
