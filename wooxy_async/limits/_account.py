"""The slots of one account, for all clients, threads and event loops of this process.

The state is plain data under a thread lock; nothing in it belongs to an event loop that could die:

* a slot that is kept closed is a timestamp, not a timer;
* a waiter is woken through its own loop and *claims* its grant there; a grant that nobody claims is taken back;
* a lease remembers its loop weakly; when that loop is closed or gone, its slot is closed for `loss_hold` seconds
  from the moment that this is noticed, and then opens.

Leases and waiters come back through a queue that needs no lock, because the garbage collector may bring them back
(the coroutine of a forgotten loop) while this very thread holds the lock; whoever holds the lock empties the queue.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Final, cast

from wooxy_async._ports import Clock, Priority
from wooxy_async.limits._slots import SLOTS, Slot, Slots

URGENT_IN_A_ROW: Final = 4  # then one bulk message goes if one waits: bulk keeps a fifth of the turns
CLAIM_WITHIN: Final = 1.0  # seconds that a loop has to claim a grant before the next waiter gets it
DeadLoops = Callable[[], None]  # cuts the connections of a client if their loop is closed


class Share:
    """One client's part of an account.

    Args:
        most: slots that it may use at once.
        loss_hold: seconds that a slot of it stays closed after its loop was lost.
        answer_limit: seconds that a request of it may take.
        max_bulk: slots that bulk may use at once, that of other clients included.
    """

    def __init__(self, most: int, loss_hold: float, answer_limit: float = 60.0, max_bulk: int = SLOTS) -> None:
        self.most = most
        self.max_bulk = max_bulk
        self.loss_hold = loss_hold
        self.answer_limit = answer_limit
        self.aborts: list[weakref.WeakMethod[DeadLoops]] = []
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with nothing in use and nobody waiting."""
        self.borrowed = 0
        self.queues: dict[Priority, OrderedDict[int, Waiter]] = {"urgent": OrderedDict(), "bulk": OrderedDict()}

    def abort_dead_loops(self) -> None:
        """Let the clients of this share cut the connections whose loop is closed."""
        for reference in self.aborts:
            if (abort := reference()) is not None:
                abort()

    @property
    def waiting(self) -> int:
        """How many of its messages wait for a slot."""
        return sum(map(len, self.queues.values()))

    def head(self, priority: Priority) -> Waiter | None:
        """Return the waiter that is next, if the share may use one slot more."""
        queue = self.queues[priority]
        return next(iter(queue.values())) if queue and self.borrowed < self.most else None


class Waiter:
    """One message in the queue; it keeps its number when it has to queue again."""

    __slots__ = ("__weakref__", "future", "granted_at", "loop", "number", "priority", "share", "since", "slot")

    def __init__(
        self, share: Share, priority: Priority, number: int, since: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.share: Share = share
        self.priority: Priority = priority
        self.number: int = number
        self.since: float = since
        self.slot: Slot | None = None  # the one that was granted
        self.loop: weakref.ref[asyncio.AbstractEventLoop] = weakref.ref(loop)
        self.future: weakref.ref[asyncio.Future[None]] | None = None
        self.granted_at: float = 0.0

    def wake(self) -> bool:
        """Tell the waiter's loop of the grant; False if there is nobody to tell."""
        future = self.future() if self.future is not None else None
        if future is None or future.done():
            return False
        loop = future.get_loop()
        if loop is running_loop():
            future.set_result(None)
            return True
        try:
            loop.call_soon_threadsafe(_resolve, future)
        except RuntimeError:  # the loop is closed
            return False
        return True


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class ProcessLease:
    """One slot in use."""

    __slots__ = ("is_lost", "keep", "loop", "share", "slot")

    def __init__(self, share: Share, loop: weakref.ref[asyncio.AbstractEventLoop], slot: Slot) -> None:
        self.share: Share = share
        self.loop: weakref.ref[asyncio.AbstractEventLoop] = loop
        self.slot: Slot = slot
        self.keep: float = 0.0
        self.is_lost: bool = False

    def holds(self) -> bool:
        """Return whether the slot is still this lease's own."""
        return not self.is_lost and self.slot.holds()

    def keep_closed(self, seconds: float) -> None:
        """Keep the slot closed for so long after the lease ends."""
        self.keep = seconds

    def remaining(self) -> float:
        """Return inf: `holds` renews it for a whole request."""
        return inf

    @property
    def lost(self) -> None:
        """None: while its loop runs it cannot be lost."""

    def is_abandoned(self) -> bool:
        """Return whether the loop that ran its request is closed or gone."""
        loop = self.loop()
        return loop is None or loop.is_closed()


class SlotPool:
    """The slots of one token, and who waits for them.

    Args:
        clock: where time comes from.
        slots: where slots come from.
    """

    def __init__(self, clock: Clock, slots: Slots) -> None:
        self.shares: weakref.WeakSet[Share] = weakref.WeakSet()
        self.slots = slots
        self._clock = clock
        self._numbers = itertools.count()
        self._begin()

    def start_anew(self) -> None:
        """Begin with no slot in use, as a forked child does, whatever another thread of the parent was doing."""
        self.slots.start_anew()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[ProcessLease, None] = {}
        self._granted: dict[Waiter, None] = {}
        self._queued: dict[Share, None] = {}
        self._came_back: deque[ProcessLease | Waiter] = deque()
        for share in self.shares:
            share.start_anew()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            yield
        self._empty_queue()

    def take(self, share: Share, priority: Priority, loop: asyncio.AbstractEventLoop) -> ProcessLease | Waiter:
        """Return a slot that is free for this share, or else a place in the queue that has not been entered yet."""
        place: ProcessLease | Waiter
        with self._lock:  # not `_locked`: every message passes here
            slot = None
            if not self._queued and share.borrowed < share.most:
                slot = self.slots.take(share, priority, None)
            if slot is not None:
                place = self._lease(share, weakref.ref(loop), slot)
            else:
                place = Waiter(share, priority, next(self._numbers), self._clock.monotonic(), loop)
        self._empty_queue()
        return place

    def enter(self, waiter: Waiter, future: asyncio.Future[None]) -> None:
        """Queue a waiter, in front of all of higher number; `future` is resolved with its grant."""
        with self._locked():
            waiter.future = weakref.ref(future)
            queue = waiter.share.queues[waiter.priority]
            again = bool(queue) and waiter.number < next(iter(queue))
            queue[waiter.number] = waiter
            if again:
                queue.move_to_end(waiter.number, last=False)
            self._queued[waiter.share] = None
            if not self.slots.is_alone:
                self._announce()  # first: a slot that is given elsewhere from now on is told to this process
            self._grant()

    def claim(self, waiter: Waiter) -> ProcessLease | None:
        """Turn a grant into a lease; None if it was taken back because it was not claimed in time."""
        with self._locked():
            if waiter not in self._granted:
                return None
            del self._granted[waiter]
            waiter.share.borrowed -= 1
            return self._lease(waiter.share, waiter.loop, cast("Slot", waiter.slot))

    def change_slots(self, change: Callable[[], None]) -> None:
        """Do something to the slots while nobody takes any."""
        with self._locked():
            change()

    def update(self, change: Callable[[], None]) -> None:
        """Do something to the slots, and grant what is free then; may be called from any thread."""
        with self._locked():
            change()
            self._grant()

    def wake_all(self) -> None:
        """Let everybody who waits look up, without a grant; may be called from any thread."""
        with self._locked():
            for share in self._queued:
                for waiter in [*share.queues["urgent"].values(), *share.queues["bulk"].values()]:
                    waiter.wake()

    def give_back(self, item: ProcessLease | Waiter) -> None:
        """End a lease, or leave the queue; may be called from anywhere, also by the garbage collector."""
        self._came_back.append(item)
        self._empty_queue()

    def reap(self) -> float:
        """Find leases and grants of dead loops, open what is due, and return the seconds until the next slot opens."""
        with self._locked():
            for lease in [lease for lease in self._leases if lease.is_abandoned()]:
                lease.is_lost = True
                lease.share.abort_dead_loops()
                self._end(lease, max(lease.keep, lease.share.loss_hold))
            now = self._clock.monotonic()
            for waiter in [waiter for waiter in self._granted if now - waiter.granted_at > CLAIM_WITHIN]:
                self._withdraw(waiter)
            self.slots.poll()
            self._grant()
            self._announce()
            return self.slots.opens_in(CLAIM_WITHIN)

    @property
    def is_in_use(self) -> bool:
        """Whether a slot is in use."""
        return bool(self._leases)

    def in_use(self) -> tuple[int, int]:
        """Return how many slots are in use and how many are kept closed."""
        self.reap()
        return len(self._leases) + len(self._granted), self.slots.closed()

    def is_idle(self) -> bool:
        """Return whether nothing of the account is in use, closed or known to a client."""
        return not self.shares and self.in_use() == (0, 0)

    def _empty_queue(self) -> None:
        while self._came_back and self._lock.acquire(blocking=False):
            try:
                while self._came_back:
                    item = self._came_back.popleft()
                    if isinstance(item, ProcessLease):
                        self._end(item, item.keep)
                    else:
                        self._leave(item)
                self._grant()
            finally:
                self._lock.release()

    # What follows runs under the lock.

    def _lease(self, share: Share, loop: weakref.ref[asyncio.AbstractEventLoop], slot: Slot) -> ProcessLease:
        lease = ProcessLease(share, loop, slot)
        share.borrowed += 1
        self._leases[lease] = None
        return lease

    def _end(self, lease: ProcessLease, keep: float) -> None:
        if lease not in self._leases:
            return
        del self._leases[lease]
        lease.share.borrowed -= 1
        self.slots.give(lease.slot, keep)

    def _leave(self, waiter: Waiter) -> None:
        if waiter in self._granted:
            self._withdraw(waiter)
        self._dequeue(waiter)

    def _withdraw(self, waiter: Waiter) -> None:
        del self._granted[waiter]
        waiter.share.borrowed -= 1
        self.slots.give(cast("Slot", waiter.slot), 0.0)

    def _dequeue(self, waiter: Waiter) -> None:
        waiter.share.queues[waiter.priority].pop(waiter.number, None)
        if not waiter.share.waiting:
            self._queued.pop(waiter.share, None)

    def _grant(self) -> None:
        """Give every free slot to the waiter whose turn it is."""
        while self._queued and (taken := self._take_next()) is not None:
            waiter, slot = taken
            self._dequeue(waiter)
            if waiter.wake():
                self._count_turn(waiter)
                waiter.slot = slot
                waiter.granted_at = self._clock.monotonic()
                waiter.share.borrowed += 1
                self._granted[waiter] = None
            else:
                self.slots.give(slot, 0.0)
        if not self.slots.is_alone:
            self._announce()

    def _announce(self) -> None:
        heads = (self._oldest("urgent"), self._oldest("bulk")) if self._queued else (None, None)
        self.slots.announce(*(None if head is None else head.since for head in heads))

    def wanted(self) -> list[tuple[Priority, float]]:
        """Return the priority of each message that may have a slot and waits, and since when; asked by the slots."""
        waiters: list[Waiter] = []
        for share in self._queued:
            may_have = max(share.most - share.borrowed, 0)
            waiting = itertools.chain(share.queues["urgent"].values(), share.queues["bulk"].values())
            waiters += itertools.islice(waiting, may_have)
        waiters.sort(key=lambda waiter: (waiter.priority == "bulk", waiter.number))
        return [(waiter.priority, waiter.since) for waiter in waiters]

    def _take_next(self) -> tuple[Waiter, Slot] | None:
        """Take a slot for the waiter whose turn it is, or for the next if only bulk may not have what is free."""
        for waiter in self._turns():
            slot = self.slots.take(waiter.share, waiter.priority, waiter.since)
            if slot is not None:
                return waiter, slot
            if waiter.share.max_bulk == SLOTS:
                break
        return None

    def _turns(self) -> list[Waiter]:
        """Return whose turn it is: first come first served, urgent before bulk, but not for ever."""
        urgent, bulk = self._heads("urgent")[:1], self._heads("bulk")
        if not bulk or (urgent and self.slots.urgent_in_a_row < URGENT_IN_A_ROW):
            return urgent
        return bulk + urgent

    def _count_turn(self, waiter: Waiter) -> None:
        """Count the urgent turns in a row for which bulk has waited, whether or not its share had room."""
        bulk_waits = waiter.priority == "urgent" and (
            any(share.queues["bulk"] for share in self._queued) or self.slots.bulk_waits_elsewhere()
        )
        self.slots.urgent_in_a_row = self.slots.urgent_in_a_row + 1 if bulk_waits else 0

    def _oldest(self, priority: Priority) -> Waiter | None:
        return next(iter(self._heads(priority)), None)

    def _heads(self, priority: Priority) -> list[Waiter]:
        """Return the waiters that are first in their share, the oldest first."""
        heads = (share.head(priority) for share in self._queued)
        return sorted((head for head in heads if head is not None), key=lambda head: head.number)
