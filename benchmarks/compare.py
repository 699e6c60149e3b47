"""Says what moved between two result files beyond the noise."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from benchmarks.interface import Results
from benchmarks.spread import differ, shown

_Rounds = dict[tuple[str, str], list[float]]


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
