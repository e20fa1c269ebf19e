"""Instances of models from rows of the database, built without the work of `Model.__init__` that rows do not need."""

from collections.abc import Sequence
from inspect import getattr_static
from typing import Any

from django.db import models
from django.db.models.base import ModelState
from django.db.models.fields.files import FileDescriptor
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.signals import post_init, pre_init


class ModelRows:
    """Builds instances of `model` from rows with the columns `names` (attribute names), like `Model.from_db`.

    `from_db` sets each field by `setattr` and sends two signals, which takes four times as long as filling the
    instance's `__dict__`. A model with a constructor, listeners or field descriptors that this would skip is built by
    `from_db`.
    """

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        self._model = model
        self._names = tuple(names)
        self._is_plain = _is_plain(model, self._names)

    def from_db(self, alias: str, _names: Sequence[str], values: Sequence[Any]) -> models.Model:
        """Return one instance; the arguments are those of `Model.from_db`."""
        if not self._is_plain:
            return self._model.from_db(alias, self._names, values)
        instance = self._model.__new__(self._model)
        state = ModelState()
        state.adding = False
        state.db = alias
        attributes = instance.__dict__
        attributes["_state"] = state
        attributes.update(zip(self._names, values, strict=True))
        return instance


def build_quickly(populators: Sequence[Any]) -> None:
    """Let the populators of `select_related` build their instances by ModelRows, those inside them as well."""
    for populator in populators:
        populator.model_cls = ModelRows(populator.model_cls, populator.init_list)
        build_quickly(populator.related_populators)


def _is_plain(model: type[models.Model], names: Sequence[str]) -> bool:
    is_djangos = model.__init__ is models.Model.__init__ and "from_db" not in _names_defined_by(model)
    is_heard = pre_init.has_listeners(model) or post_init.has_listeners(model)
    return is_djangos and not is_heard and all(_is_plain_field(model, name) for name in names)


def _names_defined_by(model: type[models.Model]) -> set[str]:
    ours = model.__mro__[: model.__mro__.index(models.Model)]
    return {name for each in ours for name in vars(each)}


def _is_plain_field(model: type[models.Model], name: str) -> bool:
    """Whether setting the attribute stores the value in `__dict__` and does nothing else for a new instance."""
    descriptor = getattr_static(model, name)
    return isinstance(descriptor, ForeignKeyDeferredAttribute | FileDescriptor) or not hasattr(
        type(descriptor), "__set__"
    )
