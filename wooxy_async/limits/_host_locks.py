"""Locks on single bytes of a file, which the kernel drops with the process; the bytes need not exist.

Open-file-description locks (Linux) belong to an opened file: another opening of it, in this process or another, is
kept out, and a child of fork keeps them alive until it closes its copy. Whether they work is tried, not looked up: the
layout of `struct flock` is the platform's. Where they do not, the classic locks of POSIX do, with two properties more:
one process never keeps itself out, and closing *any* descriptor of the file drops them all.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import struct
from collections.abc import Callable
from typing import Final

Lock = Callable[[int, int, int], bool]
_FLOCK: Final = struct.Struct("hhqqi4x")
_TAKEN: Final = {errno.EAGAIN, errno.EACCES}
_PROBES: Final = 1 << 31  # from here on as many bytes mean nothing else


def lock_all(fd: int) -> bool:
    """Take a lock on every byte there can be; False if another opening has one on any."""
    return _ofd(fd, fcntl.F_WRLCK, 0, count=0)


def _ofd(fd: int, kind: int, at: int, count: int = 1) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, at, count, 0))
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def classic(fd: int, kind: int, at: int) -> bool:
    """Take or drop a lock of POSIX; see `choose`."""
    command = fcntl.LOCK_UN if kind == fcntl.F_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB
    try:
        fcntl.lockf(fd, command, 1, at)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def choose(fd: int, other: int, best: Lock = _ofd) -> Lock:
    """Return the best way of locking that works.

    Args:
        fd: a descriptor of the file.
        other: one of another opening of the same file; to be closed before any lock is taken that counts.
        best: what is tried first.

    Returns:
        A function of a descriptor, `F_WRLCK` or `F_UNLCK`, and the place of a byte, that tells whether it was done.
    """
    probe = _PROBES + secrets.randbelow(_PROBES)  # another process may be trying at this moment
    try:
        works = best(fd, fcntl.F_WRLCK, probe) and not best(other, fcntl.F_WRLCK, probe)
        best(fd, fcntl.F_UNLCK, probe)
    except (OSError, AttributeError):  # unknown to this kernel, or to this Python
        works = False
    return best if works else classic
