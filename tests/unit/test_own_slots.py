"""Ten slots of one process, without a loop: what is taken, closed and open, by a clock that is moved by hand."""

import asyncio

from clocks import ManualClock

from wooxy_async._ports import Priority
from wooxy_async.limits._account import ProcessLease, Share, SlotPool, Waiter
from wooxy_async.limits._slots import SLOTS, OwnSlots, Slot, Terms


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
            (three, "urgent"),
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


class Told(OwnSlots):
    """Slots that are shared with others, and note what they are told."""

    is_alone = False

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.told: list[tuple[float | None, ...]] = []

    def announce(self, urgent: float | None, bulk: float | None) -> None:
        """Note since when the oldest wait."""
        self.told.append((urgent, bulk))

    def take(self, terms: Terms, priority: Priority, since: float | None) -> Slot | None:
        """Note since when the message waits that asks."""
        self.told.append((since,))
        return super().take(terms, priority, since)


class Crowd:
    """A pool whose slots another client has all taken, and messages that wait for them."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.clock = ManualClock()
        self.slots = Told(self.clock)
        self.pool = SlotPool(self.clock, self.slots)
        self.share, self._other = Share(SLOTS, 5.0), Share(SLOTS, 5.0)
        self.runner = runner
        self.leases = [self._taken() for _ in range(SLOTS)]

    def _taken(self) -> ProcessLease:
        lease = self.pool.take(self._other, "urgent", self.runner.get_loop())
        assert isinstance(lease, ProcessLease)
        return lease

    def enter(self, loop: asyncio.AbstractEventLoop | None = None) -> tuple[Waiter, asyncio.Future[None]]:
        """Queue one message, a second after the last."""
        self.clock.now += 1
        loop = loop or self.runner.get_loop()
        waiter = self.pool.take(self.share, "bulk", loop)
        assert isinstance(waiter, Waiter)
        future: asyncio.Future[None] = loop.create_future()
        self.pool.enter(waiter, future)
        return waiter, future

    def give_back(self, what: ProcessLease | Waiter) -> None:
        """End a lease or leave the queue, in the loop."""

        async def give() -> None:
            self.pool.give_back(what)

        self.runner.run(give())


def test_a_grant_goes_past_who_is_gone() -> None:
    """A message that was cancelled, and one whose loop is closed, keep no slot from the next."""
    with asyncio.Runner() as runner:
        crowd, gone = Crowd(runner), asyncio.new_event_loop()
        _, cancelled = crowd.enter()
        cancelled.cancel()
        _, dead = crowd.enter(gone)
        gone.close()
        waiter, future = crowd.enter()
        crowd.give_back(crowd.leases.pop())
        assert future.done()
        assert not dead.done()
        assert crowd.pool.in_use() == (SLOTS, 0)  # granted, and not claimed yet
        lease = crowd.pool.claim(waiter)
        assert lease is not None
        assert crowd.pool.claim(waiter) is None
        crowd.give_back(lease)
        assert crowd.pool.in_use() == (SLOTS - 1, 0)


def test_a_grant_in_another_thread_is_told() -> None:
    """Through the waiter's own loop."""
    with asyncio.Runner() as runner:
        crowd = Crowd(runner)
        _, future = crowd.enter()
        crowd.pool.give_back(crowd.leases.pop())  # no loop runs here, as in another thread
        assert crowd.pool.in_use() == (SLOTS, 0)

        async def wait() -> None:
            await asyncio.wait_for(future, 60)

        runner.run(wait())


def test_others_are_told_since_when_the_oldest_waits() -> None:
    """When it comes, when it leaves, and when its slot is asked for."""
    with asyncio.Runner() as runner:
        crowd = Crowd(runner)
        crowd.slots.told.clear()
        first, _ = crowd.enter()
        asked_at_once, *told = crowd.slots.told
        assert asked_at_once == (None,)
        assert told == [(None, 1001.0), (1001.0,), (None, 1001.0)]  # others hear of it before a slot is asked for
        crowd.enter()
        crowd.give_back(first)
        assert crowd.slots.told[-1] == (None, 1002.0)
        crowd.give_back(crowd.leases.pop())
        assert crowd.slots.told[-2:] == [(1002.0,), (None, None)]
        assert crowd.pool.wanted() == []
        crowd.give_back(crowd.leases.pop())
        assert isinstance(crowd.pool.take(crowd.share, "bulk", runner.get_loop()), ProcessLease)


def test_who_queues_again_is_in_front() -> None:
    """With its number of before."""
    with asyncio.Runner() as runner:
        crowd = Crowd(runner)
        first, _ = crowd.enter()
        crowd.enter()
        crowd.give_back(first)
        crowd.pool.enter(first, runner.get_loop().create_future())
        assert [since for _priority, since in crowd.pool.wanted()] == [1001.0, 1002.0]
