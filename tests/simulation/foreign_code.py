"""Code of others, as a schedule wants it: sources, hooks, a limiter and a log handler that raise, wait and close."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final

from wooxy_async.limits import Lease, LimiterStatistics, Priority, ProcessLimiter


class OddError(BaseException):
    """What a source raises that is no `Exception`."""


_KINDS: Final[dict[str, Callable[[], BaseException]]] = {
    "ValueError": lambda: ValueError("no"),
    "TimeoutError": lambda: TimeoutError("no"),
    "ConnectionError": lambda: ConnectionError("no"),
    "CancelledError": lambda: asyncio.CancelledError("no"),
    "BaseExceptionGroup": lambda: BaseExceptionGroup("no", [OddError()]),
    "OddError": lambda: OddError("no"),
}


def raising(kind: str) -> BaseException:
    """Return an exception of a kind."""
    return _KINDS[kind]()


class Troubles:
    """Raises what is planned for each call of one foreign thing.

    Args:
        planned: what is raised, by the number of the call.
        came: called whenever something is.
    """

    def __init__(self, planned: dict[int, str], came: Callable[[], object] = bool) -> None:
        self._planned = planned
        self._came = came
        self._calls = 0

    def next(self) -> str:
        """Return what the next call does; "" is nothing."""
        kind = self._planned.get(self._calls, "")
        self._calls += 1
        if kind:
            self._came()
        return kind

    def __call__(self) -> None:
        """Raise what is planned."""
        if kind := self.next():
            raise raising(kind)

    async def wait(self) -> None:
        """Wait or raise as planned."""
        kind = self.next()
        if kind.startswith("delay"):
            await asyncio.sleep(float(kind.split()[1]))
        elif kind:
            raise raising(kind)


class AwaitedHooks:
    """Hooks that are awaited, and whether those of one message run in order, one at a time, and no longer than allowed.

    Args:
        now: the time that has passed, but for that in which everything stood still.
        note: called with what happens.
        wrong: where what is wrong is told.
    """

    def __init__(self, now: Callable[[], float], note: Callable[[str], None], wrong: list[str]) -> None:
        self._now = now
        self._note = note
        self._wrong = wrong
        self._calls = 0
        self._last: dict[str, int] = {}  # of each message, the call that ran last
        self._running: dict[str, asyncio.AbstractEventLoop] = {}  # those of a dead loop run no more

    def called(self, message: str, hook: str, kind: str, limit: float) -> Coroutine[Any, Any, None]:
        """Return what is awaited after the call of a hook.

        Args:
            message: about which the hook is told.
            hook: its name.
            kind: what it does: "hang", "wait" for some seconds, or what it raises.
            limit: the seconds that it may take.
        """
        self._calls += 1
        return self._run(message, f"{hook} {kind}", self._calls, limit)

    async def _run(self, message: str, what: str, number: int, limit: float) -> None:
        self._note(f"{message}: {what}")
        loop = asyncio.get_running_loop()
        if self._running.get(message) is loop:
            self._wrong.append(f"{message}: two of its hooks run at once")
        if self._last.get(message, 0) > number:
            self._wrong.append(f"{message}: its hooks run in another order than they were called in")
        self._running[message] = loop
        self._last[message], began = number, self._now()
        try:
            await self._do(what.split()[1:])
        except asyncio.CancelledError:
            if self._now() - began > limit + 0.001:
                self._wrong.append(f"{message}: a hook ran for {self._now() - began} s")
            raise
        finally:
            if self._running.get(message) is loop:  # else the hook of a dead loop was collected
                del self._running[message]

    async def _do(self, words: list[str]) -> None:
        if words[0] == "hang":
            await asyncio.get_running_loop().create_future()
        elif words[0] == "wait":
            await asyncio.sleep(float(words[1]))
        else:
            raise raising(words[0])


class TroubledLimiter:
    """A limiter that keeps the cap as another does, with troubles of its own before and after."""

    def __init__(self, inner: ProcessLimiter, acquire: Troubles, release: Troubles) -> None:
        self.inner = inner
        self._acquire = acquire
        self._release = release

    def slot(self, *, priority: Priority, deadline: float | None = None) -> AbstractAsyncContextManager[Lease]:
        """Wait for a slot of the other."""
        return _Slot(self.inner.slot(priority=priority, deadline=deadline), self._acquire, self._release)

    def statistics(self) -> LimiterStatistics:
        """Return the other's state."""
        return self.inner.statistics()

    def before_slots_of_dead_loops_open(self, abort: Any) -> None:
        """Hand it on."""
        self.inner.before_slots_of_dead_loops_open(abort)


class _Slot(AbstractAsyncContextManager[Lease]):
    def __init__(self, inner: AbstractAsyncContextManager[Lease], acquire: Troubles, release: Troubles) -> None:
        self._inner = inner
        self._acquire = acquire
        self._release = release

    async def __aenter__(self) -> Lease:
        await self._acquire.wait()
        return await self._inner.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._release.wait()
        finally:
            await self._inner.__aexit__(None, None, None)


class TroubledHandler(logging.Handler):
    """A log handler that does not swallow what it raises."""

    def __init__(self, troubles: Troubles) -> None:
        super().__init__()
        self._troubles = troubles

    def emit(self, record: logging.LogRecord) -> None:
        """Format the record, and raise as planned."""
        record.getMessage()
        self._troubles()


class Source:
    """A source, and its own account of what was pulled.

    Args:
        items: the messages.
        how: what was drawn.
        close_client: what "close client" means.
        pulled: called with each item that is handed out.
    """

    def __init__(
        self, items: list[Any], how: dict[str, Any], close_client: Callable[[], Any], pulled: Callable[[Any], None]
    ) -> None:
        self._items = items
        self._how = how
        self._close_client = close_client
        self._pulled = pulled
        self.has_begun = self.has_ended = self.has_raised = False

    def opened(self) -> Iterator[Any] | AsyncIterator[Any]:
        """Return the iterator."""
        kind = self._how["source"]
        return self.plain() if kind == "sync" else self.slow(shields=kind == "shielding")

    def _raise(self) -> None:
        if kind := self._how["raises"]:
            self.has_raised = True
            raise raising(kind)

    def plain(self) -> Iterator[Any]:
        """Yield at once."""
        for item in self._items:
            self._pulled(item)
            yield item
        self._raise()

    async def slow(self, *, shields: bool) -> AsyncIterator[Any]:
        """Yield after pauses, and end as was drawn.

        Args:
            shields: finish an item that is being made when the stream is cancelled.
        """
        self.has_begun = True
        try:
            for item in self._items:
                try:
                    await asyncio.sleep(self._how["pause"])
                except asyncio.CancelledError:
                    if not shields:
                        raise
                    self._pulled(item)
                    yield item
                    return
                self._pulled(item)
                yield item
            self._raise()
        finally:
            self.has_ended = True
            await self._end()

    async def _end(self) -> None:
        end = self._how["ends_with"]
        try:
            if end == "close client":
                await self._close_client()
            elif end == "sleep":
                await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.has_raised = False  # whoever closes the stream meanwhile is in the way of what the source raised
            raise
        if end == "raise":
            self.has_raised = True
            raise raising("ValueError")
