"""Argument checks: each error names the argument and says what is right."""

import math
import re

_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_TOKEN = re.compile(r"[!-~]+", re.ASCII)


def seconds(name: str, value: object) -> float:
    """Return a duration as a float.

    Raises:
        TypeError: It is no number (a bool is none).
        ValueError: It is negative, infinite or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, 0 or more, not {value!r}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number of seconds, 0 or more, not {value!r}")
    return float(value)


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return an integer of a range, both ends included.

    Raises:
        TypeError: It is no integer (a bool is none).
        ValueError: It is outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer from {low} to {high}, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, not {value!r}")
    return value


def filled(name: str, value: object) -> str:
    """Return a string that is not empty.

    Raises:
        TypeError: It is no string.
        ValueError: It is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {value!r}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    return value


def flag(name: str, value: object) -> bool:
    """Return a bool.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return one of the strings that an argument may be.

    Raises:
        ValueError: It is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")
    return str(value)


def token(name: str, value: object) -> str:
    """Return a token that fits into a header; the error never repeats it.

    Raises:
        TypeError: It is no string.
        ValueError: It is empty, or holds anything but printable ASCII without spaces.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{name} must be printable ASCII without spaces, and not empty")
    return value


def number(name: str, value: object) -> str:
    """Return a phone number that is spelled as E.164.

    Raises:
        TypeError: It is no string.
        ValueError: It is not "+" and 2 to 15 digits.
    """
    if not _E164.fullmatch(filled(name, value)):
        raise ValueError(f"{name} must be an E.164 number such as '+14155550123', not {value!r}")
    return str(value)


def headers(name: str, value: object) -> tuple[tuple[str, str], ...]:
    """Return header names and values as pairs.

    Raises:
        TypeError: It is no dict of strings, or `None` for none.
        ValueError: A name or a value holds a line break, which would forge another header.
    """
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise TypeError(f"{name} must be a dict of strings, not {value!r}")
    if any(set(part) & set("\r\n\0") for pair in value.items() for part in pair):
        raise ValueError(f"{name} must hold no line breaks, not {value!r}")
    return tuple(value.items())


def finite(name: str, value: object) -> float:
    """Return a finite number.

    Raises:
        TypeError: It is no number (a bool is none).
        ValueError: It is infinite or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return value
