"""Drives a peer: opens it, warms it up, and times what it sends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Any, Final

import msgspec

from benchmarks.interface import Case, peer

WARM_UP: Final = 50  # messages that open the connections and fill caches; not timed


class Drive(msgspec.Struct, frozen=True):
    """What a drive cost.

    Args:
        seconds: from the call to the last answer.
        cpu: seconds of processor time of this process, in user and kernel mode, all threads.
    """

    seconds: float
    cpu: float


class Odometer:
    """Times a drive, and counts its answers.

    Args:
        watch: called after each answer with how many there are.
    """

    def __init__(self, watch: Callable[[int], object] | None = None) -> None:
        self.answers = 0
        self._watch = watch

    def answered(self) -> None:
        """Count an answer."""
        self.answers += 1
        if self._watch is not None:
            self._watch(self.answers)

    def begin(self) -> None:
        """Start to measure, with a clean heap."""
        gc.collect()
        self.answers = 0
        self._seconds, self._cpu = perf_counter(), process_time()

    def end(self, count: int) -> Drive:
        """Return what it cost since `begin`."""
        drive = Drive(perf_counter() - self._seconds, process_time() - self._cpu)
        assert self.answers == count, f"{self.answers} answers to {count} messages"
        return drive


def drive(case: Case, url: str, *, warm_up: int = WARM_UP, watch: Callable[[int], object] | None = None) -> Drive:
    """Send `case.count` messages with the case's peer on the case's loop.

    Args:
        case: what to drive.
        url: the server's.
        warm_up: messages before.
        watch: called after each answer with how many there are.
    """
    client = peer(case.peer).client(url)
    numbers = range(warm_up, warm_up + case.count)
    odometer = Odometer(watch)
    if hasattr(client, "__aenter__"):
        driven: Drive = run(_drive_async(client, numbers, warm_up, odometer), case.loop)
        return driven
    return _drive_sync(client, numbers, warm_up, odometer)


def run(main: Any, loop: str) -> Any:
    """Run a coroutine on "asyncio" or "uvloop"."""
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415 - only where it is asked for

        return uvloop.run(main)
    return asyncio.run(main)


async def _drive_async(client: Any, numbers: Sequence[int], warm_up: int, odometer: Odometer) -> Drive:
    async with client as send:
        await send(range(warm_up), _nothing)
        odometer.begin()
        await send(numbers, odometer.answered)
        return odometer.end(len(numbers))


def _drive_sync(client: Any, numbers: Sequence[int], warm_up: int, odometer: Odometer) -> Drive:
    with client as send:
        send(range(warm_up), _nothing)
        odometer.begin()
        send(numbers, odometer.answered)
        return odometer.end(len(numbers))


def _nothing() -> None:
    """Stand in for the count of the warm-up."""
