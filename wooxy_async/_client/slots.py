"""A slot for one request, of whatever limiter: only acquiring it can fail the request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from math import inf
from types import TracebackType
from typing import Final

from wooxy_async._client.session import Session
from wooxy_async._ports import Handover, Lease, LimiterUnavailableError, Priority
from wooxy_async._rules.outcomes import Cause
from wooxy_async._runtime import foreign

_RELEASE_LIMIT: Final = 5.0  # seconds that a limiter may take to take back a slot
Slot = AbstractAsyncContextManager[Lease]
_Says = Callable[[], bool]
NO_SLOT: Final = Cause(
    kind="no_slot",
    text="No slot became free in time: every slot that this client may use is taken by another request.",
)


async def acquire(session: Session, priority: Priority, deadline: float | None) -> tuple[Slot, Lease] | Cause:
    """Return a slot, or why there is none: whatever a limiter raises, no request was started."""
    waiting = session.load.waiting
    waiting[priority] += 1
    try:
        if session.tokens is not None and (missing := await session.tokens.ready()) is not None:
            return missing
        slot = session.limiter.slot(priority=priority, deadline=deadline)
        return slot, await slot.__aenter__()
    except BaseException as error:
        if foreign.ends_this_task(error):
            raise
        if isinstance(error, TimeoutError) and deadline is not None:
            return NO_SLOT
        if isinstance(error, LimiterUnavailableError):
            return Cause(kind="limiter_unavailable", text=session.settings.redact(error.reason))
        session.log_exception("the limiter failed; no request was started")
        text = f"The limiter failed ({type(error).__name__}); no request was started."
        return Cause(kind="limiter_unavailable", text=text)
    finally:
        waiting[priority] -= 1


async def release(session: Session, slot: Slot) -> None:
    """Give a slot back: what was judged stands, whatever the limiter does."""
    failed = "the limiter failed to take back a slot; the message is not affected"
    await _ended(session, lambda: slot.__aexit__(None, None, None), failed)


async def close(session: Session) -> None:
    """Let the limiter of a closed client go, once."""
    aclose, session.limiter_is_closed = getattr(session.limiter, "aclose", None), True
    if aclose is not None:
        await _ended(session, aclose, "the limiter failed to close; no message is affected")


async def _ended(session: Session, work: Callable[[], Awaitable[object]], failed: str) -> None:
    try:
        async with asyncio.timeout(_RELEASE_LIMIT):
            await work()
    except BaseException as error:
        if foreign.ends_this_task(error):
            raise
        session.log_exception(failed)


def keep_closed(session: Session, lease: Lease, seconds: float) -> None:
    """Keep a slot closed for so long after its lease ends."""
    failed = "the limiter failed to keep a slot closed; the message is not affected"
    foreign.call(lambda: lease.keep_closed(seconds), lambda: session.log_exception(failed))


class LeaseWatch:
    """Looks after the slot of one request: nothing starts in a slot that has ended, and what is out is ended with it.

    Args:
        session: the client's.
        lease: of the slot.
        permits: returns what says whether the request may start, given what says whether its slot is held.
        mark: as in `Handover`.
    """

    __slots__ = ("_lease", "_lost", "_remaining", "_session", "_timer", "handover")

    def __init__(
        self,
        session: Session,
        lease: Lease,
        permits: Callable[[_Says], _Says] = lambda holds: holds,
        mark: Callable[[], bool] | None = None,
    ) -> None:
        self._session = session
        self._lease = lease
        self._remaining: Callable[[], float] = getattr(lease, "remaining", _for_ever)
        self._lost: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.handover = Handover(permits(self._holds), mark)

    def __enter__(self) -> None:
        foreign.call(self._begin, self._failed)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._lost is not None:
            self._lost.remove_done_callback(self._lose)

    def _holds(self) -> bool:
        return self._lease.holds() and self._remaining() > 0

    def _begin(self) -> None:
        self._lost = getattr(self._lease, "lost", None)
        if self._lost is not None:
            self._lost.add_done_callback(self._lose)
        self._look()

    def _look(self) -> None:
        """End the request if nothing is left; look again when that should be so."""
        left = self._remaining()
        if left <= 0:
            self.handover.lose_slot()
        elif left < inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(left, foreign.call, self._look, self._failed)

    def _lose(self, _lost: asyncio.Future[None]) -> None:
        self.handover.lose_slot()

    def _failed(self) -> None:
        self._session.log_exception("the limiter failed to say how long a slot is held")
        self.handover.lose_slot()


def _for_ever() -> float:
    return inf
