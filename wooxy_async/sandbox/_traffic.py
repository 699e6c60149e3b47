"""How many requests of a token are in progress: the rule of ten, counted by the server."""

import asyncio
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from wooxy_async.sandbox._records import Watch

# "Do not send more than 10 concurrent API requests." The server has a ten of its own, which finds a wrong client.
CAP = 10
_KEPT_VIOLATIONS = 1_000


class Violation(Struct, frozen=True, kw_only=True):
    """A request that arrived when ten of its token were in progress.

    Args:
        in_progress: how many there were with it.
        at: seconds since the sandbox started.
    """

    in_progress: int
    at: float


class Seat:
    """One request's place among those in progress, from the arrival of its headers until its answer is written.

    A request that was read whole and then lost its connection stays in progress for `loss_grace` seconds more:
    a real server goes on with its work, and does not know at once that nobody listens. One that was answered stays
    for `linger` seconds more, unless it was one too many: nginx counts no request that it refuses.
    """

    __slots__ = ("_task", "_token", "_traffic", "over_cap", "working")

    def __init__(self, traffic: "Traffic", token: str, task: "asyncio.Task[Any]") -> None:
        self._traffic = traffic
        self._token = token
        self._task = task
        self.over_cap = False
        self.working = False

    def __enter__(self) -> Self:
        self.over_cap = self._traffic.enter(self._token, self._task)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Without an exception the handler returns its answer, which aiohttp writes in the same turn of the loop:
        # no client can have it before the place is free, and no other request is looked at in between.
        self._traffic.leave(self._token, self._task, self._stays(lost=kind is asyncio.CancelledError))

    def _stays(self, *, lost: bool) -> float:
        """Return the seconds that it still counts."""
        if lost:
            return self._traffic.loss_grace if self.working else 0.0
        return 0.0 if self.over_cap else self._traffic.linger


class Traffic:
    """The requests in progress, by token.

    Args:
        loss_grace: seconds that a request without a connection stays in progress.
        linger: seconds that a request which was answered stays in progress.
    """

    def __init__(self, *, loss_grace: float, linger: float, watch: Watch) -> None:
        self.loss_grace = loss_grace
        self.linger = linger
        self.peak = 0
        self.violations = 0
        self.records: deque[Violation] = deque(maxlen=_KEPT_VIOLATIONS)
        self._watch = watch
        self._began = time.monotonic()
        self._in_progress: dict[str, int] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._staying: dict[object, asyncio.TimerHandle] = {}

    @property
    def in_progress(self) -> int:
        """How many requests are in progress now, of all tokens."""
        return sum(self._in_progress.values())

    def begin(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Return the seconds since the sandbox started."""
        return time.monotonic() - self._began

    def forget(self) -> None:
        """Set the peak to what is in progress now, and forget the violations."""
        self.peak = max(self._in_progress.values(), default=0)
        self.violations = 0
        self.records.clear()

    def enter(self, token: str, task: asyncio.Task[Any]) -> bool:
        """Count a request, and tell whether it is one too many."""
        count = self._in_progress.get(token, 0) + 1
        self._in_progress[token] = count
        self._tasks.add(task)
        self.peak = max(self.peak, count)
        if count > CAP:
            self.violations += 1
            self.records.append(Violation(in_progress=count, at=self.elapsed()))
        self._watch.changed()
        return count > CAP

    def leave(self, token: str, task: asyncio.Task[Any], stays: float) -> None:
        """Count a request as ended: now, or in so many seconds."""
        self._tasks.discard(task)
        if not stays:
            self._end(token)
            return
        key = object()
        self._staying[key] = asyncio.get_running_loop().call_later(stays, self._end_staying, key, token)

    async def aclose(self) -> None:
        """End every request in progress, whatever it waits for."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for handle in self._staying.values():
            handle.cancel()
        self._staying.clear()
        self._in_progress.clear()
        self._watch.changed()

    def _end_staying(self, key: object, token: str) -> None:
        del self._staying[key]
        self._end(token)

    def _end(self, token: str) -> None:
        left = self._in_progress.pop(token) - 1
        if left:
            self._in_progress[token] = left
        self._watch.changed()
