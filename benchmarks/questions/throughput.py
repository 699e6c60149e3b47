"""How much of the limit's throughput a client reaches: 10 slots, an answer after L, nothing lost in between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from benchmarks.driving import drive
from benchmarks.interface import SLOTS, Case, Latency, Line, Plot, Results, Scale, Table
from benchmarks.spread import point, ratios, shown

TITLE: Final = "Throughput"
ORDER: Final = 1
LIMIT: Final = "limit"
TAIL: Final = "tail"
LATENCIES: Final = {
    "5 ms": Latency(0.005),
    "20 ms": Latency(0.02),
    "50 ms": Latency(0.05),
    "100 ms": Latency(0.1),
    TAIL: Latency(0.03, sigma=1.0, most=0.5),
}
_LONG_QUEUE: Final = "aiohttp_gather"  # belongs to the question of memory


def cases(scale: Scale) -> Iterable[Case]:
    """Yield every peer at every latency; with `--quick` at one."""
    for name, latency in list(LATENCIES.items())[: 1 if scale.quick else None]:
        for peer in scale.peers:
            if peer != _LONG_QUEUE:
                count = scale.count(SLOTS / latency.median)
                yield Case(question="throughput", name=name, peer=peer, latency=latency, count=count)


def measure(case: Case, url: str) -> dict[str, float]:
    """Send at full speed."""
    cost = drive(case, url)
    return {"rate_per_s": case.count / cost.seconds, "cpu_us": cost.cpu / case.count * 1e6}


def share(results: Results, name: str, peer: str) -> list[float]:
    """Return each round's rate in percent of the limit's in the same round."""
    limit = results.rounds_of("throughput", name, LIMIT, "rate_per_s")
    return ratios(results.rounds_of("throughput", name, peer, "rate_per_s"), limit, 100)


def tables(results: Results) -> list[Table]:
    """Return shares of the limit, and the limit itself."""
    names = results.names("throughput")
    rows = [
        [title, *(shown(share(results, name, peer), 1) for name in names)]
        for peer, title in results.peers.items()
        if names and peer not in (LIMIT, _LONG_QUEUE)
    ]
    limit = [shown(results.rounds_of("throughput", name, LIMIT, "rate_per_s"), 1) for name in names]
    note = (
        "Percent of what raw sockets reach in the same round, median (least to most). "
        f"{TAIL!r} is lognormal: median 30 ms, sigma 1, at most 500 ms, the same draws for everyone."
    )
    return [Table(TITLE, ["", *names], [["limit, messages a second", *limit], *rows] if names else [], note)]


def plots(results: Results) -> list[Plot]:
    """Draw what is missing from the limit."""
    names = results.names("throughput")
    lines = [
        Line(title, [point([max(0.0, 100 - percent) for percent in share(results, name, peer)]) for name in names])
        for peer, title in results.peers.items()
        if peer not in (LIMIT, _LONG_QUEUE)
    ]
    return [Plot(file="throughput", title="Throughput lost beside the limit", unit="%", places=names, lines=lines)]
