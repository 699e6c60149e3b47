"""Which column holds the number, and which the reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from wooxy_async.campaigns._errors import ContactsError

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


def listed(columns: Sequence[str]) -> str:
    """Return names for a sentence."""
    return ", ".join(column for column in columns if column) or "(none)"


def _bare(column: str) -> str:
    return _SEPARATORS.sub("", column).casefold()
