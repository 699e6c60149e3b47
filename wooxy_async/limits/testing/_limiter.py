"""What a limiter must do by itself: keep the cap, and give each slot to whose turn it is."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import Final

from wooxy_async._ports import Lease, Limiter, Priority
from wooxy_async.limits._slots import SLOTS
from wooxy_async.limits.testing._stand import PATIENCE, Check, MakeLimiter, Queue, Stand, fail, require, stand

_PRIORITIES: Final[tuple[Priority, ...]] = ("urgent", "bulk")
_CROWD: Final = 200
_CANCELLED: Final = 1000
_TURNS: Final = 200  # of urgent messages, within which bulk that waits must have had one
_KEPT: Final = 0.3  # seconds
_ROUNDING: Final = 0.02  # seconds by which two clocks may differ
_LOOP_TURNS: Final = 6  # in each of which a waiter is cancelled once


async def check_cap(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """All limiters of an account together give out ten slots, and never an eleventh.

    Args:
        make: takes an account's name and returns another limiter each time; those of one name share its ten slots.
        patience: seconds that a slot may take to come, or to go back.

    Raises:
        AssertionError: the limiter does not do what it must; the text says what.
    """
    async with stand(make, patience, limiters=3) as on:
        await on.take_all()
        await on.refuses("an eleventh slot was given out while ten were in use")
        await on.give_all()
        crowd = _Crowd()
        holds = (crowd.hold(on.limiters[at % 3], "urgent" if at % 2 else "bulk") for at in range(_CROWD))
        await on.in_time(asyncio.gather(*holds), f"of {_CROWD} messages some never get a slot")
        require(crowd.most <= SLOTS, f"{crowd.most} slots of one account were in use at once; {SLOTS} are the cap")
        await on.finds_all_free(f"{_CROWD} messages")


class _Crowd:
    """Counts how many hold a slot."""

    def __init__(self) -> None:
        self.most = self._now = 0

    async def hold(self, limiter: Limiter, priority: Priority) -> None:
        async with limiter.slot(priority=priority):
            self._now += 1
            self.most = max(self.most, self._now)
            await asyncio.sleep(0)
            self._now -= 1


async def check_priority(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """An urgent message gets the next free slot before bulk that waits for longer; takes what `check_cap` takes."""
    async with stand(make, patience, limiters=2) as on:
        held, queue = await on.take_all(), Queue(on)
        for at in range(3):
            await queue.join("bulk", "bulk", at % 2)
        await queue.join("urgent", "urgent", 1)
        await on.give(held[0])
        await queue.serves(1, "a slot that was given back is not given to a message that waits")
        require(queue.served[0] == "urgent", "bulk got a slot while an urgent message waited")
        await queue.end()


async def check_turns(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """Messages of one priority get their slots in the order in which they came; takes what `check_cap` takes."""
    names = [str(at) for at in range(5)]
    async with stand(make, patience) as on:
        held, queue = await on.take_all(), Queue(on)
        for name in names:
            await queue.join(name, "bulk")
        for at, each in enumerate(held[: len(names)], start=1):
            await on.give(each)
            await queue.serves(at, "a slot that was given back is not given to a message that waits")
        require(queue.served == names, f"messages that came as {names} were served as {queue.served}")
        await queue.end()


async def check_share_of_bulk(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """Urgent messages without end do not keep bulk waiting for ever; takes what `check_cap` takes."""
    async with stand(make, patience) as on:
        await on.take_all()
        queue, left = Queue(on), iter(range(_TURNS))

        async def urge() -> None:
            while not queue.served and next(left, None) is not None:
                async with on.limiters[0].slot(priority="urgent"):
                    await asyncio.sleep(0)

        urging = [asyncio.ensure_future(urge()) for _ in range(2 * SLOTS)]
        waiting = 2 * SLOTS
        told = "statistics() does not count messages that wait"
        await on.until(lambda: on.limiters[0].statistics().waiting >= waiting, told)
        await queue.join("bulk", "bulk")
        await on.give_all()
        await on.until(lambda: queue.served or all(task.done() for task in urging), "no message gets a slot any more")
        require(next(left, None) is not None, f"bulk waited for {_TURNS} turns of urgent messages in a row")
        await on.in_time(asyncio.gather(*urging), "urgent messages never get a slot")
        await queue.end()


async def check_deadline(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """Waiting ends with a TimeoutError at its deadline, and leaves no place; takes what `check_cap` takes."""
    async with stand(make, patience) as on:
        await on.take_all()
        for seconds in (0.1, 0.0, -1.0):
            await _miss(on, seconds)
        on_time = on.limiters[0]
        await on.until(lambda: on_time.statistics().waiting == 0, "a message whose deadline has passed still waits")
        await on.give_all()
        await on.finds_all_free("deadlines that passed")


async def _miss(on: Stand, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    slot = on.limiters[0].slot(priority="bulk", deadline=deadline)
    try:
        await on.in_time(slot.__aenter__(), "a message with a deadline waits past it")
    except TimeoutError:
        early = deadline - time.monotonic()
        require(early < _ROUNDING, f"waiting ended {early:.2f} s before its deadline")
        await asyncio.sleep(0)  # the limiter may have to hear of it
    else:
        fail("a slot was given out while all ten were in use")


async def check_cancelled_waiter(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A waiter that is cancelled, also in the moment of its grant, passes its turn on; takes what `check_cap` takes."""
    for turns in range(-1, _LOOP_TURNS):
        async with stand(make, patience) as on:
            held, queue = await on.take_all(), Queue(on)
            first = await queue.join("first", "urgent")
            await queue.join("next", "urgent")
            if turns < 0:
                first.cancel()
            await on.give(held[0])
            for _turn in range(turns):
                await asyncio.sleep(0)
            first.cancel()
            await queue.serves_all(
                ["next"], "a waiter that was cancelled keeps its turn, or the slot that it was given"
            )
            await queue.end()


async def check_closed_slot(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A slot stays closed for as long as its lease has asked, and opens then; takes what `check_cap` takes."""
    async with stand(make, patience, limiters=2) as on:
        held = await on.take_all()
        held[0].lease.keep_closed(_KEPT)
        begun = time.monotonic()
        await on.give(held[0])
        closed = on.limiters[0].statistics().closed
        require(closed == 1 or time.monotonic() - begun > _KEPT, f"statistics() counts {closed} closed slots, not 1")
        await on.take(1, "a slot that was to stay closed for a moment never opens")
        stayed = time.monotonic() - begun
        require(
            stayed > _KEPT - _ROUNDING,
            f"a slot that was to stay closed for {_KEPT} s was given out after {stayed:.2f} s",
        )
        await on.give_all()
        await on.finds_all_free("a slot that was closed")


async def check_many_cancelled(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A thousand waiters cancelled at any moment keep neither a slot nor a place; takes what `check_cap` takes."""
    draw = random.Random(14)  # noqa: S311 - the same each time
    async with stand(make, patience) as on:
        limiter, crowd = on.limiters[0], _Crowd()
        for _burst in range(_CANCELLED // 100):
            tasks = [asyncio.ensure_future(crowd.hold(limiter, draw.choice(_PRIORITIES))) for _ in range(100)]
            for task in draw.sample(tasks, len(tasks)):
                if draw.random() < 0.1:  # noqa: PLR2004 - now and then some go on meanwhile
                    await asyncio.sleep(0)
                task.cancel()
            ended = asyncio.gather(*tasks, return_exceptions=True)
            await on.in_time(ended, "a waiter that was cancelled does not end")
        await on.until(lambda: limiter.statistics().waiting == 0, "waiters that were cancelled still wait")
        await on.finds_all_free(f"{_CANCELLED:,} cancelled waiters")


async def check_statistics(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """`statistics` counts what is in use and waits, of this limiter alone; takes what `check_cap` takes."""
    async with stand(make, patience, limiters=2) as on:
        one, other = on.limiters
        await on.take_all()  # by turns, so five each
        queue = Queue(on)
        for at in range(4):
            await queue.join(str(at), "bulk")
        for limiter, waiting in ((one, 4), (other, 0)):
            seen = limiter.statistics()
            told = (seen.total, seen.borrowed, seen.closed, seen.waiting)
            expected = (SLOTS, SLOTS // 2, 0, waiting)
            said = f"statistics() says {told} for total, borrowed, closed and waiting, where {expected} is true"
            require(told == expected, said)
        await queue.end()
        said = "statistics() still counts slots that were given back"
        await on.until(lambda: one.statistics().borrowed == other.statistics().borrowed == 0, said)


async def check_lease(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A lease says that it holds, and an error in its block comes out of it; takes what `check_cap` takes."""
    async with stand(make, patience) as on:
        for held in await on.take_all():
            _poll(held.lease)
        await on.give_all()
        error = ZeroDivisionError()
        told = "an error in the block of a slot does not come out of it"
        with suppress(ZeroDivisionError):
            async with on.limiters[0].slot(priority="urgent"):
                raise error
            fail(told)
        await on.finds_all_free("an error in the block of a slot")


def _poll(lease: Lease) -> None:
    require(lease.holds(), "holds() of a lease that was just given is False")
    remaining = getattr(lease, "remaining", None)
    require(remaining is None or remaining() > 0, "remaining() of a lease that was just given is not above 0")
    lost = getattr(lease, "lost", None)
    require(lost is None or not lost.done(), "a lease that was just given is lost")


async def check_aclose(make: MakeLimiter, *, patience: float = PATIENCE) -> None:
    """A limiter that is closed leaves the others of its account their slots; takes what `check_cap` takes."""
    async with stand(make, patience, limiters=2) as on:
        closing = on.limiters.pop()
        slot = closing.slot(priority="bulk")
        await on.in_time(slot.__aenter__(), "no slot of a new account can be had")
        await on.in_time(slot.__aexit__(None, None, None), "a slot cannot be given back")
        if (aclose := getattr(closing, "aclose", None)) is not None:
            await on.in_time(aclose(), "the limiter cannot be closed")
        await on.finds_all_free("another limiter of the account was closed")


LIMITER_CHECKS: tuple[Check, ...] = (
    check_cap,
    check_priority,
    check_turns,
    check_share_of_bulk,
    check_deadline,
    check_cancelled_waiter,
    check_closed_slot,
    check_many_cancelled,
    check_statistics,
    check_lease,
    check_aclose,
)
