"""The product, deliberately broken: each module here breaks one promise, to prove that the checker sees it.

A module has `apply()`, called in each server process when a file says its name, and may name the CONSTRAINT of the
database, a table and its constraint, that would keep the break from showing.
"""

import os
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType

# Where the file is.
VARIABLE = "DELIVERY_BROKEN"

_lock = Lock()
_broken = ""
_proper: list[tuple[ModuleType, str, object]] = []


def follow() -> None:
    """Break what the file names, after mending what it names no more. Called before each request and each socket."""
    global _broken  # noqa: PLW0603 -- a process is broken as a whole
    name = Path(os.environ[VARIABLE]).read_text()
    if name == _broken:
        return
    with _lock:
        if name != _broken:
            while _proper:
                module, attribute, proper = _proper.pop()
                setattr(module, attribute, proper)
            if name:
                _module(name).apply()
            _broken = name


def constraint_of(name: str) -> tuple[str, str] | None:
    """The table and the constraint that the break `name` needs gone, if it does."""
    found: tuple[str, str] | None = getattr(_module(name), "CONSTRAINT", None)
    return found


def replace(name: str, new: object, *modules: ModuleType) -> None:
    """Replace `name` by `new` in each of `modules`. AttributeError where there is no such thing any more:
    a break that breaks nothing would prove nothing."""
    for module in modules:
        _proper.append((module, name, getattr(module, name)))
        setattr(module, name, new)


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
