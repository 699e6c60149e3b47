"""What processes believe to hold, written so that it outlives them, and swept afterwards for the most at once.

Each process appends records to a file of its own: what is written stays, also when it is killed in the next moment. A
slot counts as held from after it was had to before it is given back, to the death of its process, or to its recorded
end, whichever comes first: never for longer than the limiter has promised it.
"""

from __future__ import annotations

import os
import random
import struct
import time
from asyncio import sleep
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from math import inf
from pathlib import Path
from typing import Any, Final, NamedTuple

from wooxy_async.limits import Limiter, Priority

_RECORD: Final = struct.Struct("qqdd")  # what, of which hold, when, until when it is promised
_TAKEN, _ASKED, _GIVEN = range(3)
_STALLS: Final = 0.15  # of all holds
_STALL_MAX: Final = 1.0  # seconds


class Hold(NamedTuple):
    """One slot as its process believed to hold it."""

    begins: float
    ends: float


class SlotLog:
    """The file of this process.

    Args:
        directory: of all files.
    """

    def __init__(self, directory: Path) -> None:
        self._fd = os.open(directory / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        self._holds = 0

    def take(self, until: float) -> int:
        """Note a slot, and return the number of this hold."""
        self._holds += 1
        self._write(_TAKEN, self._holds, until)
        return self._holds

    def ask(self, hold: int, until: float) -> None:
        """Note that it was promised anew."""
        self._write(_ASKED, hold, until)

    def give(self, hold: int) -> None:
        """Note that it is about to be given back."""
        self._write(_GIVEN, hold, 0.0)

    def _write(self, what: int, hold: int, until: float) -> None:
        os.write(self._fd, _RECORD.pack(what, hold, time.monotonic(), until))


def holds_of(file: Path, died: float) -> Iterator[Hold]:
    """Yield the holds of one process.

    Args:
        file: its log.
        died: before when its death was not yet asked for; inf for one that lives.
    """
    begins: dict[int, float] = {}
    ends: dict[int, float] = {}
    for what, hold, at, until in _RECORD.iter_unpack(file.read_bytes()):
        if what == _TAKEN:
            begins[hold] = at
        ends[hold] = min(at, ends[hold]) if what == _GIVEN else until
    return (Hold(begin, min(ends[hold], died)) for hold, begin in begins.items())


def promised_until(lease: Any) -> float:
    """Return until when a slot is its holder's, whatever happens: the recorded end, or that of the lease."""
    slot = getattr(lease, "slot", None)
    return time.monotonic() + float(lease.remaining()) if slot is None else float(slot.until)


def most_at_once(directory: Path, deaths: Mapping[int, float]) -> int:
    """Return how many slots were held at once at the most, over all processes.

    Args:
        directory: of the logs.
        deaths: of processes, by their numbers.
    """
    turns: list[tuple[float, int]] = []
    for file in directory.iterdir():
        for hold in holds_of(file, deaths.get(int(file.name), float("inf"))):
            if hold.begins < hold.ends:
                turns += [(hold.begins, 1), (hold.ends, -1)]
    most = now = 0
    for _at, step in sorted(turns):  # who ends at the moment in which another begins has ended
        now += step
        most = max(most, now)
    return most


class LoggedLimiter:
    """A limiter whose slots are logged, and whose users stall now and then between a slot and its request.

    Args:
        limiter: the other one.
        log: of this process.
        draw: says who stalls.
        checks: whether the late check is made; a limiter without it is a mutant.
    """

    def __init__(self, limiter: Limiter, log: SlotLog, draw: random.Random, *, checks: bool = True) -> None:
        self.limiter = limiter
        self.log = log
        self.draw = draw
        self.checks = checks

    def slot(self, *, priority: Priority, deadline: float | None = None) -> LoggedSlot:
        """See `Limiter.slot`."""
        return LoggedSlot(self, self.limiter.slot(priority=priority, deadline=deadline))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.limiter, name)


class LoggedSlot:
    """A slot, and its lease.

    Args:
        limiter: the logged one.
        slot: the other one.
    """

    def __init__(self, limiter: LoggedLimiter, slot: AbstractAsyncContextManager[Any]) -> None:
        self._limiter = limiter
        self._slot = slot

    async def __aenter__(self) -> Any:
        self._lease = await self._slot.__aenter__()
        self._hold = self._limiter.log.take(promised_until(self._lease))
        try:
            if self._limiter.draw.random() < _STALLS:
                await sleep(_STALL_MAX * self._limiter.draw.random())
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._limiter.log.give(self._hold)
        await self._slot.__aexit__(None, None, None)

    def holds(self) -> bool:
        """See `Lease.holds`."""
        is_held = bool(self._lease.holds())
        if is_held:
            self._limiter.log.ask(self._hold, promised_until(self._lease))
        return is_held or not self._limiter.checks

    def remaining(self) -> float:
        """See `Lease.remaining`; a mutant asks for nothing."""
        return float(self._lease.remaining()) if self._limiter.checks else inf

    @property
    def lost(self) -> Any:
        """See `Lease.lost`; a mutant does not hear of it."""
        return self._lease.lost if self._limiter.checks else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lease, name)
