"""What every check stands on: limiters of an account that nobody else uses, slots in hand, and patience."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NoReturn, Protocol, TypeVar

from wooxy_async._ports import Lease, Limiter, Priority
from wooxy_async.limits._slots import SLOTS

PATIENCE: Final = 30.0
REFUSED_WITHIN: Final = 0.1  # seconds for which a slot must not be had that is not free
_STEP: Final = 0.001
_T = TypeVar("_T")

MakeLimiter = Callable[[str], Limiter]
"""Takes an account's name and returns another limiter each time; those of one name share its ten slots."""


class Check(Protocol):
    """One check: returns if the limiter does what it must, and takes what `check_cap` takes."""

    __name__: str

    async def __call__(self, make: MakeLimiter, *, patience: float = PATIENCE) -> None:
        """Raise an AssertionError if it does not."""
        ...


def fail(sentence: str) -> NoReturn:
    """Say what is wrong."""
    raise AssertionError(sentence)


def require(holds: object, sentence: str) -> None:
    """Say what is wrong, unless it is right."""
    if not holds:
        fail(sentence)


class Held:
    """One slot in hand.

    Args:
        slot: the entered block.
        lease: what it gave.
    """

    def __init__(self, slot: AbstractAsyncContextManager[Lease], lease: Lease) -> None:
        self._slot = slot
        self.lease = lease

    async def give(self) -> None:
        """Give it back."""
        await self._slot.__aexit__(None, None, None)


class Stand:
    """Limiters of one account.

    Args:
        limiters: all of them.
        patience: seconds that something may take to come.
    """

    def __init__(self, limiters: list[Limiter], patience: float) -> None:
        self.limiters = limiters
        self._patience = patience
        self._held: list[Held] = []

    async def in_time(self, work: Awaitable[_T], otherwise: str) -> _T:
        """Await something that must come."""
        bound = asyncio.timeout(self._patience)
        try:
            async with bound:
                return await work
        except TimeoutError:
            require(not bound.expired(), f"{otherwise} ({self._patience:g} s were not enough).")
            raise

    async def until(self, condition: Callable[[], object], otherwise: str) -> None:
        """Let the loop go on until a condition holds."""

        async def poll() -> None:
            while not condition():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(_STEP)

        await self.in_time(poll(), otherwise)

    async def take(self, count: int, otherwise: str, priority: Priority = "urgent") -> list[Held]:
        """Take slots that must be free, one limiter after the other.

        Args:
            count: how many.
            otherwise: what is wrong if they are not; "{}" in it becomes the number of those that were.
            priority: of all.
        """
        taken: list[Held] = []
        for at in range(count):
            slot = self.limiters[at % len(self.limiters)].slot(priority=priority)
            taken.append(Held(slot, await self.in_time(slot.__aenter__(), otherwise.format(at))))
        self._held += taken
        return taken

    async def take_all(self) -> list[Held]:
        """Take all ten, as each check does that needs a full account."""
        return await self.take(SLOTS, "only {} of the ten slots of a new account could be had")

    async def refuses(self, otherwise: str) -> None:
        """See that no slot is to be had."""
        for limiter in self.limiters:
            slot = limiter.slot(priority="urgent", deadline=time.monotonic() + REFUSED_WITHIN)
            try:
                await self.in_time(slot.__aenter__(), "a message with a deadline waits past it")
            except TimeoutError:
                await asyncio.sleep(0)  # the limiter may have to hear of it
                continue
            await slot.__aexit__(None, None, None)
            fail(otherwise)

    async def give(self, held: Held) -> None:
        """Give a slot back."""
        self._held.remove(held)
        await self.in_time(held.give(), "a slot cannot be given back")

    async def give_all(self) -> None:
        """Give back what is in hand."""
        while self._held:
            await self.give(self._held[-1])

    async def finds_all_free(self, after: str) -> None:
        """See that ten slots can be had, and no more."""
        await self.take(SLOTS, f"after {after} only {{}} of the ten slots could be had")
        await self.refuses(f"after {after} an eleventh slot was given out")
        await self.give_all()

    async def close(self) -> None:
        """Let go of everything."""
        await self.give_all()
        for limiter in self.limiters:
            if (aclose := getattr(limiter, "aclose", None)) is not None:
                await self.in_time(aclose(), "the limiter cannot be closed")


@asynccontextmanager
async def stand(make: MakeLimiter, patience: float, limiters: int = 1) -> AsyncIterator[Stand]:
    """Make limiters of an account that nobody else uses, and let go of them at the end."""
    account = f"check-{secrets.token_hex(8)}"
    made = Stand([make(account) for _ in range(limiters)], patience)
    yield made  # where a check fails, its sentence must not be lost in what fails after it
    await made.close()


class Queue:
    """Messages that wait for slots, and the order in which they got them.

    Args:
        on: where.
    """

    def __init__(self, on: Stand) -> None:
        self.served: list[str] = []
        self._on = on
        self._enough = asyncio.Event()
        self._waiting: list[asyncio.Task[None]] = []

    async def join(self, name: str, priority: Priority, limiter: int = 0) -> asyncio.Task[None]:
        """Let a message wait, and return when it does."""
        chosen = self._on.limiters[limiter]
        before = chosen.statistics().waiting
        task = asyncio.ensure_future(self._wait(name, priority, chosen))
        self._waiting.append(task)
        told = "statistics() does not count a message that waits"
        await self._on.until(lambda: chosen.statistics().waiting > before or task.done(), told)
        require(not task.done(), "a slot was given out while all ten were in use")
        return task

    async def _wait(self, name: str, priority: Priority, limiter: Limiter) -> None:
        async with limiter.slot(priority=priority):
            self.served.append(name)
            await self._enough.wait()

    async def serves(self, count: int, otherwise: str) -> None:
        """Wait until so many messages have had a slot."""
        await self._on.until(lambda: len(self.served) >= count, otherwise)

    async def serves_all(self, names: list[str], otherwise: str) -> None:
        """Wait until messages of these names have had a slot."""
        await self._on.until(lambda: set(names) <= set(self.served), otherwise)

    async def end(self) -> None:
        """Let all give their slots back, those in hand too."""
        self._enough.set()
        await self._on.give_all()
        left = asyncio.gather(*self._waiting, return_exceptions=True)
        await self._on.in_time(left, "a message that waits never gets a slot")
