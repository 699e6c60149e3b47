"""What a row of the contacts is known by in a journal, and what its message is made of."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from wooxy_async._rules.journal import NewRow
from wooxy_async.campaigns._contacts import BrokenRow, Contact
from wooxy_async.campaigns._plan import ReadyRow, Unique, UnusableRow

_DIGEST = 16  # bytes


def new_row(contact: Contact | BrokenRow, row: ReadyRow | UnusableRow, unique: Unique, names: Sequence[str]) -> NewRow:
    """Return a judged row as its journal keeps it.

    Args:
        contact: the row of the file.
        row: the same, judged.
        unique: what makes its key.
        names: the columns that its message is made of.
    """
    sheet_row = row.sheet_row or row.row
    values = _encoded(contact.values) if isinstance(contact, Contact) else b"{}"
    if isinstance(row, UnusableRow):
        number, reference = (contact.number, contact.reference) if isinstance(contact, Contact) else ("", "")
        number, reference = _plain(number), _plain(reference)
        return NewRow(None, row.row, sheet_row, row.line, number, reference, values, b"", row.to_json())
    number, reference = str(row.message.phone_number), str(row.message.reference)
    made_of = contact.values if isinstance(contact, Contact) else {}
    digest = _digest(number, *names, *(made_of.get(name, "") for name in names))
    keys = {"number": number, "reference": reference, "none": f"{row.row} {digest.hex()}"}
    return NewRow(keys[unique], row.row, sheet_row, row.line, number, reference, values, digest)


def _digest(*parts: str) -> bytes:
    told = blake2b(digest_size=_DIGEST)
    for part in parts:
        told.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return told.digest()


def _encoded(values: dict[str, str]) -> bytes:
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:  # a lone surrogate, of a program's own contacts
        return msgspec.json.encode({_plain(name): _plain(value) for name, value in values.items()})


def _plain(text: Any) -> str:
    return str(text).encode("utf-8", "backslashreplace").decode()
