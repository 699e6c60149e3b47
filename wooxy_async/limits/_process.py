"""A client's view of its account's slots: the limiter that holds within one process."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

import anyio

from wooxy_async._ports import Clock, Lease, LimiterStatistics, Priority
from wooxy_async._rules.arguments import hiding_arguments
from wooxy_async.limits import _pace
from wooxy_async.limits._account import DeadLoops, ProcessLease, Share, SlotPool, Waiter, running_loop
from wooxy_async.limits._slots import SLOTS, OwnSlots, Slots

_accounts: dict[bytes, SlotPool] = {}
_accounts_of_tokens: dict[bytes, bytes] = {}  # of those that were seen with account=
_accounts_lock = threading.Lock()


def _account_key(token: str, account: str | None) -> bytes:
    """Return what names an account in this process, and note whose the token is."""
    own = hashlib.sha256(token.encode()).digest()
    with _accounts_lock:
        if account is None:
            return _accounts_of_tokens.get(own, own)
        key = _accounts_of_tokens[own] = hashlib.sha256(f"account {account}".encode()).digest()
        if own in _accounts and key not in _accounts:
            _accounts[key] = _accounts.pop(own)  # its clients of before go on in it
        return key


def join(key: bytes, share: Share, clock: Clock, make: Callable[[], Slots]) -> SlotPool:
    """Make a share a part of the account with this key.

    Args:
        key: says which account; never the token itself.
        share: the client's part.
        clock: where time comes from, for the first share of the account.
        make: returns the slots of a new account.
    """
    with _accounts_lock:  # also while the share is added: without one an account may be forgotten at any moment
        for idle in [other for other, account in _accounts.items() if other != key and account.is_idle()]:
            _accounts.pop(idle).slots.close()
        account = _accounts.get(key)
        if account is None:
            account = _accounts[key] = SlotPool(clock, make())
        account.shares.add(share)
        return account


def _start_anew() -> None:
    """Let a forked child have ten slots of its own: the requests of its parent are not its requests.

    The accounts stay, so that a client from before the fork and a new one share them.
    """
    global _accounts_lock  # noqa: PLW0603 - a lock that another thread held at the fork is held for ever
    _accounts_lock = threading.Lock()
    for account in _accounts.values():
        account.start_anew()
    _pace.start_anew()


getattr(os, "register_at_fork", lambda **_hooks: None)(after_in_child=_start_anew)


class ProcessLimiter:
    """Keeps one cap per token for all clients, threads and event loops of this process.

    First come, first served; "urgent" goes before "bulk", but after four urgent ones in a row one bulk message
    gets its turn. Processes do not see one another: the sum of `max_concurrency` over all processes of an account
    must not exceed 10.

    Args:
        token: the account's access token; only a digest of it is kept.
        share: slots that this client may use at once, 1 to 10.
        max_bulk: slots that bulk may use at once, that of the other clients included, 1 to 10; urgent may use all.
        loss_hold: seconds that a slot stays closed after the event loop of its request was lost.
        clock: where time comes from; the limiters of one token use that of the first.
        account: names the account that several tokens share; None for the one that the token was last seen with.

    Raises:
        TypeError: the token is no text.

    Source:
        API page: "Do not send more than 10 concurrent API requests".
    """

    @hiding_arguments
    def __init__(
        self,
        token: str,
        *,
        share: int = SLOTS,
        max_bulk: int = SLOTS,
        loss_hold: float = 5.0,
        clock: Clock = time,
        account: str | None = None,
    ) -> None:
        if not isinstance(token, str):
            raise TypeError(f"token must be a text, not {type(token).__name__}.")
        terms = Share(share, loss_hold, max_bulk=max_bulk)
        self._join(_account_key(token, account), terms, clock, lambda: OwnSlots(clock))

    def _join(self, key: bytes, share: Share, clock: Clock, make: Callable[[], Slots]) -> None:
        self.share = share
        self.account: SlotPool = join(key, share, clock, make)
        self._clock = clock
        self._looking: weakref.ref[asyncio.AbstractEventLoop] | None = None

    def slot(self, *, priority: Priority, deadline: float | None = None) -> AbstractAsyncContextManager[Lease]:
        """Wait for a slot and hold it for the block; see `Limiter.slot`."""
        return _Slot(self, priority, deadline)

    def statistics(self) -> LimiterStatistics:
        """Return the limiter's state at this moment."""
        _in_use, closed = self.account.in_use()
        return LimiterStatistics(total=SLOTS, borrowed=self.share.borrowed, closed=closed, waiting=self.share.waiting)

    def pause(self, seconds: float) -> None:
        """Do nothing: the clients of one token in this process pause together by themselves."""

    def paused_for(self) -> float:
        """Return 0.0; see `pause`."""
        return 0.0

    async def aclose(self) -> None:
        """Do nothing: there is nothing that other clients of the account do not use as well."""

    def before_slots_of_dead_loops_open(self, abort: weakref.WeakMethod[DeadLoops]) -> None:
        """Have connections cut whose event loop was closed, before the slots of their requests begin to open.

        A closed loop leaves its sockets open, so that the server works on as if nothing had happened.

        Args:
            abort: cuts the connections of a client if their loop is closed; may be called from any thread.
        """
        self.share.aborts.append(abort)

    async def wait(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> ProcessLease:
        """Wait in the queue until a grant was claimed."""
        while True:
            granted: asyncio.Future[None] = loop.create_future()
            self.account.enter(waiter, granted)
            self._poll(loop)
            try:
                await granted
            except BaseException:
                self.account.give_back(waiter)
                raise
            if (lease := self.account.claim(waiter)) is not None:
                return lease

    def seconds_until(self, deadline: float) -> float:
        """Return the seconds that are left."""
        return deadline - self._clock.monotonic()

    def _poll(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the clock now and, as long as somebody waits, again and again."""
        if self._looking is not None and self._looking() is loop:
            return
        self._looking = weakref.ref(loop)
        self._poll_again(loop)

    def entered(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note that a slot was had without a wait."""

    def left(self, keep: float, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the clock once more when a slot that is kept closed opens, if somebody waits."""
        if keep and self.share.waiting:
            loop.call_later(keep, self.account.reap)

    def _poll_again(self, loop: asyncio.AbstractEventLoop) -> None:
        opens_in = self.account.reap()
        if self._must_poll:
            loop.call_later(min(max(opens_in, 0.0), self.account.slots.poll_every), self._poll_again, loop)
        else:
            self._looking = None

    @property
    def _must_poll(self) -> bool:
        return bool(self.share.waiting)


class _Slot:
    """The context manager of one slot."""

    __slots__ = ("_deadline", "_lease", "_limiter", "_priority")

    def __init__(self, limiter: ProcessLimiter, priority: Priority, deadline: float | None) -> None:
        self._limiter = limiter
        self._priority: Priority = priority
        self._deadline = deadline

    async def __aenter__(self) -> ProcessLease:
        loop = asyncio.get_running_loop()
        place = self._limiter.account.take(self._limiter.share, self._priority, loop)
        if isinstance(place, Waiter):
            if self._deadline is None:
                place = await self._limiter.wait(place, loop)
            else:
                with anyio.fail_after(self._limiter.seconds_until(self._deadline)):
                    place = await self._limiter.wait(place, loop)
        else:
            self._limiter.entered(loop)
        self._lease = place
        return place

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._limiter.account.give_back(self._lease)
        if (loop := running_loop()) is not None:
            self._limiter.left(self._lease.keep, loop)
