"""Compiled queries give the rows of their QuerySets, or refuse to be compiled."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import Cast
from django.test.utils import CaptureQueriesContext

from core.database import compiled_queries
from core.database.compiled_queries import (
    CannotBeCompiledError,
    CompiledQuery,
    CompiledSQL,
)
from core.database.plans import run_with_plans
from tests.cases import all_cases, rolled_back
from users.models import Profile, User

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


def test_rows_are_those_of_the_query_set_for_any_length_of_list(people: list[User]) -> None:
    with all_cases() as case:
        for count in [1, 2, 19, 20, 21, 40, 45]:
            with case(count), rolled_back():
                ids = [member.pk for member in people[:count]]
                plain = list(of_ids(ids[0], ids))
                rows = CompiledQuery(of_ids).fetch(one=ids[0], ids=ids)
                assert [vars(row) | {"_state": None} for row in rows] == [
                    vars(row) | {"_state": None} for row in plain
                ]
                assert {type(row.date_joined.tzinfo) for row in rows} == {
                    type(row.date_joined.tzinfo) for row in plain
                }
                assert [row.is_one for row in rows].count(True) == 1  # type: ignore[attr-defined]
                rows[0].name = "Another"
                rows[0].save()  # it is known to be stored
                assert User.objects.count() == len(people)


def test_the_query_set_is_built_once_for_lists_of_about_the_same_length(people: list[User]) -> None:
    built = []

    def build(one: int | None, ids: list[int]) -> QuerySet[User]:
        built.append(len(ids))
        return of_ids(one, ids)

    compiled = CompiledQuery(build)
    for count in (1, 5, 20, 21, 40, 3):
        compiled.fetch(one=1, ids=[member.pk for member in people[:count]])
    assert built == [20, 40]


def test_an_empty_list_none_values_and_a_list_of_a_certain_length_have_their_own_shapes(
    people: list[User],
) -> None:
    with all_cases() as case:
        with case("an empty list asks nothing"):
            with CaptureQueriesContext(connection) as captured:
                assert CompiledQuery(of_ids).fetch(one=1, ids=[]) == []
            assert not captured.captured_queries
        with case("none is another shape where the builder allows it"):

            def build(one: int | None, ids: list[int]) -> QuerySet[User]:
                found = User.objects.filter(pk__in=ids)
                return found if one is None else found.exclude(pk=one or 0)

            compiled, ids = CompiledQuery(build), [people[0].pk, people[1].pk]
            assert {row.pk for row in compiled.fetch(one=None, ids=ids)} == set(ids)
            assert [row.pk for row in compiled.fetch(one=ids[0], ids=ids)] == [ids[1]]
        with case("a list of values gives tuples"):

            def of_one(one: int) -> QuerySet[User, tuple[int, object]]:
                return User.objects.filter(pk=one).values_list("pk", "date_joined")[:5]

            assert CompiledQuery(of_one).fetch(one=people[3].pk) == [(people[3].pk, people[3].date_joined)]
        with case("a list of a certain length is not padded"):

            def between(one: int, ends: list[int]) -> QuerySet[User]:
                within = User.objects.filter(pk__gte=ends[0], pk__lte=ends[1])
                return within.exclude(pk=one).order_by("pk")

            ids = sorted(member.pk for member in people)
            rows = CompiledQuery(between, pad_to=1).fetch(one=ids[3], ends=[ids[1], ids[5]])
            assert [row.pk for row in rows] == [ids[1], ids[2], ids[4], ids[5]]
            with pytest.raises(CannotBeCompiledError):
                CompiledQuery(between).fetch(one=ids[3], ends=[ids[1], ids[5]])


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


def text_with_more(one: int | None, ids: list[int], word: str = "") -> QuerySet[User]:
    return of_ids(one, ids).filter(username__startswith=word)


def test_what_hides_its_values_is_refused() -> None:
    builders: list[Callable[..., QuerySet[Any]]] = [
        in_text, changed, negative, left_out, list_cut, as_limit, joined, fetched_along, text_with_more
    ]  # fmt: skip
    with all_cases() as case:
        for build in builders:
            with case(build.__name__), pytest.raises(CannotBeCompiledError):
                CompiledQuery(build).fetch(
                    one=1, ids=[1], **({"word": "a"} if build is text_with_more else {})
                )


def test_texts_are_values_too(people: list[User]) -> None:
    def after(name: str, other: str | None, pk: int) -> QuerySet[User]:
        found = User.objects.filter(username__gte=name).exclude(pk=pk).order_by("username")
        return found if other is None else found.exclude(username=other)

    def among(names: list[str]) -> QuerySet[User]:
        return User.objects.filter(username__in=names).order_by("pk")

    assert CompiledQuery(among).fetch(names=["member3", "x", "member1"]) == [people[1], people[3]]
    compiled, first = CompiledQuery(after), people[0]
    for name, other in (("member3", None), ("", "member5"), ("' OR 1=1 --", None), ("7377%", "text7377")):
        found = compiled.fetch(name=name, other=other, pk=first.pk)
        assert [row.pk for row in found] == [row.pk for row in after(name, other, first.pk)]


def test_rows_of_select_related_are_fetched_along(people: list[User]) -> None:
    def of_profile(ids: list[int]) -> QuerySet[User]:
        known = User.objects.filter(pk__in=ids).select_related("profile").order_by("pk")
        return known.annotate(**{"twice": F("pk") * 2})  # noqa: PIE804

    ids = sorted(member.pk for member in people[:3])
    Profile.objects.create(user_id=ids[0], about="Baker", links_audience=2)
    with CaptureQueriesContext(connection) as captured:
        rows = CompiledQuery(of_profile).fetch(ids=ids)
        assert (rows[0].profile.about, rows[0].profile.user) == ("Baker", rows[0])
        assert [row.twice for row in rows] == [2 * pk for pk in ids]  # type: ignore[attr-defined]
        assert not hasattr(rows[1], "profile")
    assert len(captured) == 1


def test_a_database_of_another_kind_gets_its_own_statement(
    people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def build(one: int | None, ids: list[int]) -> QuerySet[User]:
        built.append(connection.vendor)
        return of_ids(one, ids)

    compiled = CompiledQuery(build)
    compiled.fetch(one=1, ids=[people[0].pk])
    monkeypatch.setattr(connection, "vendor", "another")
    compiled.fetch(one=1, ids=[people[0].pk])
    compiled.fetch(one=1, ids=[people[0].pk])
    assert built[1:] == ["another"]


@pytest.mark.django_db(transaction=True)
def test_threads_may_ask_at_once(people: list[User]) -> None:
    def of_thread(ids: list[int]) -> QuerySet[User]:
        return User.objects.filter(pk__in=ids)

    compiled = CompiledQuery(of_thread)

    def ask(member: User) -> int:
        try:
            (row,) = compiled.fetch(ids=[member.pk])
            return row.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, people)) == [member.pk for member in people]


def test_placeholders_are_ids_that_every_database_can_hold() -> None:
    assert compiled_queries.FIRST_PLACEHOLDER + compiled_queries.MAX_PLACEHOLDERS < 2**63


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_outside_of_transactions_postgresql_plans_once_and_does_without_a_plan_that_is_gone(
    people: list[User],
) -> None:
    with all_cases() as case:
        with case("outside of transactions postgresql plans once"):
            compiled, ids = CompiledQuery(of_ids), [member.pk for member in people[:5]]
            plain = rows_in_transaction(compiled, ids)
            with CaptureQueriesContext(connection) as captured:
                for _time in range(8):  # the plan for any values comes into use after some
                    assert [
                        vars(row) | {"_state": None} for row in compiled.fetch(one=ids[0], ids=ids)
                    ] == plain
            said = [query["sql"].split()[0] for query in captured.captured_queries]
            assert said == ["PREPARE", *["EXECUTE"] * 8]
        for spoiling in ["DEALLOCATE ALL", "ALTER TABLE users_user ALTER name TYPE varchar(90)"]:
            with case(spoiling):
                compiled, ids = CompiledQuery(of_ids), [member.pk for member in people[:5]]
                compiled.fetch(one=ids[0], ids=ids)
                with connection.cursor() as cursor:
                    cursor.execute(spoiling)
                try:
                    for _time in range(3):
                        assert len(compiled.fetch(one=ids[0], ids=ids)) == 5
                finally:
                    with connection.cursor() as cursor:
                        cursor.execute("ALTER TABLE users_user ALTER name TYPE varchar(80)")


def rows_in_transaction(compiled: CompiledQuery[..., User], ids: list[int]) -> list[dict[str, object]]:
    with transaction.atomic():
        return [vars(row) | {"_state": None} for row in compiled.fetch(one=ids[0], ids=ids)]


def test_written_sql_gets_its_values_by_name_and_as_often_as_it_names_them(people: list[User]) -> None:
    first, second = people[0], people[1]
    named = CompiledSQL(
        "SELECT id, username, username = %(name)s FROM users_user WHERE id = %(pk)s OR username = %(name)s ORDER BY id"
    )
    for quoted in (second.username, "' OR 1=1 --", "%s %(pk)s $1", "Zoë"):
        rows = [(row[0], row[1], bool(row[2])) for row in named.fetch(pk=first.pk, name=quoted)]
        expected = [(first.pk, first.username, False)]
        assert rows == expected + [(second.pk, second.username, True)] * (quoted == second.username)


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_postgresql_plans_written_sql_once_and_again_when_the_plan_is_gone(
    make_people: Callable[[int], list[User]],
) -> None:
    (member,) = make_people(1)
    named = CompiledSQL("SELECT username FROM users_user WHERE id = %(pk)s")
    with CaptureQueriesContext(connection) as captured:
        for _time in range(3):
            assert named.fetch(pk=member.pk) == [(member.username,)]
    verbs = [query["sql"].split()[0] for query in captured.captured_queries]
    assert verbs == ["PREPARE", "EXECUTE", "EXECUTE", "EXECUTE"]
    with connection.cursor() as query:
        query.execute("DEALLOCATE ALL")
    assert [named.fetch(pk=member.pk) for _time in range(2)] == [[(member.username,)]] * 2


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_a_transaction_uses_plans_and_runs_again_where_one_is_refused(people: list[User]) -> None:
    compiled, ids = CompiledQuery(of_ids), [member.pk for member in people[:5]]
    runs: list[int] = []

    def rename() -> list[str]:
        runs.append(1)
        User.objects.filter(pk=ids[0]).update(name=F("username"))
        return [row.name for row in compiled.fetch(one=ids[0], ids=ids) if row.pk == ids[0]]

    for _time in range(7):
        with CaptureQueriesContext(connection) as captured:
            assert run_with_plans(rename) == [people[0].username]
    assert [query["sql"].split()[0] for query in captured.captured_queries][:3] == [
        "BEGIN",
        "UPDATE",
        "EXECUTE",
    ]
    with connection.cursor() as query:
        query.execute("DEALLOCATE ALL")
    runs.clear()
    assert run_with_plans(rename) == [people[0].username]
    assert len(runs) == 2
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        run_with_plans(rename)  # the outer transaction could not run again
    assert not any("EXECUTE" in query["sql"] for query in captured.captured_queries)


def of_both(authors: list[int], near: int, hidden: list[int], other: int) -> QuerySet[User, tuple[int, int]]:
    """Two lists and two scalars, of which `near` comes twice; in the SQL they are in another order."""
    is_near = Case(When(pk=near, then=Value(1)), When(pk=other, then=Value(2)), default=Value(0))
    shown = User.objects.exclude(pk__in=hidden).exclude(pk=other).filter(pk__in=[near, *authors])
    return shown.order_by("pk").values_list("pk", is_near)


def test_any_number_of_values_and_lists_is_given_by_name(people: list[User]) -> None:
    ids = sorted(member.pk for member in people)
    with all_cases() as case:
        for authors, hidden in [(3, 2), (21, 5), (2, 25), (0, 3), (3, 0), (0, 0)]:
            with case((authors, hidden)):
                values = {
                    "authors": ids[:authors],
                    "near": ids[30],
                    "hidden": ids[1 : 1 + hidden],
                    "other": ids[0],
                }
                compiled = CompiledQuery(of_both)
                for turned in (
                    values,
                    dict(reversed(values.items())),
                ):  # names say which is which, not the order
                    assert compiled.fetch(**turned) == list(of_both(**values))  # type: ignore[arg-type]
                assert compiled.fetch(**(values | {"near": ids[31]}))[-1:] == [(ids[31], 1)]  # type: ignore[arg-type]


def test_names_that_do_not_fit_are_refused_with_the_name_of_the_query(db: None) -> None:
    with all_cases() as case:
        with case("names that do not fit are refused with the name of the query"):
            query, sql = CompiledQuery(of_ids), CompiledSQL("SELECT 1 AS found WHERE 1 = %(pk)s")
            name = re.escape("test_compiled_queries.of_ids: ")
            with pytest.raises(TypeError, match=name + "missing ids"):
                query.fetch(one=1)  # type: ignore[call-arg]
            with pytest.raises(TypeError, match=name + "unknown id; missing ids"):
                query.fetch(one=1, id=[1])  # type: ignore[call-arg]
            with pytest.raises(TypeError, match=name + "values are given by name"):
                query.fetch(1, [1])
            with pytest.raises(TypeError, match=r"'SELECT 1 AS found.*: missing pk"):
                sql.fetch()
            with pytest.raises(TypeError, match=r"'SELECT 1 AS found.*: unknown other"):
                sql.fetch(pk=1, other=2)
        with case("a builder whose values have no names or types is refused"):
            with pytest.raises(TypeError, match="pk needs an annotation"):
                CompiledQuery(lambda pk: User.objects.filter(pk=pk))

            def of_any(*ids: int) -> QuerySet[User]:
                return User.objects.filter(pk__in=ids)

            with pytest.raises(TypeError, match="cannot be given by name"):
                CompiledQuery(of_any)


def test_none_is_refused_where_sql_would_find_nothing(db: None) -> None:
    def of_pair(one: int, ids: list[int]) -> QuerySet[User]:
        return User.objects.filter(pk__in=ids).exclude(pk=one)

    query, sql = CompiledQuery(of_pair), CompiledSQL("SELECT 1 AS found WHERE 1 = %(pk)s")
    with CaptureQueriesContext(connection) as captured:
        with pytest.raises(TypeError, match="of_pair: one must not be None"):
            query.fetch(one=None, ids=[1])  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="of_pair: ids must not be None"):
            query.fetch(one=1, ids=None)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="of_pair: ids must not be None"):
            query.fetch(one=1, ids=[1, None])  # type: ignore[list-item]
        with pytest.raises(TypeError, match=r"'SELECT 1 AS found.*: pk must not be None"):
            sql.fetch(pk=None)
    assert not captured.captured_queries
