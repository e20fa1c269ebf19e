"""Logging of production (R9)."""

from typing import Any


def logging_config(directory: str, *, level: str, json_console: bool) -> dict[str, Any]:
    """The LOGGING dict that writes to `directory` and to the console."""
    return {"version": 1, "disable_existing_loggers": False}
