"""Files that were made to hurt end in a sentence, and take no memory for it."""

import gzip
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from spreadsheets import as_excel, rezipped

from wooxy_async.campaigns import Contacts, ContactsError
from wooxy_async.campaigns._excel import Workbook
from wooxy_async.campaigns._source import Source

SHEET = "xl/worksheets/sheet1.xml"
MOST_MEMORY = 200  # MiB; Python with the libraries alone takes 40 to 60
_READ = """
import sys
from wooxy_async.campaigns import Contacts, ContactsError
try:
    rows = sum(1 for _ in Contacts(sys.argv[1]))
    print("read", rows)
except ContactsError as error:
    print(error)
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024)
"""


def _book(change: Callable[[bytes], bytes], part: str = SHEET) -> bytes:
    return rezipped(as_excel([["phone", "name"], ["+1", "Bo"]]), part, change)


def _with_row(row: bytes) -> bytes:
    return _book(lambda xml: xml.replace(b"</sheetData>", row + b"</sheetData>"))


def _many_strings() -> bytes:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr("xl/workbook.xml", b"<workbook/>")
        package.writestr("xl/sharedStrings.xml", b"<sst>" + b"<si><t>x</t></si>" * 8_000_000 + b"</sst>")
    return book.getvalue()


def _one_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"phone,name\n+1,")
        file.truncate(2**30)


def _write(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


FILES: dict[str, tuple[str, Callable[[], Callable[[Path], object]], str]] = {
    "a line of 1 GiB": ("c.csv", lambda: _one_line, "the line has 1,048,576 characters or more"),
    "a packed line": (
        "c.csv.gz",
        lambda: _write(gzip.compress(b"phone\n" + b"1" * 2**26, 1)),
        "the line has 1,048,576 characters or more",
    ),
    "packed empty lines": (
        "c.csv.gz",
        lambda: _write(gzip.compress(b"phone\n" + b"\n" * 2**24, 1)),
        "more than 100,000 empty lines follow one another",
    ),
    "empty lines alone": ("c.csv", lambda: _write(b"\n" * 2**24), "more than 100,000 empty lines follow one another"),
    "a quote that swallows": (
        "c.csv",
        lambda: _write(b'phone,name\n+1,"' + b"x\n" * 2**24),
        "a quote opens in line 2 and is not closed",
    ),
    "one row of many lines": (
        "c.csv",
        lambda: _write(b'phone,name\n+1,"x\n' + b'","\n' * 2**22),
        "the row has more than 4,194,304 characters",
    ),
    "16,000 columns of CSV": (
        "c.csv",
        lambda: _write(b"phone," + b",".join(b"c%d" % at for at in range(16_000)) + b"\n"),
        "the header has 16,001 columns; 1,000 are the most that are read",
    ),
    "16,000 columns of Excel": (
        "c.xlsx",
        lambda: _write(as_excel([["phone", *(f"c{at}" for at in range(16_000))]])),
        "at most 1,000 columns",
    ),
    "a cell far out": (
        "c.xlsx",
        lambda: _write(_with_row(b'<row r="3"><c r="XFD3" t="inlineStr"><is><t>x</t></is></c></row>')),
        "row 3: a sheet of contacts has at most 1,000 columns",
    ),
    "a row far down": (
        "c.xlsx",
        lambda: _write(_with_row(b'<row r="9999999999"><c r="A9"><v>1</v></c></row>')),
        "at most 1,000 columns and 1,048,576 rows",
    ),
    "a cell of 200 MB": (
        "c.xlsx",
        lambda: _write(_with_row(b'<row r="3"><c r="A3"><v>' + b"9" * 200_000_000 + b"</v></c></row>")),
        "has more than 1,048,576 bytes in one cell",
    ),
    "a row of millions of cells": (
        "c.xlsx",
        lambda: _write(_with_row(b'<row r="3">' + b"<c/>" * 20_000_000 + b"</row>")),
        "8,388,608 in one row",
    ),
    "millions of texts": ("c.xlsx", lambda: _write(_many_strings()), "134,217,728 bytes"),
    "styles of 100 MB": (
        "c.xlsx",
        lambda: _write(_book(lambda xml: xml + b"<x/>" * 25_000_000, "xl/styles.xml")),
        "xl/styles.xml has more than 16,777,216 bytes",
    ),
    "entities": (
        "c.xlsx",
        lambda: _write(_book(lambda xml: b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml)),
        "holds an XML declaration of its own",
    ),
    "UTF-16 inside": (
        "c.xlsx",
        lambda: _write(_book(lambda xml: xml.decode().replace("UTF-8", "UTF-16").encode("utf-16"))),
        "NUL bytes",
    ),
    "XML that is none": ("c.xlsx", lambda: _write(_book(lambda xml: xml[:200])), "cannot be read as an Excel workbook"),
}


@pytest.mark.parametrize("kind", FILES)
def test_it_ends_in_a_sentence_and_in_bounded_memory(tmp_path: Path, kind: str) -> None:
    """The process that reads it says what is wrong, and never holds more than a small part of it."""
    name, make, said = FILES[kind]
    path = tmp_path / name
    make()(path)
    done = subprocess.run([sys.executable, "-c", _READ, path], capture_output=True, text=True, check=True)  # noqa: S603
    told, memory = done.stdout.splitlines()
    assert said in told
    assert int(memory) < MOST_MEMORY
    path.unlink()


def _refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(ContactsError) as caught:
        list(Contacts(path))
    return str(caught.value)


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    """A zip of something else, a cut one, an encrypted one and an old workbook are told apart."""
    path = tmp_path / "c.xlsx"
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as package:
        package.writestr("word/document.xml", "x")
    assert "is a zip file, and no Excel workbook" in _refusal(path, other.getvalue())
    book = as_excel([["phone"], ["+1"]])
    assert "is no whole Excel workbook" in _refusal(path, book[:-200])
    assert "is no whole Excel workbook" in _refusal(path, _encrypted(book))
    assert "is an old Excel workbook (.xls), or has a password" in _refusal(path, b"\xd0\xcf\x11\xe0" + b"\0" * 500)


def _encrypted(book: bytes) -> bytes:
    """Return a workbook whose parts say that they are encrypted."""
    content = bytearray(book)
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(content)


def test_a_package_of_too_many_parts_is_refused(tmp_path: Path) -> None:
    """Ten thousand parts are no sheet of contacts."""
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as package:
        for at in range(10_001):
            package.writestr("xl/workbook.xml" if not at else f"p{at}", "")
    assert "the workbook has more than 10,000 parts" in _refusal(tmp_path / "c.xlsx", many.getvalue())


def test_what_a_file_unpacks_to_is_bounded_as_a_whole(tmp_path: Path) -> None:
    """Compressed text and the parts of a workbook are counted as they are unpacked, whatever their headers say."""
    path = tmp_path / "c.csv.gz"
    path.write_bytes(gzip.compress(b"phone\n" + b"+1\n" * 10_000))
    with pytest.raises(ContactsError, match=r"unpacks to more than 20,000 bytes. If that is right, unpack it first."):
        _read_all(Source(path, max_unpacked=20_000))
    book = tmp_path / "c.xlsx"
    book.write_bytes(as_excel([["phone"], *[[f"+{at}"] for at in range(500)]]))
    with pytest.raises(
        ContactsError, match="the workbook has more than 20,000 bytes unpacked, which a sheet of contacts has not"
    ):
        Workbook(Source(book, max_unpacked=20_000), None)


def _read_all(source: Source) -> None:
    with source.open() as file:
        file.read()


def test_parts_that_are_no_xml_are_only_counted(tmp_path: Path) -> None:
    """A picture may hold any bytes."""
    book = io.BytesIO(as_excel([["phone"], ["+1"]]))
    with zipfile.ZipFile(book, "a") as package:
        package.writestr("xl/media/image1.png", b"\0<!DOCTYPE" * 300_000)
    path = tmp_path / "c.xlsx"
    path.write_bytes(book.getvalue())
    assert len(list(Contacts(path))) == 1
