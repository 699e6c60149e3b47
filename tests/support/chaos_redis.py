"""Kill, stop, restart, flush, freeze, cut and slow down at random beside an engine; the server counts.

python tests/support/chaos_redis.py --seeds 10 --seconds 30
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from chaos import LATENCY, LOSS_GRACE, LOSS_HOLD, Chaos, Figures
from host_machine import machine
from slot_log import most_at_once
from valkey_server import Relay, Valkey, relay, valkey

LEASE = 3.0
STEP = 10_000.0  # milliseconds by which the clock of the engine is set back
DELAYS = (0.0, 0.0027, 0.0048)  # seconds that a piece takes to the engine, or back
DATABASES = 16

Mutant = Literal["unchecked", "apart", "trusting"]
"""What may be wrong: the late check is off; processes do not meet; an engine that lost its data is trusted."""


class RedisChaos(Chaos):
    """What is done to the processes, to their engine, and to what is between.

    Args:
        engine: at which they meet.
        between: through which they reach it.
        mutant: what is wrong.
        rest: as for `Chaos`.
    """

    stops = (0.05, 0.5, LEASE + LOSS_HOLD + 0.5)

    def __init__(self, engine: Valkey, between: Relay, mutant: Mutant | None, *rest: Any) -> None:
        super().__init__(*rest, None)
        self._engine = engine
        self._between = between
        self._mutant_here = mutant
        self.is_mutant = mutant is not None
        shows = {"unchecked": [self._stop], "trusting": [self._empty], "apart": [self._slow]}
        worst = [self._restart, self._empty, self._restore, self._freeze, self._cut, self._slow, self._step_back]
        self._acts = shows.get(mutant or "", [self._stop, self._stop, self._replace, self._replace, *worst])

    def given(self) -> dict[str, object]:
        """Return the options of one process more."""
        address = f"redis://127.0.0.1:{self._between.port}"
        given = {**super().given(), "limiter": address, "lease": LEASE}
        if self._mutant_here == "apart":
            given["limiter"] = f"{address}/{self._draw.randrange(DATABASES)}"
        elif self._mutant_here == "unchecked":
            given["mutant"] = self._mutant_here
        return given

    async def _restart(self) -> None:
        await self._engine.restart()

    async def _empty(self) -> None:
        await self._engine.do("FLUSHALL")
        if self._mutant_here == "trusting":
            (key,) = {key.decode().partition(":members")[0] for key in await self._keys()}
            run = (await self._engine.do("INFO", "server"))["run_id"]
            await self._engine.do("HSET", key, "run", run, "quiet", "0")

    async def _keys(self) -> list[bytes]:
        """Return the keys of members, as soon as there are some."""
        while not (keys := await self._engine.do("KEYS", "*:members")):
            await asyncio.sleep(0.001)
        return list(keys)

    async def _restore(self) -> None:
        await self._engine.do("SAVE")
        await asyncio.sleep(self._draw.random())
        await self._engine.restart()  # it remembers what is not true any more

    async def _freeze(self) -> None:
        self._engine.signal(signal.SIGSTOP)
        await asyncio.sleep(self._draw.choice((0.2, LEASE - 1, LEASE + 1)))
        self._engine.signal(signal.SIGCONT)

    async def _cut(self) -> None:
        self._between.abort()

    async def _slow(self) -> None:
        self._between.delay = self._draw.choice(DELAYS)

    async def _step_back(self) -> None:
        """Make what is stored look as if the engine's clock had been set back."""
        for key in await self._keys():
            account = key.decode().removesuffix(":members")
            await self._engine.do("HINCRBYFLOAT", account, "last", str(STEP))
            for closed in await self._engine.do("ZRANGE", f"{account}:closed", "0", "-1"):
                await self._engine.do("ZINCRBY", f"{account}:closed", str(STEP), closed.decode())


async def run(seed: int, *, seconds: float, processes: int = 8, mutant: Mutant | None = None) -> Figures:
    """Return what one run of a seed shows; see `chaos.run`."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        async with (
            machine(place, latency=LATENCY, loss_grace=LOSS_GRACE) as (sandbox, shared),
            valkey() as engine,
            relay(engine) as between,
        ):
            chaos = RedisChaos(engine, between, mutant, sandbox, shared, place, random.Random(seed))
            await chaos.begin(processes)
            await sandbox.until(lambda: sandbox.in_progress == 10 or sandbox.violations)
            await chaos.go_on(seconds)
            recovery = math.nan if mutant else await chaos.end()
            held = most_at_once(chaos.logs, chaos.deaths)
            return Figures(sandbox.peak_in_progress, held, sandbox.violations, sandbox.requests, chaos.events, recovery)


def main() -> int:
    """Run seeds one after the other; the exit code is 1 if the cap did not hold, or slots came back late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--mutant", choices=["unchecked", "apart", "trusting"], help="what is wrong: to be found")
    options = parser.parse_args()
    sound = True
    for seed in range(options.first, options.first + options.seeds):
        figures = asyncio.run(run(seed, seconds=options.seconds, mutant=options.mutant))
        sound = sound and figures.is_sound and figures.recovery <= LEASE + LOSS_HOLD + 1
        print(f"seed {seed}: {figures}", flush=True)  # noqa: T201 - what it is for
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
