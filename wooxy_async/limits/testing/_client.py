"""What a client and a limiter must do together, whatever goes wrong between them: a server counts the requests.

The limiter that is checked stands behind another one, which fails, hangs and loses leases as a check says.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Final, cast

from wooxy_async import Accepted, InDoubt, NotSent, Outcome, RetryPolicy, ViberMessage, WooxyClient, WooxyError
from wooxy_async._ports import Lease, Limiter, Priority
from wooxy_async.limits._slots import SLOTS
from wooxy_async.limits.testing._stand import PATIENCE, Check, MakeLimiter, Stand, require, stand
from wooxy_async.sandbox import Fault, Sandbox

_MESSAGES: Final = 30
_LOSS_HOLD: Final = 0.05
_SLOW: Final = 0.2  # seconds that an answer takes
_NEVER: Final = 3600.0  # seconds that an answer takes which nobody waits for
_Trouble = Callable[[], Awaitable[object]]
_Odd = Callable[[Lease], Any]  # another lease


async def _none() -> None:
    """Make no trouble."""


def _even(lease: Lease) -> Lease:
    """Leave a lease as it is."""
    return lease


class _Troubled:
    """A limiter behind which another one stands.

    Args:
        inner: the other one.
        acquiring: done when a slot was had, before it is given out.
        releasing: done when a slot was given back.
        odd: what becomes of each lease.
    """

    def __init__(
        self, inner: Limiter, acquiring: _Trouble = _none, releasing: _Trouble = _none, odd: _Odd = _even
    ) -> None:
        self.inner = inner
        self.acquiring = acquiring
        self.releasing = releasing
        self.odd = odd

    def slot(self, *, priority: Priority, deadline: float | None = None) -> _TroubledSlot:
        return _TroubledSlot(self, self.inner.slot(priority=priority, deadline=deadline))

    async def aclose(self) -> None:
        """Leave the other one open: the check goes on with it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _TroubledSlot:
    def __init__(self, limiter: _Troubled, slot: AbstractAsyncContextManager[Lease]) -> None:
        self._limiter = limiter
        self._slot = slot

    async def __aenter__(self) -> Lease:
        lease = await self._slot.__aenter__()
        try:
            await self._limiter.acquiring()
        except BaseException:
            await self._slot.__aexit__(None, None, None)
            raise
        odd: Lease = self._limiter.odd(lease)
        return odd

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._slot.__aexit__(kind, error, traceback)
        await self._limiter.releasing()


class _OddLease:
    """A lease of which some is not what it was.

    Args:
        lease: the other one.
        odd: attributes of its own.
    """

    def __init__(self, lease: Lease, **odd: object) -> None:
        self._lease = lease
        vars(self).update(odd)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lease, name)


class _Bench:
    """A server, a client of it, and the limiter in between.

    Args:
        on: where the limiter stands.
        server: counts.
        limiter: makes the trouble.
        client: sends.
    """

    def __init__(self, on: Stand, server: Sandbox, limiter: _Troubled, client: WooxyClient) -> None:
        self.on = on
        self.server = server
        self.limiter = limiter
        self.client = client

    async def send(self, **options: Any) -> Outcome:
        """Return what becomes of one message."""
        return await self.on.in_time(self._send(**options), "a message has no outcome")

    async def _send(self, **options: Any) -> Outcome:
        try:
            return await self.client.send(next(_messages()), **options)
        except WooxyError as error:
            outcome: Outcome = error.outcome
            return outcome

    async def sends_many(self) -> None:
        """See that a campaign goes."""
        taken = self.server.taken
        stream = self.client.send_many(_messages())
        outcomes = await self.on.in_time(_all(stream), "a campaign does not end")
        accepted = sum(isinstance(outcome, Accepted) for outcome in outcomes)
        require(accepted == _MESSAGES, f"of {_MESSAGES} messages only {accepted} were accepted")
        require(self.server.taken == taken + _MESSAGES, f"the server has taken {self.server.taken} messages")

    def require_unsent(self, outcome: Outcome) -> None:
        """See that a message was not sent, and no request made for it."""
        is_unsent = isinstance(outcome, NotSent) and self.server.requests == 0
        require(
            is_unsent, f"a request was made without a slot, or the outcome is {type(outcome).__name__}, not NotSent"
        )


def _messages() -> Iterator[ViberMessage]:
    return (
        ViberMessage(domain="shop.example", phone_number=f"+1415555{at:04d}", text="Hello") for at in range(_MESSAGES)
    )


async def _all(outcomes: AsyncIterator[Outcome]) -> list[Outcome]:
    return [outcome async for outcome in outcomes]


@asynccontextmanager
async def _bench(make: MakeLimiter, patience: float, after: str) -> AsyncIterator[_Bench]:
    """Start a server, and see at the end that it saw ten requests at most, and that all slots are back."""
    async with stand(make, patience) as on, Sandbox(loss_grace=0) as server:
        limiter = _Troubled(on.limiters[0])
        client = WooxyClient(
            server.token,
            base_url=server.url,
            limiter=cast("Limiter", limiter),
            loss_hold=_LOSS_HOLD,
            drain=0,
            retry=RetryPolicy(attempts=1),
        )
        async with client:
            yield _Bench(on, server, limiter, client)
        require(
            server.violations == 0, f"the server saw {server.peak_in_progress} requests at once, {SLOTS} are allowed"
        )
        await on.finds_all_free(after)


async def check_failing_acquire(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """Where a slot cannot be had, nothing is sent, and no slot is lost; takes what `check_cap` takes."""
    failures = iter(range(3))

    async def fails() -> None:
        if next(failures, None) is not None:
            raise ConnectionError

    async with _bench(make, patience, "acquiring that failed") as bench:
        bench.limiter.acquiring = fails
        for _failure in range(3):
            bench.require_unsent(await bench.send())
        await bench.sends_many()


async def check_hanging_acquire(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A caller does not wait for a slot past its time, and no slot is lost; takes what `check_cap` takes."""
    async with _bench(make, patience, "callers that left while their slots were given out") as bench:
        bench.limiter.acquiring = asyncio.Event().wait
        for _caller in range(3):
            bench.require_unsent(await bench.send(timeout=0.05))
        bench.limiter.acquiring = _none
        await bench.sends_many()


async def check_failing_release(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """What fails as a slot is given back changes no outcome, and sends nothing twice; takes what `check_cap` takes."""
    await _check_release(make, patience, ConnectionError)


async def check_timed_out_release(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A TimeoutError when a slot is given back is taken for nothing else; takes what `check_cap` takes."""
    await _check_release(make, patience, TimeoutError)


async def _check_release(make: MakeLimiter, patience: float, error: type[Exception]) -> None:
    async def fails() -> None:
        raise error

    async with _bench(make, patience, "releases that failed") as bench:
        bench.limiter.releasing = fails
        outcome = await bench.send()
        require(isinstance(outcome, Accepted), f"the outcome is {type(outcome).__name__}, not Accepted")
        await bench.sends_many()


async def check_hanging_release(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """An outcome does not wait until its slot was given back; takes what `check_cap` takes."""
    released = asyncio.Event()
    async with _bench(make, patience, "releases that hung") as bench:
        bench.limiter.releasing = released.wait
        outcome = await bench.send()
        require(isinstance(outcome, Accepted), f"the outcome is {type(outcome).__name__}, not Accepted")
        released.set()
        await bench.sends_many()


async def check_lost_before_request(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """In a lease that was lost before its request nothing starts; takes what `check_cap` takes."""
    lost = asyncio.get_running_loop().create_future()
    lost.set_result(None)
    async with _bench(make, patience, "leases that were lost before their requests") as bench:
        for odd in ({"holds": lambda: False}, {"lost": lost}, {"remaining": lambda: 0.0}):
            bench.limiter.odd = lambda lease, odd=odd: _OddLease(lease, **odd)  # type: ignore[misc]
            bench.require_unsent(await bench.send())
        bench.limiter.odd = _even
        await bench.sends_many()


async def check_lost_during_request(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A request that is out is ended with its lease, and in doubt; takes what `check_cap` takes."""
    lost = asyncio.get_running_loop().create_future()
    async with _bench(make, patience, "a lease that was lost during its request") as bench:
        bench.limiter.odd = lambda lease: _OddLease(lease, lost=lost)
        bench.server.script(Fault.slow_answer(_NEVER))
        sending = asyncio.ensure_future(bench.send())
        await bench.on.until(lambda: bench.server.in_progress == 1, "no request is made with a slot in hand")
        lost.set_result(None)
        outcome = await sending
        kind = outcome.cause.kind if isinstance(outcome, InDoubt) else ""
        require(kind == "lease_lost", f"the outcome is {type(outcome).__name__}, not InDoubt for a lease that was lost")
        await bench.on.until(lambda: bench.server.in_progress == 0, "a request outlives its lease")
        bench.limiter.odd = _even
        await bench.sends_many()


async def check_lost_after_request(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A lease that is lost after its answer changes nothing; takes what `check_cap` takes."""
    lost = asyncio.get_running_loop().create_future()

    async def lose() -> None:
        if not lost.done():
            lost.set_result(None)

    async with _bench(make, patience, "a lease that was lost after its request") as bench:
        bench.limiter.odd = lambda lease: _OddLease(lease, lost=lost)
        bench.limiter.releasing = lose
        outcome = await bench.send()
        require(isinstance(outcome, Accepted), f"the outcome is {type(outcome).__name__}, not Accepted")
        bench.limiter.odd = _even
        await bench.sends_many()


async def check_slow_clock(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A lease by a clock that goes slowly ends no request early, and starts none late; takes what `check_cap` takes."""
    async with _bench(make, patience, "leases by a slow clock") as bench:
        bench.limiter.odd = lambda lease: _OddLease(lease, holds=lambda: False, remaining=lambda: math.inf)
        bench.require_unsent(await bench.send())
        bench.limiter.odd = lambda lease: _OddLease(lease, remaining=lambda: _SLOW / 4)  # also when it is asked again
        bench.server.script(Fault.slow_answer(_SLOW))
        outcome = await bench.send()
        require(isinstance(outcome, Accepted), f"the outcome is {type(outcome).__name__}, not Accepted")
        bench.limiter.odd = _even
        await bench.sends_many()


CLIENT_CHECKS: tuple[Check, ...] = (
    check_failing_acquire,
    check_hanging_acquire,
    check_failing_release,
    check_timed_out_release,
    check_hanging_release,
    check_lost_before_request,
    check_lost_during_request,
    check_lost_after_request,
    check_slow_clock,
)
