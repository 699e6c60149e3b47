"""What the client asks of the world: a clock, something that carries a request, and something that keeps the cap."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, NamedTuple, Protocol

import msgspec

from wooxy_async._rules.outcomes import CauseDetail, CauseKind

Priority = Literal["urgent", "bulk"]


class Clock(Protocol):
    """Where time comes from; the standard library's module `time` is one.

    An event loop has a clock of its own for its timers: where the two differ, as in a simulation, both must go on
    together.
    """

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def time(self) -> float:
        """Return the seconds since the epoch."""
        ...


class Handover:
    """The evidence of one request: whether a byte of it may have left this process.

    It is the only thing by which "not sent" is told from "in doubt". The transport asks `may_start` right before
    its first write and sets `started` in the same step; the caller may forbid the start as long as it is not made.

    Args:
        holds: says whether the request's slot is still its own.
    """

    __slots__ = ("_holds", "connected", "forbidden", "started")

    def __init__(self, holds: Callable[[], bool]) -> None:
        self._holds = holds
        self.connected = False  # a connection was taken for it; never so under a mocked session
        self.started = False  # from here on a byte may be out
        self.forbidden = False

    def may_start(self) -> bool:
        """Return whether the request may still go."""
        return not self.forbidden and self._holds()


class Reply(NamedTuple):
    """A whole answer, read within its bound."""

    status: int
    body: bytes
    retry_after: str | None


class TransportError(Exception):
    """No whole answer came; nothing of the HTTP library's exception is kept, because its frames hold the token.

    Args:
        kind: what happened, as `Cause.kind`.
        text: a sentence for people.
        detail: why a connection was not made, as `Cause.detail`.
    """

    def __init__(self, kind: CauseKind, text: str, detail: CauseDetail | None = None) -> None:
        super().__init__(kind, text, detail)
        self.kind: CauseKind = kind
        self.text = text
        self.detail: CauseDetail | None = detail


class Transport(Protocol):
    """Carries one request at a time per call; never retries, never follows a redirect.

    It belongs to the event loop that ran when it was made.
    """

    is_inherited: bool  # made by the parent of this process: of no use here

    async def post(self, body: bytes, handover: Handover, url: str | None = None) -> Reply:
        """Send a request and read its answer.

        Args:
            body: the whole body.
            handover: is told how far it came.
            url: of another method than that which sends messages.

        Raises:
            TransportError: no whole answer came. Whether a byte is out stands in `handover`, not in the error.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...

    def cut(self) -> None:
        """End all connections in the eyes of the server; their event loop is closed. May be called from any thread."""
        ...

    def abandon(self) -> None:
        """Give up all connections at once, because nothing can be awaited any more."""
        ...


class LimiterUnavailableError(Exception):
    """A limiter cannot keep the cap now: its message is NotSent with these words, cause `limiter_unavailable`.

    Args:
        reason: what is wrong and what helps, without secrets; one sentence with its full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lease(Protocol):
    """One slot, from its grant until it is given back."""

    def holds(self) -> bool:
        """Return whether the slot is still this lease's own."""
        ...

    def keep_closed(self, seconds: float) -> None:
        """Keep the slot closed for so long after the lease ends: the server may still be at work."""
        ...


class LimiterStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A limiter at one moment.

    Args:
        total: slots of the account.
        borrowed: slots in use by this client.
        closed: slots of the account that are kept closed, as after an end in doubt.
        waiting: messages of this client that wait for a slot.
    """

    total: int
    borrowed: int
    closed: int
    waiting: int


class Limiter(Protocol):
    """Keeps the number of requests in progress within the account's cap.

    One that opens slots of event loops that were closed has `before_slots_of_dead_loops_open` as well, and one that
    wraps it hands that on: a closed loop leaves its sockets open, and the server works on; see `ProcessLimiter`.
    """

    def slot(self, *, priority: Priority, deadline: float | None = None) -> AbstractAsyncContextManager[Lease]:
        """Wait for a slot and hold it for the block.

        Args:
            priority: "urgent" goes before "bulk".
            deadline: the clock's `monotonic()` at which waiting ends; None waits as long as it takes.

        Raises:
            TimeoutError: no slot became free in time.
            LimiterUnavailableError: the cap cannot be kept now. Whatever else entering the block raises means that
                the limiter does not work, and is logged. What leaving it raises is logged and changes nothing.
        """
        ...

    def statistics(self) -> LimiterStatistics:
        """Return the limiter's state at this moment."""
        ...
