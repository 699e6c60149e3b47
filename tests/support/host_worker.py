"""One process of several that share an account: does what it is told, and says on standard output what became of it.

It prints "ready" when it has made its client, and begins when it is sent a line.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from people import message
from slot_log import LoggedLimiter, SlotLog

from wooxy_async import ViberMessage, WooxyClient, WooxyError
from wooxy_async.limits import SLOTS, Limiter, RedisLimits
from wooxy_async.limits._choice import make_limiter

Options = argparse.Namespace


def say(what: object) -> None:
    """Write a line for the parent in one piece: forked children write to the same pipe."""
    os.write(sys.stdout.fileno(), json.dumps(what).encode() + b"\n")


async def heard() -> str:
    """Return the next line of the parent, "" when it has closed its end."""
    return await asyncio.to_thread(sys.stdin.readline)


def limits_of(options: Options) -> str | RedisLimits | None:
    """Return where its processes meet."""
    if options.lease is None:
        limiter: str | None = options.limiter
        return limiter
    return RedisLimits(options.limiter, lease=options.lease, offline_share=options.offline_share)


def client_of(options: Options, limiter: Limiter | None = None) -> WooxyClient:
    """Make a client."""
    return WooxyClient(
        options.token,
        base_url=options.url,
        limiter=limiter or limits_of(options),
        account=options.account,
        max_bulk=options.max_bulk,
        answer_limit=options.answer_limit,
        loss_hold=options.loss_hold,
        timeout=60,
    )


def limiter_of(options: Options) -> Limiter:
    """Make a limiter without a client."""
    return make_limiter(
        limits_of(options),
        token=options.token,
        url=options.url,
        share=SLOTS,
        max_bulk=options.max_bulk,
        clock=time,
        account=options.account,
        answer_limit=options.answer_limit,
        loss_hold=0.0 if options.mutant == "hasty" else options.loss_hold,
    )


def own_messages(options: Options) -> Iterator[ViberMessage]:
    """Yield the messages of this process."""
    return (message(options.start + at) for at in range(options.count))


async def stream(client: WooxyClient, options: Options) -> None:
    """Send a campaign, and print how many outcomes of each kind there were."""
    told: Counter[str] = Counter()
    async with client:
        async for outcome in client.send_many(own_messages(options)):
            told[type(outcome).__name__] += 1
    say(told)


async def send(client: WooxyClient, options: Options) -> None:
    """Send messages at once, each urgent; print the outcomes, and how long the last took."""
    began = time.monotonic()
    async with client:
        sends = [client.send(each) for each in own_messages(options)]
        told = Counter(
            type(result.outcome if isinstance(result, WooxyError) else result).__name__
            for result in await asyncio.gather(*sends, return_exceptions=True)
        )
    say({**told, "seconds": time.monotonic() - began})


async def serve(client: WooxyClient, options: Options) -> None:
    """Send a campaign beside urgent messages until SIGTERM, as a service does; print when it sends, and outcomes."""
    told: Counter[str] = Counter()
    numbers = (message(options.start + at) for at in itertools.count())
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def campaign() -> None:
        async for outcome in client.send_many(numbers):
            told[type(outcome).__name__] += 1

    async def logins() -> None:
        told[type(await client.send(next(numbers))).__name__] += 1
        say("serving")
        while not ended.is_set():
            try:
                told[type(await client.send(next(numbers))).__name__] += 1
            except WooxyError as error:
                told[type(error.outcome).__name__] += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(campaign())
        group.create_task(logins())
        await ended.wait()
        await client.aclose()
    say(told)


def loaded_client_of(options: Options) -> WooxyClient:
    """Make a client whose slots are logged, or one with a bug that the chaos must find."""
    draw, log = random.Random(options.start), SlotLog(Path(options.log))
    limiter: Any = LoggedLimiter(limiter_of(options), log, draw, checks=options.mutant != "unchecked")
    return client_of(options, limiter=limiter)


async def load(client: WooxyClient, options: Options) -> None:
    """Send without end, as programs do whose callers give up and whose tasks are cancelled and fork."""
    draw = random.Random(options.start)
    numbers = (message(draw.randrange(10_000)) for _ in itertools.count())
    async with client, asyncio.TaskGroup() as group:
        group.create_task(_send_urgent(client, numbers, draw))
        group.create_task(_send_urgent(client, numbers, draw))
        group.create_task(_cancel(client, numbers, draw))
        group.create_task(_fork(draw))
        async for _outcome in client.send_many(numbers):
            pass


async def _send_urgent(client: WooxyClient, numbers: Iterator[ViberMessage], draw: random.Random) -> None:
    while True:
        with suppress(WooxyError):
            await client.send(next(numbers), timeout=draw.choice((0.05, 0.5, 30.0)))


async def _cancel(client: WooxyClient, numbers: Iterator[ViberMessage], draw: random.Random) -> None:
    while True:
        sends = [asyncio.ensure_future(client.send(next(numbers), priority="bulk")) for _ in range(5)]
        await asyncio.sleep(draw.random())
        for each in sends:
            each.cancel()
        await asyncio.gather(*sends, return_exceptions=True)


async def _fork(draw: random.Random) -> None:
    while True:
        await asyncio.sleep(4 * draw.random())
        child = os.fork()
        if child == 0:
            _outlive()
        await asyncio.to_thread(os.waitpid, child, 0)


def _outlive() -> None:
    """Live on for a moment while the parent may be killed."""
    time.sleep(0.5)
    os._exit(0)


async def hold(limiter: Limiter, options: Options) -> None:
    """Take slots, say so, and at each line of the parent say which of them still hold."""
    leases = await asyncio.gather(*(limiter.slot(priority="urgent").__aenter__() for _ in range(options.count)))
    say("held")
    while await heard():
        say([lease.holds() for lease in leases])


async def orphan(limiter: Limiter, options: Options) -> None:
    """Take slots, and have a child that outlives this process; print the child's number."""
    for _ in range(options.count):
        await limiter.slot(priority="urgent").__aenter__()
    child = os.fork()
    if child == 0:
        sys.stdin.read()
        os._exit(0)
    say(child)
    await asyncio.Event().wait()


def preload(options: Options) -> None:
    """Send from a client that was made before the fork, in the parent and in three children."""
    client, children = client_of(options), []
    say("ready")
    sys.stdin.readline()
    for at in range(1, 4):
        child = os.fork()
        if child == 0:
            options.start += at * options.count
            asyncio.run(stream(client, options))
            os._exit(0)
        children.append(child)
    asyncio.run(stream(client, options))
    for child in children:
        os.waitpid(child, 0)


MODES: dict[str, tuple[Callable[[Options], Any], Callable[[Any, Options], Any]]] = {
    "stream": (client_of, stream),
    "send": (client_of, send),
    "serve": (client_of, serve),
    "load": (loaded_client_of, load),
    "hold": (limiter_of, hold),
    "orphan": (limiter_of, orphan),
}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[*MODES, "preload"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--limiter")
    parser.add_argument("--account")
    parser.add_argument("--max-bulk", type=int, default=SLOTS)
    parser.add_argument("--answer-limit", type=float, default=60.0)
    parser.add_argument("--lease", type=float)
    parser.add_argument("--offline-share", type=int, default=0)
    parser.add_argument("--loss-hold", type=float, default=5.0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--log", help="the directory of the logs of load")
    parser.add_argument("--mutant", choices=["hasty", "unchecked"], help="what is wrong with the slots of load")
    options = parser.parse_args()
    if options.mode == "preload":
        preload(options)
        return
    make, work = MODES[options.mode]

    async def run() -> None:
        made = make(options)
        say("ready")
        if await heard():
            await work(made, options)

    asyncio.run(run())


if __name__ == "__main__":
    main()
