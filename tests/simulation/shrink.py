"""Makes a failing schedule smaller: choices are left out as long as it still fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


def smallest(
    choices: Iterable[int], without: frozenset[int], tried: Callable[[frozenset[int]], Iterable[int] | None]
) -> frozenset[int]:
    """Return what can be left out.

    Args:
        choices: the numbers of those that were made.
        without: what is left out already.
        tried: returns the choices that are made without some, or None where it no longer fails.
    """
    left = list(choices)
    size = max(len(left) // 2, 1)
    while True:
        is_smaller = False
        for start in range(0, len(left), size):
            dropped = without | frozenset(left[start : start + size])
            if dropped > without and (remaining := tried(dropped)) is not None:
                without, left, is_smaller = dropped, list(remaining), True
        if size == 1 and not is_smaller:
            return without
        size = max(size // 2, 1)


def kinds(wrong: Iterable[str]) -> set[str]:
    """Return what is wrong, whatever the message and the number."""
    return {re.sub(r"\bm?\d[\d.]*", "#", line)[:40] for line in wrong}


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as `1-3,7`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
