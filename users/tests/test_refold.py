"""Migrations refold the keys of names and messages that were stored with an earlier folding."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from tests.cast import make_member
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def test_a_migration_makes_the_keys_of_stored_names_again() -> None:
    for number, name in enumerate(["Łukasz O’Brien", "Søren", "", "…", "Ann"]):
        make_member(f"m{number}", name=name)
    wanted = list(User.objects.order_by("pk").values_list("sort_name", flat=True))
    User.objects.filter(name__in=["Łukasz O’Brien", "Søren"]).update(sort_name="łukasz o’brien")
    refold = import_module("users.migrations.0002_refold_sort_names").refold
    for _again in range(2):
        refold(apps, SimpleNamespace(connection=connection))
        assert list(User.objects.order_by("pk").values_list("sort_name", flat=True)) == wanted
    assert wanted == ["lukasz o brien", "soren", "m2", "m3", "ann"]
