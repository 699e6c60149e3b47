"""How long an urgent `send` waits for its slot beside running campaigns, with and without its priority."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterable
from time import perf_counter
from typing import Any, Final

from benchmarks.driving import run
from benchmarks.interface import Case, Latency, Line, Plot, Results, Scale, Table
from benchmarks.spread import percentile
from benchmarks.work import HANG, TOKEN, message_maker, phone_number

TITLE: Final = "Wait of an urgent send() for its slot"
ORDER: Final = 5
_PLACES: Final = {  # latency, campaigns at once, requests that hang
    "20 ms": (0.02, 1, 0),
    "200 ms": (0.2, 1, 0),
    "200 ms, four campaigns": (0.2, 4, 0),
    "200 ms, 5 of 10 hang": (0.2, 1, 5),
    "2 s": (2.0, 1, 0),
    "2 s, four campaigns": (2.0, 4, 0),
}
_PRIORITIES: Final = {"urgent": "with its priority", "bulk": "without"}
_LONG: Final = 1.0  # seconds of latency from which a place is measured in the first round alone
_PATIENCE: Final = 3600.0
_SETTLE: Final = 2.5  # latencies before the first urgent message, so that the campaigns are under way


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each place with the priority of `send`, and with the campaigns' own."""
    for place, (latency, campaigns, hanging) in list(_PLACES.items())[: 1 if scale.quick else None]:
        once = latency >= _LONG
        for number, priority in enumerate(_PRIORITIES):
            yield Case(
                question="urgent",
                name=f"{place}, {_PRIORITIES[priority]}",
                peer="wooxy_send",
                latency=Latency(latency),
                count=5 if scale.quick else 100 if once else 60,
                options={"campaigns": campaigns, "hanging": hanging, "bulk": number},
                once=once,
            )


def measure(case: Case, url: str) -> dict[str, float]:
    """Return each message's wait in milliseconds: its time to the answer without the server's."""
    waits = run(_measure(case, url), case.loop)
    return {f"wait_ms.{number}": 1e3 * wait for number, wait in enumerate(waits)}


async def _measure(case: Case, url: str) -> list[float]:
    from wooxy_async import WooxyClient  # noqa: PLC0415 - the measured process alone

    wooxy = WooxyClient(TOKEN, base_url=url, answer_limit=_PATIENCE)
    hanging, campaigns = int(case.options["hanging"]), int(case.options["campaigns"])
    background = [asyncio.create_task(_hang(wooxy)) for _number in range(hanging)]
    background += [asyncio.create_task(_campaign(wooxy)) for _number in range(campaigns)]
    await asyncio.sleep(_SETTLE * case.latency.median)
    waits = await _waits_of(wooxy, case)
    for task in background:
        task.cancel()
    await asyncio.wait(background)
    await wooxy.aclose()
    return waits


async def _waits_of(wooxy: Any, case: Case) -> list[float]:
    """Send at random moments, on average two messages per latency, and return what each one waited."""
    latency, chance = case.latency.median, random.Random(3)
    priority = "bulk" if case.options["bulk"] else "urgent"
    message = message_maker()

    async def wait_of(number: int) -> float:
        begun = perf_counter()
        await wooxy.send(message(number), priority=priority, timeout=_PATIENCE)
        return perf_counter() - begun - latency

    tasks = []
    for number in range(case.count):
        tasks.append(asyncio.create_task(wait_of(number)))
        await asyncio.sleep(chance.uniform(0, latency))
    return await asyncio.gather(*tasks)


async def _hang(wooxy: Any) -> None:
    from wooxy_async import ViberMessage  # noqa: PLC0415 - the measured process alone

    await wooxy.send(ViberMessage(domain="shop.example", phone_number=phone_number(0), text=HANG), timeout=_PATIENCE)


async def _campaign(wooxy: Any) -> None:
    async for _outcome in wooxy.send_many(map(message_maker(), itertools.count())):
        pass


def _waits(results: Results, name: str) -> list[float]:
    records = [record for record in results.records if (record.question, record.name) == ("urgent", name)]
    return [wait for record in records for wait in record.values.values()]


def tables(results: Results) -> list[Table]:
    """Return median and 99th percentile over all rounds."""
    measured = set(results.names("urgent"))
    rows = [
        [place, *(_cell(results, f"{place}, {text}") for text in _PRIORITIES.values())]
        for place in _PLACES
        if f"{place}, {_PRIORITIES['urgent']}" in measured
    ]
    header = ["latency", *(f"{text}, p50 / p99" for text in _PRIORITIES.values())]
    note = (
        "Milliseconds from the call to the answer, less the server's latency: the wait for a slot and the client's own "
        'time; two messages per latency, over all rounds. Without: `priority="bulk"`, in line with the campaign.'
    )
    return [Table(TITLE, header, rows, note)]


def _cell(results: Results, name: str) -> str:
    waits = _waits(results, name)
    return f"{percentile(waits, 50):,.1f} / {percentile(waits, 99):,.1f}"


def plots(results: Results) -> list[Plot]:
    """Draw the 99th percentiles, with the median as the lower end."""
    measured = set(results.names("urgent"))
    places = [place for place in _PLACES if f"{place}, {_PRIORITIES['urgent']}" in measured]
    lines = [
        Line(text, [_point(_waits(results, f"{place}, {text}")) for place in places]) for text in _PRIORITIES.values()
    ]
    title = "Wait of a send() beside campaigns: p99, line from the median"
    return [Plot(file="urgent", title=title, unit="ms", places=places, lines=lines)] if places else []


def _point(waits: list[float]) -> tuple[float, float, float]:
    high = percentile(waits, 99)
    return high, max(percentile(waits, 50), 0), high
