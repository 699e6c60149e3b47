"""Makes a failing schedule smaller: choices are left out as long as it still fails."""

from __future__ import annotations

import re
from collections.abc import Iterable

from verdict import Verdict, verdict


def shrunk(found: Verdict) -> Verdict:
    """Return the smallest schedule that was found which fails in the same way."""
    best, size = found, max(len(found.schedule.choices) // 2, 1)
    while True:
        numbers, smaller = list(best.schedule.choices), False
        for start in range(0, len(numbers), size):
            dropped = best.without | frozenset(numbers[start : start + size])
            tried = verdict(best.schedule.seed, dropped)
            if _kinds(tried.wrong) & _kinds(found.wrong):
                best, smaller = tried, True
        if size == 1 and not smaller:
            return best
        size = max(size // 2, 1) if not smaller or size > 1 else 1


def _kinds(wrong: list[str]) -> set[str]:
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
