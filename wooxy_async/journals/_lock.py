"""The lock of a run: on a file of its own, dropped by the kernel with the process, and it says who holds it.

The database's own file is no place for it: whoever opens and closes that file in this process, to look at it, drops
the locks that SQLite has on it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import weakref
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from wooxy_async.journals._errors import JournalBusyError, JournalError

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_held: Final[weakref.WeakSet[RunLock]] = weakref.WeakSet()


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a journal.

    Args:
        pid: the process.
        host: its machine.
        since: when it began, UTC.
    """

    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


def boot_id(source: Path = BOOT) -> str:
    """Return what is the same for as long as this machine runs; "" where nothing says so.

    Args:
        source: where the kernel says it.
    """
    try:
        return source.read_text("ascii").strip()
    except OSError:  # no Linux
        return ""


class RunLock:
    """Held by one run of a journal alone.

    Args:
        path: of the lock's file; it stays.
        now: seconds since the epoch.

    Raises:
        JournalBusyError: another run holds it.
        JournalError: the file cannot be made.
    """

    def __init__(self, path: Path, now: float) -> None:
        self._fd = _locked(path)
        _held.add(self)
        holder = Holder(pid=os.getpid(), host=socket.gethostname(), since=datetime.fromtimestamp(now, UTC))
        with suppress(OSError):  # a full disk: nobody can be told, and the lock holds all the same
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, msgspec.json.encode(holder), 0)

    def release(self) -> None:
        """Let the next run have it."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.ftruncate(fd, 0)
            os.close(fd)

    def disown(self) -> None:
        """In a forked child: leave the lock to its parent."""
        fd, self._fd = self._fd, -1
        with suppress(OSError):
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def holder_of(path: Path) -> Holder | None:
    """Return who holds a journal now, None if nobody does.

    Args:
        path: of the lock's file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(fd)
    else:
        return None
    finally:
        os.close(fd)


def _read(fd: int) -> Holder:
    try:
        return msgspec.json.decode(os.pread(fd, 4096, 0), type=Holder)
    except msgspec.MsgspecError:  # it is being written
        return Holder(pid=0, host="this machine", since=datetime.fromtimestamp(os.fstat(fd).st_mtime, UTC))


def _locked(path: Path) -> int:
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(f"{path} cannot be made: {error.strerror}.") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(fd)
            os.close(fd)
            raise JournalBusyError(
                f"Another run holds this journal: {holder}. Wait for its end, or stop that process."
            ) from None
        if _is_at(fd, path):
            return fd
        os.close(fd)  # somebody has deleted the file in between: a lock on it keeps nobody out


def _is_at(fd: int, path: Path) -> bool:
    ours = os.fstat(fd)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _disown_all() -> None:
    for lock in _held:
        lock.disown()


os.register_at_fork(after_in_child=_disown_all)
