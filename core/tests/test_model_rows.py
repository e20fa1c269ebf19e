"""Instances built quickly are those that Django builds."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.db.models.signals import post_init

from core.database.model_rows import ModelRows
from core.models import CacheEntry
from tests.cases import all_cases


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """What a listener heard of new instances of CacheEntry."""
    instances: list[Any] = []

    def listen(instance: CacheEntry, **_options: Any) -> None:
        instances.append(instance)

    post_init.connect(listen, sender=CacheEntry)
    yield instances
    post_init.disconnect(listen, sender=CacheEntry)


def shown(instance: models.Model) -> tuple[type, dict[str, Any], Any, bool, set[str]]:
    values = {name: value for name, value in vars(instance).items() if name != "_state"}
    state = instance._state
    return type(instance), values, state.db, state.adding, instance.get_deferred_fields()


def test_each_model_of_the_product_is_built_as_django_builds_it() -> None:
    built = 0
    with all_cases() as case:
        for model in apps.get_models():
            names = [field.attname for field in model._meta.concrete_fields]
            # Deferred fields too: all columns, and the first and last alone.
            for loaded in (names, [names[0], names[-1]]):
                with case((model.__name__, len(loaded))):
                    values = tuple(f"value of {name}" for name in loaded)
                    quick = ModelRows(model, loaded).from_db("default", loaded, values)
                    assert shown(quick) == shown(model.from_db("default", loaded, values))
                    built += 1
    assert built > 50


def test_a_model_that_something_listens_to_is_built_by_django(heard: list[Any]) -> None:
    names = [field.attname for field in CacheEntry._meta.concrete_fields]
    instance = ModelRows(CacheEntry, names).from_db("default", names, ("key", "value", None))
    assert heard == [instance]
