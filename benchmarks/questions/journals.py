"""What a journal costs a campaign: messages a second and memory, beside the same run without one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from benchmarks.interface import SLOTS, Case, Latency, Plot, Results, Scale, Table
from benchmarks.spread import ratios, shown
from benchmarks.work import TOKEN, phone_number, text

if TYPE_CHECKING:
    from wooxy_async.campaigns import Campaign

TITLE: Final = "A campaign with a journal"
ORDER: Final = 13
LATENCY: Final = Latency(0.02)
SLOW_SYNC: Final = 0.005  # seconds that a sync to disk takes longer
_WAYS: Final = ("without a journal", "with a journal", "with a journal, each sync 5 ms longer")
_KIBIBYTE: Final = 1024


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each way."""
    for number, name in enumerate(_WAYS):
        count = scale.count(SLOTS / LATENCY.median)
        yield Case(question="journals", name=name, latency=LATENCY, count=count, options={"way": number})


def measure(case: Case, url: str) -> dict[str, float]:
    """Send a campaign; making and merging its rows is not counted, and is the same for each number of messages."""
    way = int(case.options["way"])
    with TemporaryDirectory() as folder:
        os.environ["WOOXY_RUNTIME_DIR"] = folder
        seconds = asyncio.run(_send(way, _campaign(way, Path(folder), case.count), url))
    return {"rate_per_s": case.count / seconds, "peak_mib": _peak()}


def _peak() -> float:
    """Return the most memory that this process has had, in MiB; what a parent had is none of it."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / _KIBIBYTE


def _campaign(way: int, folder: Path, count: int) -> Campaign:
    from wooxy_async.campaigns import Campaign  # noqa: PLC0415 - the measured process alone
    from wooxy_async.journals import SQLiteJournal  # noqa: PLC0415

    class SlowDisk(SQLiteJournal):
        def _transaction(self, work: Callable[[], Any], *, is_durable: bool) -> Any:
            result = super()._transaction(work, is_durable=is_durable)
            if is_durable:
                time.sleep(SLOW_SYNC)
            return result

    path = folder / "journal.wooxy"
    journal = (None, SQLiteJournal, SlowDisk)[way]
    rows = [{"phone": phone_number(number), "text": text(number)} for number in range(count)]
    return Campaign(
        rows,
        domain="shop.example",
        text="{{text}}",
        unique="none",
        journal=None if journal is None else journal(path),
    )


async def _send(way: int, campaign: Campaign, url: str) -> float:
    """Return the seconds from the first message to the last outcome."""
    from wooxy_async import WooxyClient  # noqa: PLC0415 - the measured process alone

    async with campaign, WooxyClient(TOKEN, base_url=url, limiter="process") as client:
        began = time.monotonic()
        outcomes: Any = campaign.run(client) if way else client.send_many(campaign.messages())
        async for _outcome in outcomes:
            pass
        return time.monotonic() - began


def tables(results: Results) -> list[Table]:
    """Return messages a second, and percent of the run without a journal in the same round."""
    measured = results.names("journals")
    rows = [[way, *_cells(results, way)] for way in _WAYS if way in measured]
    note = (
        f"One process, {1000 * LATENCY.median:g} ms answers; percent of the run without a journal in the same round. "
        "A sync to disk claims ten rows, ahead of need."
    )
    return [Table(TITLE, ["", "messages a second", "memory, MiB"], rows, note)]


def _cells(results: Results, way: str) -> Iterator[str]:
    rates = results.rounds_of("journals", way, "", "rate_per_s")
    alone = results.rounds_of("journals", _WAYS[0], "", "rate_per_s")
    yield f"{shown(rates, 1)} · {shown(ratios(rates, alone, 100), 1)} %"
    yield shown(results.rounds_of("journals", way, "", "peak_mib"), 1)


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
