"""A limiter as small as can be, for one event loop; and what its writer may get wrong."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

from wooxy_async.limits import LimiterStatistics, Priority

ROW = 4  # urgent turns, after which bulk has one


class ToyAccount:
    """What all limiters of an account share."""

    def __init__(self) -> None:
        self.used = self.row = 0
        self.closed: list[float] = []
        self.waiting: list[ToySlot] = []


class Toy:
    """Keeps the cap of an account; its mutants override what they get wrong.

    Args:
        account: the shared part.
    """

    size = 10

    def __init__(self, account: ToyAccount) -> None:
        self.account = account

    def slot(self, *, priority: Priority, deadline: float | None = None) -> ToySlot:
        """See `Limiter.slot`."""
        return ToySlot(self, priority, deadline)

    def statistics(self) -> LimiterStatistics:
        """See `Limiter.statistics`."""
        self.grant()
        waiting = sum(slot.toy is self for slot in self.account.waiting)
        return LimiterStatistics(
            total=self.size, borrowed=len(self.held), closed=len(self.account.closed), waiting=waiting
        )

    @property
    def held(self) -> list[ToySlot]:
        """Slots of this limiter."""
        mine: list[ToySlot] = vars(self).setdefault("_held", [])
        return mine

    def grant(self) -> None:
        """Give free slots to whose turn it is."""
        account, now = self.account, time.monotonic()
        account.closed = [until for until in account.closed if until > now]
        while account.waiting and account.used + len(account.closed) < self.size:
            slot = self.turn(account.waiting)
            account.waiting.remove(slot)
            if not slot.granted.done():
                account.used += 1
                slot.toy.held.append(slot)
                slot.granted.set_result(None)

    def turn(self, waiting: list[ToySlot]) -> ToySlot:
        """Return whose turn it is."""
        urgent, bulk = ([slot for slot in waiting if slot.priority == name] for name in ("urgent", "bulk"))
        self.account.row = self.account.row + 1 if urgent and bulk and self.account.row < ROW else 0
        return (urgent if urgent and (self.account.row or not bulk) else bulk)[0]

    def bound(self, deadline: float | None) -> float | None:
        """Return when waiting ends."""
        return deadline

    def give(self, slot: ToySlot, keep: float) -> None:
        """Take a slot back."""
        self.held.remove(slot)
        self.account.used -= 1
        if keep:
            self.account.closed.append(time.monotonic() + keep)
            asyncio.get_running_loop().call_later(keep + 0.001, self.grant)
        self.grant()

    def leave(self, slot: ToySlot) -> None:
        """Forget a message that waits no more."""
        if slot in self.held:
            self.give(slot, 0)
        elif slot in self.account.waiting:
            self.account.waiting.remove(slot)


class ToySlot:
    """A slot, and its lease.

    Args:
        toy: the limiter.
        priority: of the message.
        deadline: when waiting ends.
    """

    def __init__(self, toy: Toy, priority: Priority, deadline: float | None) -> None:
        self.toy = toy
        self.priority = priority
        self.deadline = deadline
        self.keep = 0.0

    async def __aenter__(self) -> Self:
        self.granted = asyncio.get_running_loop().create_future()
        self.toy.account.waiting.append(self)
        self.toy.grant()
        try:
            async with asyncio.timeout_at(self.toy.bound(self.deadline)):
                await self.granted
        except BaseException:
            self.toy.leave(self)
            raise
        return self

    async def __aexit__(self, kind: object, *_error: object) -> Any:
        self.toy.give(self, self.keep)

    def holds(self) -> bool:
        """See `Lease.holds`."""
        return True

    def keep_closed(self, seconds: float) -> None:
        """See `Lease.keep_closed`."""
        self.keep = seconds


class Eleven(Toy):
    """Miscounts."""

    size = 11


class Nine(Toy):
    """Miscounts the other way."""

    size = 9


class Apart(Toy):
    """Shares nothing with the other limiters of its account."""

    def __init__(self, _account: ToyAccount) -> None:
        super().__init__(ToyAccount())


class Level(Toy):
    """Knows no priorities."""

    def turn(self, waiting: list[ToySlot]) -> ToySlot:
        """Return whoever came first."""
        return waiting[0]


class Stack(Toy):
    """Serves the last first."""

    def turn(self, waiting: list[ToySlot]) -> ToySlot:
        """Return whoever came last, urgent before bulk."""
        return max(reversed(waiting), key=lambda slot: slot.priority == "urgent")


class Starving(Toy):
    """Serves urgent messages alone, as long as there are some."""

    def turn(self, waiting: list[ToySlot]) -> ToySlot:
        """Return the first urgent message."""
        return max(waiting, key=lambda slot: slot.priority == "urgent")


class Deaf(Toy):
    """Knows no deadlines."""

    def bound(self, _deadline: float | None) -> None:
        """Return None."""


class Hasty(Toy):
    """Does not wait for a deadline."""

    def bound(self, deadline: float | None) -> float | None:
        """Return a moment of the past."""
        return deadline if deadline is None else 0.0


class Generous(Toy):
    """Gives a slot to whoever has waited for long enough."""

    def slot(self, *, priority: Priority, deadline: float | None = None) -> ToySlot:
        """Return a slot that is there at once."""
        return super().slot(priority=priority, deadline=deadline) if deadline is None else _Free(self, priority, None)


class _Free(ToySlot):
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Give nothing back."""


class Keeping(Toy):
    """Gives a slot to a waiter that is cancelled."""

    def leave(self, slot: ToySlot) -> None:
        """Forget who waits only."""
        if slot not in self.held:
            super().leave(slot)


class Lingering(Toy):
    """Leaves the places of those who wait no more, so that they block the others."""

    def leave(self, _slot: ToySlot) -> None:
        """Forget nobody."""


class Forgetful(Toy):
    """Keeps nothing closed."""

    def give(self, slot: ToySlot, _keep: float) -> None:
        """Take a slot back."""
        super().give(slot, 0)


class Shut(Toy):
    """Keeps closed for ever."""

    def give(self, slot: ToySlot, keep: float) -> None:
        """Take a slot back."""
        super().give(slot, 1e6 if keep else 0)


class Leaking(Toy):
    """Takes nothing back."""

    def give(self, slot: ToySlot, _keep: float) -> None:
        """Forget a slot."""
        self.held.remove(slot)


class Mute(Toy):
    """Counts nobody who waits."""

    def statistics(self) -> LimiterStatistics:
        """Return zeros."""
        return LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)


class Boasting(Toy):
    """Counts the slots of the whole account as its own."""

    def statistics(self) -> LimiterStatistics:
        """Return too much."""
        seen, account = super().statistics(), self.account
        return LimiterStatistics(total=10, borrowed=account.used, closed=seen.closed, waiting=seen.waiting)


class Swallowing(Toy):
    """Ends the errors of its block."""

    def slot(self, *, priority: Priority, deadline: float | None = None) -> ToySlot:
        """Return a slot that does."""
        return _Swallowing(self, priority, deadline)


class _Swallowing(ToySlot):
    async def __aexit__(self, kind: object, *_error: object) -> bool:
        await super().__aexit__(kind)
        return True


class Doubting(Toy):
    """Gives out leases that do not hold."""

    def slot(self, *, priority: Priority, deadline: float | None = None) -> ToySlot:
        """Return a slot that does."""
        return _Doubting(self, priority, deadline)


class _Doubting(ToySlot):
    def holds(self) -> bool:
        return False


class Expired(Toy):
    """Gives out leases of which nothing is left."""

    def slot(self, *, priority: Priority, deadline: float | None = None) -> ToySlot:
        """Return a slot that does."""
        slot = super().slot(priority=priority, deadline=deadline)
        vars(slot)["remaining"] = lambda: 0.0
        return slot


class Lost(Toy):
    """Gives out leases that are lost."""

    def slot(self, *, priority: Priority, deadline: float | None = None) -> ToySlot:
        """Return a slot that does."""
        slot = super().slot(priority=priority, deadline=deadline)
        lost = vars(slot)["lost"] = asyncio.get_running_loop().create_future()
        lost.set_result(None)
        return slot


class Selfish(Toy):
    """Closes the account with itself."""

    async def aclose(self) -> None:
        """Let nobody have a slot any more."""
        self.account.used = 10


class Stuck(Toy):
    """Cannot be closed."""

    async def aclose(self) -> None:
        """Wait for nothing."""
        await asyncio.Event().wait()
