"""Logging of production (R9)."""

from pathlib import Path
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
APPS = ("core", "theme", "users", "network", "feed", "messaging", "notifications")
MAX_BYTES = 10 * 1024 * 1024
BACKUPS = 5

LINE = "{asctime} {levelname} {name} {module} {process:d} {request_id} {message}"
# The address of who asked stands in the security log alone.
SECURITY_LINE = "{asctime} {levelname} {name} {module} {process:d} {request_id} {client} {message}"


def console_config() -> dict[str, Any]:
    """The LOGGING dict of a machine without log files: INFO and above, on the console."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "core.observability.request_id.RequestContext"}},
        "formatters": {"line": _formatter(LINE)},
        "handlers": {"console": _handler("core.observability.log_files.Console", "line")},
        "root": {"handlers": ["console"], "level": "INFO"},
    }


def logging_config(directory: str, *, level: str, json_console: bool) -> dict[str, Any]:
    """The LOGGING dict that writes to `directory` and to the console.

    `level` (one of LEVELS) holds for general lines; security lines are kept from WARNING on, and go to a file of
    their own. Errors are mailed to ADMINS, but for those of `django.security`: a stranger's forged Host must not
    write to anybody.
    """
    general = {"handlers": ["console", "file", "mail_admins"], "level": level, "propagate": False}
    security = {"handlers": ["console", "security_file"], "level": "WARNING", "propagate": False}
    loggers = ("django", "django.request", *APPS, "operations", "demo", "professional_network")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request": {"()": "core.observability.request_id.RequestContext"},
            "require_debug_false": {"()": "django.utils.log.RequireDebugFalse"},
        },
        "formatters": {
            "line": _formatter(LINE),
            "security_line": _formatter(SECURITY_LINE),
            "json": {"()": "core.observability.log_lines.JsonFormatter"},
        },
        "handlers": {
            "console": _handler("core.observability.log_files.Console", "json" if json_console else "line"),
            "file": _file(directory, "django.log", "line"),
            "security_file": _file(directory, "security.log", "security_line", level="WARNING"),
            "mail_admins": {
                "class": "core.observability.log_mail.AdminMail",
                "level": "ERROR",
                "filters": ["request", "require_debug_false"],
            },
        },
        "loggers": {
            **{name: dict(general) for name in loggers},
            "django.security": dict(security),
            "security": dict(security),
        },
        "root": {"handlers": ["console", "file", "mail_admins"], "level": level},
    }


def _formatter(line: str) -> dict[str, Any]:
    return {"class": "core.observability.log_lines.LineFormatter", "format": line, "style": "{"}


def _handler(kind: str, formatter: str) -> dict[str, Any]:
    return {"class": kind, "formatter": formatter, "filters": ["request"]}


def _file(directory: str, name: str, formatter: str, *, level: str = "NOTSET") -> dict[str, Any]:
    return {
        **_handler("core.observability.log_files.RotatingFile", formatter),
        "filename": str(Path(directory) / name),
        "maxBytes": MAX_BYTES,
        "backupCount": BACKUPS,
        "level": level,
    }
