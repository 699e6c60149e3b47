"""Medians, spreads, and whether two sets of rounds differ."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb
from statistics import median
from typing import Final

NOTHING: Final = "-"  # stands in a table where nothing was measured
_CHANCE: Final = 0.05  # a difference that chance alone gives more often than this is noise


def shown(rounds: Sequence[float], digits: int = 0) -> str:
    """Return a median with its least and most as text."""
    if not rounds:
        return NOTHING
    middle = f"{median(rounds):z,.{digits}f}"
    return middle if len(rounds) == 1 else f"{middle} ({min(rounds):z,.{digits}f}-{max(rounds):z,.{digits}f})"


def point(rounds: Sequence[float]) -> tuple[float, float, float] | None:
    """Return median, least and most; None where nothing was measured."""
    return (median(rounds), min(rounds), max(rounds)) if rounds else None


def ratios(rounds: Sequence[float], to: Sequence[float], factor: float = 1.0) -> list[float]:
    """Return each round's figure in terms of the same round's other figure."""
    return [factor * mine / other for mine, other in zip(rounds, to, strict=False) if other]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile: the least value that so many percent do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def differ(before: Sequence[float], after: Sequence[float]) -> bool:
    """Return whether all rounds of one lie on the same side of all rounds of the other, and chance would not do that.

    Two sets of five rounds are apart by chance alone once in 126 times, two of three once in 10: that is noise.
    """
    apart = max(before) < min(after) or max(after) < min(before)
    return apart and 2 / comb(len(before) + len(after), len(before)) <= _CHANCE
