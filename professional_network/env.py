"""Reads the environment (and `.env` beside manage.py) through python-decouple, and collects all errors."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import available_timezones

import dj_database_url
from decouple import Config, RepositoryEmpty, RepositoryEnv, UndefinedValueError
from django.core.exceptions import ImproperlyConfigured

from . import values
from .database_url import build_database, is_postgres_url, parse_database_host, parse_postgres_url

BASE_DIR = Path(__file__).resolve().parent.parent

T = TypeVar("T")

LARGEST = 2**31 - 1
QUOTES = ("'", '"')


class Environment:
    """The variables at start. Errors are collected, so that one message can list them all (R7.9).

    An empty variable counts as absent. Blanks around a value are dropped, except by `secret`.
    """

    def __init__(self, dotenv: Path | None = None) -> None:
        # "utf-8-sig": some editors write a byte order mark.
        repository = (
            RepositoryEnv(str(dotenv), "utf-8-sig") if dotenv and dotenv.is_file() else RepositoryEmpty()
        )
        self._config = Config(repository)
        self.errors: list[str] = []
        self._kept: list[str] = []

    def _raw(self, name: str) -> str:
        try:
            return str(self._config(name))
        except UndefinedValueError:
            return ""

    def _read(self, name: str, default: T, parse: Callable[[str], T], *, required: bool = False) -> T:
        value = self._raw(name).strip()
        if not value:
            if required:
                self.errors.append(f"{name}: missing")
            return default
        if len(value) > 1 and value[0] == value[-1] and value[0] in QUOTES:
            self.errors.append(f"{name}: malformed, leave out the quotes around the value")
            return default
        try:
            return parse(value)
        except ValueError as error:
            # Without the value, which may be a secret.
            self.errors.append(f"{name}: malformed, {error}")
            return default

    def text(self, name: str, default: str = "") -> str:
        """Return the variable as text, or `default` when it is absent or empty."""
        return self._read(name, default, str)

    def secret(self, name: str) -> str:
        """Return the variable unchanged, without line breaks at its end; passwords may begin with a blank."""
        return self._raw(name).strip("\r\n")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the variable as a boolean; anything but the usual words is an error."""
        return self._read(name, default, values.parse_flag)

    def items(self, name: str, default: str = "") -> list[str]:
        """Return the variable as a list of its comma-separated parts."""
        return self._read(name, values.parse_items(default), values.parse_items)

    def number(self, name: str, default: int, *, least: int = 0, most: int = LARGEST) -> int:
        """Return the variable as a whole number from `least` to `most`; anything else is an error."""
        return self._read(name, default, partial(values.parse_number, least=least, most=most))

    def port(self, name: str, default: int) -> int:
        """Return the variable as a port number."""
        return self.number(name, default, least=values.PORTS[0], most=values.PORTS[1])

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """Return the variable as one of `choices`, in upper or lower case; anything else is an error."""

        def parse_choice(value: str) -> str:
            found = [choice for choice in choices if choice.lower() == value.lower()]
            if not found:
                raise ValueError(f"use {values.choice_words(choices)}")
            return found[0]

        return self._read(name, default, parse_choice)

    def required(self, name: str) -> str:
        """Return the variable as text; an absent one is an error."""
        return self._read(name, "", str, required=True)

    def path(self, name: str, default: Path | str = "") -> str:
        """Return the variable as a path; a relative one starts at the folder of manage.py."""
        return self._read(name, str(default), partial(values.parse_path, base=BASE_DIR))

    def host(self, name: str, default: str) -> str:
        """Return the variable as the name or address of a server."""
        return self._read(name, default, values.parse_host)

    def allowed_hosts(self, name: str) -> list[str]:
        """Return the host names of the site; an empty list is an error."""
        return self._read(name, [], values.parse_allowed_hosts, required=True)

    def origin(self, name: str, default: str = "") -> str:
        """Return the variable as scheme and host, such as `https://network.example.org`."""
        return self._read(name, default, values.parse_origin)

    def origins(self, name: str) -> list[str]:
        """Return the variable as a list of origins."""
        return self._read(name, [], values.parse_origins)

    def networks(self, name: str, default: str) -> list[str]:
        """Return addresses and ranges of proxies, or `unix`."""
        return self._read(name, values.parse_items(default), values.parse_networks)

    def title(self, name: str, default: str) -> str:
        """Return the variable as a name that people read: one short line."""
        return self._read(name, default, values.parse_title)

    def mailbox(self, name: str, default: str) -> str:
        """Return the variable as a sender: `Name <address>`, with the name quoted if necessary."""
        return self._read(name, default, values.parse_mailbox)

    def mail_address(self, name: str, default: str) -> str:
        """Return the variable as a mail address without a name."""
        return self._read(name, default, values.parse_mail_address)

    def mail_domain(self, name: str) -> str:
        """Return the variable as the domain of mail addresses; "" where it is not set."""
        return self._read(name, "", values.parse_mail_domain)

    def mailboxes(self, name: str) -> list[tuple[str, str]]:
        """Return the variable as names and addresses of recipients."""
        return self._read(name, [], values.parse_mailboxes)

    def redis_url(self, name: str) -> str:
        """Return the URL of a Redis server: redis://, rediss:// (TLS) or unix://; anything else is an error."""
        return self._read(name, "", values.parse_redis_url, required=True)

    def postgresql(self, name: str) -> dict[str, Any]:
        """Return Django's settings for the PostgreSQL of the URL `name`, or of DB_HOST and the other parts (R1.3).

        The parts are DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD. An absent or malformed value is an error; then
        the result is {}. Options of the URL's query (`?sslmode=verify-full&sslrootcert=…`) are passed to libpq.
        """
        unusable: dict[str, Any] = {}
        if self.text(name):
            return self._read(name, unusable, parse_postgres_url)
        names = ("DB_HOST", "DB_NAME", "DB_USER", "DB_PORT")
        password = self.secret("DB_PASSWORD")
        if not (any(self._raw(part).strip() for part in names) or password):
            self.errors.append(
                f"{name}: missing (or give DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD)"
            )
            return unusable
        required = {part: self._raw(part).strip() for part in ("DB_HOST", "DB_NAME", "DB_USER")}
        if not required["DB_HOST"].startswith("/"):  # a socket may use peer authentication
            required["DB_PASSWORD"] = password
        missing = [part for part, value in required.items() if not value]
        self.errors.extend(f"{part}: missing (the other parts of the database are given)" for part in missing)
        return build_database(
            host=self._read("DB_HOST", "", parse_database_host),
            port=self.port("DB_PORT", 5432),
            name=self.text("DB_NAME"),
            user=self.text("DB_USER"),
            password=password,
        )

    def any_database(self, name: str, default: str) -> dict[str, Any]:
        """Return the database of the URL, of any kind that Django supports: for development and tests."""

        def parse_url(url: str) -> dict[str, Any]:
            if is_postgres_url(url):
                return parse_postgres_url(url)
            try:
                return dict(dj_database_url.parse(url))
            except dj_database_url.UnknownSchemeError:
                raise ValueError("use sqlite:///path or postgres://user:password@host:5432/name") from None

        return self._read(name, parse_url(default), parse_url)

    def time_zone(self, name: str, default: str) -> str:
        """Return the variable as the name of a time zone."""

        def parse_time_zone(value: str) -> str:
            if value not in available_timezones():
                raise ValueError("use a name such as Europe/Berlin")
            return value

        return self._read(name, default, parse_time_zone)

    def keep_errors(self) -> None:
        """Include the errors so far in all later reports: Python executes the module that found them only once."""
        self._kept = self.errors
        self.errors = []

    def raise_errors(self) -> None:
        """Raise ImproperlyConfigured with one message that lists all errors, if there are any."""
        # A settings module that failed may be loaded again in the same process, without its earlier errors.
        errors = list(dict.fromkeys([*self._kept, *self.errors]))
        self.errors = []
        if errors:
            listed = "\n".join(f"  - {error}" for error in errors)
            raise ImproperlyConfigured(
                f"LinkUp cannot start; these variables need attention:\n{listed}\n"
                "See .env.example for each. `python manage.py generate_secret_key` creates a SECRET_KEY."
            )


env = Environment(BASE_DIR / ".env")
