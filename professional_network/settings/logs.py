"""Logging configurations (R9)."""

from pathlib import Path
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
APPS = ("core", "theme", "users", "network", "feed", "messaging", "notifications")
MAX_BYTES = 10 * 1024 * 1024
BACKUPS = 5

LINE_FORMAT = "{asctime} {levelname} {name} {module} {process:d} {request_id} {message}"
# Only the security log contains the IP address of the client.
SECURITY_LINE_FORMAT = "{asctime} {levelname} {name} {module} {process:d} {request_id} {client} {message}"


# One line for each task and each second, otherwise.
QUIET = {name: {"level": "WARNING"} for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace")}


def console_config() -> dict[str, Any]:
    """Return the LOGGING dict without log files: INFO and above, on the console."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "core.observability.request_id.RequestContext"}},
        "formatters": {"line": _formatter_config(LINE_FORMAT)},
        "handlers": {"console": _handler_config("core.observability.log_files.Console", "line")},
        "loggers": {**QUIET},
        "root": {"handlers": ["console"], "level": "INFO"},
    }


def logging_config(directory: str, *, level: str, json_console: bool) -> dict[str, Any]:
    """Return the LOGGING dict that writes to `directory` and to the console.

    `level` (one of LEVELS) is for general lines; security lines, WARNING and above, go to a separate file. Errors are
    mailed to ADMINS, except those of `django.security`: a forged Host header of a stranger must not send mail.
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
            "line": _formatter_config(LINE_FORMAT),
            "security_line": _formatter_config(SECURITY_LINE_FORMAT),
            "json": {"()": "core.observability.log_lines.JsonFormatter"},
        },
        "handlers": {
            "console": _handler_config(
                "core.observability.log_files.Console", "json" if json_console else "line"
            ),
            "file": _file_config(directory, "django.log", "line"),
            "security_file": _file_config(directory, "security.log", "security_line", level="WARNING"),
            "mail_admins": {
                "class": "core.observability.log_mail.AdminMail",
                "level": "ERROR",
                "filters": ["request", "require_debug_false"],
            },
        },
        "loggers": {
            **{name: dict(general) for name in loggers},
            **dict.fromkeys(("django.security", "security"), security),
            **QUIET,
        },
        "root": {"handlers": ["console", "file", "mail_admins"], "level": level},
    }


def _formatter_config(line_format: str) -> dict[str, Any]:
    return {"class": "core.observability.log_lines.LineFormatter", "format": line_format, "style": "{"}


def _handler_config(handler_class: str, formatter: str) -> dict[str, Any]:
    return {"class": handler_class, "formatter": formatter, "filters": ["request"]}


def _file_config(directory: str, name: str, formatter: str, *, level: str = "NOTSET") -> dict[str, Any]:
    return {
        **_handler_config("core.observability.log_files.RotatingFile", formatter),
        "filename": str(Path(directory) / name),
        "maxBytes": MAX_BYTES,
        "backupCount": BACKUPS,
        "level": level,
    }
