"""A client's view of its account's slots: the limiter that holds over hosts."""

from __future__ import annotations

import asyncio
import hmac
import time
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, cast
from urllib.parse import urlsplit

from wooxy_async._ports import Clock, Lease, LimiterUnavailableError, Priority
from wooxy_async._rules.arguments import hiding_arguments
from wooxy_async.limits._account import ProcessLease, Share, Waiter
from wooxy_async.limits._process import ProcessLimiter
from wooxy_async.limits._redis_choice import RedisLimits
from wooxy_async.limits._redis_link import Link
from wooxy_async.limits._redis_slots import RedisSlots
from wooxy_async.limits._redis_ticket import Ticket
from wooxy_async.limits._slots import SLOTS

_PORTS: Final = {"http": 80, "https": 443}
_LEAVE_WITHIN: Final = 3.0  # seconds in which the server is told of the last slots


class RedisLimiter(ProcessLimiter):
    """Keeps one cap per account and API for all processes, of however many hosts, that meet at one server.

    First come, first served, over all processes; "urgent" goes before "bulk", but after four urgent ones in a row one
    bulk message gets its turn. A process passes a slot on among its own messages for 0.25 s at the most, and not while
    an urgent one waits elsewhere.

    Args:
        token: the account's access token; only a keyed hash of it is kept.
        choice: the server, and how it is used.
        url: the API's address; only host and port count.
        share: slots that this client may use at once, 1 to 10.
        max_bulk: slots that bulk may use at once over all processes, 1 to 10; urgent may use all. Where the clients of
            one process differ, the smallest counts; each process keeps to its own.
        loss_hold: seconds that a slot stays closed after the lease of its dead process.
        answer_limit: seconds after which a request has ended; of no meaning here, because the lease is renewed.
        clock: where deadlines come from; slots go by the machine's own.
        account: names the account; all processes must say it, or none.
    """

    @hiding_arguments
    def __init__(
        self,
        token: str,
        *,
        choice: RedisLimits,
        url: str,
        share: int = SLOTS,
        max_bulk: int = SLOTS,
        loss_hold: float = 5.0,
        answer_limit: float = 60.0,
        clock: Clock = time,
        account: str | None = None,
    ) -> None:
        key = f"{choice.prefix}:{account_name(token, account, url)}"

        def make() -> RedisSlots:
            return RedisSlots(choice.lease, offline_share=choice.offline_share)

        terms = Share(share, loss_hold, answer_limit, max_bulk)
        self._join(f"redis {choice.identity} {key}".encode(), terms, time, make)
        self._slots = slots = cast("RedisSlots", self.account.slots)
        self.account.change_slots(self._hold_bulk)
        self.account.change_slots(lambda: slots.connect(lambda: self._make_link(choice, key), self.account.wanted))
        self._link = cast("Link", slots.link)
        self._clock = clock

    def _hold_bulk(self) -> None:
        self._slots.max_bulk = min((share.max_bulk for share in self.account.shares), default=SLOTS)

    def _make_link(self, choice: RedisLimits, key: str) -> Link:
        return Link(choice, (key, f"{key}:members", f"{key}:closed"), self._slots, self.account)

    def slot(self, *, priority: Priority, deadline: float | None = None) -> AbstractAsyncContextManager[Lease]:
        """Wait for a slot and hold it for the block; see `Limiter.slot`."""
        return _RedisSlot(super().slot(priority=priority, deadline=deadline))

    def pause(self, seconds: float) -> None:
        """Tell all processes that the account pauses; see `Limiter.pause`."""
        self._slots.pause(seconds)

    def paused_for(self) -> float:
        """Return the seconds for which it pauses; see `Limiter.paused_for`."""
        return self._slots.paused_for()

    async def wait(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> ProcessLease:
        """Wait in the queue until a grant was claimed, or until it is known that there will be none."""
        self._link.start()
        while True:
            if (trouble := self._slots.fails) is not None:
                self.account.give_back(waiter)
                raise LimiterUnavailableError(trouble.text)
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

    async def aclose(self) -> None:
        """Leave; the last client of this process takes the link to the server with it."""
        self.account.shares.discard(self.share)
        self.account.change_slots(self._hold_bulk)
        if not self.account.shares:
            self._link.stop()
            await asyncio.to_thread(self._link.join, _LEAVE_WITHIN)


class RedisLease:
    """One slot in use.

    Args:
        lease: the account's.
        loop: in which it was acquired.
    """

    __slots__ = ("_lease", "_ticket", "lost")

    def __init__(self, lease: ProcessLease, loop: asyncio.AbstractEventLoop) -> None:
        self._lease = lease
        self._ticket = cast("Ticket", lease.slot)
        self.lost: asyncio.Future[None] | None = loop.create_future()
        self._ticket.watch(self.lost)

    def holds(self) -> bool:
        """Return whether the slot is still this lease's own."""
        return self._lease.holds()

    def remaining(self) -> float:
        """Return the seconds for which it surely is, whatever becomes of the server."""
        return self._ticket.remaining()

    def keep_closed(self, seconds: float) -> None:
        """Keep the slot closed for so long after the lease ends."""
        self._lease.keep_closed(seconds)


class _RedisSlot:
    """The context manager of one slot."""

    __slots__ = ("_slot",)

    def __init__(self, slot: AbstractAsyncContextManager[Lease]) -> None:
        self._slot = slot

    async def __aenter__(self) -> Lease:
        lease = cast("ProcessLease", await self._slot.__aenter__())
        return RedisLease(lease, asyncio.get_running_loop())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._slot.__aexit__(kind, error, traceback)


def account_name(token: str, account: str | None, url: str) -> str:
    """Return what names an account and its API at the server that counts the slots; hides the token."""
    secret, what = (token, b"token") if account is None else (account, b"account")
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    return hmac.digest(secret.encode(), b"wooxy_async/1 redis %s %s:%d" % (what, host.encode(), port), "sha256").hex()[
        :32
    ]
