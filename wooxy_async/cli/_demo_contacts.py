"""The demo's contacts: numbers that are reserved for fiction, and the rows that every real file has."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Final

LEAST: Final = 1_000
MOST: Final = 50_000

# Row numbers under LEAST. The rows that cannot be sent, as people's exports have them:
_UNUSABLE: Final = {
    12: "n/a",
    57: "0151 2345678",
    118: "+49 abc",
    163: "+1 415 555",
    204: "",
    231: "+380 50 123 4567",
    287: "+375 29 491 19 11",
    342: "+7 912 345 67 89",
}
_REPEATING: Final = {90: 3, 350: 14, 620: 77}
# The rows that the sandbox refuses, and the one whose connection is lost after its request was read:
REFUSED_ROWS: Final = (401, 466, 513)
DOUBTFUL_ROW: Final = 731

_NAMES: Final = ("Anna", "José", "Zoë", "გიორგი", "李雷", "O'Brien", "Łukasz", "Siobhán", "Nguyễn", "🎉 Max")
_CITIES: Final = ("Riga", "Kraków, Stare Miasto", 'Paris "Nord"', "Hà Nội", "São Paulo", "Tbilisi", "Almaty")
_LINES_PER_AREA: Final = 100


def number_of(row: int) -> str:
    """Return the number of a sendable row: 555-0100 to 555-0199 belong to nobody in any area."""
    area, line = divmod(row, _LINES_PER_AREA)
    return f"+1{_AREAS[area]}555{_LINES_PER_AREA + line:04}"


def write_contacts(path: Path, count: int) -> None:
    """Write a file of contacts.

    Args:
        path: where.
        count: how many rows, LEAST to MOST.
    """
    with path.open("x", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("phone", "firstName", "city", "orderId"))
        writer.writerows(_rows(count))


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    names, cities = cycle(_NAMES), cycle(_CITIES)
    for row in range(1, count + 1):
        number = _UNUSABLE.get(row) if row in _UNUSABLE else _spelled(number_of(_REPEATING.get(row, row)), row)
        yield str(number), next(names), next(cities), f"o-{row:06}"


def _spelled(number: str, row: int) -> str:
    """Return a number as people write it: each row in another way."""
    area, line = number[2:5], number[-4:]
    return (number, f"+1 {area} 555 {line}", f"+1 ({area}) 555-{line}", f" +1-{area}-555-{line} ")[row % 4]


# Area codes have no 0 or 1 first; those that end in 11 are services.
_AREAS: Final = tuple(area for area in range(212, 1000) if area % 100 != 11)  # noqa: PLR2004
