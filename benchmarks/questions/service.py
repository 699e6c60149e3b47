"""A service of four workers that sends a message for each of its requests, beside one worker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.interface import SLOTS, Case, Latency, Plot, Results, Scale, Table
from benchmarks.processes import meeting
from benchmarks.spread import shown
from benchmarks.work import TOKEN

TITLE: Final = "A service of four uvicorn workers"
ORDER: Final = 12
_OK: Final = 200
_FILES: Final = "BENCHMARK_FILES"
_READY: Final = "BENCHMARK_READY"


class _Way(msgspec.Struct, frozen=True):
    """How the service is run.

    Args:
        workers: of uvicorn.
        known: environment variables beside the token's and the address's; "{}" becomes the directory of this run.
    """

    workers: int
    known: dict[str, str]


_WAYS: Final = {
    "one worker": _Way(1, {}),
    "four workers, nothing configured": _Way(4, {}),
    "four workers, lock files": _Way(4, {_FILES: "{}"}),
    "four workers, a semaphore of 2 in each": _Way(4, {"WOOXY_LIMITER": "process", "WOOXY_MAX_CONCURRENCY": "2"}),
}


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each way; with `--quick` one."""
    for number, name in list(enumerate(_WAYS))[1 if scale.quick else 0 : 2 if scale.quick else None]:
        latency = Latency(0.02 if scale.quick else 0.2)
        yield Case(
            question="service", name=name, latency=latency, count=40 if scale.quick else 400, options={"way": number}
        )


def measure(case: Case, url: str) -> dict[str, float]:
    """Send all requests at once; seconds from the first to the last answer."""
    way = list(_WAYS.values())[int(case.options["way"])]
    with meeting() as directory:
        place = Path(directory)
        (place / "ready").mkdir()
        known = {name: value.format(directory) for name, value in way.known.items()}
        known |= {"WOOXY_ACCESS_TOKEN": TOKEN, "WOOXY_BASE_URL": url, "WOOXY_RUNTIME_DIR": directory}
        known[_READY] = str(place / "ready")
        command = ["uvicorn", "benchmarks.service:app", "--workers", str(way.workers), "--uds", str(place / "socket")]
        service = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-m", *command, "--lifespan", "on", "--log-level", "warning"],
            env={**os.environ, **known},
            stdout=subprocess.DEVNULL,
        )
        try:
            while len(list((place / "ready").iterdir())) < way.workers:
                time.sleep(0.01)
            return asyncio.run(_drive(place / "socket", case.count))
        finally:
            service.terminate()
            service.wait()


async def _drive(socket: Path, count: int) -> dict[str, float]:
    import aiohttp  # noqa: PLC0415 - the measured process alone

    async with (
        aiohttp.UnixConnector(str(socket), limit=0) as connector,
        aiohttp.ClientSession(connector=connector) as web,
    ):

        async def ask(number: int) -> int:
            async with web.post(f"http://service/{number}") as answer:
                return answer.status

        begun = time.perf_counter()
        answers = Counter(await asyncio.gather(*map(ask, range(count))))
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "ok": float(answers[_OK]), "not_ok": float(count - answers[_OK])}


def tables(results: Results) -> list[Table]:
    """Return seconds, and how many requests were answered 200."""
    names = results.names("service")
    rows = [
        [
            name,
            shown(results.rounds_of("service", name, "", "seconds"), 2),
            shown(results.rounds_of("service", name, "", "ok")),
            str(max(_peaks(results, name))),
        ]
        for name in names
    ]
    note = (
        f"400 requests at once, each of which sends a message that is answered after 0.2 s: {SLOTS} slots need 8 s. "
        "Most at once: what the server saw."
    )
    return [Table(TITLE, ["", "seconds", "answered 200", "most at once"], rows, note)]


def _peaks(results: Results, name: str) -> list[int]:
    return [record.counts.peak for record in results.records if (record.question, record.name) == ("service", name)]


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
