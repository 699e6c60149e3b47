"""An event loop of which a seed draws the order: task steps, I/O events of one select, timers due together."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import random
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from clocks import PairedLoop

Thing = TypeVar("Thing")
RESOLUTION = 1e-9  # seconds; timers that are nearer to one another are due together
MOST_TURNS = 400_000  # a schedule takes a few thousand


class LivelockError(BaseException):
    """The loop turns without an end."""


class Trace:
    """What happened, in order, as a digest; with `lines` also as text."""

    def __init__(self, *, keep: bool = False) -> None:
        self.lines: list[str] | None = [] if keep else None
        self._digest = hashlib.sha256()

    def __call__(self, now: float, text: str) -> None:
        """Note that something happened."""
        line = f"{now:.6f} {text}"
        self._digest.update(line.encode() + b"\n")
        if self.lines is not None:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        """The same for the same lines."""
        return self._digest.hexdigest()[:16]


class SimulatedLoop(PairedLoop):
    """Runs turns as asyncio does; what asyncio leaves to chance, a seed draws.

    Callbacks of transports and futures keep their order and their places: to shuffle them as well breaks aiohttp, which
    rightly relies on it.

    Args:
        order: draws.
        dial: returns the client's end of a new connection, when the server takes or refuses it.
        now: the time at which it begins.
    """

    def __init__(self, order: random.Random, dial: Callable[[], Awaitable[Callable[[], Any]]], now: float) -> None:
        self._order = order
        self._dial = dial
        self._readers = 0
        self._numbers: dict[int, int] = {}
        self._tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = weakref.WeakKeyDictionary()
        self._tasks_seen = 0
        self._turns = 0
        super().__init__()
        self._jump.now = now

    def set_time(self, now: float) -> None:
        """Let time pass while nothing of the loop runs."""
        self._jump.now = max(self._jump.now, now)

    async def dial(self, _address: Any) -> Callable[[], Any]:
        """Wait as long as the server takes to accept a connection, whatever the address."""
        return await self._dial()

    def _add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any:
        """Number descriptors as they come: the kernel's numbers depend on what else the process holds."""
        if fd not in self._selector.get_map():
            self._readers += 1
            self._numbers[fd] = self._readers
        return super()._add_reader(fd, callback, *args)

    def _shuffled(self, things: Sequence[Thing]) -> list[Thing]:
        shuffled = list(things)
        if len(shuffled) > 1:
            self._order.shuffle(shuffled)
        return shuffled

    def _run_once(self) -> None:
        """Run one turn."""
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise LivelockError
        scheduled, ready = self._scheduled, self._ready
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        wait = max(0.0, scheduled[0]._when - self.time()) if scheduled else None
        events = self._selector.select(0 if ready or self._stopping else wait)
        events.sort(key=lambda event: self._numbers.get(event[0].fd, 0))
        self._process_events(self._shuffled(events))
        due: list[asyncio.TimerHandle] = []
        while scheduled and scheduled[0]._when <= self.time() + RESOLUTION:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            due.append(timer)
            self.set_time(timer._when)  # else who slept for less than the resolution would look again for ever
        ready.extend(self._shuffled(due))
        turn = [handle for handle in ready if not handle._cancelled]
        ready.clear()
        for handle in self._ordered(turn):
            if not handle._cancelled:
                handle._run()

    def _ordered(self, turn: list[asyncio.Handle]) -> list[asyncio.Handle]:
        """Shuffle the task steps among their places, but none across a callback of a transport or protocol."""
        places: list[int] = []
        for place, handle in enumerate(turn):
            if self._task_of(handle) is not None:
                places.append(place)
            elif isinstance(getattr(handle._callback, "__self__", None), asyncio.BaseTransport | asyncio.BaseProtocol):
                self._shuffle_steps(turn, places)
                places = []
        self._shuffle_steps(turn, places)
        return turn

    def _shuffle_steps(self, turn: list[asyncio.Handle], places: list[int]) -> None:
        if len(places) > 1:
            steps = sorted((turn[place] for place in places), key=self._number)
            for place, handle in zip(places, self._shuffled(steps), strict=True):
                turn[place] = handle

    @staticmethod
    def _task_of(handle: asyncio.Handle) -> asyncio.Task[Any] | None:
        task = getattr(handle._callback, "__self__", None)
        return task if isinstance(task, asyncio.Task) else None

    def _number(self, handle: asyncio.Handle) -> int:
        """Return the number of a task: what a set held comes in an order that differs from process to process."""
        task = self._task_of(handle)
        assert task is not None
        number = self._tasks.get(task)
        if number is None:
            self._tasks_seen += 1
            number = self._tasks[task] = self._tasks_seen
        return number
