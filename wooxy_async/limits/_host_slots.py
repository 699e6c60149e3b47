"""The ten slots of one account on one machine.

*Truth* is a lock per slot that the kernel drops with the process. Beside it stands until when the slot is used:

* the lock is gone and the mark stands: its holder died, and the server may still be at work. The slot stays closed for
  `loss_hold` from when this is noticed;
* the lock stands and its end has passed: its holder is stopped. Whoever comes next begins the slot's next generation,
  under a lock of its own. The old holder sees that when it asks, right before a request, whether its slot still holds;
  the end is `answer_limit + loss_hold` after that question, so that no request outlives it.

While nobody else waits, a process keeps the locks of the slots that it has just used, with an end so near that nobody
has to wait for it.

A file that was deleted or replaced is found within `POLL_EVERY` by everybody who uses or waits for a slot. All marks
are taken over into the new file, which grants nothing until everybody has had the time to do so.
"""

from __future__ import annotations

import math
import time
from asyncio import AbstractEventLoop
from pathlib import Path
from typing import Final, cast
from weakref import WeakKeyDictionary

from wooxy_async._ports import Clock, Priority
from wooxy_async.limits._host_bell import Bell
from wooxy_async.limits._host_file import CLOSED, FREE, HostFile, Record
from wooxy_async.limits._host_files import HostFiles
from wooxy_async.limits._host_line import GRACE, HostLine
from wooxy_async.limits._host_opening import Opening
from wooxy_async.limits._host_register import Register
from wooxy_async.limits._host_slot import HostSlot
from wooxy_async.limits._host_taking import bury_dead, take_slot
from wooxy_async.limits._slots import SLOTS, Slot, Terms

POLL_EVERY: Final = 0.05
_KEPT: Final = 0.1  # seconds after which others may take a slot that is kept; its process uses it for less
_IDLE: Final = 0.02  # seconds of idleness after which a slot is not kept any more


class HostSlots:
    """Ten slots that all processes of this machine share.

    Args:
        path: the account's file.
        is_shared: several users of the directory's group use it.
        clock: where time comes from; that of all processes.
        register: knows whether it is the account's first; None for a file that waits whenever it is made.

    Raises:
        OSError, ValueError: the file is not fit; the text says why.
    """

    poll_every = POLL_EVERY

    def __init__(
        self, path: Path, *, is_shared: bool = False, clock: Clock = time, register: Register | None = None
    ) -> None:
        self.retry_in = 0.0
        self._clock = clock
        self._files = HostFiles(Opening(path, is_shared=is_shared, register=register))
        self._reset()
        now = clock.monotonic()
        self._join_line(self._files.open(now), now)

    def _reset(self) -> None:
        self._announced: tuple[float | None, float | None] = (None, None)
        self._kept: list[HostSlot] = []  # free, but the locks are still this process's; the last was used last
        self._line: HostLine | None = None
        self._bell: Bell | None = None
        self.listeners: WeakKeyDictionary[AbstractEventLoop, int] = WeakKeyDictionary()
        self._poll_at = -math.inf

    def start_anew(self) -> None:
        """Let go of the parent's files, as a forked child must: its locks would outlive it here."""
        self.close()
        self._files.start_anew()
        self._reset()

    def close(self) -> None:
        """Let go of file and socket for good."""
        if self._bell is not None:
            self._bell.close()
        self._files.close()
        self._line = self._bell = None
        self._poll_at = math.inf

    @property
    def _file(self) -> HostFile | None:
        return self._files.file

    @property
    def urgent_in_a_row(self) -> int:
        """Turns of urgent messages, of all processes, for which bulk has waited."""
        return 0 if self._file is None else self._file.urgent_in_a_row

    @urgent_in_a_row.setter
    def urgent_in_a_row(self, row: int) -> None:
        if self._file is not None:
            self._file.urgent_in_a_row = row

    def pause(self, seconds: float) -> None:
        """Tell all processes that the account pauses; a hint."""
        if (file := self._file) is not None:
            file.pause(seconds, self._clock.monotonic())

    def paused_for(self) -> float:
        """Return the seconds for which the account pauses, as far as any process has told."""
        file = self._files.file
        return 0.0 if file is None or not file.has_paused else file.pause_ends_in(self._clock.monotonic())

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
        file = self._files.file
        return file is not None and file.has_one_line

    def bulk_waits_elsewhere(self) -> bool:
        """Return whether another process has bulk that waits."""
        return self._line is not None and self._line.bulk_waits_elsewhere(self._clock.monotonic())

    def take(self, terms: Terms, priority: Priority, since: float | None) -> HostSlot | None:
        """Return a free slot; see `Slots.take`."""
        now, files = self._clock.monotonic(), self._files
        self.retry_in = 0.0
        self._find_file(now)
        if (file := files.file) is None:
            return None
        is_quiet = file.is_quiet(now)
        if not is_quiet and (now < file.grants_from or files.is_crowded(now)):
            return None
        first = SLOTS - terms.max_bulk if priority == "bulk" else 0  # bulk has the last ones
        may_keep = self._kept and (is_quiet or not self._is_wanted(now))
        if may_keep and (kept := self._take_kept(file, terms, first, now)) is not None:
            return kept
        if len(self._files.mine) >= SLOTS and not self._kept:
            return None
        self._give_up_kept(file, now)
        for at in self._candidates(priority, first, since or now, now):
            if (slot := take_slot(self, file, at, terms, now)) is not None:
                self._files.mine[at] = slot
                if since is None:
                    self._count_turn(priority)
                return slot
        return None

    def give(self, slot: Slot, keep: float) -> None:
        """Take a slot back; see `Slots.give`."""
        mine, now, file = cast("HostSlot", slot), self._clock.monotonic(), self._file
        if self._files.mine.get(mine.at) is not mine or file is None:
            return
        is_free_for_others = not file.is_quiet(now) and (self._files.is_crowded(now) or self._is_wanted(now))
        if keep or is_free_for_others or self._is_lost(mine, file, now):
            self._drop(mine, file, now, keep)
            self._give_up_kept(file, now)
            if not keep:
                self._wake(now)
        else:
            self._keep(mine, file, now)

    def renew(self, slot: HostSlot) -> bool:
        """Return whether a slot is still this process's, and let a whole request fit into what is left of it."""
        with self._files.moving:  # the only one that is asked without the account's lock
            now, file = self._clock.monotonic(), self._file
            if (
                file is None
                or slot.is_kept
                or self._files.mine.get(slot.at) is not slot
                or self._is_lost(slot, file, now)
            ):
                return False
            if not slot.is_asked and self._files.is_crowded(now):
                return False
            slot.is_asked = True
            slot.until = now + slot.length
            file.prolong(slot.at, slot.generation, slot.until)
            return file.generation(slot.at) == slot.generation

    def poll(self) -> None:
        """Find a file that was replaced, holders that died, and slots that have opened."""
        now = self._clock.monotonic()
        self._find_file(now)
        if self._file is not None:
            self._give_up_kept(self._file, now)
        if now >= self._poll_at:
            self._poll_at = now + POLL_EVERY / 2
            if self._file is not None:
                bury_dead(self._file, self._files.records(), self._files.mine, now)
            self._write_line(now)
        if any(record.mark == CLOSED and record.until <= now for _at, _generation, record in self._files.records()):
            self._wake(now)

    def opens_in(self, most: float) -> float:
        """Return the seconds until a slot may be had; see `Slots.opens_in`."""
        now, file = self._clock.monotonic(), self._file
        if file is None:
            return most
        ends = [record.until for _at, _generation, record in self._files.records() if record.mark != FREE]
        waits = [self.retry_in, _IDLE if self._kept else 0.0, *(end - now for end in (file.grants_from, *ends))]
        return min([most, *(wait for wait in waits if wait > 0)])

    def closed(self) -> int:
        """Return how many are kept closed."""
        now = self._clock.monotonic()
        return sum(record.mark == CLOSED and record.until > now for _at, _generation, record in self._files.records())

    # What follows decides.

    def _take_kept(self, file: HostFile, terms: Terms, first: int, now: float) -> HostSlot | None:
        """Take a slot that was given a moment ago and whose lock is still this process's."""
        usable = [at for at, slot in enumerate(self._kept) if slot.at >= first] if first else [-1]
        if not usable:
            return None
        old = self._kept.pop(usable[-1])
        if self._is_lost(old, file, now):
            self._drop(old, file, now)
            return None
        self._files.mine[old.at] = slot = HostSlot(self, old.at, old.generation, terms, now)
        file.write_used(slot.at, slot.generation, slot.until, slot.hold, now)
        return slot

    def _keep(self, slot: HostSlot, file: HostFile, now: float) -> None:
        """Keep the lock of a slot that is free, for the next message of this process."""
        slot.keep_until(now, now + _KEPT)
        file.write_used(slot.at, slot.generation, slot.until, slot.hold, now)
        self._kept.append(slot)

    def _drop(self, slot: HostSlot, file: HostFile, now: float, keep: float = 0.0) -> None:
        """Let go of a slot, and say what it is, if that is still this process's to say."""
        del self._files.mine[slot.at]
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

    def _candidates(self, priority: Priority, first: int, since: float, now: float) -> list[int]:
        """Return the slots from `first` on that may be free, and whose turn it is not to go elsewhere."""
        free: list[tuple[int, float]] = []
        for at, _generation, record in self._files.records():
            if first <= at < SLOTS and at not in self._files.mine and (record.mark == FREE or record.until <= now):
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

    def _is_lost(self, slot: HostSlot, file: HostFile, now: float) -> bool:
        return slot.is_over(now) or file.generation(slot.at) != slot.generation

    def _count_turn(self, priority: Priority) -> None:
        """Count the turn of a message that did not queue here, as `SlotPool` does for those that did."""
        bulk_waits = priority == "urgent" and self.bulk_waits_elsewhere()
        row = self.urgent_in_a_row
        if bulk_waits or row:
            self.urgent_in_a_row = row + 1 if bulk_waits else 0

    def _wake(self, now: float) -> None:
        if self._line is not None:
            self._line.wake(now)

    def _write_line(self, now: float) -> None:
        if self._line is not None:
            self._line.announce(*self._announced, now)

    def _find_file(self, now: float) -> None:
        """See that the file is open that all use now."""
        if now >= self._files.check_at and self._files.is_another(now):
            self._kept.clear()
            self._join_line(cast("HostFile", self._file), now)

    def _join_line(self, file: HostFile, now: float) -> None:
        if self._bell is None:
            self._bell = Bell()
        self._line = HostLine(file, self._bell)
        self._write_line(now)

    def absorb(self, token: str) -> None:
        """Share the account with a token from now on; see `HostFiles.absorb`."""
        self._files.absorb(token, self._clock.monotonic())
