"""How a process takes one slot: a lock that is free, or a slot whose holder has not ended in time.

A new generation is written before what the old holder wrote last is read once more, and the old holder writes before
it reads the generation: whichever comes first, one of the two sees the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wooxy_async.limits._host_file import CLOSED, USED, HostFile, Record
from wooxy_async.limits._host_slot import HostSlot, Renews
from wooxy_async.limits._slots import Terms


def take_slot(slots: Renews, file: HostFile, at: int, terms: Terms, now: float) -> HostSlot | None:
    """Take one slot if it can be had.

    Args:
        slots: for whom.
        file: the account's.
        at: which of the ten.
        terms: the client's.
        now: what the clock says.
    """
    generation = file.generation(at)
    if not file.lock_slot(at, generation):
        return _take_over(HostSlot(slots, at, generation + 1, terms, now), file, now)
    if file.generation(at) == generation and _is_open(file, at, generation, now):
        slot = HostSlot(slots, at, generation, terms, now)
        file.write(at, generation, slot.record())
        return slot
    file.unlock_slot(at, generation)
    return None


def bury_dead(file: HostFile, records: Iterable[tuple[int, int, Record]], mine: Collection[int], now: float) -> None:
    """Note which holders have died since the last look.

    Args:
        file: the account's.
        records: of its slots, with their generations.
        mine: the slots of this process.
        now: what the clock says.
    """
    for at, generation, record in records:
        if record.mark == USED and at not in mine and file.lock_slot(at, generation):
            if file.generation(at) == generation:
                _is_open(file, at, generation, now)
            file.unlock_slot(at, generation)


def _is_open(file: HostFile, at: int, generation: int, now: float) -> bool:
    """Return whether a slot may be used, whose lock is this process's; keep it closed if its holder died."""
    record = file.read(at, generation)
    if record.mark == USED and record.until > now:
        opens = min(now + record.hold, record.until)
        file.write(at, generation, Record(opens, 0.0, CLOSED, 0.0, 0))
        return opens <= now
    return record.mark != CLOSED or record.until <= now


def _take_over(slot: HostSlot, file: HostFile, now: float) -> HostSlot | None:
    """Take a slot whose holder has not ended in time, by beginning its next generation."""
    at, fresh = slot.at, slot.generation
    before = file.read(at, fresh - 1)
    if before.mark != USED or before.until > now or not file.lock_slot(at, fresh):
        return None
    if file.generation(at) == fresh - 1:
        file.write(at, fresh, slot.record())
        file.set_generation(at, fresh)
        if file.read(at, fresh - 1) == before:
            return slot
        file.write(at, fresh, Record(slot.until, 0.0, CLOSED, 0.0, 0))  # another was there first
    file.unlock_slot(at, fresh)
    return None
