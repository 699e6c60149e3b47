"""Contacts in an Excel workbook, one row at a time; needs the extra `xlsx`.

Everything that the library would hold at once is measured before it is opened: a workbook is a zip of XML, and both can
unpack to a thousand times their size.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from typing import IO, TYPE_CHECKING, Any, Final, Self

from wooxy_async.campaigns._errors import ContactsError, listed
from wooxy_async.campaigns._files import FileRow
from wooxy_async.campaigns._source import Source

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

MAX_COLUMNS: Final = 1_000
_MAX_ROWS: Final = 2**20  # of a worksheet
_MAX_PARTS: Final = 10_000
_MAX_STRINGS: Final = 2**27  # bytes: the texts of all cells, which are held
_MAX_PART: Final = 2**24  # bytes: styles and the like, which are held
_MAX_ROW: Final = 2**23  # bytes of one row
_MAX_TEXT: Final = 2**20  # bytes between two tags; a cell has 32,767 characters
_PIECE: Final = 2**16
_OVERLAP: Final = 64
_MARKS: Final = re.compile(rb"<!(?!--)|\0|<(?:\w+:)?(?:row[ >]|f[ >/])|</(?:\w+:)?(?:row|sheetData)>")
_EXACT: Final = 1e15  # a spreadsheet keeps 15 digits
_BATCH: Final = 500


class Workbook:
    """A workbook that has been measured.

    Args:
        source: the file.
        sheet: the worksheet's name; None takes the only one that holds anything.

    Raises:
        ContactsError: it is no workbook, is too large, or has several worksheets.
    """

    def __init__(self, source: Source, sheet: str | None) -> None:
        self._source = source
        with source.seekable() as file:
            self._has_formulas = _measured(file, source)
            with _Opened(file, source) as sheets:
                self._sheet = _chosen(sheets, sheet, source.name)

    def rows(self) -> Iterator[FileRow]:
        """Yield the header, then each row that is not empty, numbered as the spreadsheet shows it."""
        with self._source.seekable() as file, _Opened(file, self._source) as sheets:
            values = sheets.rows(self._sheet)
            if not self._has_formulas:
                yield from self._read(values, repeat(()))
                return
            with _Opened(file, self._source, formulas=True) as written:
                yield from self._read(values, written.rows(self._sheet))

    def _read(self, rows: Iterator[Sequence[Any]], written: Iterator[Sequence[Any]]) -> Iterator[FileRow]:
        for number, (values, formulas) in enumerate(zip(rows, written, strict=False), 1):
            cells = [_as_text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            if len(cells) > MAX_COLUMNS or number > _MAX_ROWS:
                raise ContactsError(
                    f"{self._source.name}, row {number}: a sheet of contacts has at most {MAX_COLUMNS:,} columns and "
                    f"{_MAX_ROWS:,} rows. Delete what stands beside the table."
                )
            if cells:
                yield FileRow(number, None, cells, tuple(_places(values, formulas)))


class _Opened:
    """A workbook as the library reads it; whatever that meets in a damaged one is told in a sentence."""

    def __init__(self, file: IO[bytes], source: Source, *, formulas: bool = False) -> None:
        self._name = source.name
        file.seek(0)
        try:
            import openpyxl  # noqa: PLC0415  # the extra
        except ModuleNotFoundError:
            raise ContactsError(
                f'{source.name} is an Excel workbook. Reading it needs: pip install "wooxy-async[xlsx]"; '
                "or save it as CSV UTF-8."
            ) from None
        self._book = self._told(
            lambda: openpyxl.load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def sheets(self) -> list[ReadOnlyWorksheet]:
        """Return the worksheets that a person sees."""
        return [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]

    def rows(self, name: str) -> Iterator[Sequence[Any]]:
        """Yield each row's values, the empty ones too."""
        sheet = self._book[name]
        sheet.reset_dimensions()  # what a file says of its size may be wrong
        rows = sheet.iter_rows(values_only=True)
        while batch := self._told(lambda: list(islice(rows, _BATCH))):
            yield from batch

    def _told(self, read: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return read()
        except Exception as error:  # noqa: BLE001  # the library lets through whatever a damaged file makes it meet
            kind = type(error).__name__
            raise ContactsError(
                f"{self._name} cannot be read as an Excel workbook ({kind}). Open it in Excel, and save it again."
            ) from None


def _chosen(book: _Opened, wanted: str | None, name: str) -> str:
    titles = [sheet.title for sheet in book.sheets()]
    if wanted is not None:
        if wanted not in titles:
            raise ContactsError(f"{name} has no sheet {wanted!r}. Its sheets are: {listed(titles)}.")
        return wanted
    filled = [title for title in titles if _is_filled(book, title)]
    if len(filled) > 1:
        raise ContactsError(f"{name} has several sheets: {listed(filled)}. Say which it is with sheet=…")
    if not filled:
        raise ContactsError(f"{name} is empty. The first row must name the columns, as in: phone | firstName")
    return filled[0]


def _is_filled(book: _Opened, title: str) -> bool:
    return any(value is not None for row in islice(book.rows(title), _BATCH) for value in row)


def _places(values: Sequence[Any], written: Sequence[Any]) -> Iterator[int]:
    for place, (value, formula) in enumerate(zip(values, written, strict=False)):
        if formula is not None and formula != value:
            yield place


def _as_text(value: Any) -> str:
    """Return a cell's value: numbers as they were, whatever the sheet shows of them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)


def _measured(file: IO[bytes], source: Source) -> bool:
    """Read a workbook's parts once without keeping them, and return whether a worksheet has formulas."""
    try:
        with zipfile.ZipFile(file) as package:
            parts = package.infolist()
            if "xl/workbook.xml" not in package.namelist():
                raise ContactsError(
                    f"{source.name} is a zip file, and no Excel workbook (.xlsx). Save the sheet as .xlsx or CSV UTF-8."
                )
            if len(parts) > _MAX_PARTS:
                raise _too_large(source, "the workbook", f"{_MAX_PARTS:,} parts")
            left, has_formulas = source.max_unpacked, False
            for part in parts:
                with package.open(part) as unpacked:
                    scan = _Scan(source, part.filename, left)
                    while piece := unpacked.read(_PIECE):
                        scan.take(piece)
                left, has_formulas = scan.left, has_formulas or scan.has_formulas
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        if isinstance(error, ContactsError):
            raise
        raise ContactsError(
            f"{source.name} is no whole Excel workbook ({error}); if it has a password, save it without one."
        ) from None
    return has_formulas


def _too_large(source: Source, part: str, most: str) -> ContactsError:
    return ContactsError(
        f"{source.name}: {part} has more than {most}, which a sheet of contacts has not. "
        "Save the sheet alone as a new workbook, or as CSV UTF-8."
    )


class _Scan:
    """Measures one part of a workbook as its pieces pass."""

    def __init__(self, source: Source, name: str, left: int) -> None:
        self.left = left
        self.has_formulas = False
        self._source = source
        self._name = name
        self._is_xml = name.endswith((".xml", ".rels"))
        self._is_sheet = name.startswith("xl/worksheets/")
        self._most = source.max_unpacked if self._is_sheet or not self._is_xml else _MAX_PART
        if name.endswith("sharedStrings.xml"):
            self._most = _MAX_STRINGS
        self._size = 0
        self._tag = 0  # where the last < stood
        self._row: int | None = None  # where the row began
        self._tail = b""

    def take(self, piece: bytes) -> None:
        """Measure what comes next.

        Raises:
            ContactsError: it is too much, or nothing that a spreadsheet writes.
        """
        start = self._size - len(self._tail)
        self._size += len(piece)
        self.left -= len(piece)
        if self.left < 0:
            raise _too_large(self._source, "the workbook", f"{self._source.max_unpacked:,} bytes unpacked")
        if self._size > self._most:
            raise _too_large(self._source, self._name, f"{self._most:,} bytes")
        if self._is_xml:
            self._read(self._tail + piece, start)

    def _read(self, text: bytes, start: int) -> None:
        for mark in _MARKS.finditer(text):
            self._note(mark[0], start + mark.start())
        last = text.rfind(b"<")
        if last >= 0:
            self._tag = start + last
        if self._size - self._tag > _MAX_TEXT or (self._row is not None and self._size - self._row > _MAX_ROW):
            raise _too_large(self._source, self._name, f"{_MAX_TEXT:,} bytes in one cell or {_MAX_ROW:,} in one row")
        self._tail = text[-_OVERLAP:]

    def _note(self, mark: bytes, place: int) -> None:
        if mark.startswith(b"<!") or mark == b"\0":
            raise ContactsError(
                f"{self._source.name}: {self._name} holds an XML declaration of its own (DOCTYPE, CDATA) or NUL bytes, "
                "as no spreadsheet writes them. It is not read."
            )
        if mark.startswith(b"</"):
            self._row = None
        elif mark.rstrip(b" >/").endswith(b"f"):
            self.has_formulas = True  # in another part than a sheet it costs a second reading, and no more
        else:
            self._row = place
