"""The files of contacts, read one row at a time: CSV as people's exports look, and JSON lines.

Lines that are not UTF-8 text are refused with their place. CSV is quoted strictly: a quote that is never closed would
swallow rows without a word. A broken row that ends on its own line is reported and passed over; one that runs on is an
error of the file, because nobody can say which rows it swallowed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgspec

from wooxy_async.campaigns._errors import ContactsError

# Undecodable bytes are let through as lone surrogates, so that the error can name the row and the byte.
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
_DELIMITERS: Final = ",;\t"
_QUOTED: Final = re.compile(r'"[^"]*"?')
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
_NOT_AN_OBJECT: Final = 'must be one JSON object on one line, as in {"phone": "+14155550123"}'


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


def read_csv(lines: Lines) -> Iterator[list[str] | str]:
    """Yield the header's cells, then each row's.

    Args:
        lines: the file.

    Yields:
        The cells without blanks around them, or what is wrong with the row. Empty lines are no rows.

    Raises:
        ContactsError: a broken row swallowed others.
    """
    text = iter(lines)
    first = next(text, "")
    reader = csv.reader(chain((first,), text), delimiter=_delimiter(first), skipinitialspace=True, strict=True)
    while True:
        before = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > before + 1:
                raise _swallowed(lines, before + 1) from None
            yield f"is not well-formed CSV ({error}): close each quote, and write a quote inside quotes twice"
        else:
            if cells:
                yield [cell.strip() for cell in cells]


def _delimiter(header: str) -> str:
    """Return the delimiter that stands most often in the header, outside quotes."""
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def _swallowed(lines: Lines, opened: int) -> Exception:
    return lines.error(
        f"a quote opens in line {opened} and is not closed before text follows it or the file ends, so the rows "
        "in between cannot be told apart. Close it, and write a quote inside quotes twice."
    )


def read_jsonl(lines: Lines) -> Iterator[dict[str, str] | str]:
    """Yield each line's object with its values as text.

    Args:
        lines: the file.

    Yields:
        The values without blanks around them (numbers as they print in JSON, null as an empty text, arrays and
        objects as JSON), or what is wrong with the row. Empty lines are no rows.
    """
    for line in lines:
        if not line.isspace():
            yield _read_object(line)


def _read_object(line: str) -> dict[str, str] | str:
    try:
        return {name: _as_text(value) for name, value in _DECODER.decode(line).items()}
    except (msgspec.DecodeError, RecursionError) as error:
        return f"{_NOT_AN_OBJECT} ({error})"


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else msgspec.json.encode(value).decode()
