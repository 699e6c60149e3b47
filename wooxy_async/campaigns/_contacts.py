"""A file of contacts, read lazily and as often as needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from wooxy_async._rules.messages import Masked
from wooxy_async.campaigns._columns import check_columns, find_number_column, find_reference_column
from wooxy_async.campaigns._encoding import HEAD, encoding_of
from wooxy_async.campaigns._errors import ContactsError
from wooxy_async.campaigns._excel import Workbook
from wooxy_async.campaigns._files import FileRow, Lines, read_csv, read_json_array, read_jsonl
from wooxy_async.campaigns._guard import FIRST_COLUMN, unguarded
from wooxy_async.campaigns._source import Source

_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
_TABLES: Final = frozenset({".csv", ".tsv", ".tab", ".txt"})


class Contact(Masked, frozen=True, kw_only=True):
    """One row.

    Args:
        row: 1-based number of the data row; the header is not counted, empty lines neither.
        number: the phone number as it stands in the file.
        reference: what its `reference` column holds, else "row-17".
        values: every column's value, by the column's name.
        sheet_row: the row as a spreadsheet numbers it: the header and empty rows count. In JSON the same as `row`.
        line: the file's line that the row begins in; None in Excel.
        formulas: columns whose cell holds a formula; its value is the one that it had when the file was saved.
    """

    row: int
    number: str
    reference: str
    values: dict[str, str]
    sheet_row: int = 0
    line: int | None = None
    formulas: tuple[str, ...] = ()

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "row", self.row


class BrokenRow(msgspec.Struct, frozen=True):
    """A row that holds no contact.

    Args:
        row: its number.
        remedy: what is wrong with it.
        sheet_row: as in `Contact`.
        line: likewise.
    """

    row: int
    remedy: str
    sheet_row: int = 0
    line: int | None = None


class Contacts:
    """The contacts of a file: CSV, JSON lines, a JSON array or an Excel workbook, each also gzip-compressed.

    Iterating reads the file from its start, a row at a time: memory does not grow with the file. What it is, is told
    by its ending and its first bytes. CSV has a header, and the delimiter (comma, semicolon, tab, bar) is found there
    or in a first line such as `sep=;`. UTF-8 and UTF-16 are told by the bytes.

    Args:
        path: the file; "-" is standard input, which is kept in a temporary file that nobody else can open.
        number_column: the column of the phone number; None finds `phone`, `Telefon`, `msisdn`, `mobile` and the like.
        encoding: how the text is encoded where it is neither UTF-8 nor UTF-16, as in "windows-1251".
        sheet: the worksheet of an Excel workbook that has several.

    Raises:
        EncodingError: the header is neither UTF-8 nor UTF-16, and no encoding was given.
        NumberColumnError: no column is known to hold the number, or several are.
        ContactsError: the file cannot be read, is empty, or names a column twice.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        number_column: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
    ) -> None:
        self.path: Path = Path(path)
        self._source = Source(self.path)
        self._encoding = encoding
        self._is_table = True
        self._read: Callable[[], Iterator[FileRow]] = self._reader(sheet)
        self.columns: tuple[str, ...] = self._read_columns()
        check_columns(self._source.name, self.columns)
        self.number_column: str = ""
        self.reference_column: str | None = None
        self.number_column = find_number_column(
            self._source.name,
            self.columns,
            number_column,
            (row.values for row in self if isinstance(row, Contact)),
        )
        self.reference_column = find_reference_column(self.columns)

    def __repr__(self) -> str:
        if not getattr(self, "number_column", None):  # refused; a traceback shows it all the same
            return "<Contacts: not made>"
        return f"Contacts({str(self.path)!r}, columns={self.columns!r}, number_column={self.number_column!r})"

    def __iter__(self) -> Iterator[Contact | BrokenRow]:
        """Yield each row's contact, or what is wrong with the row.

        Raises:
            ContactsError: the file has changed since it was first looked at, or cannot be read to its end.
        """
        self._source.check_unchanged()
        rows = self._read()
        if self._is_table:
            next(rows)
        for number, row in enumerate(rows, 1):
            cells = self._named(row.cells) if isinstance(row.cells, list) else row.cells
            if isinstance(cells, str):
                yield BrokenRow(number, cells, row.number, row.line)
            else:
                yield self._contact(number, cells, row)

    def digest(self) -> str:
        """Return the SHA-256 of the file as it lies there.

        Raises:
            ContactsError: it has changed since it was first looked at, or cannot be read.
        """
        return self._source.digest()

    def _contact(self, number: int, values: dict[str, str], row: FileRow) -> Contact:
        reference = values.get(self.reference_column, "") if self.reference_column else ""
        return Contact(
            row=number,
            number=values.get(self.number_column, ""),
            reference=reference or f"row-{number}",
            values=values,
            sheet_row=row.number,
            line=row.line,
            formulas=tuple(self.columns[place] for place in row.formulas) if row.formulas else (),
        )

    def _named(self, cells: list[str]) -> dict[str, str] | str:
        if len(cells) == len(self.columns):
            if self.columns[0] == FIRST_COLUMN:
                cells = list(map(unguarded, cells))
            return dict(zip(self.columns, cells, strict=True))
        return (
            f"has {len(cells)} cells where the header has {len(self.columns)}; "
            "put a cell that holds the delimiter in quotes"
        )

    def _reader(self, sheet: str | None) -> Callable[[], Iterator[FileRow]]:
        """Return how the file is read, told by its ending and its first bytes."""
        with self._source.open() as file:
            head = file.read(HEAD)
        if head.startswith(_OLD_EXCEL):
            raise ContactsError(
                f"{self._source.name} is an old Excel workbook (.xls), or has a password. "
                "Save it as .xlsx without a password, or as CSV UTF-8."
            )
        if head.startswith(_ZIP):
            book = Workbook(self._source, sheet)
            return lambda: (self._padded(row) for row in book.rows())
        encoding = encoding_of(head, self._encoding)
        begins = head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1]
        suffix, given = self._source.suffix, self._encoding is not None
        self._is_table = suffix in _TABLES or (suffix not in _JSON_LINES and (begins not in ("[", "{")))
        if self._is_table:
            return lambda: read_csv(Lines(self._source, encoding, given=given))
        if begins == "[" and suffix not in _JSON_LINES:
            return lambda: read_json_array(Lines(self._source, encoding, given=given, by_piece=True))
        return lambda: read_jsonl(Lines(self._source, encoding, given=given))

    def _padded(self, row: FileRow) -> FileRow:
        """Return a row of a spreadsheet with the empty cells at its end."""
        columns = getattr(self, "columns", ())
        cells = row.cells
        if isinstance(cells, list) and len(cells) < len(columns):
            cells.extend([""] * (len(columns) - len(cells)))
        return row

    def _read_columns(self) -> tuple[str, ...]:
        first = next(self._read(), None)
        if first is None:
            raise ContactsError(
                f"{self._source.name} is empty. The first line must name the columns, as in: phone,firstName"
            )
        if isinstance(first.cells, str):
            place = "the header" if self._is_table else f"row {first.number}"
            raise ContactsError(f"{self._source.name}, {place} (line {first.line} of the file): {first.cells}")
        return tuple(map(unguarded, first.cells) if next(iter(first.cells), "") == FIRST_COLUMN else first.cells)
