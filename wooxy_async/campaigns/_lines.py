"""A file's physical lines: opened with care, and refused where they are not UTF-8 text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wooxy_async.campaigns._errors import ContactsError

# Undecodable bytes are let through as lone surrogates, so that the error can name the row and the byte.
_UNDECODED: Final = re.compile("[\udc80-\udcff]")


class Lines:
    """The lines of a file of contacts, and where the reader is in it.

    Args:
        path: the file.
        header: whether its first row names the columns.
    """

    def __init__(self, path: Path, *, header: bool) -> None:
        self.path = path
        self.line = 0
        self.row = 0 if header else 1  # the row that is being read, as the reader counts it; 0 is the header

    def __iter__(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                for line in file:
                    self.line += 1
                    self._check(line)
                    yield line
        except OSError as error:
            raise ContactsError(f"{self.path} cannot be read: {error.strerror}.") from None

    def error(self, what: str) -> ContactsError:
        """Return the error for the row that is being read."""
        row = f"row {self.row}" if self.row else "the header"
        return ContactsError(f"{self.path}, {row} (line {self.line} of the file): {what}")

    def _check(self, line: str) -> None:
        if not line.isascii() and (bad := _UNDECODED.search(line)):
            raise self._not_utf8(line, bad)
        if "\0" in line:
            raise self.error("a NUL byte: the file is UTF-16, or damaged. Save it as CSV UTF-8.")

    def _not_utf8(self, line: str, bad: re.Match[str]) -> ContactsError:
        place = len(line[: bad.start()].encode("utf-8", "surrogateescape")) + 1
        byte = ord(bad[0]) - 0xDC00
        return self.error(
            f"byte {place} of the line is 0x{byte:02X}, which is not UTF-8. Save the file as CSV UTF-8, "
            f"or convert it, as in: iconv -f WINDOWS-1252 -t UTF-8 {self.path.name} > utf8-{self.path.name}"
        )
