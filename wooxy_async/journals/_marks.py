"""The rows that are being sent, in a small file of their own: one write of twelve bytes right before a first byte.

It goes to the page cache and no further, so it costs a microsecond and outlives the process, however that is killed;
a power loss it does not outlive, and need not: then every claimed row without an outcome is in doubt. An outcome is
noted beside its row in the same way, so that the next message need not wait until it stands in the database.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from pathlib import Path
from typing import Final

from wooxy_async.journals._lock import boot_id

PLACES: Final = 64  # twice as many as rows that are being sent, or whose outcome is being written
_TOKEN: Final = 16  # bytes at the start, that say which run has written the rest
_ROW: Final = struct.Struct("<qi")  # and the length of what follows, its outcome
_PLACE: Final = 1024  # bytes
ROOM: Final = _PLACE - _ROW.size  # for an outcome
_WHOLE: Final = _TOKEN + PLACES * _PLACE


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
            os.pwrite(self._fd, token + bytes(PLACES * _PLACE), 0)  # its blocks are there from here on
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
            self._write(place, _ROW.pack(row, 0))
        except OSError:
            self._free.append(place)
            raise
        self._places[row] = place

    def note(self, row: int, outcome: bytes) -> bool:
        """Note the outcome of a row that is marked; return False where that cannot be done.

        Args:
            row: the row.
            outcome: up to `ROOM` bytes.
        """
        place = self._places.get(row)
        if place is None or len(outcome) > ROOM:
            return False
        try:
            self._write(place, _ROW.pack(row, len(outcome)) + outcome)
        except OSError:
            return False
        return True

    def clear(self, row: int) -> None:
        """Take a mark away, if there is one; one that cannot be taken away makes a row look in doubt, no more."""
        place = self._places.pop(row, None)
        if place is not None:
            self._write(place, _ROW.pack(0, 0))
            self._free.append(place)

    def _write(self, place: int, data: bytes) -> None:
        os.pwrite(self._fd, data, _TOKEN + place * _PLACE)

    def sync(self) -> None:
        """Make all marks outlive a power loss."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._fd)


def read_marks(path: Path, token: bytes) -> dict[int, bytes] | None:
    """Return the rows that a run has marked, each with the outcome that was noted or b""; None for another run's file.

    Args:
        path: of the file.
        token: that of the run.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) != _WHOLE or data[:_TOKEN] != token:
        return None
    found: dict[int, bytes] = {}
    for begin in range(_TOKEN, _WHOLE, _PLACE):
        row, length = _ROW.unpack_from(data, begin)
        if row:
            found[row] = data[begin + _ROW.size : begin + _ROW.size + length]
    return found


def trusted_marks(path: Path, token: bytes, boot: str, durability: str) -> dict[int, bytes] | None:
    """Return the marks of a run that was killed; None where they may be gone, so that all it had claimed is in doubt.

    Args:
        path: of the file.
        token: that of the run.
        boot: that of the machine, then.
        durability: of the run.
    """
    is_kept = durability == "power" or (bool(boot) and boot == boot_id())
    return read_marks(path, token) if is_kept else None
