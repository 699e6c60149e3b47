"""Files of contacts in every form that people's programs write, made from the same rows."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

DATA = Path(__file__).parents[1] / "data"
Table = Sequence[Sequence[str]]


def shared_rows() -> list[list[str]]:
    """Return the rows of the shared file, its header first."""
    with (DATA / "contacts.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def as_csv(rows: Table, encoding: str = "utf-8") -> bytes:
    """Write CSV; what the encoding cannot hold becomes a question mark."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding, "replace")


def _objects(rows: Table) -> list[dict[str, str]]:
    # A row that is too short or too long is no object of these columns; its cells have nowhere else to be.
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def as_json_lines(rows: Table) -> bytes:
    """Write one object a line."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in _objects(rows))


def as_json(rows: Table) -> bytes:
    """Write one array."""
    return json.dumps(_objects(rows), ensure_ascii=False, indent=1).encode()


def as_excel(rows: Sequence[Sequence[Any]], **sheets: Sequence[Sequence[Any]]) -> bytes:
    """Write a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, content in {"Contacts": rows, **sheets}.items():
        sheet = book.create_sheet(title)
        for row in content:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rezipped(book: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a workbook with one part changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return file.getvalue()


# By the file's name: how its rows are written, and the encoding that has to be said.
FORMS: dict[str, tuple[Callable[[Table], bytes], str | None]] = {
    "contacts.csv": (as_csv, None),
    "contacts-mark.csv": (lambda rows: as_csv(rows, "utf-8-sig"), None),
    "contacts-16.csv": (lambda rows: as_csv(rows, "utf-16"), None),
    "contacts-16le.csv": (lambda rows: as_csv(rows, "utf-16-le"), None),
    "contacts-16be.csv": (lambda rows: as_csv(rows, "utf-16-be"), None),
    "contacts-1251.csv": (lambda rows: as_csv(rows, "windows-1251"), "windows-1251"),
    "contacts-1252.csv": (lambda rows: as_csv(rows, "windows-1252"), "cp1252"),
    "contacts.jsonl": (as_json_lines, None),
    "contacts.json": (as_json, None),
    "contacts.xlsx": (as_excel, None),
}


def forms(rows: Table) -> dict[str, tuple[bytes, str | None]]:
    """Return the rows in every form by the file's name, each also gzip-compressed, with the encoding to say."""
    plain = {name: (write(rows), encoding) for name, (write, encoding) in FORMS.items()}
    packed = {f"{name}.gz": (gzip.compress(content, 1), encoding) for name, (content, encoding) in plain.items()}
    return plain | packed
