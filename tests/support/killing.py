"""A campaign that is killed again and again until it has come to its end, and what the server has seen meanwhile.

`nox -s kills` is the full size, and prints its figures.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import campaign_worker

from wooxy_async.sandbox import Sandbox

TOKEN = "token-of-the-kills-0000001"
MAX_IN_DOUBT = 10
WORKER = Path(campaign_worker.__file__)


@dataclass
class Figures:
    """What was seen.

    Args:
        kills: how often a run was killed.
        in_doubt: rows that each kill left in doubt.
        states: how many rows ended as what.
        taken: messages that the server took.
        peak: requests in progress at most, over kills and resumes.
        lost: numbers that the server took, by what the journal says of them, where that is not the truth.
        twice: numbers that the server took more than once.
    """

    kills: int = 0
    in_doubt: list[int] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    peak: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    twice: int = 0

    def check(self, rows: int) -> None:
        """Fail where a promise was not kept."""
        assert self.twice == 0
        assert not self.lost
        assert self.peak <= 10
        assert self.states.total() == rows
        assert set(self.states) <= {"accepted", "in_doubt"}, self.states
        assert max(self.in_doubt, default=0) <= MAX_IN_DOUBT


def points(rng: random.Random, rows: int) -> Iterator[tuple[str, int]]:
    """Yield each named point once, at a random time of its coming; those of the end come last."""
    named = [point for point in campaign_worker.POINTS if "end" not in point]
    rng.shuffle(named)
    for point in named:
        is_once = "begin" in point or "merge" in point
        yield point, 1 if is_once else rng.randint(1, 3 if "claim" in point else max(2, rows // 30))


async def run_once(
    path: Path, url: str, step: tuple[str, int, float | None], options: dict[str, str]
) -> tuple[bool, list[dict[str, int]]]:
    """Run a worker once; return whether it came to its end, and what it has said.

    Args:
        path: of the contacts.
        url: of the sandbox.
        step: the point at which it kills itself, at which time of its coming; or the seconds until it is killed.
        options: of the journal.
    """
    point, nth, kill_after = step
    given = (str(path), url, TOKEN, point, str(nth), json.dumps(options))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), *given, stdout=PIPE, env={**os.environ, "WOOXY_RUNTIME_DIR": str(path.parent)}
    )
    killer = None if kill_after is None else asyncio.get_running_loop().call_later(kill_after, _kill, process)
    output, _ = await process.communicate()
    if killer is not None:
        killer.cancel()
    assert process.returncode in {0, -signal.SIGKILL}, process.returncode
    return process.returncode == 0, [json.loads(line) for line in output.splitlines()]


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


async def play(folder: Path, *, rows: int, seed: int, kills: int, latency: float, **options: str) -> Figures:
    """Kill a campaign at each named point, then at random moments, then let it end.

    Args:
        folder: for its files.
        rows: how many contacts.
        seed: of the moments.
        kills: how many more than the named points.
        latency: of the server, seconds.
        options: of the journal.
    """
    rng, figures = random.Random(seed), Figures()
    path = folder / "contacts.csv"
    path.write_text("phone,name\n" + "".join(f"+1415{5_550_000 + at},Bo\n" for at in range(rows)))
    plan: list[tuple[str, int, float | None]] = [(point, nth, None) for point, nth in points(rng, rows)]
    plan += [("", 0, rng.uniform(0.05, 1.0 + rows * latency / 30)) for _ in range(kills)]
    async with Sandbox(token=TOKEN, latency=latency, loss_grace=0.2) as sandbox:
        ended = False
        plan += [("before end", 1, None), ("after end", 1, None), ("", 0, None)]
        for step in plan:
            ended, said = await run_once(path, sandbox.url, step, options)
            figures.kills += not ended
            figures.in_doubt += [each["in_doubt"] for each in said if "in_doubt" in each]
        assert ended
        assert said[-1] == {"outcomes": 0}, "a finished campaign sends nothing"
        figures.taken, figures.peak = sandbox.taken, sandbox.peak_in_progress
        numbers = Counter(message.number for message in sandbox.messages)
    figures.twice = sum(times > 1 for times in numbers.values())
    with closing(sqlite3.connect(folder / "journal.wooxy")) as journal:
        states = dict(journal.execute("SELECT number, state FROM rows"))
    figures.states.update(states.values())
    figures.lost.update(state for number in numbers if (state := states[number]) not in {"accepted", "in_doubt"})
    figures.lost.update(
        "never taken" for number, state in states.items() if state == "accepted" and number not in numbers
    )
    return figures


def say(what: str) -> None:
    """Print a line."""
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def main() -> None:
    """Play many campaigns, and print the figures of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=10, help="of about 20 kills each")
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--kills", type=int, default=5, help="beside those at the named points")
    parser.add_argument("--latency", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    whole, began = Figures(), time.monotonic()
    for seed in range(asked.seed, asked.seed + asked.campaigns):
        with tempfile.TemporaryDirectory() as folder:
            each = asyncio.run(play(Path(folder), rows=asked.rows, seed=seed, kills=asked.kills, latency=asked.latency))
        say(f"seed {seed}: {each.kills} kills, {dict(each.states)}, peak {each.peak}")
        each.check(asked.rows)
        whole.kills += each.kills
        whole.in_doubt += each.in_doubt
        whole.states += each.states
        whole.taken += each.taken
        whole.peak = max(whole.peak, each.peak)
    say(
        f"{asked.campaigns} campaigns of {asked.rows} rows: {whole.kills} kills, {whole.taken} taken, "
        f"{dict(whole.states)}, in doubt per kill at most {max(whole.in_doubt)}, peak {whole.peak}, twice 0, "
        f"{time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
