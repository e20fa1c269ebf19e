"""The kinds of columns, and the one canonical text that a value has on both sides.

Two values are the same exactly when their canonical texts are. A kind knows how SQLite keeps the value, how PostgreSQL
shows it as text, and which text COPY takes. NULL is None everywhere, which no text is.

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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, DecimalException
from typing import Any

from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import DecimalField, Field, ForeignKey
from django.utils.dateparse import parse_date, parse_datetime, parse_time

from .json_text import canonical_json
from .problems import shortened
from .unconvertible_values import Misfit

Side = Callable[[Any], str]


class BrokenText(bytes):
    """What SQLite calls text but is not UTF-8; it never reaches the target."""

    __slots__ = ()

    @property
    def trouble(self) -> str:
        try:
            self.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return "holds bytes that are not UTF-8"
        return "holds a lone surrogate"


@dataclass(frozen=True)
class Kind:
    """How one kind of value is read on both sides. Each side takes what is not NULL.

    `from_source` raises Misfit for what PostgreSQL could not take, or what Django could not have written.
    `shown_by` is SQL for the target, `{}` the column. `is_number` and `is_text` say how keys are put in order.
    """

    from_source: Side
    from_target: Side = str
    to_copy: Side = str
    shown_by: str = "{}::text"
    is_number: bool = False
    is_text: bool = False
    is_uuid: bool = False


def _wrong(value: object, expected: str) -> Misfit:
    if isinstance(value, bytes):
        return Misfit(f"holds bytes in place of {expected}", None)
    return Misfit(f"holds {{}} in place of {expected}", shortened(value))


def _whole_number(lowest: int | None, highest: int | None) -> Kind:
    low = -(2**63) if lowest is None else lowest
    high = 2**63 - 1 if highest is None else highest

    def read(value: object) -> str:
        if type(value) is not int:
            raise _wrong(value, "a whole number")
        if not low <= value <= high:
            raise Misfit(f"holds {{}}, outside {low} to {high}", shortened(value))
        return str(value)

    return Kind(read, is_number=True)


def _truth(value: object) -> str:
    if value == 1 and type(value) is int:
        return "true"
    if value == 0 and type(value) is int:
        return "false"
    raise _wrong(value, "a truth value (0 or 1)")


def check_text(value: object, expected: str = "text") -> str:
    """`value` when it is text that PostgreSQL takes; raises Misfit for anything else."""
    if isinstance(value, BrokenText):
        raise Misfit(value.trouble, None)
    if type(value) is not str:
        raise _wrong(value, expected)
    if "\0" in value:
        raise Misfit(
            f"holds a NUL character (at {value.index(chr(0)) + 1}), which PostgreSQL cannot store", None
        )
    return value


def _text(longest: int | None) -> Kind:
    def read(value: object) -> str:
        text = check_text(value)
        if longest is not None and len(text) > longest:
            raise Misfit(f"is {len(text)} characters long, {longest} is the most", None)
        return text

    return Kind(read, is_text=True)


def _read(parse: Callable[[str], Any], value: object, expected: str) -> Any:
    """What Django reads from the text; Misfit for what it cannot, and for the 30th of February."""
    text = check_text(value, expected)
    try:
        read = parse(text)
    except ValueError:
        raise Misfit(f"holds {{}}, out of range for {expected}", shortened(value)) from None
    if read is None:
        raise _wrong(value, expected)
    return read


def _moment(value: object) -> str:
    expected = "a date with time of the years 1 to 9999"
    moment: datetime = _read(parse_datetime, value, expected)
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise Misfit(f"holds {{}}, out of range for {expected}", shortened(value)) from None
    return moment.isoformat(timespec="microseconds")


def _moment_of_target(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return (
            text  # infinity, years before 1 and after 9999: told as they are, and never equal to a source's
        )


def _date(value: object) -> str:
    day: date = _read(parse_date, value, "a date of the years 1 to 9999")
    return day.isoformat()


def _time_of_day(value: object) -> str:
    read: time = _read(parse_time, value, "a time of day")
    return read.isoformat(timespec="microseconds")


def _time_of_target(text: str) -> str:
    try:
        return time.fromisoformat(text).isoformat(timespec="microseconds")
    except ValueError:
        return text  # 24:00:00


def _duration(value: object) -> str:
    if type(value) is not int:
        raise _wrong(value, "a duration in microseconds")
    return str(value)


def _duration_for_copy(text: str) -> str:
    days, rest = divmod(int(text), 86_400_000_000)
    return f"{days} days {rest} microseconds"


def _floating(value: object) -> str:
    if type(value) is not float and type(value) is not int:
        raise _wrong(value, "a number")
    return repr(float(value))


def _decimal(field: "DecimalField[Any, Any]") -> Kind:
    places, digits = field.decimal_places or 0, field.max_digits or 1000
    exact = Context(prec=max(digits, places) + 5)

    def read(value: object) -> str:
        if type(value) not in {int, float, str}:
            raise _wrong(value, "a decimal number")
        try:
            # SQLite keeps a decimal as floating point; 15 digits are what is true of it, and what Django reads.
            number = (
                Context(prec=15).create_decimal_from_float(value)
                if type(value) is float
                else Decimal(str(value))
            )
            number = number.quantize(Decimal(1).scaleb(-places), context=exact)
        except DecimalException:
            raise _wrong(value, "a decimal number") from None
        if not number.is_finite() or len(number.as_tuple().digits) > digits:
            raise Misfit(f"holds {{}}, which has more than {digits} digits", shortened(value))
        return format(number or abs(number), "f")

    return Kind(read)


def _uuid(value: object) -> str:
    text = check_text(value, "a UUID")
    if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        raise _wrong(value, "a UUID")
    return str(uuid.UUID(hex=text))


def _json(value: object) -> str:
    return canonical_json(check_text(value))


def _json_of_target(text: str) -> str:
    try:
        return canonical_json(text)
    except Misfit:
        return text


def _bytes(value: object) -> str:
    if type(value) is not bytes:
        raise _wrong(value, "bytes")
    return f"\\x{value.hex()}"


def _address(value: object) -> str:
    try:
        return str(ipaddress.ip_address(check_text(value)))
    except ValueError:
        raise _wrong(value, "a network address") from None


TEXTS = {"CharField", "TextField", "SlugField", "FileField", "FilePathField"}
SIMPLE = {
    "BooleanField": Kind(_truth),
    "DateTimeField": Kind(_moment, _moment_of_target),
    "DateField": Kind(_date),
    "TimeField": Kind(_time_of_day, _time_of_target),
    "DurationField": Kind(
        _duration, to_copy=_duration_for_copy, shown_by="(EXTRACT(EPOCH FROM {}) * 1000000)::bigint::text"
    ),
    "FloatField": Kind(_floating, lambda text: repr(float(text))),
    "UUIDField": Kind(_uuid, is_text=True, is_uuid=True),
    "JSONField": Kind(_json, _json_of_target),
    "BinaryField": Kind(_bytes),
    "GenericIPAddressField": Kind(
        _address, lambda text: str(ipaddress.ip_interface(text).ip), shown_by="host({})"
    ),
}


def kind_of(field: "Field[Any, Any]") -> Kind | None:
    """The kind of a model's field; for a foreign key that of the column it points to. None when there is no rule."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    name = field.get_internal_type()
    if name in TEXTS:
        return _text(getattr(field, "max_length", None) if name != "TextField" else None)
    if isinstance(field, DecimalField):
        return _decimal(field)
    if name in BaseDatabaseOperations.integer_field_ranges:
        return _whole_number(*BaseDatabaseOperations.integer_field_ranges[name])
    return SIMPLE.get(name)
