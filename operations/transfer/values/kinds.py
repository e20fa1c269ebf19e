"""The kinds of columns, and the canonical text of their values, which is the same for both databases.

Two values are equal exactly when their canonical texts are. A kind knows how SQLite stores a value, how PostgreSQL
shows it as text, and which text COPY reads. NULL is None everywhere.

| kind | canonical text |
| --- | --- |
| whole number | decimal digits |
| truth value | `true`, `false` |
| text | itself |
| moment | ISO 8601 in UTC with microseconds and offset |
| date, time of day | ISO 8601, the time with microseconds |
| duration | microseconds |
| decimal | as many places as the field has |
| floating point | the shortest text that reads back as the same number |
| UUID | lower case with hyphens |
| JSON | sorted keys, no spaces, numbers without exponent, as `jsonb` writes them |
| bytes | `\\x` and hexadecimal digits |
| network address | compressed form |
"""

import ipaddress
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Context, Decimal, DecimalException
from typing import Any, TypeVar

from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import DecimalField, Field, ForeignKey
from django.utils.dateparse import parse_date, parse_datetime, parse_time

from ..problems import shorten_value
from .json_text import canonical_json
from .unconvertible_values import UnconvertibleValue

Parsed = TypeVar("Parsed")


class BrokenText(bytes):
    """Text in SQLite that is not UTF-8; it is never written to the target."""

    __slots__ = ()

    @property
    def what(self) -> str:
        """What is wrong, for a message."""
        try:
            self.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return "holds bytes that are not UTF-8"
        return "holds a lone surrogate"


def decode_text(data: bytes) -> str | BrokenText:
    """Decode what SQLite calls text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return BrokenText(data)


class Kind(ABC):
    """How values of one kind are read on both sides; a subclass for each kind. No method gets NULL.

    `shown_by` is the SQL expression of the target, `{}` the column. `is_number` and `is_text` say how keys are sorted.
    """

    shown_by = "{}::text"
    is_number = False
    is_text = False
    is_uuid = False

    @abstractmethod
    def from_source(self, value: object) -> str:
        """Return the canonical text; raises UnconvertibleValue for what PostgreSQL or Django does not accept."""

    def from_target(self, text: str) -> str:
        """Return the canonical text of what `shown_by` gave."""
        return text

    def to_copy(self, text: str) -> str:
        """Return what COPY reads as the value with this canonical text."""
        return text


def unexpected_value(value: object, expected: str) -> UnconvertibleValue:
    """Return the error for a value of another type."""
    if isinstance(value, bytes):
        return UnconvertibleValue(f"holds bytes in place of {expected}", None)
    return UnconvertibleValue(f"holds {{}} in place of {expected}", shorten_value(value))


def check_text(value: object, expected: str = "text") -> str:
    """Return `value` when it is text that PostgreSQL accepts; raises UnconvertibleValue for anything else."""
    if isinstance(value, BrokenText):
        raise UnconvertibleValue(value.what, None)
    if type(value) is not str:
        raise unexpected_value(value, expected)
    if "\0" in value:
        raise UnconvertibleValue(
            f"holds a NUL character (at {value.index(chr(0)) + 1}), which PostgreSQL cannot store", None
        )
    return value


def parse_text(parse: Callable[[str], Parsed | None], value: object, expected: str) -> Parsed:
    """Return what Django reads from the text; UnconvertibleValue for anything else, also for the 30th of February."""
    text = check_text(value, expected)
    try:
        parsed = parse(text)
    except ValueError:
        raise UnconvertibleValue(f"holds {{}}, out of range for {expected}", shorten_value(value)) from None
    if parsed is None:
        raise unexpected_value(value, expected)
    return parsed


class WholeNumber(Kind):
    is_number = True

    def __init__(self, lowest: int | None, highest: int | None) -> None:
        self._low = -(2**63) if lowest is None else lowest
        self._high = 2**63 - 1 if highest is None else highest

    def from_source(self, value: object) -> str:
        if type(value) is not int:
            raise unexpected_value(value, "a whole number")
        if not self._low <= value <= self._high:
            raise UnconvertibleValue(f"holds {{}}, outside {self._low} to {self._high}", shorten_value(value))
        return str(value)


class TruthValue(Kind):
    def from_source(self, value: object) -> str:
        if value == 1 and type(value) is int:
            return "true"
        if value == 0 and type(value) is int:
            return "false"
        raise unexpected_value(value, "a truth value (0 or 1)")


class Text(Kind):
    is_text = True

    def __init__(self, longest: int | None) -> None:
        self._longest = longest

    def from_source(self, value: object) -> str:
        text = check_text(value)
        if self._longest is not None and len(text) > self._longest:
            raise UnconvertibleValue(f"is {len(text)} characters long, {self._longest} is the most", None)
        return text


class Moment(Kind):
    def from_source(self, value: object) -> str:
        expected = "a date with time of the years 1 to 9999"
        moment = parse_text(parse_datetime, value, expected)
        try:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            raise UnconvertibleValue(
                f"holds {{}}, out of range for {expected}", shorten_value(value)
            ) from None
        return moment.isoformat(timespec="microseconds")

    def from_target(self, text: str) -> str:
        try:
            return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")
        except (ValueError, OverflowError):
            return text  # infinity, years before 1 and after 9999: never equal to a value of the source


class Date(Kind):
    def from_source(self, value: object) -> str:
        return parse_text(parse_date, value, "a date of the years 1 to 9999").isoformat()


class TimeOfDay(Kind):
    def from_source(self, value: object) -> str:
        return parse_text(parse_time, value, "a time of day").isoformat(timespec="microseconds")

    def from_target(self, text: str) -> str:
        try:
            return time.fromisoformat(text).isoformat(timespec="microseconds")
        except ValueError:
            return text  # 24:00:00


class Duration(Kind):
    shown_by = "(EXTRACT(EPOCH FROM {}) * 1000000)::bigint::text"

    def from_source(self, value: object) -> str:
        if type(value) is not int:
            raise unexpected_value(value, "a duration in microseconds")
        return str(value)

    def to_copy(self, text: str) -> str:
        days, rest = divmod(int(text), 86_400_000_000)
        return f"{days} days {rest} microseconds"


class FloatingPoint(Kind):
    def from_source(self, value: object) -> str:
        if type(value) is not float and type(value) is not int:
            raise unexpected_value(value, "a number")
        return repr(float(value))

    def from_target(self, text: str) -> str:
        return repr(float(text))


class DecimalNumber(Kind):
    def __init__(self, field: "DecimalField[Any, Any]") -> None:
        self._places, self._digits = field.decimal_places or 0, field.max_digits or 1000
        self._exact = Context(prec=max(self._digits, self._places) + 5)

    def from_source(self, value: object) -> str:
        if type(value) not in {int, float, str}:
            raise unexpected_value(value, "a decimal number")
        try:
            # SQLite keeps a decimal as floating point; 15 digits of it are exact, and Django reads those.
            number = (
                Context(prec=15).create_decimal_from_float(value)
                if type(value) is float
                else Decimal(str(value))
            )
            number = number.quantize(Decimal(1).scaleb(-self._places), context=self._exact)
        except DecimalException:
            raise unexpected_value(value, "a decimal number") from None
        if not number.is_finite() or len(number.as_tuple().digits) > self._digits:
            raise UnconvertibleValue(
                f"holds {{}}, which has more than {self._digits} digits", shorten_value(value)
            )
        return format(number or abs(number), "f")


class Uuid(Kind):
    is_text = True
    is_uuid = True

    def from_source(self, value: object) -> str:
        text = check_text(value, "a UUID")
        if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
            raise unexpected_value(value, "a UUID")
        return str(uuid.UUID(hex=text))


class Json(Kind):
    def from_source(self, value: object) -> str:
        return canonical_json(check_text(value))

    def from_target(self, text: str) -> str:
        try:
            return canonical_json(text)
        except UnconvertibleValue:
            return text


class Binary(Kind):
    def from_source(self, value: object) -> str:
        if type(value) is not bytes:
            raise unexpected_value(value, "bytes")
        return f"\\x{value.hex()}"


class NetworkAddress(Kind):
    shown_by = "host({})"

    def from_source(self, value: object) -> str:
        try:
            return str(ipaddress.ip_address(check_text(value)))
        except ValueError:
            raise unexpected_value(value, "a network address") from None

    def from_target(self, text: str) -> str:
        return str(ipaddress.ip_interface(text).ip)


TEXTS = {"CharField", "TextField", "SlugField", "FileField", "FilePathField"}
SIMPLE: dict[str, Kind] = {
    "BooleanField": TruthValue(),
    "DateTimeField": Moment(),
    "DateField": Date(),
    "TimeField": TimeOfDay(),
    "DurationField": Duration(),
    "FloatField": FloatingPoint(),
    "UUIDField": Uuid(),
    "JSONField": Json(),
    "BinaryField": Binary(),
    "GenericIPAddressField": NetworkAddress(),
}


def kind_of(field: "Field[Any, Any]") -> Kind | None:
    """Return the kind of a model's field, for a foreign key that of its target; None for an unknown field."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    name = field.get_internal_type()
    if name in TEXTS:
        return Text(getattr(field, "max_length", None) if name != "TextField" else None)
    if isinstance(field, DecimalField):
        return DecimalNumber(field)
    if name in BaseDatabaseOperations.integer_field_ranges:
        return WholeNumber(*BaseDatabaseOperations.integer_field_ranges[name])
    return SIMPLE.get(name)
