"""Checks of what a caller configures: every refusal names the argument and says what is right."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def whole(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number within its range.

    Raises:
        TypeError: it is no int, or a bool.
        ValueError: it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {value!r}.")
    return value


def number(name: str, value: Any, least: float, most: float) -> float:
    """Return a finite number within its range.

    Raises:
        TypeError: it is no number, or a bool.
        ValueError: it is out of range or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number from {least:g} to {most:g}, not {value!r}.")
    if not math.isfinite(value) or not least <= value <= most:
        raise ValueError(f"{name} must be from {least:g} to {most:g}, not {value!r}.")
    return float(value)


def one_of(name: str, value: Any, allowed: Iterable[str]) -> Any:
    """Return a word that is one of those allowed.

    Raises:
        ValueError: it is another.
    """
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, not {value!r}.")
    return value
