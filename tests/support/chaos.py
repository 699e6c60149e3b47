"""Kill, stop, continue, fork and delete at random; the server counts, and the logs of all processes are swept.

python tests/support/chaos.py --seeds 10 --seconds 30
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal, NamedTuple

from host_machine import Machine, Worker, machine
from slot_log import most_at_once

from wooxy_async.sandbox import Delay, Sandbox

ANSWER_LIMIT, LOSS_HOLD = 1.5, 1.0
LATENCY = Delay.uniform(0.3, 1.0)  # long enough for what goes wrong to be seen
LOSS_GRACE = 0.5
SLACK = 60.0  # seconds in which what is left must come to its end on a busy machine

Mutant = Literal["hasty", "unchecked", "apart"]
"""What may be wrong: the slots of the dead are free at once; the late check is off; processes do not meet."""


class Figures(NamedTuple):
    """What one run has shown.

    Args:
        peak: the most requests that the server saw in progress.
        held: the most slots that all processes together believed to hold.
        violations: requests over ten.
        requests: of all processes.
        events: what was done to them.
        recovery: seconds from the death of all processes until a new one had all ten slots.
    """

    peak: int
    held: int
    violations: int
    requests: int
    events: int
    recovery: float

    @property
    def is_sound(self) -> bool:
        """Whether the cap held, was reached, and was one: the slots of the dead were closed for the hold."""
        return (self.peak, self.held, self.violations) == (10, 10, 0) and self.recovery >= LOSS_HOLD


class Chaos:
    """What is done to the processes of one machine.

    Args:
        sandbox: the server.
        shared: the machine.
        place: for logs, and for directories of processes that do not meet.
        draw: says what happens.
        mutant: what is wrong with them.
    """

    stops = (0.05, 0.5, ANSWER_LIMIT + LOSS_HOLD + 0.5)  # seconds: for less or for more than the end of their requests

    def __init__(
        self, sandbox: Sandbox, shared: Machine, place: Path, draw: random.Random, mutant: Mutant | None
    ) -> None:
        self.events = 0
        self.deaths: dict[int, float] = {}
        self.logs = place / "logs"
        self.logs.mkdir()
        self._sandbox = sandbox
        self._shared = shared
        self._place = place
        self._draw = draw
        self._mutant = mutant
        self.is_mutant = mutant is not None
        self._workers: list[Worker] = []
        shows = {"hasty": [self._replace], "unchecked": [self._stop]}  # what brings a mutant's bug to light
        self._acts = shows.get(mutant or "", [self._stop, self._stop, self._replace, self._delete])

    async def begin(self, processes: int) -> None:
        """Start processes that send without end."""
        self._workers = [await self._start() for _ in range(processes)]

    async def go_on(self, seconds: float) -> None:
        """Let things happen; a mutant has to be seen only once."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not (self.is_mutant and self._sandbox.violations):
            await asyncio.sleep(self._draw.random())
            await self._draw.choice(self._acts)()
            self.events += 1

    async def end(self) -> float:
        """See that nothing is stuck, kill all, and return how long it takes until ten slots are had again."""
        async with asyncio.timeout(SLACK):
            await self._sandbox.until(lambda: self._sandbox.in_progress == 10)
            heir = await self._shared.start("hold", **{**self.given(), "log": None})
            for worker in self._workers:
                await self._kill(worker)
            died = time.monotonic()
            heir.go()
            assert await heir.reads() == "held"
        return time.monotonic() - died

    def given(self) -> dict[str, object]:
        """Return the options of one process more."""
        given: dict[str, object] = {"log": self.logs, "answer_limit": ANSWER_LIMIT, "loss_hold": LOSS_HOLD}
        if self._mutant == "apart":
            given["limiter"] = f"host:{self._place / str(self._draw.random())}"
        elif self._mutant:
            given["mutant"] = self._mutant
        return given

    async def _start(self) -> Worker:
        worker = await self._shared.start("load", start=self._draw.randrange(1 << 30), **self.given())
        worker.go()
        return worker

    async def _replace(self) -> None:
        at = self._draw.randrange(len(self._workers))
        await self._kill(self._workers[at])
        self._workers[at] = await self._start()

    async def _delete(self) -> None:
        self._shared.file.unlink(missing_ok=True)

    async def _kill(self, worker: Worker) -> None:
        self.deaths[worker.process.pid] = time.monotonic()  # before: it holds for no longer than this is sure
        await worker.end()

    async def _stop(self) -> None:
        """Stop some but never all."""
        stopped = self._draw.sample(self._workers, self._draw.randrange(1, len(self._workers)))
        for worker in stopped:
            worker.signal(signal.SIGSTOP)
        await asyncio.sleep(self._draw.choice(self.stops))
        for worker in stopped:
            worker.signal(signal.SIGCONT)


async def run(seed: int, *, seconds: float, processes: int = 5, mutant: Mutant | None = None) -> Figures:
    """Return what one run of a seed shows.

    Args:
        seed: of what happens; not of when the machine does it.
        seconds: that it lasts; at most for a mutant.
        processes: that send.
        mutant: what is wrong with them.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        async with machine(place, latency=LATENCY, loss_grace=LOSS_GRACE) as (sandbox, shared):
            chaos = Chaos(sandbox, shared, place, random.Random(seed), mutant)
            await chaos.begin(processes)
            await chaos.go_on(seconds)
            recovery = math.nan if mutant else await chaos.end()
            held = most_at_once(chaos.logs, chaos.deaths)
            return Figures(sandbox.peak_in_progress, held, sandbox.violations, sandbox.requests, chaos.events, recovery)


def main() -> int:
    """Run seeds one after the other; the exit code is 1 if the cap did not hold in one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--mutant", choices=["hasty", "unchecked", "apart"], help="what is wrong: to be found")
    options = parser.parse_args()
    sound = True
    for seed in range(options.first, options.first + options.seeds):
        figures = asyncio.run(run(seed, seconds=options.seconds, mutant=options.mutant))
        sound = sound and figures.is_sound
        print(f"seed {seed}: {figures}", flush=True)  # noqa: T201 - what it is for
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
