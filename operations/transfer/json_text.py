"""One text for one JSON value, the same for what Python wrote into SQLite and what PostgreSQL's jsonb gives back."""

import json
from decimal import Decimal, DecimalException
from typing import Any

from .unconvertible_values import Misfit

# jsonb goes further, Python's floating point does not; beyond this a number is a slip, and its text would be long.
LARGEST_EXPONENT = 400


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except DecimalException:
        raise Misfit("holds JSON with a number that cannot be read", None) from None
    if abs(number.adjusted()) > LARGEST_EXPONENT and number:
        raise Misfit("holds JSON with a number out of range", None)
    # There is no negative zero in jsonb.
    return number or number.copy_abs()


def _constant(name: str) -> Any:
    raise Misfit(f"holds JSON with {name}, which is not a JSON value", None)


def _whole(text: str) -> Decimal:
    # jsonb keeps whole numbers of any length.
    return Decimal(text) if text != "-0" else Decimal(0)


def _write(value: Any) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(_write(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def canonical_json(text: str) -> str:
    """The canonical form of a JSON text: sorted keys, no spaces, no exponents, no negative zero.

    Raises Misfit for what jsonb refuses: NaN, Infinity, NUL, lone surrogates, and what is not JSON.
    """
    try:
        value = json.loads(text, parse_float=_number, parse_int=_whole, parse_constant=_constant)
        written = _write(value)
        written.encode()
    except Misfit:
        raise
    except UnicodeEncodeError:
        raise Misfit("holds JSON with a lone surrogate", None) from None
    except RecursionError:
        raise Misfit("holds JSON that is nested too deeply", None) from None
    except ValueError:
        raise Misfit("holds text that is not JSON", None) from None
    if "\\u0000" in written.replace("\\\\", ""):
        raise Misfit("holds JSON with a NUL character, which PostgreSQL cannot store", None)
    return written
