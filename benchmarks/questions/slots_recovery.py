"""When the slots of a process that was killed are another's."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from benchmarks.interface import SLOTS, Case, Plot, Results, Scale, Table
from benchmarks.processes import LEASE, LOSS_HOLD, SHARED, WAYS, Process, Task, meeting, started
from benchmarks.spread import shown

TITLE: Final = "Slots after a SIGKILL"
ORDER: Final = 10


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each way that has slots of more than one process."""
    del scale
    for way in SHARED:
        yield Case(question="slots_recovery", name=WAYS[way], options={"way": list(WAYS).index(way)})


def measure(case: Case, _url: str) -> dict[str, float]:
    """Kill the holder of all ten while another process waits for them."""
    way = list(WAYS)[int(case.options["way"])]
    with meeting(way) as place:
        task = Task(job="hold", way=way, place=place, tasks=SLOTS)
        with started(task) as (holder,):
            holder.hears()
            heir = Process(task)
            heir.hears()
            time.sleep(0.5)  # until it waits
            killed = time.monotonic()
            holder.kill()
            had = heir.hears()["had"]
            heir.kill()
    return {"first_s": had[0] - killed, "last_s": had[-1] - killed}


def tables(results: Results) -> list[Table]:
    """Return seconds until the first and the last."""
    names = results.names("slots_recovery")
    rows = [
        [name, *(shown(results.rounds_of("slots_recovery", name, "", value), 2) for value in ("first_s", "last_s"))]
        for name in names
    ]
    note = (
        "Seconds from the kill until a process that waits has the first and the last of ten. Ours keep them closed for "
        f"`loss_hold`, here {LOSS_HOLD:g} s, because the server may still be at work; over an engine they are the dead "
        f"process's until its lease of {LEASE:g} s ends."
    )
    return [Table(TITLE, ["", "first slot, s", "all ten, s"], rows, note)]


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
