"""Loads a settings module for real, with an environment of the test's own, in this process: quick, and honest."""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SETTINGS = "professional_network.settings"
COMPLETE = {
    "SECRET_KEY": "k" * 20 + "Zq8-v3)w1(m5&n7*b9^c2%x4$z6#a0!s" + "j" * 20,
    "DATABASE_URL": "postgres://linkup:secret@db.example:5432/linkup",
    "ALLOWED_HOSTS": "network.example.org",
    "REDIS_URL": "redis://cache.example:6379/0",
    "LOG_DIR": tempfile.gettempdir(),
}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    former = dict(os.environ)
    os.environ.clear()
    os.environ.update({"PATH": former.get("PATH", ""), **values})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


@contextmanager
def _fresh_modules() -> Iterator[None]:
    def ours(name: str) -> bool:
        return name.startswith(SETTINGS) or name == "professional_network.env"

    former = {name: module for name, module in sys.modules.items() if ours(name)}
    for name in former:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if ours(name)]:
            del sys.modules[name]
        sys.modules.update(former)


@contextmanager
def fresh(environ: Mapping[str, str], module: str = "production") -> Iterator[None]:
    """For the time of the block no settings are loaded yet, and the environment is `environ`."""
    with _environment({**environ, "DJANGO_SETTINGS_MODULE": f"{SETTINGS}.{module}"}), _fresh_modules():
        yield


def load(module: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of `module` ("production", or "" for the package that picks by DJANGO_ENVIRONMENT), by name.

    Raises what the module raises: ImproperlyConfigured for a faulty environment.
    """
    name = f"{SETTINGS}.{module}" if module else SETTINGS
    with _environment({**environ, "DJANGO_SETTINGS_MODULE": name}), _fresh_modules():
        loaded = importlib.import_module(name)
        return {name: value for name, value in vars(loaded).items() if name.isupper()}


def load_both(module: str, environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of base and of `module`, loaded beside each other."""
    names = (f"{SETTINGS}.base", f"{SETTINGS}.{module}")
    with _environment({**environ, "DJANGO_SETTINGS_MODULE": names[1]}), _fresh_modules():
        loaded = [vars(importlib.import_module(name)) for name in names]
    base, other = ({name: value for name, value in one.items() if name.isupper()} for one in loaded)
    return base, other


def at(place: str, settings: Any) -> Any:
    """What stands at "DATABASES.default.NAME"; None where the path ends early."""
    found = settings
    for part in place.split("."):
        match found:
            case dict():
                found = found.get(part)
            case list() | tuple():
                found = found[int(part)]
            case _:
                return None
    return found
