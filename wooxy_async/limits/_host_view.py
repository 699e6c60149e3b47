"""Who holds slots of a machine, and who waits for them, seen from outside: nothing is locked, written or kept open."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from wooxy_async._ports import Priority
from wooxy_async.limits._host_file import (
    _LINE_LOCKS,
    _MAGIC,
    CLOSED,
    FIRST_LINE,
    FREE,
    LINE_SIZE,
    PLACES,
    SIZE,
    HostFile,
    boot_id,
)
from wooxy_async.limits._host_line import _LINE
from wooxy_async.limits._host_locks import _FLOCK
from wooxy_async.limits._host_slots import _KEPT
from wooxy_async.limits._host_unused import SUFFIX

_ROUNDING: Final = 1e-6
State = Literal["in use", "kept", "closed", "dead", "overdue"]


class SeenSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A slot that is not simply free.

    Args:
        slot: which one; 10 and above are places that stand in for slots of a file that was deleted.
        state: "in use"; "kept" for the holder's next message, and free for whoever needs it; "closed" for a while;
            "dead": its holder died, which is about to be noticed; "overdue": its holder has not ended in time, and
            the next who waits takes it.
        pid: of its holder, None where it has none; a hint: processes of other containers have numbers of their own.
        since: when it was taken, by the monotonic clock; for one that is closed, when it opens.
    """

    slot: int
    state: State
    pid: int | None
    since: float


class SeenWaiter(msgspec.Struct, frozen=True, kw_only=True):
    """The oldest message of one priority that waits in a process.

    Args:
        priority: of the message.
        pid: of the process.
        since: since when it waits, by the monotonic clock.
    """

    priority: Priority
    pid: int
    since: float


class SeenAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one moment.

    Args:
        path: of its file, whose name says nothing of its token.
        slots: those that are not simply free.
        waiting: the oldest of each process.
        paused: seconds for which the account still pauses after a 429.
    """

    path: Path
    slots: list[SeenSlot]
    waiting: list[SeenWaiter]
    paused: float


def see(directory: Path, now: float) -> list[SeenAccount]:
    """Return the accounts that have a file in a directory, of this boot; a file that cannot be read is passed over.

    Args:
        directory: where limiters meet.
        now: what the monotonic clock says.
    """
    return [seen for path in sorted(directory.glob(f"*{SUFFIX}")) if (seen := _see_account(path, now)) is not None]


def _see_account(path: Path, now: float) -> SeenAccount | None:
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            copy = _Copy(fd)
            if copy.is_whole():
                return SeenAccount(
                    path=path,
                    slots=list(_slots(copy, now)),
                    waiting=list(copy.waiting()),
                    paused=copy.pause_ends_in(now),
                )
        finally:
            os.close(fd)
    return None


class _Copy(HostFile):
    """What the file says at one moment.

    Args:
        fd: the file, open for reading.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = _could_lock
        self.map = cast("mmap.mmap", os.pread(fd, SIZE, 0))

    def is_whole(self) -> bool:
        """Return whether it is a file of this limiter, and of this boot."""
        head = _MAGIC + boot_id()
        return len(self.map) == SIZE and self.map[: len(head)] == head

    def is_held(self, at: int, generation: int) -> bool:
        """Return whether a process has the lock of a slot."""
        return not self.lock_slot(at, generation)

    def waiting(self) -> Iterator[SeenWaiter]:
        """Yield who waits, of the processes that live."""
        lines = _LINE.iter_unpack(self.map[FIRST_LINE : FIRST_LINE + self.lines * LINE_SIZE])
        for at, (_seen, urgent, bulk, pid, *_address) in enumerate(lines):
            if (urgent or bulk) and not self._lock(self._fd, fcntl.F_WRLCK, _LINE_LOCKS + at):
                if urgent:
                    yield SeenWaiter(priority="urgent", pid=pid, since=urgent)
                if bulk:
                    yield SeenWaiter(priority="bulk", pid=pid, since=bulk)


def _could_lock(fd: int, kind: int, at: int) -> bool:
    """Return whether a lock could be taken, and take none; False where there are no such locks, and all seem held."""
    command = getattr(fcntl, "F_OFD_GETLK", None)
    if command is None:
        return False
    answer = fcntl.fcntl(fd, command, _FLOCK.pack(kind, os.SEEK_SET, at, 1, 0))
    return bool(_FLOCK.unpack(answer)[0] == fcntl.F_UNLCK)


def _slots(copy: _Copy, now: float) -> Iterator[SeenSlot]:
    for at in range(PLACES):
        generation = copy.generation(at)
        until, _hold, mark, since, pid = copy.read(at, generation)
        if mark == FREE or (mark == CLOSED and until <= now):
            continue
        if mark == CLOSED:
            yield SeenSlot(slot=at, state="closed", pid=None, since=until)
        elif copy.is_held(at, generation):
            is_kept = until - since <= _KEPT + _ROUNDING
            state: State = "kept" if is_kept else "in use" if until > now else "overdue"
            yield SeenSlot(slot=at, state=state, pid=pid, since=since)
        elif until > now:
            yield SeenSlot(slot=at, state="dead", pid=None, since=since)
