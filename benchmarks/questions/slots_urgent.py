"""How long an urgent message waits for its slot beside 200 bulk messages that wait in four other processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from benchmarks.interface import Case, Plot, Results, Scale, Table
from benchmarks.processes import SHARED, WAYS, Task, meeting, together
from benchmarks.spread import percentile

TITLE: Final = "Wait of an urgent message beside 200 bulk waiters of four processes"
ORDER: Final = 11
_PROCESSES: Final = 4
_TASKS: Final = 50
_HOLD: Final = 0.05


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each way that has slots of more than one process."""
    for way in SHARED:
        options = {"way": list(WAYS).index(way), "seconds": 2 * _HOLD if scale.quick else 2 * scale.seconds}
        yield Case(question="slots_urgent", name=WAYS[way], options=options)


def measure(case: Case, _url: str) -> dict[str, float]:
    """Use all slots for bulk, and ask for an urgent one now and then."""
    way, seconds = list(WAYS)[int(case.options["way"])], case.options["seconds"]
    with meeting(way) as place:
        bulk = Task(job="churn", way=way, place=place, seconds=seconds, tasks=_TASKS, hold=_HOLD)
        urgent = Task(job="churn", way=way, place=place, seconds=seconds, hold=_HOLD, pause=_HOLD, priority="urgent")
        *others, own = together(*[bulk] * _PROCESSES, urgent)
    waits = {f"wait_ms.{number}": 1e3 * wait for number, wait in enumerate(own["waits"])}
    return {"bulk_per_s": sum(each["served"] for each in others) / seconds, **waits}


def tables(results: Results) -> list[Table]:
    """Return median and 99th percentile over all rounds."""
    rows = [[name, *_cells(results, name)] for name in results.names("slots_urgent")]
    note = (
        f"Milliseconds from asking for a slot to having it, over all rounds; each slot is used for {1e3 * _HOLD:g} ms, "
        "without a server. Lock files know no priorities."
    )
    return [Table(TITLE, ["", "p50, ms", "p99, ms", "bulk a second"], rows, note)]


def _cells(results: Results, name: str) -> tuple[str, str, str]:
    records = [record for record in results.records if (record.question, record.name) == ("slots_urgent", name)]
    waits = [wait for record in records for key, wait in record.values.items() if key.startswith("wait_ms")]
    bulk = [record.values["bulk_per_s"] for record in records]
    return f"{percentile(waits, 50):,.1f}", f"{percentile(waits, 99):,.1f}", f"{sum(bulk) / len(bulk):,.0f}"


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
