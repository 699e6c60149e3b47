"""One thread that owns a journal's database: what waits when it comes round goes into one transaction.

The loop is never blocked: it hands over work and is called back. A claim is synced to disk, and with it whatever was
written before; an outcome by itself goes to the page cache, where it outlives the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

Result = TypeVar("Result")
_MOST: Final = 256  # jobs of one transaction


class Job(NamedTuple):
    """Work for the thread.

    Args:
        work: what is done; its result is the future's.
        is_durable: its transaction is synced to disk before its future is done.
        is_alone: it is no part of a transaction with others, and makes its own.
        future: told when the work stands.
    """

    work: Callable[[], Any]
    is_durable: bool
    is_alone: bool
    future: asyncio.Future[Any]


class Worker:
    """The thread.

    Args:
        transact: does the work of some jobs in one transaction, and returns their results.
        name: of the thread.
    """

    def __init__(self, transact: Callable[[list[Job]], list[Any]], name: str) -> None:
        self._transact = transact
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[], Result], *, is_durable: bool = False, is_alone: bool = False
    ) -> asyncio.Future[Result]:
        """Hand over work; the future is done when it stands, or has failed."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        with self._changed:
            self._waiting.append(Job(work, is_durable, is_alone, future))
            self._changed.notify()
        return future

    def end(self) -> None:
        """Let the thread end after what it was given."""
        with self._changed:
            self._is_ended = True
            self._changed.notify()

    def _take(self) -> list[Job]:
        """Wait for work; none means that there will be no more."""
        jobs: list[Job] = []
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ended)
            while (
                self._waiting and len(jobs) < _MOST and not (jobs and (jobs[0].is_alone or self._waiting[0].is_alone))
            ):
                jobs.append(self._waiting.popleft())
        return jobs

    def _run(self) -> None:
        while jobs := self._take():
            try:
                results, error = self._transact(jobs), None
            except BaseException as raised:  # noqa: BLE001 - it is raised where the work was handed over
                results, error = [None] * len(jobs), raised
            futures = [job.future for job in jobs]
            with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                futures[0].get_loop().call_soon_threadsafe(_tell, futures, results, error)


def _tell(futures: list[asyncio.Future[Any]], results: list[Any], error: BaseException | None) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():  # whoever waited has left
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
