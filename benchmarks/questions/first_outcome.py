"""How long it takes until the first outcome of a long campaign is there, connections included."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import Final

from benchmarks.driving import drive
from benchmarks.interface import Case, Latency, Plot, Results, Scale, Table
from benchmarks.spread import NOTHING, shown

TITLE: Final = "Time to the first outcome"
ORDER: Final = 4
_LATENCY: Final = Latency(0.02)
_COUNTS: Final = (10**3, 10**4, 10**5)


class _SeenError(Exception):
    """Ends a run at its first answer."""


def cases(scale: Scale) -> Iterable[Case]:
    """Yield every peer with campaigns of several lengths."""
    for count in _COUNTS[: 1 if scale.quick else None]:
        for peer in scale.peers:
            yield Case(question="first_outcome", name=f"{count:,} messages", peer=peer, latency=_LATENCY, count=count)


def measure(case: Case, url: str) -> dict[str, float]:
    """Send, and stop at the first answer."""
    seen: list[float] = []

    def watch(_answers: int) -> None:
        seen.append(perf_counter())
        raise _SeenError

    begun = perf_counter()
    try:
        drive(case, url, warm_up=0, watch=watch)
    except* _SeenError:
        pass
    return {"first_ms": (seen[0] - begun) * 1e3}


def tables(results: Results) -> list[Table]:
    """Return milliseconds."""
    names = results.names("first_outcome")
    rows = [
        [title, *(shown(results.rounds_of("first_outcome", name, peer, "first_ms"), 1) for name in names)]
        for peer, title in results.peers.items()
    ]
    note = "Milliseconds from a cold start, import and connection included, at a latency of 20 ms."
    return [Table(TITLE, ["", *names], [row for row in rows if set(row[1:]) - {NOTHING}], note)]


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
