"""Processes that share an account during one measurement: this module, run with a task; each says what it saw."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from benchmarks.engine import engine
from benchmarks.harness import unpin
from benchmarks.interface import SLOTS
from benchmarks.lock_files import LockFiles
from benchmarks.redis_semaphores import RedisSemaphores
from benchmarks.work import TOKEN, message_maker

WAYS: Final = {
    "process": "one process",
    "host": "host",
    "files": "lock files, polled",
    "redis": "Valkey",
    "far": "Valkey, 2.7 ms away",
    "semaphore": "py-redis-semaphore",
}
SHARED: Final = ("host", "files", "redis", "semaphore")  # the ways of several processes, where the network is no matter
LEASE: Final = 3.0  # seconds
LOSS_HOLD: Final = 1.0
_SETTLE: Final = 0.7  # seconds before figures count
_AT_AN_ENGINE: Final = ("redis", "far", "semaphore")
_NOBODY: Final = "http://127.0.0.1:9"  # where no task sends anything


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a process does.

    Args:
        job: "stream", "churn", "alone", "hold" or "wait".
        way: how it has slots; see `WAYS`.
        place: where processes meet: a directory, or an engine's address.
        url: the server's, for those who send.
        seconds: for which figures count.
        tasks: at once.
        hold: seconds that a task uses a slot.
        pause: seconds that it rests then on average.
        priority: of its slots.
        count: acquires of "alone".
    """

    job: str
    way: str
    place: str
    url: str = _NOBODY
    seconds: float = 1.0
    tasks: int = 1
    hold: float = 0.0
    pause: float = 0.0
    priority: str = "bulk"
    count: int = 0


class Process:
    """A started process, and the line to it.

    Args:
        task: what it does.
    """

    def __init__(self, task: Task) -> None:
        command = [sys.executable, "-m", "benchmarks.processes", msgspec.json.encode(task).decode()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own

    def hears(self) -> Any:
        """Return what it says next."""
        assert self._process.stdout is not None
        return msgspec.json.decode(self._process.stdout.readline())

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def meeting(way: str = "host", url: str = _NOBODY) -> Iterator[str]:
    """Give a place in which the processes meet that have their slots in a way; they send to that address."""
    unpin()
    with TemporaryDirectory() as directory:
        if way not in _AT_AN_ENGINE:
            yield directory
            return
        with engine(Path(directory), far=way == "far") as address:
            together(Task(job="alone", way=way, place=address, url=url, count=1))  # at first nothing is granted
            yield address


@contextmanager
def started(*tasks: Task) -> Iterator[list[Process]]:
    """Start processes, wait until all are ready, and end them with the block."""
    processes = [Process(task) for task in tasks]
    try:
        for process in processes:
            process.hears()
        yield processes
    finally:
        for process in processes:
            process.kill()


def together(*tasks: Task) -> list[dict[str, Any]]:
    """Let processes do something at the same time, and return what each saw."""
    with started(*tasks) as processes:
        for process in processes:
            process.go()
        return [process.hears() for process in processes]


def limiter_of(task: Task) -> Any:
    """Return the limiter of a way."""
    from wooxy_async.limits import ProcessLimiter, redis  # noqa: PLC0415 - the measured process alone
    from wooxy_async.limits._host import HostLimiter  # noqa: PLC0415

    if task.way == "files":
        return LockFiles(Path(task.place))
    if task.way == "host":
        return HostLimiter(TOKEN, url=task.url, directory=task.place, loss_hold=LOSS_HOLD)
    if task.way == "semaphore":
        return RedisSemaphores(task.place, LEASE)
    if task.way in _AT_AN_ENGINE:
        from wooxy_async.limits._redis import RedisLimiter  # noqa: PLC0415 - needs the extra

        choice = redis(task.place, lease=LEASE)
        return RedisLimiter(TOKEN, choice=choice, url=task.url, loss_hold=LOSS_HOLD)
    return ProcessLimiter(TOKEN)


async def _stream(task: Task, limiter: Any) -> dict[str, Any]:
    """Send a campaign without end; returns its messages and CPU while figures count.

    What is under way has ended before the process does: lock files of one that exits are free at once.
    """
    from wooxy_async import WooxyClient  # noqa: PLC0415 - the measured process alone

    _ready()
    begin = time.monotonic() + _SETTLE
    sent, used = 0, 0.0
    async with WooxyClient(TOKEN, base_url=task.url, limiter=limiter) as client:
        async for _outcome in client.send_many(map(message_maker(), itertools.count())):
            now = time.monotonic()
            if now >= begin + task.seconds:
                break
            if now >= begin:
                used = used or time.process_time()
                sent += 1
        return {"sent": sent, "cpu": time.process_time() - used}


async def _churn(task: Task, limiter: Any) -> dict[str, Any]:
    """Use slots again and again; returns what each wait took, in seconds, and how many ended while figures count.

    There is one wait at least, however short the time was.
    """
    _ready()
    begin, draw, waits, served = time.monotonic() + _SETTLE, random.Random(1), list[float](), 0

    async def use() -> None:
        nonlocal served
        while (asked := time.monotonic()) < begin + task.seconds or not waits:
            async with limiter.slot(priority=task.priority):
                if (had := time.monotonic()) >= begin:  # also who has waited since long before
                    waits.append(had - asked)
                    served += had < begin + task.seconds
                await asyncio.sleep(task.hold)
            if task.pause:
                await asyncio.sleep(2 * task.pause * draw.random())

    await asyncio.gather(*(use() for _task in range(task.tasks)))
    return {"waits": waits, "served": served}


async def _alone(task: Task, limiter: Any) -> dict[str, Any]:
    """Take a free slot and give it back, many times; returns CPU and time of one, in seconds."""
    _ready()
    for _warm in range(SLOTS):
        async with limiter.slot(priority="bulk"):
            pass
    used, began = time.process_time(), time.monotonic()
    for _time in range(task.count):
        async with limiter.slot(priority="bulk"):
            pass
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    await limiter.aclose()  # who dies with a slot keeps it from the others for a while
    return {"cpu": cpu / task.count, "seconds": seconds / task.count}


async def _wait(task: Task, limiter: Any) -> dict[str, Any]:
    """Wait for slots that others hold; returns the CPU of a second."""
    waiting = [asyncio.ensure_future(limiter.slot(priority="bulk").__aenter__()) for _task in range(task.tasks)]
    await asyncio.sleep(_SETTLE)
    _ready()
    used = time.process_time()
    await asyncio.sleep(task.seconds)
    spent = (time.process_time() - used) / task.seconds
    assert not any(each.done() for each in waiting)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    return {"cpu": spent}


async def _hold(task: Task, limiter: Any) -> dict[str, Any]:
    """Take slots and say when each was had; they are held as long as the process lives."""
    _ready(wait=False)
    had = []
    slots = [limiter.slot(priority="urgent") for _task in range(task.tasks)]
    for each in asyncio.as_completed([each.__aenter__() for each in slots]):
        await each
        had.append(time.monotonic())
    _say({"had": had})
    await asyncio.Event().wait()
    raise AssertionError(slots)


JOBS: Final[dict[str, Callable[[Task, Any], Coroutine[Any, Any, dict[str, Any]]]]] = {
    "stream": _stream,
    "churn": _churn,
    "alone": _alone,
    "wait": _wait,
    "hold": _hold,
}


def _say(what: object) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


def _ready(*, wait: bool = True) -> None:
    _say("ready")
    if wait:
        sys.stdin.readline()


def main() -> None:
    """Do the task that the first argument describes."""
    task = msgspec.json.decode(sys.argv[1], type=Task)

    async def work() -> None:
        _say(await JOBS[task.job](task, limiter_of(task)))
        os._exit(0)  # what is under way is not waited for

    asyncio.run(work())


if __name__ == "__main__":
    main()
