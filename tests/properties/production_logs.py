"""Lets the loggers of this process write as production does, for a while, into a folder of the test's own."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging.config import DictConfigurator
from pathlib import Path
from typing import Any

from professional_network.settings.logs import logging_config


@dataclass(frozen=True)
class Logs:
    """The two files of production."""

    folder: Path

    @property
    def general(self) -> str:
        return self._text("django.log")

    @property
    def security(self) -> str:
        return self._text("security.log")

    def _text(self, name: str) -> str:
        file = self.folder / name
        return file.read_text("utf-8") if file.exists() else ""

    def empty(self) -> None:
        for name in ("django.log", "security.log"):
            (self.folder / name).unlink(missing_ok=True)


def handlers_of(config: dict[str, Any]) -> dict[str, logging.Handler]:
    """The handlers of a LOGGING dict, built as logging.config builds them, attached to nothing."""
    builder = DictConfigurator(config)
    for kind, build in (("formatters", builder.configure_formatter), ("filters", builder.configure_filter)):
        built = {name: build(values) for name, values in builder.config[kind].items()}
        builder.config[kind] = built
    handlers = {}
    for name, values in builder.config["handlers"].items():
        handlers[name] = builder.configure_handler(values)
        handlers[name].name = name
    return handlers


@contextmanager
def production_logs(folder: Path, *, level: str = "INFO", json_console: bool = False) -> Iterator[Logs]:
    """Loggers as logging_config has them; what they were before comes back at the end."""
    config = logging_config(str(folder), level=level, json_console=json_console)
    handlers = handlers_of(config)
    wanted = {**config["loggers"], "": config["root"]}
    former = {}
    for name, values in wanted.items():
        logger = logging.getLogger(name)
        former[logger] = (logger.handlers[:], logger.level, logger.propagate)
        logger.handlers[:] = [handlers[handler] for handler in values.get("handlers", [])]
        logger.setLevel(values["level"])
        logger.propagate = values.get("propagate", True)
    try:
        yield Logs(folder)
    finally:
        for logger, (its_handlers, its_level, propagates) in former.items():
            logger.handlers[:] = its_handlers
            logger.setLevel(its_level)
            logger.propagate = propagates
        for handler in handlers.values():
            handler.close()
