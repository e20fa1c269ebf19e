"""The operations of migrations do on both databases what they say, and may be run again after a failure."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower
from django.db.utils import NotSupportedError

from core.database import migration_operations
from core.models import CacheEntry
from tests.cases import all_cases

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

TABLE = "core_shelf"


class Workshop:
    """A separate table for the operations."""

    def __init__(self) -> None:
        self.state = ProjectState()
        fields: list[tuple[str, models.Field[Any, Any]]] = [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.TextField()),
            ("size", models.IntegerField()),
        ]
        self.do(CreateModel("Shelf", fields))

    def do(self, operation: Operation, *, atomic: bool = False) -> None:
        after = self.state.clone()
        operation.state_forwards("core", after)
        with connection.schema_editor(atomic=atomic) as editor:
            operation.database_forwards("core", editor, self.state, after)
        self.state = after

    def undo(self, operation: Operation) -> None:
        """Take back an operation on what the table was made with."""
        before = self.state.clone()
        operation.state_forwards("core", before)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("core", editor, before, self.state)

    def put(self, name: str, size: int = 1) -> None:
        self.state.apps.get_model("core", "Shelf")._default_manager.create(name=name, size=size)

    def names(self) -> set[str]:
        """The indexes and constraints that are there and hold."""
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, TABLE)
            if connection.vendor == "postgresql":
                cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
                invalid = {name for (name,) in cursor.fetchall()}
                found = {name: one for name, one in found.items() if name not in invalid}
            return {name for name in found if name.startswith("shelf_")}


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    yield Workshop()
    connection.cursor().execute(f"DROP TABLE {TABLE}")


INDEX = models.Index(fields=["size"], name="shelf_size")
ONCE = models.UniqueConstraint(fields=["name"], name="shelf_once")
LOWER = models.UniqueConstraint(Lower("name"), name="shelf_lower")
SOME = models.UniqueConstraint(fields=["name"], condition=models.Q(size__gt=3), name="shelf_some")
POSITIVE = models.CheckConstraint(condition=models.Q(size__gte=0), name="shelf_positive")


def test_an_index_comes_and_goes(workshop: Workshop) -> None:
    adding, removing = (
        migration_operations.AddIndexConcurrently("shelf", INDEX),
        migration_operations.RemoveIndexConcurrently("shelf", "shelf_size"),
    )
    workshop.do(adding)
    assert workshop.names() == {"shelf_size"}
    workshop.do(removing)
    assert workshop.names() == set()


def test_an_index_is_taken_back(workshop: Workshop) -> None:
    plain = workshop.state.clone()
    adding = migration_operations.AddIndexConcurrently("shelf", INDEX)
    workshop.do(adding)
    workshop.state = plain
    workshop.undo(adding)
    assert workshop.names() == set()


def test_the_removal_of_an_index_is_taken_back(workshop: Workshop) -> None:
    workshop.do(migration_operations.AddIndexConcurrently("shelf", INDEX))
    with_index, removing = workshop.state, migration_operations.RemoveIndexConcurrently("shelf", "shelf_size")
    workshop.do(removing)
    workshop.state = with_index
    with connection.schema_editor(atomic=False) as editor:
        without = with_index.clone()
        removing.state_forwards("core", without)
        removing.database_backwards("core", editor, without, with_index)
    assert workshop.names() == {"shelf_size"}


def test_a_unique_constraint_holds(workshop: Workshop) -> None:
    workshop.put("a", 5)
    before = workshop.state
    with all_cases() as case:
        for constraint in (ONCE, LOWER, SOME):
            with case(constraint.name):
                adding = migration_operations.AddUniqueConcurrently("shelf", constraint)
                workshop.do(adding)
                assert workshop.names() == {constraint.name}
                with pytest.raises(IntegrityError):
                    workshop.put("a", 6)
                after, workshop.state = workshop.state, before
                with connection.schema_editor(atomic=False) as editor:
                    adding.database_backwards("core", editor, after, before)
                assert workshop.names() == set()


@pytest.mark.postgres_only
@pytest.mark.parametrize("constraint", [ONCE, LOWER], ids=["columns", "expression"])
def test_an_interrupted_build_starts_again(workshop: Workshop, constraint: models.UniqueConstraint) -> None:
    workshop.put("a")
    workshop.put("a")
    adding = migration_operations.AddUniqueConcurrently("shelf", constraint)
    with pytest.raises(IntegrityError):
        workshop.do(adding)
    assert workshop.names() == set()
    connection.cursor().execute("DELETE FROM core_shelf WHERE id = 1")
    workshop.do(adding)
    assert workshop.names() == {constraint.name}


def test_a_unique_constraint_that_no_index_can_become_is_refused() -> None:
    with all_cases() as case:
        for constraint in [
            models.UniqueConstraint(
                fields=["name"], name="shelf_late", deferrable=models.Deferrable.DEFERRED
            ),
            models.UniqueConstraint(fields=["name"], name="shelf_null", nulls_distinct=False),
        ]:
            with case(constraint.name), pytest.raises(TypeError, match="deferrable"):
                migration_operations.AddUniqueConcurrently("shelf", constraint)


@pytest.mark.postgres_only
def test_a_constraint_holds_for_what_comes_and_then_for_what_was_there(workshop: Workshop) -> None:
    workshop.put("old", -1)
    workshop.do(migration_operations.AddConstraintNotValid("shelf", POSITIVE), atomic=True)
    with pytest.raises(IntegrityError):
        workshop.put("new", -1)
    looking = migration_operations.ValidateConstraint("shelf", "shelf_positive")
    with pytest.raises(IntegrityError):
        workshop.do(looking, atomic=True)
    connection.cursor().execute("DELETE FROM core_shelf")
    workshop.do(looking, atomic=True)


@pytest.mark.sqlite_only
def test_on_sqlite_a_constraint_holds_at_once(workshop: Workshop) -> None:
    workshop.do(migration_operations.AddConstraintNotValid("shelf", POSITIVE), atomic=True)
    workshop.do(migration_operations.ValidateConstraint("shelf", "shelf_positive"), atomic=True)
    with pytest.raises(IntegrityError):
        workshop.put("new", -1)


@pytest.mark.postgres_only
def test_inside_a_transaction_it_is_refused(workshop: Workshop) -> None:
    with all_cases() as case:
        for operation in (
            migration_operations.AddIndexConcurrently("shelf", INDEX),
            migration_operations.AddUniqueConcurrently("shelf", ONCE),
        ):
            with case(type(operation)), pytest.raises(NotSupportedError):
                workshop.do(operation, atomic=True)


def test_batches_reach_every_row_once_each_in_a_transaction() -> None:
    with all_cases() as case:
        with case("batches reach every row once each in a transaction"):
            CacheEntry.objects.all().delete()
            rows = [
                CacheEntry(cache_key=f"{number:03}", value="old", expires="2030-01-01T00:00Z")
                for number in range(25)
            ]
            CacheEntry.objects.bulk_create(rows)
            sizes: list[int] = []

            def change(batch: models.QuerySet[CacheEntry]) -> None:
                assert transaction.get_connection().in_atomic_block
                sizes.append(batch.update(value="new"))

            # What is changed leaves the set, and none is passed over for it.
            assert (
                migration_operations.in_batches(CacheEntry.objects.filter(value="old"), change, size=10) == 25
            )
            assert sizes == [10, 10, 5]
            assert not CacheEntry.objects.filter(value="old").exists()
        with case("batches pass over rows that stay as they were"):
            CacheEntry.objects.all().delete()
            rows = [
                CacheEntry(cache_key=str(number), value="old", expires="2030-01-01T00:00Z")
                for number in range(5)
            ]
            CacheEntry.objects.bulk_create(rows)
            seen: list[str] = []

            def look(batch: models.QuerySet[CacheEntry]) -> None:
                assert len(seen) < 5
                seen.extend(batch.values_list("cache_key", flat=True))

            assert migration_operations.in_batches(CacheEntry.objects.all(), look, size=2) == 5
            assert sorted(seen) == ["0", "1", "2", "3", "4"]
