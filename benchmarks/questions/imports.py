"""What `import wooxy_async` costs beside the libraries that it is made of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.interface import Case, Plot, Results, Scale, Table
from benchmarks.spread import ratios, shown

TITLE: Final = "Import time"
ORDER: Final = 7
_OURS: Final = "import wooxy_async"
_PARTS: Final = "import aiohttp, msgspec, anyio"
_TIMED: Final = "from time import perf_counter as p; a = p(); {}; print(p() - a)"


def cases(scale: Scale) -> Iterable[Case]:
    """Yield one case: both imports alternate in it."""
    yield Case(question="imports", name=_OURS, count=1 if scale.quick else 15)


def measure(case: Case, _url: str) -> dict[str, float]:
    """Import both in fresh interpreters by turns, with bytecode that is compiled before."""
    with TemporaryDirectory() as folder:
        _seconds(_OURS, folder)
        taken = [(_seconds(_OURS, folder), _seconds(_PARTS, folder)) for _turn in range(case.count)]
    return {
        "ours_ms": 1e3 * median(ours for ours, _parts in taken),
        "parts_ms": 1e3 * median(parts for _ours, parts in taken),
    }


def _seconds(statement: str, bytecode: str) -> float:
    surroundings = os.environ | {"PYTHONPYCACHEPREFIX": bytecode}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", _TIMED.format(statement)]
    done = subprocess.run(command, capture_output=True, check=True, env=surroundings)  # noqa: S603 - our own
    return float(done.stdout)


def tables(results: Results) -> list[Table]:
    """Return milliseconds and their ratio."""
    ours, parts = (results.rounds_of("imports", _OURS, "", value) for value in ("ours_ms", "parts_ms"))
    rows = [
        [f"`{_OURS}`", shown(ours, 1), shown(ratios(ours, parts), 2)],
        [f"`{_PARTS}`", shown(parts, 1), "1.00"],
    ]
    note = "In fresh interpreters with warm bytecode caches, by turns."
    return [Table(TITLE, ["", "ms", "ratio"], rows if ours else [], note)]


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
