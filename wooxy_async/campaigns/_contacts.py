"""A file of contacts, read lazily and as often as needed, and which of its columns hold number and reference."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from wooxy_async._rules.messages import Masked
from wooxy_async.campaigns._errors import ContactsError, listed
from wooxy_async.campaigns._files import Lines, read_csv, read_jsonl

_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
# Compared without regard to case, blanks, hyphens, dots and underscores.
NUMBER_COLUMNS: Final = frozenset(
    {
        "phone",
        "phonenumber",
        "phoneno",
        "number",
        "msisdn",
        "mobile",
        "mobilenumber",
        "mobilephone",
        "tel",
        "telephone",
        "telephonenumber",
        "cell",
        "cellphone",
        "e164",
    }
)
REFERENCE_COLUMN: Final = "reference"
_SAY: Final = "say which it is with number_column=…"
_SEPARATORS: Final = re.compile(r"[\s._-]+")


class Contact(Masked, frozen=True, kw_only=True):
    """One row.

    Args:
        row: 1-based number of the data row; the header is not counted, empty lines neither.
        number: the phone number as it stands in the file.
        reference: what its `reference` column holds, else "row-17".
        values: every column's value, by the column's name.
    """

    row: int
    number: str
    reference: str
    values: dict[str, str]

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "row", self.row


class BrokenRow(msgspec.Struct, frozen=True):
    """A row that holds no contact.

    Args:
        row: its number.
        remedy: what is wrong with it.
    """

    row: int
    remedy: str


class Contacts:
    """The contacts of a CSV or JSON-lines file.

    Iterating reads the file from its start, a row at a time: memory does not grow with the file.

    Args:
        path: the file; `.jsonl` and `.ndjson` are read as one JSON object a line, anything else as CSV in UTF-8
            (a byte-order mark is allowed) with a header; the delimiter (comma, semicolon, tab) is found in the header.
        number_column: the column of the phone number; None finds `phone`, `phoneNumber`, `msisdn`, `mobile` and
            the like.

    Raises:
        ContactsError: the file cannot be read, is empty, names a column twice, or has no column for the number.
    """

    def __init__(self, path: str | os.PathLike[str], *, number_column: str | None = None) -> None:
        self.path: Path = Path(path)
        self._is_json = self.path.suffix.lower() in _JSON_LINES
        self._state = self._look()
        self.columns: tuple[str, ...] = self._read_columns()
        check_columns(self.path, self.columns)
        self.number_column: str = find_number_column(self.path, self.columns, number_column)
        self.reference_column: str | None = find_reference_column(self.columns)

    def __repr__(self) -> str:
        if not hasattr(self, "number_column"):  # refused; a traceback shows it all the same
            return "<Contacts: not made>"
        return f"Contacts({str(self.path)!r}, columns={self.columns!r}, number_column={self.number_column!r})"

    def __iter__(self) -> Iterator[Contact | BrokenRow]:
        """Yield each row's contact, or what is wrong with the row.

        Raises:
            ContactsError: the file has changed since it was first looked at, or cannot be read to its end.
        """
        if self._look() != self._state:
            raise ContactsError(f"{self.path} was changed after it was checked. Start again with the file as it is.")
        lines = Lines(self.path, header=not self._is_json)
        for values in read_jsonl(lines) if self._is_json else self._rows_of_csv(lines):
            row = lines.row
            lines.row += 1
            yield BrokenRow(row, values) if isinstance(values, str) else self._contact(row, values)

    def _contact(self, row: int, values: dict[str, str]) -> Contact:
        reference = values.get(self.reference_column, "") if self.reference_column else ""
        number = values.get(self.number_column, "")
        return Contact(row=row, number=number, reference=reference or f"row-{row}", values=values)

    def _rows_of_csv(self, lines: Lines) -> Iterator[dict[str, str] | str]:
        rows = read_csv(lines)
        next(rows)
        lines.row = 1
        for cells in rows:
            if isinstance(cells, str):
                yield cells
            elif len(cells) != len(self.columns):
                yield (
                    f"has {len(cells)} cells where the header has {len(self.columns)}; "
                    "put a cell that holds the delimiter in quotes"
                )
            else:
                yield dict(zip(self.columns, cells, strict=True))

    def _read_columns(self) -> tuple[str, ...]:
        lines = Lines(self.path, header=not self._is_json)
        first = next(read_jsonl(lines) if self._is_json else read_csv(lines), None)
        if first is None:
            raise ContactsError(f"{self.path} is empty. The first line must name the columns, as in: phone,firstName")
        if isinstance(first, str):
            raise lines.error(first)
        return tuple(first)

    def _look(self) -> tuple[int, int]:
        """Return what shows that the file is still the same."""
        try:
            seen = self.path.stat()
        except OSError as error:
            raise ContactsError(f"{self.path} cannot be read: {error.strerror}.") from None
        if not self.path.is_file():
            raise ContactsError(f"{self.path} is no regular file: it is read twice, to check it and to send it.")
        return seen.st_size, seen.st_mtime_ns


def check_columns(path: object, columns: Sequence[str]) -> None:
    """Refuse a header in which a name stands twice.

    Raises:
        ContactsError: it does.
    """
    named = [column for column in columns if column]
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise ContactsError(f"{path}: the header names {listed(twice)} more than once. Rename or remove the others.")


def find_number_column(path: object, columns: Sequence[str], wanted: str | None) -> str:
    """Return the column that holds the phone number.

    Args:
        path: the file, for errors.
        columns: the header.
        wanted: the name that the caller gave; None looks for a usual one.

    Raises:
        ContactsError: there is none, or several could be it.
    """
    found = [column for column in columns if column == wanted or (wanted is None and _bare(column) in NUMBER_COLUMNS)]
    if len(found) == 1:
        return found[0]
    has = f"Its columns are: {listed(columns)}."
    if wanted is not None:
        raise ContactsError(f"{path} has no column {wanted!r} for the phone number. {has}")
    if found:
        raise ContactsError(f"{path}: {listed(found)} could each hold the phone number: {_SAY}.")
    raise ContactsError(
        f"{path} has no column for the phone number. {has} The first line must name the columns: "
        f"call one of them phone, or {_SAY}."
    )


def find_reference_column(columns: Sequence[str]) -> str | None:
    """Return the column that holds the caller's own id, or None."""
    return next((column for column in columns if _bare(column) == REFERENCE_COLUMN), None)


def _bare(column: str) -> str:
    return _SEPARATORS.sub("", column).casefold()
