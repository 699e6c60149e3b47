"""The line of processes that wait for slots of one account: hints, which cannot break the cap when they are wrong.

Each process writes since when its oldest messages wait, and where a datagram wakes it. Whoever frees a slot wakes the
two that are first; a process whose turn it is not leaves a free slot alone for `GRACE`, so that whoever is first may
be slow, stopped or dead without stopping the others.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from wooxy_async._ports import Priority
from wooxy_async.limits._account import URGENT_IN_A_ROW
from wooxy_async.limits._host_bell import Bell
from wooxy_async.limits._host_file import FIRST_LINE, LINE_SIZE, HostFile

GRACE: Final = 0.0015  # seconds for which a free slot is left to the process whose turn it is
UNHEARD: Final = 0.25  # seconds after which a process that does not look any more has no turn
_WOKEN: Final = 2  # processes that are woken for a free slot: the first may be slow
_LINE: Final = struct.Struct("dddqq16s8x")  # when it last looked, urgent and bulk since, pid, network, socket


class _Line(NamedTuple):
    seen: float
    urgent: float
    bulk: float
    pid: int
    network: int
    address: bytes


class HostLine:
    """This process's place in the line.

    Args:
        file: the account's.
        bell: wakes the others.
    """

    def __init__(self, file: HostFile, bell: Bell) -> None:
        self._file = file
        self._bell = bell
        self._at = file.lock_line()
        self._urgent = self._bulk = 0.0

    def announce(self, urgent: float | None, bulk: float | None, now: float) -> None:
        """Write since when the oldest messages wait; None: there are none."""
        self._urgent, self._bulk = urgent or 0.0, bulk or 0.0
        if self._at is not None:
            place, bell = FIRST_LINE + self._at * LINE_SIZE, self._bell
            words = (now, self._urgent, self._bulk, os.getpid(), bell.network, bell.address)
            _LINE.pack_into(self._file.map, place, *words)
            self._file.note_line(self._at)

    @property
    def is_alone(self) -> bool:
        """Whether no other process has had a line in this file."""
        return self._at is not None and self._file.has_one_line

    def somebody_waits_elsewhere(self, now: float) -> bool:
        """Return whether another process waits."""
        return any(True for _line in self._others(now))

    def bulk_waits_elsewhere(self, now: float) -> bool:
        """Return whether another process has bulk that waits."""
        return any(line.bulk for line in self._others(now))

    def ahead(self, priority: Priority, since: float, now: float) -> int:
        """Return how many messages of other processes have their turn before one of this process.

        Args:
            priority: of the message.
            since: when it began to wait.
            now: what the clock says.
        """
        others = list(self._others(now))
        if not others:
            return 0
        order = self._order(others)
        own = order(priority, since)
        return sum(order(name, at) < own for line in others for name, at in _waiting(line))

    def wake_all(self, now: float) -> None:
        """Wake all others that look: they may keep slots that they do not use."""
        for line in self._lines(now):
            self._bell.wake(line.network, line.address)

    def wake(self, now: float) -> None:
        """Wake the processes that are first, if this one is not."""
        others = [] if self.is_alone else list(self._others(now))
        if not others:
            return
        order = self._order(others)
        turns = [(order(name, at), line) for line in others for name, at in _waiting(line)]
        own = [order(name, at) for name, at in _candidates(self._urgent, self._bulk)]
        turns.sort(key=lambda turn: turn[0])
        is_first = own and min(own) < turns[0][0]
        woken = [] if is_first else turns[:_WOKEN]
        if order.first == "bulk":  # which may not have every slot
            woken += [turn for turn in turns if turn[0][0]][:1]
        for line in dict.fromkeys(line for _order, line in woken):
            self._bell.wake(line.network, line.address)

    def _order(self, others: list[_Line]) -> _Order:
        bulk_waits = bool(self._bulk) or any(line.bulk for line in others)
        return _Order("bulk" if bulk_waits and self._file.urgent_in_a_row >= URGENT_IN_A_ROW else "urgent")

    def _others(self, now: float) -> Iterator[_Line]:
        """Yield the other processes that wait and still look."""
        return (line for line in self._lines(now) if line.urgent or line.bulk)

    def _lines(self, now: float) -> Iterator[_Line]:
        """Yield the other processes that still look."""
        end = FIRST_LINE + self._file.lines * LINE_SIZE
        for at, line in enumerate(_LINE.iter_unpack(self._file.map[FIRST_LINE:end])):
            if at != self._at and now - line[0] < UNHEARD:
                yield _Line._make((*line[:-1], line[-1].rstrip(b"\0")))


class _Order:
    """Whose turn comes before whose.

    Args:
        first: the priority that has its turn.
    """

    def __init__(self, first: Priority) -> None:
        self.first = first

    def __call__(self, priority: Priority, since: float) -> tuple[bool, float]:
        return priority != self.first, since


def _candidates(urgent: float, bulk: float) -> Iterator[tuple[Priority, float]]:
    if urgent:
        yield "urgent", urgent
    if bulk:
        yield "bulk", bulk


def _waiting(line: _Line) -> Iterator[tuple[Priority, float]]:
    return _candidates(line.urgent, line.bulk)
