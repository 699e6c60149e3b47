"""Contacts as text, read one row at a time: CSV as people's exports look, JSON lines, and a JSON array.

What is not text in the file's encoding is refused with its place. CSV is quoted strictly: a quote that is never closed
would swallow rows without a word. A broken row that ends on its own line is reported and passed over; one that runs on
is an error of the file, because nobody can say which rows it swallowed. No line, row or object is held that is longer
than a message could use.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import msgspec

from wooxy_async.campaigns._encoding import UTF8, readings
from wooxy_async.campaigns._errors import ContactsError, EncodingError
from wooxy_async.campaigns._source import Source

MAX_LINE: Final = 2**20  # characters
MAX_ROW: Final = 2**22  # characters; a row may have line breaks in quotes
# Undecodable bytes are let through as lone surrogates, so that the error can name the row and the byte.
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
_DELIMITERS: Final = ",;\t|"
_QUOTED: Final = re.compile(r'"[^"]*"?')
_SAYS_DELIMITER: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
_AN_OBJECT: Final = 'as in {"phone": "+14155550123"}'
_NOT_AN_OBJECT: Final = f"must be one JSON object on one line, {_AN_OBJECT}"
# Numbers are not made: what has 5,000 digits ends as a text like any other.
_SCANNER: Final = json.JSONDecoder(parse_int=str, parse_float=str)
_LONGEST_LITERAL: Final = 16  # characters: numbers, words and escapes that may be cut
_BLANKS: Final = re.compile(r"\s*")
_PIECE: Final = 2**16  # characters
_MAX_EMPTY: Final = 100_000  # lines in a row: 10 GB of line ends are packed into 10 MB
_SAMPLED: Final = 50  # lines after the first one that cannot be read


class FileRow(NamedTuple):
    """One row as the file has it.

    Args:
        number: as a spreadsheet shows it, where the header and empty rows count.
        line: the file's line that it begins in; None where a file has no lines.
        cells: its values, or what is wrong with it.
        formulas: the places of cells that hold a formula.
    """

    number: int
    line: int | None
    cells: list[str] | dict[str, str] | str
    formulas: tuple[int, ...] = ()


class Lines:
    """The lines of a file of contacts, and where the reader is in it.

    Args:
        source: the file.
        encoding: how it is decoded.
        given: whether the caller said so.
        by_piece: whether pieces of some length are read in place of lines.
    """

    def __init__(self, source: Source, encoding: str, *, given: bool = False, by_piece: bool = False) -> None:
        self.source = source
        self.line = int(by_piece)  # of pieces the line where the last one ends
        self.row = 0  # the row that is being read, 0 before the first
        self.place = ""  # how that row is called, where not by its number
        self.length = 0  # characters since the row began; the reader of rows sets it back
        self._encoding = encoding
        self._by_piece = by_piece
        self._is_lenient = encoding == UTF8 and not given

    def __iter__(self) -> Iterator[str]:
        errors = "surrogateescape" if self._encoding == UTF8 else "strict"
        with (
            self.source.open() as raw,
            io.TextIOWrapper(raw, encoding=self._encoding, errors=errors, newline="") as text,
        ):
            while line := self._next(text):
                self.line += line.count("\n") if self._by_piece else 1
                self._check(line, text)
                yield line

    def error(self, what: str) -> ContactsError:
        """Return the error for the row that is being read."""
        return ContactsError(self._located(what))

    def _located(self, what: str) -> str:
        return f"{self.source.name}, {self.place or f'row {self.row}'} (line {self.line} of the file): {what}"

    def _next(self, text: io.TextIOWrapper) -> str:
        try:
            return text.read(_PIECE) if self._by_piece else text.readline(MAX_LINE)
        except UnicodeDecodeError as error:
            raise ContactsError(
                f"{self.source.name}: somewhere after line {self.line} stands what is not {self._encoding} "
                f"({error.reason}). Save the file as CSV UTF-8, or give its encoding with encoding=…"
            ) from None

    def _check(self, line: str, text: io.TextIOWrapper) -> None:
        self.length += len(line)
        if len(line) >= MAX_LINE:
            raise self.error(f"the line has {MAX_LINE:,} characters or more; a file of contacts has one row in a line.")
        if self.length > MAX_ROW:
            raise self.error(f"the row has more than {MAX_ROW:,} characters. Is a quote in it not closed?")
        if not line.isascii() and (bad := _UNDECODED.search(line)):
            raise self._not_utf8(line, bad, text)
        if "\0" in line:
            raise self.error("a NUL byte: the file is damaged. Save it as CSV UTF-8.")

    def _not_utf8(self, line: str, bad: re.Match[str], text: io.TextIOWrapper) -> ContactsError:
        place = len(line[: bad.start()].encode("utf-8", "surrogateescape")) + 1
        found = f"byte {place} of the line is 0x{ord(bad[0]) - 0xDC00:02X}, which is not UTF-8."
        if not self._is_lenient:
            return self.error(f"{found} The file mixes encodings: save it as CSV UTF-8.")
        after = islice(iter(lambda: text.readline(MAX_LINE), ""), _SAMPLED)
        samples = readings(each.encode("utf-8", "surrogateescape") for each in chain((line,), after))
        names = f", such as {' or '.join(list(samples)[:2])}" if samples else ""
        return EncodingError(
            self._located(f"{found} Save the file as CSV UTF-8, or say what it is with encoding=…{names}"), samples
        )


def read_csv(lines: Lines) -> Iterator[FileRow]:
    """Yield the header, then each row.

    Args:
        lines: the file.

    Yields:
        The cells without blanks around them, or what is wrong with the row. Empty lines are no rows, and are counted
        as spreadsheets count them. A first line such as `sep=;` says the delimiter, and is none of the table.

    Raises:
        ContactsError: a broken row swallowed others.
    """
    lines.place = "the header"
    text = iter(lines)
    first = next(text, "")
    said = _SAYS_DELIMITER.fullmatch(first)
    if said:
        first = next(text, "")
    while first and first.isspace() and lines.row < _MAX_EMPTY:
        lines.row += 1
        first = next(text, "")
    skipped = max(lines.line - 1, 0)
    delimiter = said[1] if said else _delimiter(first)
    reader = csv.reader(chain((first,) * bool(first), text), delimiter=delimiter, skipinitialspace=True, strict=True)
    empty = 0
    while True:
        before = reader.line_num
        lines.row += 1
        lines.length = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > before + 1:
                raise _swallowed(lines, skipped + before + 1) from None
            problem = f"is not well-formed CSV ({error}): close each quote, and write a quote inside quotes twice"
            yield FileRow(lines.row, skipped + before + 1, problem)
        else:
            empty = 0 if cells else empty + 1
            if empty > _MAX_EMPTY:
                raise lines.error(f"more than {_MAX_EMPTY:,} empty lines follow one another. Delete them.")
            if cells:
                yield FileRow(lines.row, skipped + before + 1, [cell.strip() for cell in cells])
                lines.place = ""


def _delimiter(header: str) -> str:
    """Return the delimiter that stands most often in the header, outside quotes."""
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def _swallowed(lines: Lines, opened: int) -> Exception:
    return lines.error(
        f"a quote opens in line {opened} and is not closed before text follows it or the file ends, so the rows "
        "in between cannot be told apart. Close it, and write a quote inside quotes twice."
    )


def read_jsonl(lines: Lines) -> Iterator[FileRow]:
    """Yield each line's object with its values as text.

    Args:
        lines: the file.

    Yields:
        The values without blanks around them (numbers as they print in JSON, null as an empty text, arrays and
        objects as JSON), or what is wrong with the row. Empty lines are no rows.
    """
    lines.row = 1
    for line in lines:
        lines.length = 0
        if not line.isspace():
            yield FileRow(lines.row, lines.line, _read_object(line))
            lines.row += 1


def read_json_array(lines: Lines) -> Iterator[FileRow]:
    """Yield each object of an array that is the whole file, as `read_jsonl` does; only one object is held.

    Args:
        lines: the file, by pieces.

    Raises:
        ContactsError: it is no array of objects, or one that is not well formed.
    """
    array = _Array(lines)
    array.take("[")
    lines.row = 1
    while array.peek() == "{":
        lines.length = 0
        line = array.line()
        yield FileRow(lines.row, line, _read_object(array.value()))
        lines.row += 1
        if array.peek() != ",":
            break
        array.take(",")
        if array.peek() != "{":
            raise array.error(f"a JSON array of contacts holds objects, {_AN_OBJECT}, and nothing else.")
    array.take("]")
    if array.peek():
        raise array.error("the JSON array is over, and more stands behind it. Save the file as one array.")


class _Array:
    """A JSON text that is read piece by piece."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._pieces = iter(lines)
        self._ahead = ""
        self._at = 0

    def line(self) -> int:
        """Return the line of the place where it is."""
        return self._lines.line - self._ahead.count("\n", self._at)

    def error(self, what: str) -> ContactsError:
        """Return the error for the place where it is."""
        self._lines.line = self.line()
        return self._lines.error(what)

    def peek(self) -> str:
        """Return the next character that is no blank; nothing at the end."""
        while True:
            self._at = _BLANKS.match(self._ahead, self._at).end()  # type: ignore[union-attr]  # it matches nothing too
            if self._at < len(self._ahead):
                return self._ahead[self._at]
            self._ahead, self._at = next(self._pieces, ""), 0
            if not self._ahead:
                return ""

    def take(self, wanted: str) -> None:
        """Step over one character."""
        if (found := self.peek()) != wanted:
            seen = f"{found!r} stands there" if found else "the file ends"
            raise self.error(f"in the JSON array {wanted!r} is missing: {seen}. Save the file as one array.")
        self._at += 1

    def value(self) -> str:
        """Return the text of the next value, and step over it."""
        while True:
            try:
                end = _SCANNER.raw_decode(self._ahead, self._at)[1]
            except RecursionError:
                raise self.error("the object is nested too deep to be a contact.") from None
            except json.JSONDecodeError as error:
                more = next(self._pieces, "") if self._may_go_on(error) else ""
                if not more:
                    raise self.error(f"is not well-formed JSON ({error.msg}).") from None
                self._ahead, self._at = self._ahead[self._at :] + more, 0
            else:
                text, self._at = self._ahead[self._at : end], end
                return text

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Return whether the text is wrong only because it is cut."""
        return error.msg.startswith("Unterminated") or error.pos >= len(self._ahead) - _LONGEST_LITERAL


def _read_object(line: str) -> dict[str, str] | str:
    try:
        return {name: _as_text(value) for name, value in _DECODER.decode(line).items()}
    except (msgspec.DecodeError, RecursionError) as error:
        return f"{_NOT_AN_OBJECT} ({error})"


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else msgspec.json.encode(value).decode()
