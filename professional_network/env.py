"""Reads the environment (and `.env` beside manage.py) through python-decouple, noting every fault it meets."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from decouple import Config, RepositoryEmpty, RepositoryEnv, UndefinedValueError
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

T = TypeVar("T")

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


def _flag(value: str) -> bool:
    word = value.strip().lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("use True or False")


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


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
            self.faults.append(f"{name}: {error}")
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
        value = self._read(name, default, int)
        return default if value is None else value

    def required(self, name: str) -> str:
        """The variable as text; its absence is a fault."""
        value = self.text(name)
        if not value:
            self.faults.append(f"{name}: missing")
        return value

    def refuse_faults(self) -> None:
        """Raise ImproperlyConfigured with one message that names every fault, when there is any."""
        if self.faults:
            listed = "\n".join(f"  - {fault}" for fault in self.faults)
            raise ImproperlyConfigured(
                f"LinkUp cannot start; these variables need attention:\n{listed}\n"
                "Each one is explained in .env.example."
            )


env = Environment(BASE_DIR / ".env")
