"""The canonical text of a JSON value, equal for what Python wrote into SQLite and what PostgreSQL's jsonb returns."""

import json
from decimal import Decimal, DecimalException
from typing import Any

from .unconvertible_values import UnconvertibleValue

# jsonb allows larger ones, Python's floating point does not; beyond this a number is a mistake, and its text long.
LARGEST_EXPONENT = 400


def _parse_number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except DecimalException:
        raise UnconvertibleValue("holds JSON with a number that cannot be read", None) from None
    if abs(number.adjusted()) > LARGEST_EXPONENT and number:
        raise UnconvertibleValue("holds JSON with a number out of range", None)
    # There is no negative zero in jsonb.
    return number or number.copy_abs()


def _write_json(value: Any) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return (
                "{" + ",".join(f"{_write_json(key)}:{_write_json(value[key])}" for key in sorted(value)) + "}"
            )
        case list():
            return "[" + ",".join(_write_json(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def canonical_json(text: str) -> str:
    """Return the canonical form of a JSON text: sorted keys, no spaces, no exponents, no negative zero.

    Raises UnconvertibleValue for what jsonb refuses: NaN, Infinity, NUL, lone surrogates, and what is not JSON.
    """

    def refuse_constant(name: str) -> Any:
        raise UnconvertibleValue(f"holds JSON with {name}, which is not a JSON value", None)

    try:
        value = json.loads(
            text,
            parse_float=_parse_number,
            # jsonb keeps whole numbers of any length, but no negative zero.
            parse_int=lambda digits: Decimal(digits) if digits != "-0" else Decimal(0),
            parse_constant=refuse_constant,
        )
        canonical = _write_json(value)
        canonical.encode()
    except UnconvertibleValue:
        raise
    except UnicodeEncodeError:
        raise UnconvertibleValue("holds JSON with a lone surrogate", None) from None
    except RecursionError:
        raise UnconvertibleValue("holds JSON that is nested too deeply", None) from None
    except ValueError:
        raise UnconvertibleValue("holds text that is not JSON", None) from None
    if "\\u0000" in canonical.replace("\\\\", ""):
        raise UnconvertibleValue("holds JSON with a NUL character, which PostgreSQL cannot store", None)
    return canonical
