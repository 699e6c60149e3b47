"""One slot that a process holds of those that all processes of a machine share."""

from __future__ import annotations

import os
from typing import Final, Protocol

from wooxy_async.limits._host_file import USED, Record
from wooxy_async.limits._slots import Terms

_MARGIN: Final = 0.05  # seconds before its end from which a slot is not used any more
_SHORT: Final = 4 * _MARGIN  # seconds; one that is for less is used for three quarters of them


class Renews(Protocol):
    """Where a slot is from."""

    def renew(self, slot: HostSlot) -> bool:
        """Return whether a slot is still this process's, and let a whole request fit into what is left of it."""
        ...


class HostSlot:
    """A slot that this process holds.

    Args:
        slots: where it is from.
        at: which of the ten.
        generation: of the slot.
        terms: the client's.
        now: what the clock says.
    """

    __slots__ = ("_slots", "at", "generation", "hold", "is_asked", "is_kept", "length", "since", "until")

    def __init__(self, slots: Renews, at: int, generation: int, terms: Terms, now: float) -> None:
        self._slots = slots
        self.at = at
        self.generation = generation
        self.hold = terms.loss_hold
        self.length = terms.answer_limit + terms.loss_hold
        self.since = now
        self.until = now + self.length
        self.is_asked = False  # whether it holds, so that its request may be out
        self.is_kept = False

    def keep_until(self, now: float, until: float) -> None:
        """Be free, but not given up yet: nobody needs to wait for the server after its holder's death."""
        self.is_kept, self.hold, self.since, self.until = True, 0.0, now, until

    def record(self) -> Record:
        """Return what stands in the file while it is used."""
        return Record(self.until, self.hold, USED, self.since, os.getpid())

    def holds(self) -> bool:
        """Return whether it is still this process's; if so, it is for a whole request from now on."""
        return self._slots.renew(self)

    def is_over(self, now: float) -> bool:
        """Return whether another may use it from now on, or soon."""
        return now >= self.until - (_MARGIN if self.length > _SHORT else self.length / 4)
