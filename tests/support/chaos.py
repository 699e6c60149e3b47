"""Kill, stop, continue, fork and delete at random, and let the server count.

python tests/support/chaos.py --seeds 10 --seconds 30
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from host_machine import Machine, Worker, machine

from wooxy_async.sandbox import Delay

ANSWER_LIMIT, LOSS_HOLD = 1.5, 1.0
LATENCY = Delay.uniform(0.3, 1.0)  # long enough for what goes wrong to be seen
LOSS_GRACE = 0.5
SLACK = 30.0  # seconds in which what is left must come to its end on a busy machine


class Figures(NamedTuple):
    """What one run has shown.

    Args:
        peak: the most requests that the server saw in progress.
        violations: requests over ten.
        requests: of all processes.
        events: what was done to them.
        recovery: seconds from the death of all processes until a new one had all ten slots.
    """

    peak: int
    violations: int
    requests: int
    events: int
    recovery: float

    @property
    def is_sound(self) -> bool:
        """Whether the cap held, was reached, and was one: the slots of the dead were closed for the hold."""
        return (self.peak, self.violations) == (10, 0) and self.recovery >= LOSS_HOLD


async def _replace(shared: Machine, workers: list[Worker], draw: random.Random) -> None:
    at = draw.randrange(len(workers))
    await workers[at].end()
    workers[at] = await _start(shared, draw)


async def _start(shared: Machine, draw: random.Random) -> Worker:
    worker = await shared.start("load", start=draw.randrange(1 << 30), answer_limit=ANSWER_LIMIT, loss_hold=LOSS_HOLD)
    worker.go()
    return worker


async def _stop(workers: list[Worker], draw: random.Random) -> None:
    """Stop some but never all, for less or for more than the recorded end of their requests."""
    stopped = draw.sample(workers, draw.randrange(1, len(workers)))
    for worker in stopped:
        worker.signal(signal.SIGSTOP)
    await asyncio.sleep(draw.choice((0.05, 0.5, ANSWER_LIMIT + LOSS_HOLD + 0.5)))
    for worker in stopped:
        worker.signal(signal.SIGCONT)


async def run(seed: int, *, seconds: float, processes: int = 5) -> Figures:
    """Return what one run of a seed shows.

    Args:
        seed: of what happens; not of when the machine does it.
        seconds: that it lasts.
        processes: that send.
    """
    draw, events = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as directory:
        async with machine(Path(directory), latency=LATENCY, loss_grace=LOSS_GRACE) as (sandbox, shared):
            workers = [await _start(shared, draw) for _ in range(processes)]
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                await asyncio.sleep(draw.random())
                match draw.randrange(4):
                    case 0 | 1:
                        await _stop(workers, draw)
                    case 2:
                        await _replace(shared, workers, draw)
                    case 3:
                        shared.file.unlink(missing_ok=True)
                events += 1
            async with asyncio.timeout(SLACK):
                await sandbox.until(lambda: sandbox.in_progress == 10)  # nothing is stuck
                heir = await shared.start("hold", answer_limit=ANSWER_LIMIT, loss_hold=LOSS_HOLD)
                for worker in workers:
                    await worker.end()
                died = time.monotonic()
                heir.go()
                assert await heir.reads() == "held"
                recovery = time.monotonic() - died
            return Figures(sandbox.peak_in_progress, sandbox.violations, sandbox.requests, events, recovery)


def main() -> int:
    """Run seeds one after the other; the exit code is 1 if the cap did not hold in one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    sound = True
    for seed in range(options.first, options.first + options.seeds):
        figures = asyncio.run(run(seed, seconds=options.seconds))
        sound = sound and figures.is_sound
        print(f"seed {seed}: {figures}", flush=True)  # noqa: T201 - what it is for
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
