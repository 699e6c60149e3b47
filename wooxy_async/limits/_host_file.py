"""The file of one account on one machine: locks that are true, and marks beside them.

Layout, in the machine's own byte order, for all processes of one boot of one kernel:

    header                     magic, boot id, when the file was made, until when the account pauses after a 429,
                               turns of urgent in a row, lines used
                               whether a place behind the ten slots was ever used
    ten slots                  generation, and two records of which the generation's parity names the valid one
    22 places behind them      the same; nothing is granted from them, see `_host_moving`
    lines                      one for each process: since when its messages wait, and where to wake it

A lock is on a byte far beyond the end of the file. That of a slot is named by its generation as well, because a holder
that is stopped keeps its lock: whoever takes its slot after its end begins the next generation.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
import struct
from pathlib import Path
from typing import Final, NamedTuple

from wooxy_async.limits import _host_locks
from wooxy_async.limits._host_locks import Lock

FREE, USED, CLOSED = 0, 1, 2
PLACES: Final = 32  # the ten slots, and those behind them
LINES: Final = 256  # processes that can be told of a free slot; others look for themselves
SETTLING: Final = 0.5  # seconds for which a new file grants nothing: holders of one that was deleted move here

_MAGIC: Final = b"wooxy/1\n"
_HEADER: Final = struct.Struct("8s16sd")
_COUNT: Final = struct.Struct("q")
_RECORD: Final = struct.Struct("ddqdq")
_USE: Final = struct.Struct("ddqd")  # the first of a record, all but who
_END: Final = struct.Struct("d")
_HINTS: Final = struct.Struct("ddqqq")  # of the header, from when the file was made
_MADE_AT, _PAUSE_AT = 24, 32
_ROW_AT, _LINES_AT, _CROWD_AT, _SLOTS_AT, _SLOT_SIZE, _RECORD_SIZE = 40, 48, 56, 64, 128, 48
FIRST_LINE: Final = _SLOTS_AT + PLACES * _SLOT_SIZE
LINE_SIZE: Final = 64
SIZE: Final = FIRST_LINE + LINES * LINE_SIZE
_LINE_LOCKS, _SLOT_LOCKS = 1 << 32, 1 << 33
PAUSE_MAX: Final = 900.0  # seconds; a longer one that stands in the file is none
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Record(NamedTuple):
    """What stands beside a slot's lock.

    Args:
        until: USED: when its holder has ended whatever happens to it; CLOSED: when it opens; FREE: since when it is.
        hold: seconds that it stays closed after the death of its holder.
        mark: FREE, USED or CLOSED.
        since: when it was taken.
        pid: who took it, for people only.
    """

    until: float
    hold: float
    mark: int
    since: float
    pid: int


def boot_id() -> bytes:
    """Return 16 bytes that name this boot of this kernel; zeros where there is no such name."""
    try:
        return bytes.fromhex(_BOOT_ID.read_text("ascii").replace("-", "").strip())
    except OSError:
        return bytes(16)


class HostFile:
    """One opened file.

    Args:
        path: where it is; made if it is missing.
        is_shared: several users of the directory's group use it.
        now: what the clock says.

    Raises:
        ValueError: what lies there is not the user's own file of this kind.
        OSError: it cannot be made or read.
    """

    def __init__(self, path: Path, *, is_shared: bool, now: float) -> None:
        self.path = path
        self._is_shared = is_shared
        self._fd = open_own(path, is_shared=is_shared)
        try:
            self._identity = check_own(self._fd, is_shared=is_shared)
            self._begin(now)
            self._lock, self.map = self._open_again()
            os.utime(self._fd)  # it is in use
        except BaseException:
            os.close(self._fd)
            raise

    @property
    def grants_from(self) -> float:
        """When it begins to grant slots; a hint may put it off."""
        return self._made_at() + SETTLING

    def settle(self, now: float) -> None:
        """Grant nothing for a while, as a new file: holders of another move here."""
        _END.pack_into(self.map, _MADE_AT, now)

    @property
    def number(self) -> float:
        """A number that names this very file among those that are open."""
        return float(self._identity[1] % (1 << 53))

    @property
    def was_crowded(self) -> bool:
        """Whether a place behind the ten was ever used."""
        return bool(_COUNT.unpack_from(self.map, _CROWD_AT)[0])

    def note_crowd(self) -> None:
        """Note that a place behind the ten is used from now on."""
        _COUNT.pack_into(self.map, _CROWD_AT, 1)

    @property
    def has_own_locks(self) -> bool:
        """Whether another opening of the file leaves the locks of this one alone."""
        return self._lock is not _host_locks.classic

    def close(self) -> None:
        """Drop all locks of this opening; the map stays for a thread that may be reading it."""
        os.close(self._fd)

    def is_in_place(self) -> bool:
        """Return whether this file is what others find, too."""
        try:
            found = self.path.lstat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def lock_slot(self, at: int, generation: int) -> bool:
        """Take a slot's lock; False if another has it."""
        return self._lock(self._fd, fcntl.F_WRLCK, _SLOT_LOCKS + generation * PLACES + at)

    def unlock_slot(self, at: int, generation: int) -> None:
        """Drop a slot's lock."""
        self._lock(self._fd, fcntl.F_UNLCK, _SLOT_LOCKS + generation * PLACES + at)

    def generation(self, at: int) -> int:
        """Return how often a slot was taken from a holder that had not ended in time."""
        generation: int = _COUNT.unpack_from(self.map, _SLOTS_AT + at * _SLOT_SIZE)[0]
        return generation

    def set_generation(self, at: int, generation: int) -> None:
        """Begin a generation, whose record stands already."""
        _COUNT.pack_into(self.map, _SLOTS_AT + at * _SLOT_SIZE, generation)

    def read(self, at: int, generation: int) -> Record:
        """Return the record of a slot's generation."""
        return Record._make(_RECORD.unpack_from(self.map, _record_at(at, generation)))

    def write(self, at: int, generation: int, record: Record) -> None:
        """Write the record of a slot's generation; its lock is one's own."""
        _RECORD.pack_into(self.map, _record_at(at, generation), *record)

    def write_used(self, at: int, generation: int, until: float, hold: float, since: float) -> None:
        """Write what has changed in a record of this process's own."""
        _USE.pack_into(self.map, _record_at(at, generation), until, hold, USED, since)

    def prolong(self, at: int, generation: int, until: float) -> None:
        """Write a later end into a record."""
        _END.pack_into(self.map, _record_at(at, generation), until)

    def pause_ends_in(self, now: float) -> float:
        """Return the seconds for which the account pauses; a hint, 0.0 where it makes no sense."""
        left: float = _END.unpack_from(self.map, _PAUSE_AT)[0] - now
        return left if 0 < left <= PAUSE_MAX else 0.0

    def pause(self, seconds: float, now: float) -> None:
        """Note that the account pauses, unless it does so for longer already."""
        if seconds > self.pause_ends_in(now):
            _END.pack_into(self.map, _PAUSE_AT, now + min(seconds, PAUSE_MAX))

    @property
    def urgent_in_a_row(self) -> int:
        """Turns of urgent messages for which bulk has waited; a hint."""
        row: int = _COUNT.unpack_from(self.map, _ROW_AT)[0]
        return row

    @urgent_in_a_row.setter
    def urgent_in_a_row(self, row: int) -> None:
        _COUNT.pack_into(self.map, _ROW_AT, row)

    @property
    def lines(self) -> int:
        """How many lines have ever been used; a hint."""
        lines: int = _COUNT.unpack_from(self.map, _LINES_AT)[0]
        return min(max(lines, 0), LINES)

    @property
    def has_one_line(self) -> bool:
        """Whether no second line has ever been used; a hint."""
        return bool(_COUNT.unpack_from(self.map, _LINES_AT)[0] <= 1)

    def is_quiet(self, now: float) -> bool:
        """Return whether slots are granted, no second line and no place behind the ten was ever used; in one look."""
        made_at, _pause, _row, lines, crowd = _HINTS.unpack_from(self.map, _MADE_AT)
        return bool(lines <= 1 and not crowd and now >= made_at + SETTLING)

    @property
    def has_paused(self) -> bool:
        """Whether the account has ever paused; a hint."""
        return bool(_END.unpack_from(self.map, _PAUSE_AT)[0])

    def lock_line(self) -> int | None:
        """Return a line that is one's own from now on, None if there are more processes than lines."""
        for line in range(LINES):
            if self._lock(self._fd, fcntl.F_WRLCK, _LINE_LOCKS + line):
                self.note_line(line)
                return line
        return None

    def note_line(self, line: int) -> None:
        """Note that a line is used; again and again, because another may note a lower one at the same moment."""
        if self.lines <= line:
            _COUNT.pack_into(self.map, _LINES_AT, line + 1)

    def _open_again(self) -> tuple[Lock, mmap.mmap]:
        """Choose a way of locking, and map the file by another opening: a map keeps its own, and with it all locks."""
        other = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if check_own(other, is_shared=self._is_shared) != self._identity:
                raise ValueError("it was replaced at this very moment")
            return _host_locks.choose(self._fd, other), mmap.mmap(other, SIZE)
        finally:
            os.close(other)

    def _begin(self, now: float) -> None:
        """Write the header if there is none; two that do so at once write the same."""
        header = os.pread(self._fd, _HEADER.size, 0)
        if not header.strip(b"\0"):
            _allocate(self._fd)
            os.pwrite(self._fd, _HEADER.pack(_MAGIC, boot_id(), now), 0)
        elif os.fstat(self._fd).st_size != SIZE or _HEADER.unpack(header)[:2] != (_MAGIC, boot_id()):
            raise ValueError("it is no file of this limiter, or one of another boot")

    def _made_at(self) -> float:
        made_at: float = _END.unpack_from(self.map, _MADE_AT)[0]
        return made_at


def _record_at(at: int, generation: int) -> int:
    return _SLOTS_AT + at * _SLOT_SIZE + 16 + (generation & 1) * _RECORD_SIZE


def open_own(path: Path, *, is_shared: bool) -> int:
    """Open without following a link, and without waiting for whoever is at the other end of a pipe."""
    flags, mode = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o660 if is_shared else 0o600
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return os.open(path, flags)
    os.fchmod(fd, mode)  # whatever the umask
    return fd


def check_own(fd: int, *, is_shared: bool) -> tuple[int, int]:
    """Return which file this is.

    Raises:
        ValueError: it is not the user's own, or not what its name says.
    """
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise ValueError("it is a link, or no file at all")
    if found.st_mode & (0o007 if is_shared else 0o077) or (not is_shared and found.st_uid != os.geteuid()):
        raise ValueError("it belongs to another user, or others may write it")
    return found.st_dev, found.st_ino


def _allocate(fd: int) -> None:
    """Have all of the file on the disk: a page of a map for which the disk has no room kills the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, SIZE)
    else:
        os.ftruncate(fd, SIZE)
