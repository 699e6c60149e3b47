"""What the threads of a hostile server wait for, so that a test knows when all of them do.

A server whose threads all wait, and for nothing that is there already, does nothing more by itself: only its client,
the test, or time can move it. Then, and only then, may the clock of a `HostileLoop` jump.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

READABLE: Final = select.POLLIN | select.POLLHUP | select.POLLERR
WRITABLE: Final = select.POLLOUT | select.POLLHUP | select.POLLERR
_STEP: Final = 0.001  # real seconds between two looks at a clock that jumps


@dataclass(frozen=True, eq=False)
class _Wait:
    """A thread waits for a socket or an event, for so long.

    Args:
        descriptor: of the socket; negative for none.
        mask: what the socket must be ready for.
        event: what else may come.
        end: when the waiting ends, by the clock of the server.
    """

    descriptor: int
    mask: int
    event: threading.Event | None
    end: float | None

    def has_come(self, seconds: float | None = 0) -> bool:
        """Return whether it is there, after so many real seconds at the most."""
        if self.event is not None:
            return self.event.wait(seconds)
        poll = select.poll()
        if self.descriptor >= 0:
            poll.register(self.descriptor, self.mask)
        return bool(poll.poll(None if seconds is None else seconds * 1000))


class Waits:
    """The threads of one server, and what each of them waits for."""

    def __init__(self) -> None:
        self._clock: Callable[[], float] = monotonic
        self._threads = 0
        self._waits: set[_Wait] = set()
        self._changed = threading.Condition()

    def live_by(self, clock: Callable[[], float]) -> None:
        """Take the time from a clock that jumps."""
        self._clock = clock

    def begin(self) -> None:
        """Note that a thread is about to start: it does not wait yet."""
        with self._changed:
            self._threads += 1

    def end(self) -> None:
        """Note that a thread has nothing more to do."""
        with self._changed:
            self._threads -= 1
            self._changed.notify_all()

    def wait(
        self,
        descriptor: int = -1,
        mask: int = 0,
        *,
        event: threading.Event | None = None,
        seconds: float | None = None,
    ) -> bool:
        """Wait for a socket or an event; False if time was up before."""
        wait = _Wait(descriptor, mask, event, None if seconds is None else self._clock() + seconds)
        with self._noted(wait):
            while not wait.has_come(self._step(wait)):
                if wait.end is not None and self._clock() >= wait.end:
                    return False
        return True

    def _step(self, wait: _Wait) -> float | None:
        if wait.end is None:
            return None
        return max(0.0, wait.end - monotonic()) if self._clock is monotonic else _STEP

    @contextmanager
    def _noted(self, wait: _Wait) -> Iterator[None]:
        with self._changed:
            self._waits.add(wait)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._waits.remove(wait)

    def next_end(self) -> float | None:
        """Return when time will move one of the threads; infinity for never, None while one does not wait."""
        with self._changed:
            if len(self._waits) < self._threads or any(wait.has_come() for wait in self._waits):
                return None
            ends = [wait.end for wait in self._waits if wait.end is not None]
        nearest = min(ends, default=float("inf"))
        return nearest if nearest > self._clock() else None

    def are_all_for_others(self) -> bool:
        """Return whether all threads wait for the client or the test."""
        return self.next_end() == float("inf")
