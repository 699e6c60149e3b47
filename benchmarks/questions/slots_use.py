"""How much of the ten slots four processes use together, beside one process that has them alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from benchmarks.interface import SLOTS, Case, Latency, Plot, Results, Scale, Table
from benchmarks.processes import WAYS, Task, meeting, together
from benchmarks.spread import ratios, shown

TITLE: Final = "Four processes, ten slots"
ORDER: Final = 8
LATENCIES: Final = {"20 ms": Latency(0.02), "50 ms": Latency(0.05), "100 ms": Latency(0.1)}
_PROCESSES: Final = 4


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each way at each latency."""
    for name, latency in list(LATENCIES.items())[: 1 if scale.quick else None]:
        for number, way in enumerate(WAYS):
            options = {"way": number, "seconds": scale.seconds}
            yield Case(question="slots_use", name=_name(name, way), latency=latency, options=options)


def measure(case: Case, url: str) -> dict[str, float]:
    """Send campaigns at full speed from all processes at once."""
    way, seconds = list(WAYS)[int(case.options["way"])], case.options["seconds"]
    with meeting(way, url) as place:
        task = Task(job="stream", way=way, place=place, url=url, seconds=seconds)
        seen = together(*[task] * (1 if way == "process" else _PROCESSES))
    sent = sum(each["sent"] for each in seen)
    return {"rate_per_s": sent / seconds, "cpu_us": 1e6 * sum(each["cpu"] for each in seen) / max(sent, 1)}


def _name(latency: str, way: str) -> str:
    return f"{latency}, {WAYS[way]}"


def tables(results: Results) -> list[Table]:
    """Return messages a second, and percent of what one process reaches in the same round."""
    measured = results.names("slots_use")
    names = [name for name in LATENCIES if _name(name, "host") in measured]
    rows = [[WAYS[way], *(_cell(results, name, way) for name in names)] for way in WAYS]
    ideal = [f"{SLOTS / LATENCIES[name].median:g}" for name in names]
    note = (
        "Messages a second of all processes together, and percent of one process in the same round; CPU of the "
        "clients per message in µs. One process has its slots from a semaphore, four share them."
    )
    return [Table(TITLE, ["", *names], [["ten slots give", *ideal], *rows] if names else [], note)]


def _cell(results: Results, name: str, way: str) -> str:
    rates = results.rounds_of("slots_use", _name(name, way), "", "rate_per_s")
    alone = results.rounds_of("slots_use", _name(name, "process"), "", "rate_per_s")
    cpu = results.rounds_of("slots_use", _name(name, way), "", "cpu_us")
    return f"{shown(rates, 1)} · {shown(ratios(rates, alone, 100), 1)} % · {shown(cpu)} µs"


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
