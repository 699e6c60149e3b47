"""Medians, spreads, whether two sets of rounds differ, and what moved between two result files beyond the noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import ceil, comb
from statistics import median
from typing import Final

from benchmarks.interface import Results

NOTHING: Final = "-"  # stands in a table where nothing was measured
_CHANCE: Final = 0.05  # a difference that chance alone gives more often than this is noise
_Rounds = dict[tuple[str, str], list[float]]


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


def comparison(before: Results, after: Results) -> str:
    """Return a line for each figure that moved, the largest change first, and how many did not."""
    old, new = _rounds(before), _rounds(after)
    both = [key for key in old if key in new and median(old[key])]
    moved = [(median(new[key]) / median(old[key]) - 1, key) for key in both if differ(old[key], new[key])]
    lines = [
        f"{change:+8.1%}  {case}, {value}: {shown(old[case, value], 2)} → {shown(new[case, value], 2)}"
        for change, (case, value) in sorted(moved, key=lambda entry: -abs(entry[0]))
    ]
    differences = [
        f"not the same: {name}: {before.machine.get(name)} → {after.machine.get(name)}"
        for name in before.machine
        if name != "load_at_start" and before.machine[name] != after.machine.get(name)
    ]
    still, alone = len(both) - len(moved), len(set(old) ^ set(new))
    rest = f"{still} figures did not move beyond the noise; {alone} are in one file only."
    return "\n".join([*differences, *lines, rest]) + "\n"


def _rounds(results: Results) -> _Rounds:
    """Return all figures of a case by name; figures whose names differ after a dot are one series."""
    found: _Rounds = defaultdict(list)
    for record in results.records:
        for value, figure in record.values.items():
            found[record.key, value.partition(".")[0]].append(figure)
    return found
