"""One slot on a Redis or Valkey server, as the process that holds it sees it."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol


class Lender(Protocol):
    """Where tickets are from."""

    @property
    def seconds_left(self) -> float:
        """Seconds for which tickets are this process's."""
        ...

    def seconds_until(self, time: float) -> float:
        """Return the seconds until then, below 0 if it has passed."""
        ...


class Ticket:
    """A slot that this process holds.

    Args:
        slots: where it is from.
        name: of the ticket.
        kind: "u" or "b".
        since: when it was granted.
        is_offline: the server has not granted it, and knows nothing of it yet.

    `until` is when the lease ends under which it was granted by a message, which may be read long after it was sent;
    None from when a reply has named it, because then it is the process's as all others are.
    """

    __slots__ = ("_lost", "_slots", "is_lost", "is_offline", "kind", "name", "since", "until")

    def __init__(self, slots: Lender, name: str, kind: str, since: float, *, is_offline: bool = False) -> None:
        self._slots = slots
        self.name = name
        self.kind = kind
        self.since = since
        self.is_lost = False
        self.is_offline = is_offline
        self.until: float | None = None
        self._lost: asyncio.Future[None] | None = None

    def holds(self) -> bool:
        """Return whether it is still this process's."""
        return self.remaining() > 0

    def remaining(self) -> float:
        """Return the seconds for which it is this process's, whatever happens to the server."""
        if self.is_lost:
            return 0.0
        if self.is_offline:
            return inf
        return self._slots.seconds_left if self.until is None else self._slots.seconds_until(self.until)

    def watch(self, lost: asyncio.Future[None] | None) -> None:
        """Have a future that is done when it is lost; None while no message uses it."""
        self._lost = lost
        if self.is_lost:
            self.lose()

    def lose(self) -> None:
        """Be somebody else's from now on."""
        self.is_lost = True
        if (future := self._lost) is not None:
            try:
                future.get_loop().call_soon_threadsafe(_resolve, future)
            except RuntimeError:  # its loop is closed
                return


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
