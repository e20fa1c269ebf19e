"""Reads the environment (and `.env` beside manage.py) through python-decouple, noting every fault it meets."""

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
    """The variables of one start. Faults are gathered, so that one message can name them all (R7.9).

    A variable that is absent and one that is empty are the same. Blanks around a value are dropped, but for `secret`.
    """

    def __init__(self, dotenv: Path | None = None) -> None:
        # "utf-8-sig": some editors begin a file with a byte order mark.
        repository = (
            RepositoryEnv(str(dotenv), "utf-8-sig") if dotenv and dotenv.is_file() else RepositoryEmpty()
        )
        self._config = Config(repository)
        self.faults: list[str] = []
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
                self.faults.append(f"{name}: missing")
            return default
        if len(value) > 1 and value[0] == value[-1] and value[0] in QUOTES:
            self.faults.append(f"{name}: malformed, leave out the quotes around the value")
            return default
        try:
            return parse(value)
        except ValueError as error:
            # The value itself stays out of the message: it may be a secret.
            self.faults.append(f"{name}: malformed, {error}")
            return default

    def text(self, name: str, default: str = "") -> str:
        """The variable as text, or `default` when it is absent or empty."""
        return self._read(name, default, str)

    def secret(self, name: str) -> str:
        """The variable exactly as it was given, but for line breaks at its end; passwords may begin with a blank."""
        return self._raw(name).strip("\r\n")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The variable as a truth value; anything but the usual words is a fault."""
        return self._read(name, default, values.parse_flag)

    def items(self, name: str, default: str = "") -> list[str]:
        """The variable as a comma-separated list, blanks dropped."""
        return self._read(name, values.parse_items(default), values.parse_items)

    def number(self, name: str, default: int, *, least: int = 0, most: int = LARGEST) -> int:
        """The variable as a whole number from `least` to `most`; anything else is a fault."""
        return self._read(name, default, partial(values.parse_number, least=least, most=most))

    def port(self, name: str, default: int) -> int:
        """The variable as the number of a port."""
        return self.number(name, default, least=values.PORTS[0], most=values.PORTS[1])

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """The variable as one of `choices`, in letters of either case; anything else is a fault."""

        def parse(value: str) -> str:
            found = [choice for choice in choices if choice.lower() == value.lower()]
            if not found:
                raise ValueError(f"use {values.choice_words(choices)}")
            return found[0]

        return self._read(name, default, parse)

    def required(self, name: str) -> str:
        """The variable as text; its absence is a fault."""
        return self._read(name, "", str, required=True)

    def path(self, name: str, default: Path | str = "") -> str:
        """The variable as a path; a relative one begins at the folder of manage.py."""
        return self._read(name, str(default), partial(values.parse_path, base=BASE_DIR))

    def host(self, name: str, default: str) -> str:
        """The variable as the name or address of a server."""
        return self._read(name, default, values.parse_host)

    def allowed_hosts(self, name: str) -> list[str]:
        """The names under which the site is reached; none is a fault."""
        return self._read(name, [], values.parse_allowed_hosts, required=True)

    def origin(self, name: str, default: str = "") -> str:
        """The variable as scheme and host, as in `https://network.example.org`."""
        return self._read(name, default, values.parse_origin)

    def origins(self, name: str) -> list[str]:
        """The same, several."""
        return self._read(name, [], values.parse_origins)

    def networks(self, name: str, default: str) -> list[str]:
        """Addresses and ranges of proxies, or `unix`."""
        return self._read(name, values.parse_items(default), values.parse_networks)

    def mailbox(self, name: str, default: str) -> str:
        """The variable as a sender: `Name <address>`, whose name is quoted where it must be."""
        return self._read(name, default, values.parse_mailbox)

    def mailboxes(self, name: str) -> list[tuple[str, str]]:
        """The variable as names and addresses of receivers."""
        return self._read(name, [], values.parse_mailboxes)

    def redis_url(self, name: str) -> str:
        """The address of a Redis server: redis://, rediss:// (TLS) or unix://; anything else is a fault."""
        return self._read(name, "", values.parse_redis_url, required=True)

    def postgresql(self, name: str) -> dict[str, Any]:
        """Django's settings for the PostgreSQL named by the URL `name`, or by DB_HOST, DB_PORT, DB_NAME, DB_USER
        and DB_PASSWORD (R1.3). Absent or malformed is a fault, and the answer then an unusable one.

        Options of the URL's query (`?sslmode=verify-full&sslrootcert=…`) reach libpq.
        """
        unusable: dict[str, Any] = {}
        if self.text(name):
            return self._read(name, unusable, parse_postgres_url)
        names = ("DB_HOST", "DB_NAME", "DB_USER", "DB_PORT")
        password = self.secret("DB_PASSWORD")
        if any(self._raw(part).strip() for part in names) or password:
            return self._database_of_parts(password)
        self.faults.append(f"{name}: missing (or give DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD)")
        return unusable

    def _database_of_parts(self, password: str) -> dict[str, Any]:
        required = {name: self._raw(name).strip() for name in ("DB_HOST", "DB_NAME", "DB_USER")}
        if not required["DB_HOST"].startswith("/"):  # on a socket the system may say who asks ("peer")
            required["DB_PASSWORD"] = password
        missing = [name for name, value in required.items() if not value]
        self.faults.extend(f"{name}: missing (the other parts of the database are given)" for name in missing)
        return build_database(
            host=self._read("DB_HOST", "", parse_database_host),
            port=self.port("DB_PORT", 5432),
            name=self.text("DB_NAME"),
            user=self.text("DB_USER"),
            password=password,
        )

    def any_database(self, name: str, default: str) -> dict[str, Any]:
        """The database named by the URL, of any kind that Django knows: for development and tests."""

        def parse(url: str) -> dict[str, Any]:
            if is_postgres_url(url):
                return parse_postgres_url(url)
            try:
                return dict(dj_database_url.parse(url))
            except dj_database_url.UnknownSchemeError:
                raise ValueError("use sqlite:///path or postgres://user:password@host:5432/name") from None

        return self._read(name, parse(default), parse)

    def time_zone(self, name: str, default: str) -> str:
        """The variable as the name of a time zone."""

        def parse(value: str) -> str:
            if value not in available_timezones():
                raise ValueError("use a name such as Europe/Berlin")
            return value

        return self._read(name, default, parse)

    def keep_faults(self) -> None:
        """Tell the faults so far at each refusal: Python reads the module that found them only once."""
        self._kept = self.faults
        self.faults = []

    def refuse_faults(self) -> None:
        """Raise ImproperlyConfigured with one message that names every fault, when there is any."""
        # A settings module that failed may be loaded once more in the same process: it starts with a clean slate.
        faults = list(dict.fromkeys([*self._kept, *self.faults]))
        self.faults = []
        if faults:
            listed = "\n".join(f"  - {fault}" for fault in faults)
            raise ImproperlyConfigured(
                f"LinkUp cannot start; these variables need attention:\n{listed}\n"
                "Each one is explained in .env.example. `python manage.py generate_secret_key` makes a SECRET_KEY."
            )


env = Environment(BASE_DIR / ".env")
