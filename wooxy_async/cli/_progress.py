"""How a run goes, while it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wooxy_async import Statistics
from wooxy_async.cli._signals import Ending
from wooxy_async.cli._tally import WORDS, Tally
from wooxy_async.cli._wording import lasting

_REFRESH: Final = 0.1
_PLAIN_EVERY: Final = 10.0


class Progress:
    """What is drawn.

    Args:
        tally: the outcomes so far.
        ending: says whether the run is being stopped.
        total: how many messages will go.
        slots: how many requests may be in progress.
        statistics: asks the client for its state.
    """

    def __init__(
        self, tally: Tally, ending: Ending, *, total: int, slots: int, statistics: Callable[[], Statistics]
    ) -> None:
        self._tally = tally
        self._ending = ending
        self._total = total
        self._slots = slots
        self._statistics = statistics

    def picture(self) -> RenderableType:
        """Return three lines: how far, how fast, and what came of it."""
        tally = self._tally
        share = Table.grid(expand=True, padding=(0, 1))
        share.add_column(ratio=1)
        share.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=max(self._total, 1), completed=tally.settled)
        share.add_row(bar, f"{tally.settled:,} of {self._total:,} · {self._percent():.0f} %")
        return Group(share, Text(self.line(), style="dim"), self._outcomes())

    def line(self) -> str:
        """Return speed, slots and time left."""
        state = self._statistics()
        parts = [f"{self._tally.rate:,.0f} a second", f"{state.borrowed} of {self._slots} slots in use"]
        if state.closed:
            parts.append(f"{state.closed} closed for now")
        if state.paused_for:
            parts.append(f"pausing {lasting(state.paused_for)}")
        parts.append("stopping: waiting for what is in flight" if self._ending.signal else f"{self._left()} left")
        return " · ".join(parts)

    def plain(self) -> str:
        """Return the whole as one line, for files and pipes."""
        return f"{self._tally.settled:,} of {self._total:,} · {self.line()} · {self._outcomes().plain}"

    def _percent(self) -> float:
        return 100 * self._tally.settled / max(self._total, 1)

    def _left(self) -> str:
        if not self._tally.settled:
            return "?"
        return lasting((self._total - self._tally.settled) / self._tally.rate)

    def _outcomes(self) -> Text:
        counts = self._tally.counts
        shown = [
            (f"{word} {counts[tag]:,}", colour) for tag, word, colour, _ in WORDS if counts[tag] or tag == "accepted"
        ]
        return Text(" · ").join(Text(text, style=colour) for text, colour in shown)


@asynccontextmanager
async def showing(screen: Console, progress: Progress, *, every: float = _PLAIN_EVERY) -> AsyncIterator[None]:
    """Show the progress for the block: a live picture on a terminal, a line now and then elsewhere.

    Args:
        screen: where.
        progress: what.
        every: seconds between two plain lines.
    """
    drawing = asyncio.create_task(_draw(screen, progress) if screen.is_terminal else _tell(screen, progress, every))
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.wait({drawing})


async def _draw(screen: Console, progress: Progress) -> None:
    with Live(progress.picture(), console=screen, auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(_REFRESH)
            live.update(progress.picture(), refresh=True)


async def _tell(screen: Console, progress: Progress, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        screen.print(progress.plain(), soft_wrap=True)
