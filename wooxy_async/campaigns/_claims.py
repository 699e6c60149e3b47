"""Rows that are claimed ahead of need: no slot waits for the disk, and a power loss puts few in doubt."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from wooxy_async._ports import Journal
from wooxy_async._rules.journal import ClaimedRow
from wooxy_async._runtime.turns import begin

GROUP: Final = 10  # rows that one sync to disk claims
AHEAD: Final = 20  # claimed rows without an outcome at which the next group is claimed


class Claims:
    """The claimed rows of one run: `GROUP` + `AHEAD` of them at the most have no outcome that stands.

    Args:
        journal: from which they are claimed.
        limit: how many rows this run may claim; None for all.
    """

    def __init__(self, journal: Journal, limit: int | None) -> None:
        self._journal = journal
        self._left = limit
        self._ready: deque[ClaimedRow] = deque()
        self._open = 0
        self._is_exhausted = False
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._failure: Exception | None = None

    async def next(self) -> ClaimedRow | None:
        """Return the next row; None where there is none."""
        while not self._ready:
            if self._failure is not None:
                raise self._failure
            if self._is_exhausted:
                return None
            self._changed.clear()
            self._claim_ahead()
            await self._changed.wait()
        row = self._ready.popleft()
        self._claim_ahead()
        return row

    def settled(self) -> None:
        """Learn that the outcome of a row stands."""
        self._open -= 1
        self._claim_ahead()

    async def give_back(self, rows: list[int]) -> None:
        """Claim nothing more, and give back what was not begun.

        Args:
            rows: that were not begun either, by their id.
        """
        self._is_exhausted = True
        if self._task is not None:
            await asyncio.wait({self._task})
        if left := [*(row.id for row in self._ready), *rows]:
            self._ready.clear()
            await self._journal.release(left)

    def _claim_ahead(self) -> None:
        if self._task is None and not self._is_exhausted and self._open <= AHEAD and len(self._ready) < GROUP:
            self._task = begin(self._claim())

    async def _claim(self) -> None:
        most = GROUP if self._left is None else min(GROUP, self._left)
        try:
            rows = await self._journal.claim(most) if most else ()
        except Exception as error:  # noqa: BLE001 - raised where the next row is asked for
            self._failure, rows = error, ()
        self._task = None
        self._ready.extend(rows)
        self._open += len(rows)
        self._left = None if self._left is None else self._left - len(rows)
        self._is_exhausted = self._is_exhausted or len(rows) < GROUP
        self._changed.set()
