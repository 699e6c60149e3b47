"""What a message costs the client's processor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from benchmarks.driving import drive
from benchmarks.interface import SLOTS, Case, Latency, Line, Plot, Results, Scale, Table
from benchmarks.spread import NOTHING, point, ratios, shown

TITLE: Final = "CPU per message"
ORDER: Final = 2
BARE: Final = "aiohttp_semaphore"
_PLACES: Final = {"20 ms": Latency(0.02), "at once": Latency()}
_AT_ONCE_PER_SECOND: Final = 2000.0  # about what clients reach when the server answers at once
_ON_UVLOOP: Final = ("wooxy_many", "wooxy_send", "aiohttp_semaphore", "aiohttp_workers")
_NOT_HERE: Final = ("aiohttp_gather",)


def cases(scale: Scale) -> Iterable[Case]:
    """Yield every peer, at a usual latency and without any; ours and bare aiohttp also on uvloop."""
    for latency_name, latency in list(_PLACES.items())[: 1 if scale.quick else None]:
        count = scale.count(SLOTS / latency.median if latency.median else _AT_ONCE_PER_SECOND)
        for peer in scale.peers:
            for loop in ("asyncio", "uvloop") if peer in _ON_UVLOOP and not scale.quick else ("asyncio",):
                if peer not in _NOT_HERE:
                    name = f"{latency_name}, {loop}"
                    yield Case(question="cpu", name=name, peer=peer, latency=latency, count=count, loop=loop)


def measure(case: Case, url: str) -> dict[str, float]:
    """Send at full speed; user and kernel time of this process, all threads."""
    cost = drive(case, url)
    return {"cpu_us": cost.cpu / case.count * 1e6, "rate_per_s": case.count / cost.seconds}


def tables(results: Results) -> list[Table]:
    """Return µs per message, and how many times bare aiohttp's on the same loop in the same round."""
    names = results.names("cpu")
    rows = [[title, *(_cell(results, name, peer) for name in names)] for peer, title in results.peers.items()]
    note = (
        "Microseconds of the client process per message (user and kernel), median (least to most), and x bare aiohttp "
        "under a semaphore on the same loop in the same round."
    )
    return [Table(TITLE, ["", *names], [row for row in rows if set(row[1:]) - {NOTHING}], note)]


def _cell(results: Results, name: str, peer: str) -> str:
    mine = results.rounds_of("cpu", name, peer, "cpu_us")
    bare = results.rounds_of("cpu", name, BARE, "cpu_us")
    if not mine:
        return NOTHING
    return f"{shown(mine)} · {shown(ratios(mine, bare), 2)}x" if bare else shown(mine)


def plots(results: Results) -> list[Plot]:
    """Draw µs per message."""
    names = results.names("cpu")
    lines = [
        Line(title, [point(results.rounds_of("cpu", name, peer, "cpu_us")) for name in names])
        for peer, title in results.peers.items()
    ]
    lines = [line for line in lines if any(line.points)]
    return [Plot(file="cpu", title="CPU per message", unit="µs", places=names, lines=lines)]
