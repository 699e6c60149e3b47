"""The report: what a README shows, on which machine it was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.interface import SLOTS, Results, Table, questions
from benchmarks.questions import throughput
from benchmarks.questions.cpu import BARE
from benchmarks.questions.throughput import LIMIT, share
from benchmarks.spread import NOTHING, ratios

_LOOP: Final = "asyncio"
_FROM: Final = "100 ms"
_LATENCIES: Final = (0.05, 0.2, 1.0)
_COUNTS: Final = (300_000, 2_000_000)


def markdown(results: Results) -> str:
    """Return all tables with date, machine and command."""
    how = f"Measured on {results.date} with `{results.command}`, {results.rounds} interleaved rounds, each measurement"
    parts = [f"{how} in a fresh process. {line(results.machine)}."]
    measured = [table for question in questions().values() for table in question.tables(results)]
    tables = [summary(results), *measured, hours(results)]
    parts += [_table(table) for table in tables if table.rows]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    lines = [f"### {table.title}", "", _row(table.header), _row(["---"] + ["---:"] * (len(table.header) - 1))]
    lines += map(_row, table.rows)
    return "\n".join([*lines, "", table.note] if table.note else lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


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


def describe(packages: Iterable[str]) -> dict[str, Any]:
    """Return processor, cores, memory, kernel, Python, load at the start, and the packages' versions."""
    names = {name.replace("_", "-") for name in packages}
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_at_start": os.getloadavg()[0],
        "packages": {name: found for name in sorted(names) if (found := _version(name))},
    }


def line(machine: dict[str, Any]) -> str:
    """Return the description as a line of text."""
    packages = ", ".join(f"{name} {found}" for name, found in machine["packages"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"{machine['python']}, load {machine['load_at_start']:.2f} at the start; {packages}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((entry.partition(": ")[2] for entry in lines if entry.startswith("model name")), platform.processor())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
