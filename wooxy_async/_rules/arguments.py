"""Checks of what a caller configures, here and in the sandbox: every refusal names the argument and what is right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, ParamSpec

_MAX_SHOWN: Final = 80
_LARGEST: Final = sys.float_info.max
_Given = ParamSpec("_Given")


def hiding_arguments(constructor: Callable[_Given, None]) -> Callable[_Given, None]:
    """Let what a constructor raises come from a frame that holds none of its arguments.

    A traceback with locals shows the parameters of each of its frames. So a refusal leaves its frames behind, and
    whatever it came of, and starts anew from one that is empty.
    """

    @wraps(constructor)
    def construct(*args: _Given.args, **kwargs: _Given.kwargs) -> None:
        try:
            constructor(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - raised again below
            refusal = error
        else:
            return
        del args, kwargs
        refusal.__cause__ = refusal.__context__ = None
        try:
            raise refusal.with_traceback(None)
        finally:
            del refusal

    return construct


@contextmanager
def redacting(redact: Callable[[str], str]) -> Iterator[None]:
    """Let no refusal repeat a secret that was given as the wrong argument.

    Args:
        redact: removes secrets from a text.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(redact(str(error))) from None


def shown(value: object) -> str:
    """Return what a value looks like, in 80 printable characters at the most, whatever its own `repr` does."""
    return truncate(safe_repr(value))


def safe_repr(value: object) -> str:
    """Return the `repr` of a value, or its type where it has none."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a caller's class may raise anything, and an int of 5,000 digits has no repr
        return f"<{type(value).__name__}>"


def truncate(text: str) -> str:
    """Return a text that UTF-8 can hold, cut to 80 characters."""
    start = text[: _MAX_SHOWN + 1].encode("utf-8", "backslashreplace").decode()
    return start if len(start) <= _MAX_SHOWN else f"{start[: _MAX_SHOWN - 1]}…"


def whole(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number within its range.

    Raises:
        TypeError: it is no int, or a bool.
        ValueError: it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number from {least} to {most}, not {shown(value)}.")
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {shown(value)}.")
    return value


def number(name: str, value: Any, least: float = -_LARGEST, most: float = _LARGEST) -> float:
    """Return a finite number within its range.

    Raises:
        TypeError: it is no number, or a bool.
        ValueError: it is out of range or not finite.
    """
    right = _numbers(least, most)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be {right}, not {shown(value)}.")
    if not least <= value <= most:  # neither is NaN
        raise ValueError(f"{name} must be {right.removeprefix('a number ')}, not {shown(value)}.")
    return float(value)


def _numbers(least: float, most: float) -> str:
    if most < _LARGEST:
        return f"a number from {least:g} to {most:g}"
    return f"a finite number, {least:g} or more" if least > -_LARGEST else "a finite number"


def flag(name: str, value: Any) -> bool:
    """Return a bool.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {shown(value)}.")
    return value


def filled(name: str, value: Any) -> str:
    """Return a text that is not empty.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, not {shown(value)}.")
    if not value:
        raise ValueError(f"{name} must not be empty.")
    return value


def token(name: str, value: Any) -> str:
    """Return an access token that fits into a header; no refusal repeats it.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or holds anything but printable ASCII without blanks.
    """
    if not isinstance(value, str):
        remedy = ": pass what its get_secret_value() returns" if hasattr(value, "get_secret_value") else ""
        raise TypeError(f"{name} must be a text, not {type(value).__name__}{remedy}.")
    if not value or not all("!" <= character <= "~" for character in value):
        raise ValueError(f"{name} must be printable ASCII without blanks or line breaks, and not empty.")
    return value


def one_of(name: str, value: Any, allowed: Iterable[str]) -> Any:
    """Return a word that is one of those allowed.

    Raises:
        ValueError: it is another.
    """
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, not {shown(value)}.")
    return value
