"""Prepared statements answer as their QuerySets do, or refuse to be prepared."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import Cast
from django.test.utils import CaptureQueriesContext

from core.database import compiled_queries
from core.database.compiled_queries import CannotBePreparedError, Prepared, Written
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def of_ids(one: int | None, ids: list[int]) -> QuerySet[User]:
    """Members with these ids, and whether each is `one`."""
    is_one = Case(When(pk=one, then=Value(value=True)), default=Value(value=False))
    return User.objects.filter(pk__in=ids).annotate(**{"is_one": is_one}).order_by("-pk")  # noqa: PIE804


@pytest.fixture
def people(make_people: Callable[[int], list[User]]) -> list[User]:
    return make_people(45)


@pytest.fixture
def make_people(db: None) -> Callable[[int], list[User]]:
    def make(count: int) -> list[User]:
        rows = [User(username=f"member{turn}", email=f"m{turn}@example.org") for turn in range(count)]
        return User.objects.bulk_create(rows)

    return make


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 40, 45])
def test_rows_are_those_of_the_query_set_for_any_length_of_list(people: list[User], count: int) -> None:
    ids = [member.pk for member in people[:count]]
    plain = list(of_ids(ids[0], ids))
    rows = Prepared(of_ids).rows(ids[0], ids)
    assert [vars(row) | {"_state": None} for row in rows] == [vars(row) | {"_state": None} for row in plain]
    assert {type(row.date_joined.tzinfo) for row in rows} == {type(row.date_joined.tzinfo) for row in plain}
    assert [row.is_one for row in rows].count(True) == 1  # type: ignore[attr-defined]
    rows[0].name = "Another"
    rows[0].save()  # it is known to be stored
    assert User.objects.count() == len(people)


def test_the_query_set_is_built_once_for_lists_of_about_the_same_length(people: list[User]) -> None:
    built = []

    def build(one: int | None, ids: list[int]) -> QuerySet[User]:
        built.append(len(ids))
        return of_ids(one, ids)

    statement = Prepared(build)
    for count in (1, 5, 20, 21, 40, 3):
        statement.rows(1, [member.pk for member in people[:count]])
    assert built == [20, 40]


def test_an_empty_list_asks_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert Prepared(of_ids).rows(1, []) == []
    assert not captured.captured_queries


def test_without_a_value_another_shape_is_built(people: list[User]) -> None:
    def build(one: int | None, ids: list[int]) -> QuerySet[User]:
        found = User.objects.filter(pk__in=ids)
        return found if one is None else found.exclude(pk=one or 0)

    statement, ids = Prepared(build), [people[0].pk, people[1].pk]
    assert {row.pk for row in statement.rows(None, ids)} == set(ids)
    assert [row.pk for row in statement.rows(ids[0], ids)] == [ids[1]]


def test_a_list_of_values_gives_tuples(people: list[User]) -> None:
    def build(one: int | None, _ids: list[int]) -> QuerySet[User, tuple[int, object]]:
        return User.objects.filter(pk=one or 0).values_list("pk", "date_joined")[:5]

    assert Prepared(build).rows(people[3].pk) == [(people[3].pk, people[3].date_joined)]


def in_text(one: int | None, ids: list[int]) -> QuerySet[User]:
    return User.objects.filter(username=str(one))


def changed(one: int | None, ids: list[int]) -> QuerySet[User]:
    return User.objects.filter(pk=(one or 0) + 5000)


def negative(one: int | None, ids: list[int]) -> QuerySet[User]:
    return User.objects.filter(pk=-(one or 0))


def left_out(one: int | None, ids: list[int]) -> QuerySet[User]:
    return User.objects.filter(pk__in=ids)


def list_cut(one: int | None, ids: list[int]) -> QuerySet[User]:
    return User.objects.filter(pk__in=ids[1:]).exclude(pk=one or 0)


def as_limit(one: int | None, ids: list[int]) -> QuerySet[User]:
    return User.objects.all()[:one]


def joined(one: int | None, ids: list[int]) -> QuerySet[User]:
    words = Cast(F("pk"), CharField())
    return User.objects.alias(words=words).filter(words__in=[",".join(map(str, [one, *ids]))])


def fetched_along(one: int | None, ids: list[int]) -> QuerySet[User]:
    return of_ids(one, ids).prefetch_related("groups")


def selected_along(one: int | None, ids: list[int]) -> QuerySet[Permission]:
    return Permission.objects.filter(pk__in=ids).exclude(pk=one or 0).select_related("content_type")


@pytest.mark.parametrize(
    "build",
    [in_text, changed, negative, left_out, list_cut, as_limit, joined, fetched_along, selected_along],
)
def test_what_hides_its_values_is_refused(build: Callable[[int | None, list[int]], QuerySet[User]]) -> None:
    with pytest.raises(CannotBePreparedError):
        Prepared(build).rows(1, [1])


def test_a_database_of_another_kind_gets_its_own_statement(
    people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def build(one: int | None, ids: list[int]) -> QuerySet[User]:
        built.append(connection.vendor)
        return of_ids(one, ids)

    statement = Prepared(build)
    statement.rows(1, [people[0].pk])
    monkeypatch.setattr(connection, "vendor", "another")
    statement.rows(1, [people[0].pk])
    statement.rows(1, [people[0].pk])
    assert built[1:] == ["another"]


@pytest.mark.django_db(transaction=True)
def test_threads_may_ask_at_once(people: list[User]) -> None:
    statement = Prepared(of_ids)

    def ask(member: User) -> int:
        try:
            (row,) = statement.rows(None, [member.pk])
            return row.pk
        finally:
            connection.close()

    def of_thread(one: int | None, ids: list[int]) -> QuerySet[User]:
        return User.objects.filter(pk__in=ids)

    statement = Prepared(of_thread)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, people)) == [member.pk for member in people]


def test_marks_are_ids_that_every_database_can_hold() -> None:
    assert compiled_queries.FIRST_MARK + compiled_queries.MOST_MARKS < 2**63


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_outside_of_transactions_postgresql_plans_once(people: list[User]) -> None:
    statement, ids = Prepared(of_ids), [member.pk for member in people[:5]]
    plain = statement_rows_in_transaction(statement, ids)
    with CaptureQueriesContext(connection) as captured:
        for _time in range(8):  # the plan for any values comes into use after some
            assert [vars(row) | {"_state": None} for row in statement.rows(ids[0], ids)] == plain
    said = [query["sql"].split()[0] for query in captured.captured_queries]
    assert said == ["PREPARE", *["EXECUTE"] * 8]


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "spoiling",
    ["DEALLOCATE ALL", "ALTER TABLE users_user ALTER name TYPE varchar(90)"],
)
def test_a_plan_that_is_gone_or_fits_no_more_is_done_without(people: list[User], spoiling: str) -> None:
    statement, ids = Prepared(of_ids), [member.pk for member in people[:5]]
    statement.rows(ids[0], ids)
    with connection.cursor() as cursor:
        cursor.execute(spoiling)
    try:
        for _time in range(3):
            assert len(statement.rows(ids[0], ids)) == 5
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE users_user ALTER name TYPE varchar(80)")


def statement_rows_in_transaction(statement: Prepared[User], ids: list[int]) -> list[dict[str, object]]:
    with transaction.atomic():
        return [vars(row) | {"_state": None} for row in statement.rows(ids[0], ids)]


def test_a_list_of_a_certain_length_is_not_filled_up(people: list[User]) -> None:
    def between(one: int | None, ends: list[int]) -> QuerySet[User]:
        within = User.objects.filter(pk__gte=ends[0], pk__lte=ends[1])
        return within.exclude(pk__in=[one]).order_by("pk")

    ids = sorted(member.pk for member in people)
    rows = Prepared(between, step=1).rows(ids[3], [ids[1], ids[5]])
    assert [row.pk for row in rows] == [ids[1], ids[2], ids[4], ids[5]]
    with pytest.raises(CannotBePreparedError):
        Prepared(between).rows(ids[3], [ids[1], ids[5]])


def test_written_sql_gets_its_values_by_name_and_as_often_as_it_names_them(people: list[User]) -> None:
    first, second = people[0], people[1]
    named = Written(
        "SELECT id, username, username = %(name)s FROM users_user WHERE id = %(pk)s OR username = %(name)s ORDER BY id",
        "pk",
        "name",
    )
    for quoted in (second.username, "' OR 1=1 --", "%s %(pk)s $1", "Zoë"):
        rows = [(row[0], row[1], bool(row[2])) for row in named.rows(first.pk, quoted)]
        expected = [(first.pk, first.username, False)]
        assert rows == expected + [(second.pk, second.username, True)] * (quoted == second.username)
    with pytest.raises(ValueError, match="shorter"):
        named.parameters([first.pk])


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_postgresql_plans_written_sql_once_and_anew_when_the_plan_is_gone(
    make_people: Callable[[int], list[User]],
) -> None:
    (member,) = make_people(1)
    named = Written("SELECT username FROM users_user WHERE id = %(pk)s", "pk")
    with CaptureQueriesContext(connection) as captured:
        for _time in range(3):
            assert named.rows(member.pk) == [(member.username,)]
    verbs = [query["sql"].split()[0] for query in captured.captured_queries]
    assert verbs == ["PREPARE", "EXECUTE", "EXECUTE", "EXECUTE"]
    with connection.cursor() as query:
        query.execute("DEALLOCATE ALL")
    assert [named.rows(member.pk) for _time in range(2)] == [[(member.username,)]] * 2
