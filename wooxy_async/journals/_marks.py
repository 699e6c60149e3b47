"""The rows that are being sent, in a small file of their own: one write of eight bytes right before a first byte.

It goes to the page cache and no further, so it costs a microsecond and outlives the process, however that is killed;
a power loss it does not outlive, and need not: then every claimed row without an outcome is in doubt.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from pathlib import Path
from typing import Final

PLACES: Final = 64  # six times as many as requests can be in progress
_TOKEN: Final = 16  # bytes at the start, that say which run has written the rest
_ROW: Final = struct.Struct("<q")


class MarksFile:
    """The marks of one run; the file is made anew for it.

    Args:
        path: of the file.
        token: 16 bytes that belong to this run alone.
    """

    def __init__(self, path: Path, token: bytes) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, token + bytes(PLACES * _ROW.size), 0)  # its blocks are there from here on
            os.fsync(self._fd)
        except OSError:
            os.close(self._fd)
            raise
        self._free = deque(range(PLACES))
        self._places: dict[int, int] = {}

    def set(self, row: int) -> None:
        """Mark a row; once is enough.

        Raises:
            OSError: it cannot be written.
        """
        if row in self._places:
            return
        place = self._free.pop()
        try:
            os.pwrite(self._fd, _ROW.pack(row), _TOKEN + place * _ROW.size)
        except OSError:
            self._free.append(place)
            raise
        self._places[row] = place

    def clear(self, row: int) -> None:
        """Take a mark away, if there is one; one that cannot be taken away makes a row look in doubt, no more."""
        place = self._places.pop(row, None)
        if place is not None:
            os.pwrite(self._fd, _ROW.pack(0), _TOKEN + place * _ROW.size)
            self._free.append(place)

    def sync(self) -> None:
        """Make all marks outlive a power loss."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._fd)


def read_marks(path: Path, token: bytes) -> frozenset[int] | None:
    """Return the rows that a run has marked; None where the file is not that run's.

    Args:
        path: of the file.
        token: that of the run.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) != _TOKEN + PLACES * _ROW.size or data[:_TOKEN] != token:
        return None
    return frozenset(row for (row,) in _ROW.iter_unpack(data[_TOKEN:]) if row)
