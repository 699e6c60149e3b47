"""Where the bytes of a file come from: a path or standard input, plain or gzip-compressed, as often as they are needed.

Standard input is written to a temporary file first that nobody else can open, so that it can be checked before it is
sent. What a compressed file unpacks to is counted, and never held.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from wooxy_async.campaigns._errors import ContactsError

MAX_UNPACKED: Final = 2**30  # bytes, 1 GiB: ten million rows of a hundred characters
_BUFFER: Final = 2**16
_GZIP: Final = b"\x1f\x8b"
_STANDARD_INPUT: Final = "-"
State = tuple[int, ...]


class Source:
    """A file that is read more than once.

    Args:
        path: the file; "-" is standard input, which is read to its end here.
        max_unpacked: how many bytes a compressed file may have when it is unpacked.

    Raises:
        ContactsError: it cannot be read, or is no regular file.
    """

    def __init__(self, path: Path, *, max_unpacked: int = MAX_UNPACKED) -> None:
        self.path = path
        self.max_unpacked = max_unpacked
        self._spool = _spooled(sys.stdin.buffer) if str(path) == _STANDARD_INPUT else None
        if self._spool is not None:
            weakref.finalize(self, self._spool.close)
        self._state = self._look()
        with self.telling(), self._raw() as raw:
            self.is_gzip = raw.read(len(_GZIP)) == _GZIP

    @property
    def name(self) -> str:
        """What the file is called in a sentence."""
        return "standard input" if self._spool else str(self.path)

    @property
    def suffix(self) -> str:
        """The ending of the file's name in lower case, that of compression left out."""
        name = self.path.name.lower()
        return Path(name.removesuffix(".gz")).suffix

    def check_unchanged(self) -> None:
        """Refuse a file that is not the one that was looked at first.

        Raises:
            ContactsError: it was changed, or is gone.
        """
        if self._look() != self._state:
            raise self._changed()

    def digest(self) -> str:
        """Return what tells the file from every other: SHA-256 of it as it lies there.

        Raises:
            ContactsError: it has changed, or cannot be read.
        """
        with self.telling(), self._raw() as raw:
            return hashlib.file_digest(cast("Any", raw), "sha256").hexdigest()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Yield the unpacked bytes; reading what somebody writes to meanwhile is refused, as `check_unchanged` does."""
        with self.telling(), self._raw() as raw:
            if not self.is_gzip:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield io.BufferedReader(_Counted(unpacked, self.max_unpacked, self.name))

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """Yield the unpacked bytes as a file that can be read in any order."""
        with self.open() as file:
            if not self.is_gzip:
                yield file
                return
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(file, unpacked)
                yield unpacked

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell what the system or the decompressor cannot read."""
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ContactsError(
                f"{self.name} is not a whole gzip file ({error}). Compress it again, or give it uncompressed."
            ) from None
        except OSError as error:
            raise ContactsError(f"{self.name} cannot be read: {error.strerror}.") from None

    def _changed(self) -> ContactsError:
        return ContactsError(f"{self.name} was changed after it was checked. Start again with the file as it is.")

    def _raw(self) -> IO[bytes]:
        if self._spool is not None:
            return io.BufferedReader(_Positioned(self._spool))
        return io.BufferedReader(_Watched(self.path, self._check), _BUFFER)

    def _check(self, seen: os.stat_result) -> None:
        if _state(seen) != self._state:
            raise self._changed()

    def _look(self) -> State:
        """Return what shows that the file is still the same."""
        if self._spool is not None:
            return ()
        with self.telling():
            seen = self.path.stat()
        if not self.path.is_file():
            raise ContactsError(
                f"{self.path} is no regular file: it is read twice, to check it and to send it. "
                "Give - to read standard input."
            )
        return _state(seen)


def _state(seen: os.stat_result) -> State:
    return seen.st_size, seen.st_mtime_ns


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    """Copy a stream into a file that has no name, with access for this user alone."""
    spool = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115  # it lives as long as the contacts
    try:
        shutil.copyfileobj(stream, spool)
        spool.flush()
    except OSError as error:
        spool.close()
        raise ContactsError(f"standard input cannot be kept for reading ({error.strerror}).") from None
    return spool


class _Watched(io.FileIO):
    """A file that is looked at after each reading, before anybody sees what was read."""

    def __init__(self, path: Path, check: Callable[[os.stat_result], None]) -> None:
        super().__init__(path, "rb")
        self._check = check

    def readinto(self, buffer: Any) -> int:
        """Read what comes next."""
        count = super().readinto(buffer)
        self._check(os.fstat(self.fileno()))
        return count or 0


class _Positioned(io.RawIOBase):
    """A reader of an open file with a place of its own, so that several can read at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: os.fstat(self._file.fileno()).st_size}
        self._at = base[whence] + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what comes next."""
        data = os.pread(self._file.fileno(), len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Counted(io.RawIOBase):
    """Unpacked bytes that end in a sentence where there are too many."""

    def __init__(self, unpacked: gzip.GzipFile, most: int, name: str) -> None:
        self._unpacked = unpacked
        self._left = most
        self._most = most
        self._name = name

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next.

        Raises:
            ContactsError: it is too much.
        """
        data = self._unpacked.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise ContactsError(
                f"{self._name} unpacks to more than {self._most:,} bytes. If that is right, unpack it first."
            )
        buffer[: len(data)] = data
        return len(data)
