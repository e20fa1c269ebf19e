"""Reads the environment (and `.env` beside manage.py) through python-decouple, noting every fault it meets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from zoneinfo import available_timezones

import dj_database_url
from decouple import Config, RepositoryEmpty, RepositoryEnv, UndefinedValueError
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

T = TypeVar("T")

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}

DATABASE_SCHEMES = {"postgres", "postgresql", "pgsql"}
REDIS_SCHEMES = {"redis", "rediss", "unix"}


def _flag(value: str) -> bool:
    word = value.strip().lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("use True or False")


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError("use a whole number") from None


class Environment:
    """The variables of one start. Faults are gathered, so that one message can name them all (R7.9)."""

    def __init__(self, dotenv: Path | None = None) -> None:
        repository = RepositoryEnv(str(dotenv)) if dotenv and dotenv.is_file() else RepositoryEmpty()
        self._config = Config(repository)
        self.faults: list[str] = []

    def _read(self, name: str, default: T | None, parse: Callable[[str], T]) -> T | None:
        try:
            raw = str(self._config(name))
        except UndefinedValueError:
            return default
        if not raw.strip():
            return default
        try:
            return parse(raw)
        except ValueError as error:
            # The value itself stays out of the message: it may be a secret.
            self.faults.append(f"{name}: malformed, {error}")
            return default

    def text(self, name: str, default: str = "") -> str:
        """The variable as text, or `default` when it is absent or empty."""
        return self._read(name, default, str.strip) or default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The variable as a truth value; anything but the usual words is a fault."""
        return bool(self._read(name, default, _flag))

    def items(self, name: str, default: str = "") -> list[str]:
        """The variable as a comma-separated list, blanks dropped."""
        return self._read(name, None, _items) or _items(default)

    def number(self, name: str, default: int) -> int:
        """The variable as a whole number; anything else is a fault."""
        value = self._read(name, default, _number)
        return default if value is None else value

    def required(self, name: str) -> str:
        """The variable as text; its absence is a fault."""
        value = self.text(name)
        if not value:
            self.faults.append(f"{name}: missing")
        return value

    def required_items(self, name: str) -> list[str]:
        """The variable as a comma-separated list; an empty one is a fault."""
        items = self.items(name)
        if not items:
            self.faults.append(f"{name}: missing")
        return items

    def redis_url(self, name: str) -> str:
        """The address of a Redis server: redis://, rediss:// (TLS) or unix://; anything else is a fault."""
        value = self.required(name)
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            good = parts.scheme in REDIS_SCHEMES and bool(parts.hostname or parts.scheme == "unix")
            good = good and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good:
            self.faults.append(f"{name}: malformed, use redis://host:6379/0")
        return value

    def postgresql(self, name: str) -> dict[str, Any]:
        """Django's settings for the PostgreSQL named by the URL `name`, or by DB_HOST, DB_PORT, DB_NAME, DB_USER
        and DB_PASSWORD (R1.3). Absent or malformed is a fault, and the answer then an unusable one.

        Options of the URL's query (`?sslmode=verify-full&sslrootcert=…`) reach libpq.
        """
        url = self.text(name) or self._url_from_parts()
        if not url:
            self.faults.append(
                f"{name}: missing (or give DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD)"
            )
            return {}
        try:
            parts = urlsplit(url)
            if parts.scheme not in DATABASE_SCHEMES or not parts.path.strip("/"):
                raise ValueError
            return dict(dj_database_url.parse(url))
        except (ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
            self.faults.append(f"{name}: malformed, use postgres://user:password@host:5432/name")
            return {}

    def _url_from_parts(self) -> str:
        names = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")
        host, port, database, user, password = (self.text(name) for name in names)
        if not any((host, port, database, user, password)):
            return ""
        required = {"DB_HOST": host, "DB_NAME": database, "DB_USER": user, "DB_PASSWORD": password}
        missing = [name for name, value in required.items() if not value]
        self.faults.extend(f"{name}: missing (the other parts of the database are given)" for name in missing)
        port = str(self.number("DB_PORT", 5432))
        quoted = [quote(part, safe="") for part in (user, password, database)]
        return f"postgres://{quoted[0]}:{quoted[1]}@{host}:{port}/{quoted[2]}"

    def check_time_zone(self, name: str) -> None:
        """Note a fault unless `name` is a time zone; said by each module that refuses faults, as base is read once."""
        if name not in available_timezones():
            self.faults.append("TIME_ZONE: use a name such as Europe/Berlin")

    def refuse_faults(self) -> None:
        """Raise ImproperlyConfigured with one message that names every fault, when there is any."""
        # A settings module that failed may be loaded once more in the same process: it starts with a clean slate.
        faults, self.faults = self.faults, []
        if faults:
            listed = "\n".join(f"  - {fault}" for fault in faults)
            raise ImproperlyConfigured(
                f"LinkUp cannot start; these variables need attention:\n{listed}\n"
                "Each one is explained in .env.example. `python manage.py generate_secret_key` makes a SECRET_KEY."
            )


env = Environment(BASE_DIR / ".env")
