"""A slot for one request, of whatever limiter: only acquiring it can fail the request."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final

from wooxy_async._client.session import Session
from wooxy_async._ports import Lease, LimiterUnavailableError, Priority
from wooxy_async._rules.outcomes import Cause
from wooxy_async._runtime import foreign

_RELEASE_LIMIT: Final = 5.0  # seconds that a limiter may take to take back a slot
Slot = AbstractAsyncContextManager[Lease]
NO_SLOT: Final = Cause(
    kind="no_slot",
    text="No slot became free in time: every slot that this client may use is taken by another request.",
)


async def acquire(session: Session, priority: Priority, deadline: float | None) -> tuple[Slot, Lease] | Cause:
    """Return a slot, or why there is none: whatever a limiter raises, no request was started."""
    try:
        slot = session.limiter.slot(priority=priority, deadline=deadline)
        return slot, await slot.__aenter__()
    except BaseException as error:
        if foreign.ends_this_task(error):
            raise
        if isinstance(error, TimeoutError) and deadline is not None:
            return NO_SLOT
        if isinstance(error, LimiterUnavailableError):
            return Cause(kind="limiter_unavailable", text=session.settings.redact(error.reason))
        session.log_mistake("the limiter failed; no request was started")
        text = f"The limiter failed ({type(error).__name__}); no request was started."
        return Cause(kind="limiter_unavailable", text=text)


async def release(session: Session, slot: Slot) -> None:
    """Give a slot back: what was judged stands, whatever the limiter does."""
    try:
        async with asyncio.timeout(_RELEASE_LIMIT):
            await slot.__aexit__(None, None, None)
    except BaseException as error:
        if foreign.ends_this_task(error):
            raise
        session.log_mistake("the limiter failed to take back a slot; the message is not affected")


def keep_closed(session: Session, lease: Lease, seconds: float) -> None:
    """Keep a slot closed for so long after its lease ends."""
    failed = "the limiter failed to keep a slot closed; the message is not affected"
    foreign.call(lambda: lease.keep_closed(seconds), lambda: session.log_mistake(failed))
