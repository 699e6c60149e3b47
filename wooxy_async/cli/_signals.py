"""Ctrl-C and SIGTERM, as calls in the event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import msgspec

from wooxy_async import WooxyClient
from wooxy_async.cli._exits import ExitCode

_CAUGHT: Final = (signal.SIGINT, signal.SIGTERM)


class Ending(msgspec.Struct):
    """How a run ended.

    Args:
        signal: the first signal that came, or None.
        error: what ended the run before its last message, in words.
    """

    signal: int | None = None
    error: str | None = None

    @property
    def exit_code(self) -> ExitCode | None:
        """What the shell sees of a signal; None where none came."""
        if self.signal is None:
            return None
        return ExitCode.INTERRUPTED if self.signal == signal.SIGINT else ExitCode.TERMINATED


async def until_signalled(
    client: WooxyClient, work: Awaitable[None], ending: Ending, *, stopping: Callable[[], object] = bool
) -> None:
    """Await work with a client, and close the client.

    What came of it is told before `asyncio.run` ends, which waits for a name that is still being resolved.
    The first signal ends the work, and what is in flight has 10 seconds for its answer; the second one cuts it.

    Args:
        client: closed at the end.
        work: what is cancelled by the first signal.
        ending: is told of the signal at once.
        stopping: called at the first signal.
    """
    working, cuts = anyio.CancelScope(), list[asyncio.Task[None]]()

    def stop(number: int) -> None:
        if ending.signal is None:
            ending.signal = number
            working.cancel()
            stopping()
        else:
            cuts.append(asyncio.ensure_future(client.aclose(drain=0)))

    with catching(stop):
        try:
            with working:
                await work
        finally:
            await client.aclose()
            await asyncio.gather(*cuts)


@contextmanager
def catching(handle: Callable[[int], object]) -> Iterator[None]:
    """Call a function for each signal that comes during the block, in place of ending the process.

    Args:
        handle: takes the signal's number.
    """
    loop = asyncio.get_running_loop()
    for number in _CAUGHT:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in _CAUGHT:
            loop.remove_signal_handler(number)
