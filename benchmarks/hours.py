"""How long a campaign takes: computed from the throughput that was measured, not run."""

from __future__ import annotations

from statistics import median
from typing import Final

from benchmarks.interface import SLOTS, Results, Table
from benchmarks.questions import throughput

_FROM: Final = "100 ms"
_LATENCIES: Final = (0.05, 0.2, 1.0)
_COUNTS: Final = (300_000, 2_000_000)


def hours(results: Results) -> Table:
    """Return hours for each number of messages and latency."""
    header = ["", *(f"{count:,} at {latency * 1e3:,.0f} ms" for count in _COUNTS for latency in _LATENCIES)]
    ideal = ["ten slots, nothing lost", *(_cell(count, latency, 0) for count in _COUNTS for latency in _LATENCIES)]
    rows = [ideal]
    for peer, title in results.peers.items():
        lost = _lost(results, peer)
        if lost is not None and peer != throughput.LIMIT:
            rows.append([title, *(_cell(count, latency, lost) for count in _COUNTS for latency in _LATENCIES)])
    note = (
        f"Computed, not run: messages x (latency + what a slot lost per message at {_FROM}) / {SLOTS} slots, "
        "from the median throughput."
    )
    return Table("Hours for a campaign", header, rows if len(rows) > 1 else [], note)


def _lost(results: Results, peer: str) -> float | None:
    """Return the seconds that a slot was empty for each message, where throughput was measured."""
    rates = results.rounds_of("throughput", _FROM, peer, "rate_per_s")
    return SLOTS / median(rates) - throughput.LATENCIES[_FROM].median if rates else None


def _cell(count: int, latency: float, lost: float) -> str:
    return f"{count * (latency + lost) / SLOTS / 3600:.2f}"
