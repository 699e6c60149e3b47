"""The limiter that people write: ten lock files, looked at again and again; beside ours in the same run."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.interface import SLOTS

POLL = 0.005  # seconds between two looks


class Believing:
    """The part of a limiter that those who write their own leave out: nothing is lost, kept closed, or counted."""

    def holds(self) -> bool:
        """Believe it."""
        return True

    def keep_closed(self, seconds: float) -> None:
        """Keep nothing closed."""

    async def aclose(self) -> None:
        """Close nothing: what is open is of one slot."""

    def statistics(self) -> Any:
        """Count nothing."""
        raise NotImplementedError


class LockFiles(Believing):
    """Ten locks in a directory: no priorities, no turns, and a slot of the dead is free at once.

    Args:
        directory: of the files.
    """

    def __init__(self, directory: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._free = [os.open(directory / f"slot-{at}", flags, 0o600) for at in range(SLOTS)]

    @asynccontextmanager
    async def slot(self, *, priority: str, deadline: float | None = None) -> AsyncIterator[LockFiles]:
        """Look until one can be locked."""
        del priority
        while (file := self._lock()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(POLL)
        try:
            yield self
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
            self._free.append(file)

    def _lock(self) -> int | None:
        for file in self._free:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self._free.remove(file)
            return file
        return None
