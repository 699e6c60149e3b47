"""Which of a file's columns hold the phone number and the caller's own id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns._errors import ContactsError, NumberColumnError, listed

MAX_COLUMNS: Final = 1_000
# Compared without regard to case, blanks, hyphens, dots and underscores.
NUMBER_COLUMNS: Final = frozenset(
    """
    phone phonenumber phoneno number msisdn mobile mobilenumber mobilephone mobileno tel telephone telephonenumber
    telno cell cellphone cellnumber e164 recipient recipientnumber viber viberphone vibernumber gsm
    telefon telefonnummer telefonnr handy handynummer handynr mobil mobilnummer mobiltelefon rufnummer
    téléphone numérodetéléphone numérotéléphone mobilephonenumber portable
    teléfono telefono móvil movil celular telefone telemóvel telemovel númerodeteléfono
    cellulare numeroditelefono telefoonnummer telefoon puhelin puhelinnumero mobilnr
    numertelefonu komórka komorka telefonskibroj brojtelefona číslotelefonu telefonníčíslo telefónneČíslo mobilní
    telefonszám telefonas telefons telefoninumber τηλέφωνο κινητό
    телефон номертелефона номертел мобильный мобильныйтелефон мобільний мобільнийтелефон моб тел сотовый
    телефонныйномер ტელეფონი ტელეფონისნომერი
    """.casefold().split()
)
REFERENCE_COLUMN: Final = "reference"
_SAY: Final = "say which it is with number_column=…"
_SEPARATORS: Final = re.compile(r"[\s._-]+")
_LOOKED_AT: Final = 50  # rows
_SHOWN: Final = 3
_LEAST_DIGITS: Final = 7
_NUMBER: Final = re.compile(r"[+'()/.\s\d-]+(?:[eE]\+?\d+)?")


def check_columns(path: object, columns: Sequence[str]) -> None:
    """Refuse a header in which a name stands twice, or that has more columns than a sheet of contacts has.

    Raises:
        ContactsError: it does.
    """
    if len(columns) > MAX_COLUMNS:
        raise ContactsError(
            f"{path}: the header has {len(columns):,} columns; {MAX_COLUMNS:,} are the most that are read. "
            "Delete those that no message needs."
        )
    named = [column for column in columns if column]
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise ContactsError(f"{path}: the header names {listed(twice)} more than once. Rename or remove the others.")


def find_number_column(
    path: object, columns: Sequence[str], wanted: str | None, rows: Iterable[Mapping[str, str]] = ()
) -> str:
    """Return the column that holds the phone number.

    Args:
        path: the file, for errors.
        columns: the header.
        wanted: the name that the caller gave; None looks for a usual one.
        rows: the first rows, from which samples come where it is not certain.

    Raises:
        ContactsError: there is none of that name.
        NumberColumnError: no name is usual, or several could be it.
    """
    found = [column for column in columns if column == wanted or (wanted is None and bare(column) in NUMBER_COLUMNS)]
    if len(found) == 1:
        return found[0]
    has = f"Its columns are: {listed(columns)}."
    if wanted is not None:
        raise ContactsError(f"{path} has no column {wanted!r} for the phone number. {has}")
    samples = _samples(found or columns, rows, all_of_them=bool(found))
    if found:
        raise NumberColumnError(f"{path}: {listed(found)} could each hold the phone number: {_SAY}.", samples)
    looks = f" Numbers seem to stand in: {listed(tuple(samples))}." if samples else ""
    raise NumberColumnError(
        f"{path} has no column for the phone number. {has}{looks} The first line must name the columns: "
        f"call one of them phone, or {_SAY}.",
        samples,
    )


def find_reference_column(columns: Sequence[str]) -> str | None:
    """Return the column that holds the caller's own id, or None."""
    return next((column for column in columns if bare(column) == REFERENCE_COLUMN), None)


def bare(column: str) -> str:
    """Return a column's name as it is compared: without case, blanks, hyphens, dots and underscores."""
    return _SEPARATORS.sub("", column).casefold()


def _samples(
    columns: Sequence[str], rows: Iterable[Mapping[str, str]], *, all_of_them: bool
) -> dict[str, tuple[str, ...]]:
    """Return masked values of the columns that hold what looks like numbers."""
    first = list(islice(rows, _LOOKED_AT))
    found = {}
    for column in columns:
        values = [value for row in first if (value := row.get(column, ""))]
        numbers = [value for value in values if _looks_like_a_number(value)]
        if all_of_them or len(numbers) * 2 > len(values):
            found[column] = tuple(map(mask_number, (numbers or values)[:_SHOWN]))
    return found


def _looks_like_a_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None and sum(map(str.isdecimal, value)) >= _LEAST_DIGITS
