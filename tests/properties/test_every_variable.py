"""Every variable of `.env.example` reaches its setting, has the default that is told, and is never repeated."""

import re
import runpy
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from scripts.programs import ROOT
from tests.environment_variables import find_used_variables

from .every_variable import BESIDE, ROWS
from .loading import COMPLETE, at, fresh, load

# They choose the module that is loaded: tests/properties/test_environment.py.
CHOOSING = {"DJANGO_ENVIRONMENT", "DJANGO_SETTINGS_MODULE"}
SECRET = "hunter2"
SERVER = str(ROOT / "gunicorn.conf.py")


def loaded(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a server and, under "gunicorn", what gunicorn.conf.py says; empty variables are no variables."""
    given = {name: value for name, value in {**COMPLETE, **environ}.items() if value}
    with fresh(given):
        server = runpy.run_path(SERVER)
    return {**load("production", given), "gunicorn": server}


def shown_in_the_example() -> dict[str, str]:
    """What `.env.example` shows as the default of each variable."""
    lines = re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(lines)


def test_every_variable_has_a_row() -> None:
    assert set(ROWS) | CHOOSING == find_used_variables()


def test_every_variable_reaches_its_setting() -> None:
    wrong = []
    for name, rows in ROWS.items():
        beside = BESIDE.get(name, {})
        without, given = loaded(beside), loaded({**beside, name: rows[0][0]})
        cores = without["gunicorn"]["count_cores"]()  # the default of WEB_CONCURRENCY
        for _value, place, default, expected in rows:
            default_here = cores if place == "gunicorn.workers" else default
            found = at(place, without), at(place, given)
            if found != (default_here, expected):
                wrong.append((name, place, found))
    assert not wrong


def test_the_example_shows_the_defaults() -> None:
    wrong = []
    example = shown_in_the_example()
    for name, rows in ROWS.items():
        beside = BESIDE.get(name, {})
        if not (shown := example[name]) or beside.get(name):
            continue
        settings = loaded({**beside, name: shown})
        for _value, place, default, _expected in rows:
            if at(place, settings) != default:
                wrong.append((name, shown, place, at(place, settings)))
    assert not wrong


# What somebody may paste into the wrong line of the file.
PASTED = (
    SECRET,
    f"'{SECRET}'",
    f"a:{SECRET}@/x",
    f"https://a:{SECRET}@h:99999/x",
    f"{SECRET} <",
    f"1 {SECRET}",
)


def test_a_secret_in_the_wrong_line_is_not_repeated_by_any_variable() -> None:
    wrong = []
    for value in PASTED:
        everywhere = dict.fromkeys(ROWS, value)
        for environ in (everywhere, {**everywhere, "DATABASE_URL": ""}):
            with pytest.raises(ImproperlyConfigured) as refusal:
                loaded(environ)
            with fresh(environ):
                told = "\n".join(runpy.run_path(SERVER)["env"].errors) + str(refusal.value)
            wrong += [(value, line) for line in told.splitlines() if SECRET in line]
    assert not wrong
