"""Where an account's slots come from: they are the process's own, or the machine's.

`SlotPool` queues the messages of one process and calls what stands here under its lock; nothing here waits.
"""

from __future__ import annotations

import heapq
from typing import Final, Protocol

from wooxy_async._ports import Clock, Priority

SLOTS: Final = 10  # API page: "Do not send more than 10 concurrent API requests"


class Terms(Protocol):
    """What a client has said of its requests."""

    loss_hold: float
    answer_limit: float
    max_bulk: int  # slots that bulk may use at once, whoever's it is


class Slot(Protocol):
    """One of the ten, from the moment that it is taken until it is given."""

    def holds(self) -> bool:
        """Return whether it is still one's own; asked right before a request starts."""
        ...


class Slots(Protocol):
    """Ten slots of one account."""

    poll_every: float  # seconds between two looks while somebody waits
    retry_in: float  # seconds after which a slot that was refused for another's sake may be had; 0.0 if there is none

    @property
    def is_alone(self) -> bool:
        """Whether there is nobody to whom an announcement would mean anything now."""
        ...

    @property
    def urgent_in_a_row(self) -> int:
        """Turns of urgent messages for which bulk has waited."""
        ...

    @urgent_in_a_row.setter
    def urgent_in_a_row(self, row: int) -> None: ...

    def take(self, terms: Terms, priority: Priority, since: float | None) -> Slot | None:
        """Return a free slot.

        Args:
            terms: the client's.
            priority: of the message.
            since: when the message began to wait; None if it has just come.
        """
        ...

    def give(self, slot: Slot, keep: float) -> None:
        """Take a slot back.

        Args:
            slot: one that `take` returned.
            keep: seconds that it stays closed.
        """
        ...

    def announce(self, urgent: float | None, bulk: float | None) -> None:
        """Note since when the oldest messages of this process have waited that may have a slot; None: nobody waits."""
        ...

    def bulk_waits_elsewhere(self) -> bool:
        """Return whether another process has bulk that waits."""
        ...

    def poll(self) -> None:
        """Find out what happens without notice, as the death of a holder."""
        ...

    def opens_in(self, most: float) -> float:
        """Return the seconds until a closed slot opens, `most` if none is closed."""
        ...

    def closed(self) -> int:
        """Return how many are kept closed."""
        ...

    def start_anew(self) -> None:
        """Forget all slots that were taken: this is a forked child."""
        ...

    def close(self) -> None:
        """Let go of what belongs to the operating system."""
        ...


class _Own:
    """A slot of the process's own: nobody can take it away."""

    def holds(self) -> bool:
        """Return True."""
        return True


_OWN: Final[dict[Priority, _Own]] = {"urgent": _Own(), "bulk": _Own()}


class OwnSlots:
    """Ten slots that no other process sees.

    Args:
        clock: where time comes from.
    """

    poll_every = 0.25
    retry_in = 0.0
    is_alone = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with ten free slots."""
        self.urgent_in_a_row = 0
        self._taken = self._bulk = 0  # the second: taken or closed of bulk
        self._closed_until: list[tuple[float, bool]] = []  # and whether it is bulk's

    def take(self, terms: Terms, priority: Priority, since: float | None) -> Slot | None:  # noqa: ARG002 - nobody else takes any
        """Return a free slot; see `Slots.take`."""
        if self._closed_until:
            self._open()
        is_bulk = priority == "bulk"
        if self._taken + len(self._closed_until) >= SLOTS or (is_bulk and self._bulk >= terms.max_bulk):
            return None
        self._taken += 1
        self._bulk += is_bulk
        return _OWN[priority]

    def give(self, slot: Slot, keep: float) -> None:
        """Take a slot back; see `Slots.give`."""
        self._taken -= 1
        is_bulk = slot is _OWN["bulk"]
        if keep > 0:
            heapq.heappush(self._closed_until, (self._clock.monotonic() + keep, is_bulk))
        else:
            self._bulk -= is_bulk

    def announce(self, urgent: float | None, bulk: float | None) -> None:
        """Tell nobody."""

    def bulk_waits_elsewhere(self) -> bool:
        """Return False: there is no elsewhere."""
        return False

    def poll(self) -> None:
        """Open what is due."""
        self._open()

    def opens_in(self, most: float) -> float:
        """Return the seconds until a closed slot opens; see `Slots.opens_in`."""
        return self._closed_until[0][0] - self._clock.monotonic() if self._closed_until else most

    def closed(self) -> int:
        """Return how many are kept closed."""
        self._open()
        return len(self._closed_until)

    def close(self) -> None:
        """Do nothing."""

    def _open(self) -> None:
        now = self._clock.monotonic()
        while self._closed_until and self._closed_until[0][0] <= now:
            self._bulk -= heapq.heappop(self._closed_until)[1]
