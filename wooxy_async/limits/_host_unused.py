"""Removes the files of accounts that nobody uses any more: those of earlier boots, and of tokens that were changed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from wooxy_async.limits import _host_locks

SUFFIX: Final = ".slots"
UNUSED: Final = 24 * 60 * 60.0  # seconds since it was last opened; no slot stays closed for so long


def remove_unused(directory: Path, now: float) -> None:
    """Remove files that were not opened for a day and on which nobody has a lock.

    Whoever opens one at this very moment finds that it was deleted, as if somebody else had deleted it.

    Args:
        directory: where limiters meet.
        now: seconds since the epoch.
    """
    for path in directory.glob(f"*{SUFFIX}"):
        with suppress(OSError):  # another was faster, or it is not this user's
            found = path.lstat()
            if now - found.st_mtime > UNUSED:
                _remove(path, found)


def _remove(path: Path, found: os.stat_result) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.path.samestat(os.fstat(fd), found) and _host_locks.lock_all(fd):
            path.unlink()
    finally:
        os.close(fd)
