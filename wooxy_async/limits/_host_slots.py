"""The ten slots of one account on one machine.

*Truth* is a lock per slot that the kernel drops with the process. Beside it stands until when the slot is used:

* the lock is gone and the mark stands: its holder died, and the server may still be at work. The slot stays closed for
  `loss_hold` from when this is noticed;
* the lock stands and its end has passed: its holder is stopped. Whoever comes next begins the slot's next generation,
  under a lock of its own. The old holder sees that when it asks, right before a request, whether its slot still holds;
  the end is `answer_limit + loss_hold` after that question, so that no request outlives it.

A new generation is written before what the old holder wrote last is read once more, and the old holder writes before
it reads the generation: whichever comes first, one of the two sees the other.

While nobody else waits, a process keeps the locks of the slots that it has just used, with an end so near that nobody
has to wait for it.

A file that was deleted or replaced is found within `LOOK_EVERY` by everybody who uses or waits for a slot. All marks
are taken over into the new file, which grants nothing until everybody has had the time to do so.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from asyncio import AbstractEventLoop
from pathlib import Path
from typing import Final, cast
from weakref import WeakKeyDictionary

from wooxy_async._ports import Clock, Priority
from wooxy_async._runtime.log import say
from wooxy_async.limits._host_bell import Bell
from wooxy_async.limits._host_file import CLOSED, FREE, USED, HostFile, Record
from wooxy_async.limits._host_line import GRACE, HostLine
from wooxy_async.limits._slots import SLOTS, Slot, Terms

LOOK_EVERY: Final = 0.05
_MARGIN: Final = 0.05  # seconds before its end from which a slot is not used any more
_MOVED: Final = Record(math.inf, 0.0, CLOSED, 0.0, 0)  # in the old file: it is in use in the new one
_KEPT: Final = (
    0.1  # seconds after which others may take a slot that is kept; its process uses it until `_MARGIN` before
)
_IDLE: Final = 0.02  # seconds of idleness after which a slot is not kept any more
_TRIES: Final = 1000  # for a lock that another process has for microseconds only


class HostSlot:
    """A slot that this process holds.

    Args:
        slots: where it is from.
        at: which of the ten.
        generation: of the slot.
        terms: the client's.
        now: what the clock says.
    """

    __slots__ = ("_slots", "at", "generation", "hold", "is_kept", "length", "since", "until")

    def __init__(self, slots: HostSlots, at: int, generation: int, terms: Terms, now: float) -> None:
        self._slots = slots
        self.at = at
        self.generation = generation
        self.hold = terms.loss_hold
        self.length = terms.answer_limit + terms.loss_hold
        self.since = now
        self.until = now + self.length
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
        return now >= self.until - min(_MARGIN, self.length / 4)


class HostSlots:
    """Ten slots that all processes of this machine share.

    Args:
        path: the account's file.
        is_shared: several users of the directory's group use it.
        clock: where time comes from; that of all processes.

    Raises:
        OSError, ValueError: the file is not fit; the text says why.
    """

    look_every = LOOK_EVERY

    def __init__(self, path: Path, *, is_shared: bool = False, clock: Clock = time) -> None:
        self.retry_in = 0.0
        self._path = path
        self._group = is_shared
        self._clock = clock
        self._file: HostFile | None = None
        self._is_in_order = True
        self._reset()
        self._open(clock.monotonic())

    def _reset(self) -> None:
        self._moving = threading.RLock()  # again: the garbage collector may give a slot back at any moment
        self._announced: tuple[float | None, float | None] = (None, None)
        self._mine: dict[int, HostSlot] = {}
        self._kept: list[HostSlot] = []  # free, but the locks are still this process's; the last was used last
        self._line: HostLine | None = None
        self._bell: Bell | None = None
        self.listeners: WeakKeyDictionary[AbstractEventLoop, int] = WeakKeyDictionary()
        self._check_at = self._look_at = -math.inf

    def start_anew(self) -> None:
        """Let go of the parent's files, as a forked child must: its locks would outlive it here."""
        self.close()
        self._reset()

    def close(self) -> None:
        """Let go of file and socket for good."""
        if self._bell is not None:
            self._bell.close()
        if self._file is not None:
            self._file.close()
        self._line = self._bell = self._file = None
        self._check_at = self._look_at = math.inf  # a timer that comes late opens nothing

    @property
    def urgent_in_a_row(self) -> int:
        """Turns of urgent messages, of all processes, for which bulk has waited."""
        return 0 if self._file is None else self._file.urgent_in_a_row

    @urgent_in_a_row.setter
    def urgent_in_a_row(self, row: int) -> None:
        if self._file is not None:
            self._file.urgent_in_a_row = row

    def fileno(self) -> int | None:
        """Return what becomes readable when a slot may be free, None if nothing does."""
        return None if self._bell is None else self._bell.fileno()

    def drain(self) -> None:
        """Read what has become readable."""
        if self._bell is not None:
            self._bell.drain()

    def announce(self, urgent: float | None, bulk: float | None) -> None:
        """Write since when messages wait; see `Slots.announce`."""
        if urgent is bulk is None:
            self.retry_in = 0.0
        if self._announced != (urgent, bulk):
            comes = self._announced == (None, None)
            self._announced = urgent, bulk
            now = self._clock.monotonic()
            self._write_line(now)
            if comes and self._line is not None:
                self._line.wake_all(now)

    @property
    def has_own_locks(self) -> bool:
        """Whether files of other accounts may be opened and closed without any harm to the locks."""
        return self._file is not None and self._file.has_own_locks

    @property
    def keeps(self) -> bool:
        """Whether free slots are kept, so that somebody must look soon."""
        return bool(self._kept)

    @property
    def is_alone(self) -> bool:
        """Whether nobody else has ever been seen."""
        return self._line is not None and self._line.is_alone

    def bulk_waits_elsewhere(self) -> bool:
        """Return whether another process has bulk that waits."""
        return self._line is not None and self._line.bulk_waits_elsewhere(self._clock.monotonic())

    def take(self, terms: Terms, priority: Priority, since: float | None) -> HostSlot | None:
        """Return a free slot; see `Slots.take`."""
        now = self._clock.monotonic()
        self.retry_in = 0.0
        if now >= self._check_at:
            self._check_file(now)
        file = self._file
        if file is None or now < file.grants_from:
            return None
        if self._kept and not self._is_wanted(now) and (kept := self._take_kept(file, terms, now)) is not None:
            return kept
        if len(self._mine) == SLOTS and not self._kept:
            return None
        self._give_up_kept(file, now)
        for at in self._candidates(file, priority, since or now, now):
            if (slot := self._try(file, at, terms, now)) is not None:
                if since is None:
                    self._count_turn(priority)
                return slot
        return None

    def give(self, slot: Slot, keep: float) -> None:
        """Take a slot back; see `Slots.give`."""
        mine, now, file = cast("HostSlot", slot), self._clock.monotonic(), self._file
        if self._mine.get(mine.at) is not mine or file is None:
            return
        if keep or self._is_lost(mine, file, now) or self._is_wanted(now):
            self._drop(mine, file, now, keep)
            self._give_up_kept(file, now)
            if not keep:
                self._wake(now)
        else:
            self._keep(mine, file, now)

    def renew(self, slot: HostSlot) -> bool:
        """Return whether a slot is still this process's, and let a whole request fit into what is left of it."""
        with self._moving:  # the only one that is asked without the account's lock
            now, file = self._clock.monotonic(), self._file
            if file is None or slot.is_kept or self._mine.get(slot.at) is not slot or self._is_lost(slot, file, now):
                return False
            slot.until = now + slot.length
            file.prolong(slot.at, slot.generation, slot.until)
            return file.generation(slot.at) == slot.generation

    def look(self) -> None:
        """Find a file that was replaced, holders that died, and slots that have opened."""
        now = self._clock.monotonic()
        if now >= self._check_at:
            self._check_file(now)
        if self._file is not None:
            self._give_up_kept(self._file, now)
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY / 2
            self._bury_dead(now)
            self._write_line(now)
        if self._file is not None and any(
            record.mark == CLOSED and record.until <= now for _at, _generation, record in self._records(self._file)
        ):
            self._wake(now)

    def opens_in(self, most: float) -> float:
        """Return the seconds until a slot may be had; see `Slots.opens_in`."""
        now, file = self._clock.monotonic(), self._file
        if file is None:
            return most
        ends = [record.until for _at, _generation, record in self._records(file) if record.mark != FREE]
        waits = [self.retry_in, _IDLE if self._kept else 0.0, *(end - now for end in (file.grants_from, *ends))]
        return min([most, *(wait for wait in waits if wait > 0)])

    def closed(self) -> int:
        """Return how many are kept closed."""
        now, file = self._clock.monotonic(), self._file
        if file is None:
            return 0
        return sum(record.mark == CLOSED and record.until > now for _at, _generation, record in self._records(file))

    # What follows decides.

    def _records(self, file: HostFile) -> list[tuple[int, int, Record]]:
        generations = [(at, file.generation(at)) for at in range(SLOTS)]
        return [(at, generation, file.read(at, generation)) for at, generation in generations]

    def _take_kept(self, file: HostFile, terms: Terms, now: float) -> HostSlot | None:
        """Take a slot that was given a moment ago and whose lock is still this process's."""
        old = self._kept.pop()
        if self._is_lost(old, file, now):
            self._drop(old, file, now)
            return None
        self._mine[old.at] = slot = HostSlot(self, old.at, old.generation, terms, now)
        file.write_used(slot.at, slot.generation, slot.until, slot.hold, now)
        return slot

    def _keep(self, slot: HostSlot, file: HostFile, now: float) -> None:
        """Keep the lock of a slot that is free, for the next message of this process."""
        slot.keep_until(now, now + _KEPT)
        file.write_used(slot.at, slot.generation, slot.until, slot.hold, now)
        self._kept.append(slot)

    def _drop(self, slot: HostSlot, file: HostFile, now: float, keep: float = 0.0) -> None:
        """Let go of a slot, and say what it is, if that is still this process's to say."""
        del self._mine[slot.at]
        if not self._is_lost(slot, file, now):
            mark, until = (CLOSED, now + keep) if keep > 0 else (FREE, now)
            file.write(slot.at, slot.generation, Record(until, 0.0, mark, 0.0, 0))
        file.unlock_slot(slot.at, slot.generation)

    def _is_wanted(self, now: float) -> bool:
        line = cast("HostLine", self._line)
        return not line.is_alone and line.somebody_waits_elsewhere(now)

    def _give_up_kept(self, file: HostFile, now: float) -> None:
        """Let go of the slots that are kept, if another waits or they were idle for long enough."""
        if self._kept and (self._is_wanted(now) or now - self._kept[-1].since >= _IDLE):
            while self._kept:
                self._drop(self._kept.pop(), file, now)
            self._wake(now)

    def _candidates(self, file: HostFile, priority: Priority, since: float, now: float) -> list[int]:
        """Return the slots that may be free, and whose turn it is not to go elsewhere."""
        free: list[tuple[int, float]] = []
        for at, _generation, record in self._records(file):
            if at not in self._mine and (record.mark == FREE or record.until <= now):
                free.append((at, record.until))
        if not free:
            return []
        ahead = cast("HostLine", self._line).ahead(priority, since, now)
        if ahead < len(free):
            return [at for at, _since in free]
        ripe = [at for at, freed in free if now - freed >= GRACE]
        if not ripe:
            self.retry_in = GRACE
        return ripe

    def _try(self, file: HostFile, at: int, terms: Terms, now: float) -> HostSlot | None:
        """Take one slot if it can be had."""
        generation = file.generation(at)
        if not file.lock_slot(at, generation):
            return self._take_over(file, at, generation, terms, now)
        if file.generation(at) == generation and self._is_open(file, at, generation, now):
            return self._begin(file, at, generation, terms, now)
        file.unlock_slot(at, generation)
        return None

    def _begin(self, file: HostFile, at: int, generation: int, terms: Terms, now: float) -> HostSlot:
        self._mine[at] = slot = HostSlot(self, at, generation, terms, now)
        file.write(at, generation, slot.record())
        return slot

    def _is_open(self, file: HostFile, at: int, generation: int, now: float) -> bool:
        """Return whether a slot may be used, whose lock is this process's; keep it closed if its holder died."""
        record = file.read(at, generation)
        if record.mark == USED and record.until > now:
            opens = min(now + record.hold, record.until)
            file.write(at, generation, Record(opens, 0.0, CLOSED, 0.0, 0))
            return opens <= now
        return record.mark != CLOSED or record.until <= now

    def _take_over(self, file: HostFile, at: int, generation: int, terms: Terms, now: float) -> HostSlot | None:
        """Take a slot whose holder has not ended in time, by beginning its next generation."""
        before = file.read(at, generation)
        if before.mark != USED or before.until > now or not file.lock_slot(at, generation + 1):
            return None
        if file.generation(at) == generation:
            slot = self._begin(file, at, generation + 1, terms, now)
            file.set_generation(at, generation + 1)
            if file.read(at, generation) == before:
                return slot
            del self._mine[at]  # the old holder, or another who got its lock, was there first
            file.write(at, generation + 1, Record(now + slot.length, 0.0, CLOSED, 0.0, 0))
        file.unlock_slot(at, generation + 1)
        return None

    def _is_lost(self, slot: HostSlot, file: HostFile, now: float) -> bool:
        return slot.is_over(now) or file.generation(slot.at) != slot.generation

    def _count_turn(self, priority: Priority) -> None:
        """Count the turn of a message that did not queue here, as `Account` does for those that did."""
        bulk_waits = priority == "urgent" and self.bulk_waits_elsewhere()
        row = self.urgent_in_a_row
        if bulk_waits or row:
            self.urgent_in_a_row = row + 1 if bulk_waits else 0

    def _bury_dead(self, now: float) -> None:
        """Note which holders have died since the last look."""
        file = self._file
        if file is None:
            return
        for at, generation, record in self._records(file):
            if record.mark == USED and at not in self._mine and file.lock_slot(at, generation):
                if file.generation(at) == generation:
                    self._is_open(file, at, generation, now)
                file.unlock_slot(at, generation)

    def _wake(self, now: float) -> None:
        if self._line is not None:
            self._line.wake(now)

    def _write_line(self, now: float) -> None:
        if self._line is not None:
            self._line.announce(*self._announced, now)

    # What follows opens the file, and moves to another.

    def _open(self, now: float) -> None:
        self._file = HostFile(self._path, is_shared=self._group, now=now)
        if self._bell is None:
            self._bell = Bell()
        self._line = HostLine(self._file, self._bell)
        self._write_line(now)

    def _check_file(self, now: float) -> None:
        """Open the file if it is not open, and move to what has come in its place."""
        self._check_at = now + LOOK_EVERY / 2
        if self._file is not None and self._file.is_in_place():
            return
        with self._moving:
            old = self._file
            try:
                self._open(now)
            except (OSError, ValueError) as error:
                self._complain(error)
                return
            self._is_in_order = True
            if old is not None:
                self._move(old, cast("HostFile", self._file), now)
                old.close()

    def _complain(self, error: Exception) -> None:
        if self._is_in_order:
            self._is_in_order = False
            say(logging.WARNING, "the file by which processes share slots cannot be used: %s: %s", self._path, error)

    def _move(self, old: HostFile, new: HostFile, now: float) -> None:
        """Take locks and marks over: also those of holders that are stopped, who cannot do it themselves."""
        while self._kept:
            del self._mine[self._kept.pop().at]
        for at, generation, record in self._records(old):
            mine, fresh = self._mine.get(at), new.generation(at)
            if mine is None:
                self._move_other(old, new, at, record, now)
            elif any(new.lock_slot(at, fresh) for _try in range(_TRIES)):
                new.write(at, fresh, mine.record())
                old.write(at, generation, _MOVED)
                mine.generation = fresh
            else:
                del self._mine[at]

    def _move_other(self, old: HostFile, new: HostFile, at: int, record: Record, now: float) -> None:
        generation, fresh = old.generation(at), new.generation(at)
        is_held = not old.lock_slot(at, generation)
        if now < record.until < math.inf and any(new.lock_slot(at, fresh) for _try in range(1 if is_held else _TRIES)):
            if old.read(at, generation) == record and new.read(at, fresh).mark == FREE:
                until = min(record.until, now + record.hold) if record.mark == USED and not is_held else record.until
                new.write(at, fresh, Record(until, 0.0, CLOSED, 0.0, 0))
            new.unlock_slot(at, fresh)
        if not is_held:
            old.write(at, generation, _MOVED)  # nobody who has not noticed yet takes it there
