"""A server that goes on counting a request for a moment after its answer: throughput, and how often it answers 429."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from benchmarks.driving import drive
from benchmarks.interface import SLOTS, Case, Latency, Plot, Results, Scale, Table
from benchmarks.spread import ratios, shown

TITLE: Final = "Behind a server that counts 1 ms longer"
ORDER: Final = 2
_BARE: Final = "aiohttp_workers"
_LINGER: Final = 0.001
_LATENCIES: Final = {"5 ms": 0.005, "20 ms": 0.02, "100 ms": 0.1}
_PEERS: Final = ("wooxy_many", _BARE)


def cases(scale: Scale) -> Iterable[Case]:
    """Yield `send_many` and a bare loop that tries again at once, at every latency; with `--quick` at one."""
    for name, latency in list(_LATENCIES.items())[: 1 if scale.quick else None]:
        for peer in filter(scale.peers.__contains__, _PEERS):
            count = scale.count(SLOTS / latency)
            yield Case(question="refusals", name=name, peer=peer, latency=Latency(latency, linger=_LINGER), count=count)


def measure(case: Case, url: str) -> dict[str, float]:
    """Send at full speed."""
    return {"rate_per_s": case.count / drive(case, url).seconds}


def tables(results: Results) -> list[Table]:
    """Return the rate beside the bare loop's, and the 429s of a thousand messages."""
    names = results.names("refusals")
    rows = []
    for peer in filter(results.peers.__contains__, _PEERS):
        rates = [_rates(results, name, peer) for name in names]
        shares = [ratios(mine, _rates(results, name, _BARE)) for name, mine in zip(names, rates, strict=True)]
        rows.append([f"{results.peers[peer]}, rate", *(shown(share, 3) for share in shares)])
        rows.append([f"{results.peers[peer]}, 429s", *(shown(_refused(results, name, peer), 2) for name in names)])
    note = (
        "Rate: times the bare loop's in the same round, median (least to most). 429s: of a thousand messages. "
        "The server counts a request for 1 ms after its answer, and answers an eleventh one 429 without `Retry-After`."
    )
    return [Table(TITLE, ["", *names], rows if names else [], note)]


def _rates(results: Results, name: str, peer: str) -> list[float]:
    return results.rounds_of("refusals", name, peer, "rate_per_s")


def _refused(results: Results, name: str, peer: str) -> list[float]:
    wanted = ("refusals", name, peer)
    found = [record.counts for record in results.records if (record.question, record.name, record.peer) == wanted]
    return [1000 * counts.refused / counts.total for counts in found]


def plots(_results: Results) -> list[Plot]:
    """Return nothing: the table says it."""
    return []
