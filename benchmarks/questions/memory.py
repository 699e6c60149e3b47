"""Whether memory grows with the number of messages."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.driving import drive
from benchmarks.interface import Case, Line, Plot, Results, Scale, Table
from benchmarks.spread import point, shown

TITLE: Final = "Memory"
ORDER: Final = 3
_PEERS: Final = ("wooxy_many", "aiohttp_semaphore", "aiohttp_gather")
_COUNTS: Final = (10**3, 10**4, 10**5, 10**6)
_EARLY: Final = 10**4  # a campaign of more messages should need no more memory
_MIB: Final = 2**20


def cases(scale: Scale) -> Iterable[Case]:
    """Yield ours, a loop with a window, and gather of everything, from 1,000 to 1,000,000 messages answered at once."""
    for count in _COUNTS[: 1 if scale.quick else None]:
        for peer in _PEERS:
            if peer in scale.peers:
                yield Case(question="memory", name=f"{count:,}", peer=peer, count=count, once=True)


def measure(case: Case, url: str) -> dict[str, float]:
    """Note resident memory before, and the most there was."""
    before = _resident()
    drive(case, url)
    return {"most_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / _MIB}


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def tables(results: Results) -> list[Table]:
    """Return the most memory that a run needed, and by how much a campaign of a million needs more than a small one."""
    names = results.names("memory")
    rows = []
    for peer, title in results.peers.items():
        most = [results.rounds_of("memory", name, peer, "most_mib") for name in names]
        early = results.rounds_of("memory", f"{_EARLY:,}", peer, "most_mib")
        growth = [long - short for long, short in zip(most[-1], early, strict=False)] if names else []
        if any(most):
            rows.append([title, *(shown(rounds, 1) for rounds in most), shown(growth, 1)])
    note = (
        "MiB of resident memory, the most over what the process had before it imported the client; growth: the longest "
        f"run beside the one of {_EARLY:,} messages."
    )
    return [Table(TITLE, ["messages", *names, "growth"], rows, note)]


def plots(results: Results) -> list[Plot]:
    """Draw the most memory over the number of messages."""
    names = results.names("memory")
    lines = [
        Line(title, [point(results.rounds_of("memory", name, peer, "most_mib")) for name in names])
        for peer, title in results.peers.items()
    ]
    lines = [line for line in lines if any(line.points)]
    return [Plot(file="memory", title=TITLE, unit="MiB", places=names, lines=lines, joined=True)]
