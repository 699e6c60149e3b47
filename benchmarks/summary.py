"""The table for the README: what decides, medians alone."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.interface import Results, Table
from benchmarks.questions.cpu import BARE
from benchmarks.questions.throughput import LIMIT, share
from benchmarks.spread import NOTHING, ratios

_LOOP: Final = "asyncio"


def summary(results: Results) -> Table:
    """Return a row for each peer: shares of the limit, CPU per message, memory of the longest run."""
    latencies = results.names("throughput")
    places = [name for name in results.names("cpu") if name.endswith(_LOOP)]
    longest = results.names("memory")[-1:]
    header = [
        "",
        *latencies,
        *(f"CPU, {place.removesuffix(f', {_LOOP}')}" for place in places),
        *(f"memory, {count}" for count in longest),
    ]
    rows = []
    for peer, title in results.peers.items():
        cells = [
            *(_middle(share(results, name, peer), ".1f", " %") for name in latencies),
            *(_cpu(results, place, peer) for place in places),
            *(_middle(results.rounds_of("memory", count, peer, "most_mib"), ",.0f", " MiB") for count in longest),
        ]
        if peer != LIMIT and set(cells) - {NOTHING}:
            rows.append([title, *cells])
    note = (
        "Throughput in percent of the limit; microseconds of CPU per message, and times a bare aiohttp loop under a "
        "semaphore; the most memory for so many messages. Medians."
    )
    return Table("In short", header, rows, note)


def _cpu(results: Results, place: str, peer: str) -> str:
    mine = results.rounds_of("cpu", place, peer, "cpu_us")
    times = _middle(ratios(mine, results.rounds_of("cpu", place, BARE, "cpu_us")), ".2f", "x")
    return NOTHING if not mine else f"{_middle(mine, ',.0f', ' µs')} · {times}"


def _middle(rounds: Sequence[float], digits: str, unit: str) -> str:
    return f"{median(rounds):{digits}}{unit}" if rounds else NOTHING
