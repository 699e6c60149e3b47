"""The account's file, wherever it is: opened, found again where it was replaced, and what is in use taken along."""

from __future__ import annotations

import math
import threading
from typing import Final

from wooxy_async.limits._host_file import PLACES, HostFile, Record
from wooxy_async.limits._host_moving import bring_others, bring_own, is_live, move_up
from wooxy_async.limits._host_opening import Opening
from wooxy_async.limits._host_slot import HostSlot
from wooxy_async.limits._slots import SLOTS

_CHECK_EVERY: Final = 0.025  # seconds; what was replaced is found within twice that


class HostFiles:
    """The file in its place, and those of before, in which others still hold something.

    Args:
        opening: opens it.
    """

    def __init__(self, opening: Opening) -> None:
        self.file: HostFile | None = None
        self._opening = opening
        self._left: list[HostFile] = []
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with no slots, as a forked child does."""
        self.moving = threading.RLock()  # again: the garbage collector may give a slot back at any moment
        self.mine: dict[int, HostSlot] = {}  # of this process
        self.check_at = -math.inf

    def close(self) -> None:
        """Let go of all files for good."""
        for file in self._left if self.file is None else (self.file, *self._left):
            file.close()
        self._opening.close()
        self._left.clear()
        self.file = None
        self.check_at = math.inf  # a timer that comes late opens nothing

    def open(self, now: float) -> HostFile:
        """Open the file, made if it is missing.

        Raises:
            OSError, ValueError: it is not fit; the text says why.
        """
        self.file = file = self._opening.open(now, self.file)
        return file

    def is_another(self, now: float) -> bool:
        """Open the file if it is not open, and move to what has come in its place; return whether that was so.

        `check_at` says when to look again.
        """
        self.check_at = now + _CHECK_EVERY
        with self.moving:
            old = self.file
            if old is not None and old.is_in_place():
                self._opening.note_again(now, old)
                self._follow(old, now)
                return False
            try:
                new = self.open(now)
            except (OSError, ValueError) as error:
                self._opening.complain(error)
                return False
            if old is not None:
                new.pause(old.pause_ends_in(now), now)
                self._move(old, new, now)
                self._left.append(old)
                self._follow(new, now)
            return True

    def absorb(self, token: str, now: float) -> None:
        """Take over what is in use of a token that is known to be this account's from now on.

        Its file is deleted, so that all who use it move here; what they do not bring themselves is brought for them.
        """
        self._opening.tokens.add(token)
        with self.moving:
            file = self.file
            if file is not None and file.has_own_locks and (old := self._opening.open_of(token, now)) is not None:
                file.settle(now)
                self._left.append(old)
                self._follow(file, now)

    def records(self) -> list[tuple[int, int, Record]]:
        """Return each slot, its generation, and what stands beside it; those behind the ten if they were ever used."""
        file = self.file
        if file is None:
            return []
        generations = [(at, file.generation(at)) for at in range(PLACES if file.was_crowded else SLOTS)]
        return [(at, generation, file.read(at, generation)) for at, generation in generations]

    def is_crowded(self, now: float) -> bool:
        """Return whether more is in use than there are slots."""
        file = self.file
        is_usual = file is None or not file.was_crowded
        return not is_usual and any(is_live(record, now) for at, _generation, record in self.records() if at >= SLOTS)

    def _move(self, old: HostFile, new: HostFile, now: float) -> None:
        """Take this process's slots along; those that it only keeps are of no use any more."""
        mine = list(self.mine.values())
        self.mine.clear()
        for slot in mine:
            if not slot.is_kept and bring_own(slot, old, new, now):
                self.mine[slot.at] = slot

    def _follow(self, file: HostFile, now: float) -> None:
        """Do what is still to be done of moves that began earlier."""
        for slot in [slot for at, slot in self.mine.items() if at >= SLOTS]:
            at = slot.at
            if move_up(slot, file, now):
                self.mine[slot.at] = self.mine.pop(at)
        for old in list(self._left):
            if not bring_others(old, file, now):
                self._left.remove(old)
                old.close()
