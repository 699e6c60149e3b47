"""Ten slots of one process, without a loop: what is taken, closed and open, by a clock that is moved by hand."""

import asyncio

from clocks import ManualClock

from wooxy_async._ports import Priority
from wooxy_async.limits._account import Share, SlotPool, Waiter
from wooxy_async.limits._slots import SLOTS, OwnSlots


def test_a_slot_that_is_kept_closed_opens_when_it_is_due() -> None:
    """Not before, and the first of several first."""
    clock = ManualClock()
    slots = OwnSlots(clock)
    terms = Share(SLOTS, 5.0)
    taken = [slots.take(terms, "urgent", None) for _ in range(SLOTS)]
    assert None not in taken
    assert slots.take(terms, "urgent", None) is None
    assert slots.opens_in(60.0) == 60
    for keep in (7.0, 5.0):
        slots.give(taken.pop(), keep)
    assert (slots.opens_in(60.0), slots.closed()) == (5, 2)
    clock.now += 4.5
    assert (slots.opens_in(60.0), slots.closed()) == (0.5, 2)
    assert slots.take(terms, "urgent", None) is None
    clock.now += 0.5
    assert slots.take(terms, "urgent", None) is not None
    assert (slots.opens_in(60.0), slots.closed()) == (2, 1)


def test_no_bulk_of_another_process_waits() -> None:
    """Nobody else is seen here, so that urgent messages leave their turns to nobody."""
    assert not OwnSlots(ManualClock()).bulk_waits_elsewhere()


def test_who_waits_and_may_have_a_slot_is_told_in_the_order_of_their_turns() -> None:
    """Urgent first, then first come first served; of each share no more than it may have."""
    clock = ManualClock()
    pool = SlotPool(clock, OwnSlots(clock))
    one, two, three = Share(10, 5.0), Share(2, 5.0), Share(1, 5.0)
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        for share in (*[one] * (SLOTS - 2), two, three):
            pool.take(share, "urgent", loop)
        waiting: list[tuple[Share, Priority]] = [
            (two, "bulk"),
            (two, "urgent"),
            (one, "bulk"),
            (two, "urgent"),
            (one, "urgent"),
        ]
        futures: list[asyncio.Future[None]] = []
        for share, priority in waiting:
            clock.now += 1
            place = pool.take(share, priority, loop)
            assert isinstance(place, Waiter)
            futures.append(loop.create_future())
            pool.enter(place, futures[-1])
        assert pool.wanted() == [("urgent", 1002.0), ("urgent", 1005.0), ("bulk", 1003.0)]
        assert not any(future.done() for future in futures)

        async def wake() -> None:
            pool.wake_all()

        runner.run(wake())
        assert all(future.done() for future in futures)
