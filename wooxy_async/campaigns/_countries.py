"""Which country a number is of, quickly: the calling code tells most, and a few digits behind it the others."""

from __future__ import annotations

from functools import cache
from typing import Final

import phonenumbers

# Behind +44 Guernsey is told from Britain by five digits, which are the most that any country needs.
_TELLING_DIGITS: Final = 8
_CALLING_CODE_MOST: Final = 3
_CACHED: Final = 20_000
UNKNOWN: Final = "?"


def country_of(number: str) -> str:
    """Return the two-letter code of an E.164 number's country; "?" for numbers of no country.

    A number that no country has given out counts for the calling code's main country.
    """
    return _alone(number[1 : 1 + _CALLING_CODE_MOST]) or _told(number[: 1 + _TELLING_DIGITS], number)


@cache
def _alone(start: str) -> str | None:
    """Return the country that has a calling code to itself."""
    regions = _regions(start)
    return regions[0] if len(regions) == 1 else None


def _regions(start: str) -> tuple[str, ...]:
    for length in range(1, _CALLING_CODE_MOST + 1):
        if regions := phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(start[:length] or "0")):
            return tuple(regions) if regions[0] in phonenumbers.SUPPORTED_REGIONS else (UNKNOWN,)
    return (UNKNOWN,)


def _told(start: str, number: str) -> str:
    """Return the country of a number that shares its calling code; the first of each start tells for the others."""
    if (known := _BY_START.get(start)) is None:
        if len(_BY_START) >= _CACHED:
            _BY_START.clear()
        known = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or _regions(start[1:])[0]
        _BY_START[start] = known
    return known


_BY_START: Final[dict[str, str]] = {}
