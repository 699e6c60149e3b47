"""What a slot costs: processor time of a free one, time and processor time of waiting for one."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Final

from benchmarks.interface import SLOTS, Case, Plot, Results, Scale, Table
from benchmarks.processes import SHARED, WAYS, Task, meeting, started, together
from benchmarks.spread import NOTHING, percentile, ratios, shown

TITLE: Final = "Cost of a slot"
ORDER: Final = 9
_PROCESSES: Final = 4
_TASKS: Final = 20
_HOLD: Final = 0.02
_WAITERS: Final = 100
_ALONE: Final = ("free_us", "free_ms", "message_us")  # what one process does alone
_HEADER: Final = {
    "free_us": "free: CPU, µs",
    "free_ms": "free: ms",
    "message_us": "a campaign, answered at once: CPU per message, µs · x one process",
    "p50_ms": f"{_PROCESSES} x {_TASKS} tasks, {1e3 * _HOLD:g} ms: p50, ms",
    "p99_ms": "p99, ms",
    "longest_ms": "longest, ms",
    "waiting_percent": f"{_WAITERS} waiters: CPU, % of a core",
}


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each way."""
    for way in ("process", *SHARED):
        count = 100 if scale.quick else 5_000
        options = {"way": list(WAYS).index(way), "seconds": scale.seconds}
        yield Case(question="slots_cost", name=WAYS[way], count=count, options=options)


def measure(case: Case, url: str) -> dict[str, float]:
    """Take free slots alone, and send a campaign alone; then, over processes, wait for used slots."""
    way, seconds = list(WAYS)[int(case.options["way"])], case.options["seconds"]
    with meeting(way) as place:
        (alone,) = together(Task(job="alone", way=way, place=place, count=case.count))
    found = {"free_us": 1e6 * alone["cpu"], "free_ms": 1e3 * alone["seconds"]}
    with meeting(way, url) as place:
        (campaign,) = together(Task(job="stream", way=way, place=place, url=url, seconds=seconds))
    found["message_us"] = 1e6 * campaign["cpu"] / max(campaign["sent"], 1)
    if way in SHARED:
        waits = _waits(way, seconds)
        found |= {"p50_ms": 1e3 * median(waits), "p99_ms": 1e3 * percentile(waits, 99), "longest_ms": 1e3 * max(waits)}
        found["waiting_percent"] = 100 * _waiting(way, seconds)
    return found


def _waits(way: str, seconds: float) -> list[float]:
    with meeting(way) as place:
        task = Task(job="churn", way=way, place=place, seconds=seconds, tasks=_TASKS, hold=_HOLD)
        return [wait for each in together(*[task] * _PROCESSES) for wait in each["waits"]]


def _waiting(way: str, seconds: float) -> float:
    with meeting(way) as place:
        with started(Task(job="hold", way=way, place=place, tasks=SLOTS)) as (holder,):
            holder.hears()  # it has all
            (waiting,) = together(Task(job="wait", way=way, place=place, tasks=_WAITERS, seconds=seconds))
        spent: float = waiting["cpu"]
        return spent


def tables(results: Results) -> list[Table]:
    """Return a row for each way."""
    names = results.names("slots_cost")
    rows = [[WAYS[way], *(_cell(results, way, value) for value in _HEADER)] for way in WAYS if WAYS[way] in names]
    note = (
        "A free slot is taken and given back by one process alone. The waits are from asking for a slot to having it, "
        "without a server; where turns are fair each waits for 7 holds. The waiters are in one process, and another "
        "holds all ten."
    )
    return [Table(TITLE, ["", *_HEADER.values()], rows, note)]


def _cell(results: Results, way: str, value: str) -> str:
    if way not in SHARED and value not in _ALONE:
        return NOTHING
    rounds = results.rounds_of("slots_cost", WAYS[way], "", value)
    if value != "message_us":
        return shown(rounds, 2)
    alone = results.rounds_of("slots_cost", WAYS["process"], "", value)
    return f"{shown(rounds)} · {shown(ratios(rounds, alone), 2)}x"


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
