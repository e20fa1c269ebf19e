"""The product, deliberately broken: each module here breaks one promise, to prove that the checker sees it.

A module has `apply()`, called in each server process once the product is loaded, and may have `SQL`, for the database.
"""

import os
from importlib import import_module
from types import ModuleType

VARIABLE = "DELIVERY_BROKEN"


def apply() -> None:
    """Break what the environment names; nothing when it names nothing."""
    if name := os.environ.get(VARIABLE):
        import_module(f"{__name__}.{name}").apply()


def sql_of(name: str) -> str:
    """What the database must be rid of, so that the break shows; "" for nothing."""
    return str(getattr(import_module(f"{__name__}.{name}"), "SQL", "")) if name else ""


def replace(name: str, new: object, *modules: ModuleType) -> None:
    """Put `new` in the place of `name` in each of `modules`. AttributeError where there is no such thing any more:
    a break that breaks nothing would prove nothing."""
    for module in modules:
        getattr(module, name)
        setattr(module, name, new)
