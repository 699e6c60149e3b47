"""Which options would read the numbers that lack their +, tried on the first thousand of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec
import phonenumbers

from wooxy_async.campaigns._numbers import NumberReader, readings, without_apostrophe, without_decimals

TRIED: Final = 1_000
_TRIED_BLINDLY: Final = 50  # where nothing says which country: 245 are tried
_LIKELY: Final = 5  # countries
_RARE: Final = 50  # a country of fewer than one number in so many is none that the file is about


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a campaign that would read numbers which cannot be read as they stand.

    Args:
        country: for `country=`; None where the numbers only lost their +.
        countries: for `countries=`, with `assume_plus=True`; empty where `country` is offered.
        rows: how many of the tried rows they would read.
        tried: how many were tried: the first of them, 1,000 at most.
    """

    rows: int
    tried: int
    country: str | None = None
    countries: tuple[str, ...] = ()

    @property
    def arguments(self) -> str:
        """The options as arguments of `Campaign`."""
        if self.country:
            return f'country="{self.country}"'
        return f"assume_plus=True, countries={self.countries!r}"


def find_offers(numbers: Sequence[str], likely: Collection[str]) -> tuple[Offer, ...]:
    """Return the options that would read the most: with a +, and as dialled at home.

    Where nothing tells the country, all are returned that fit best and most of the numbers, for a person to choose:
    0151 2345678 is a mobile number at home in Germany and in China.

    Args:
        numbers: as they stand in the file.
        likely: the countries of its other numbers, the most frequent first.
    """
    texts = [without_decimals(without_apostrophe(number))[0] for number in numbers[:TRIED]]
    with_plus = _with_plus(texts)
    candidates = [*dict.fromkeys([*with_plus, *likely])][:_LIKELY]
    offers = _best(texts, candidates)[:1]
    if not candidates:
        offers = [offer for offer in _best(texts, _likeliest(texts[:_TRIED_BLINDLY])) if offer.rows * 2 >= offer.tried]
    if with_plus:
        rows = _read(NumberReader(assume_plus=True, countries=with_plus), texts)
        if rows > max((offer.rows for offer in offers), default=0):
            offers.insert(0, Offer(countries=tuple(with_plus), rows=rows, tried=len(texts)))
    return tuple(offers)


def _with_plus(texts: Iterable[str]) -> list[str]:
    """Return the countries that the numbers are of with a + before them, the most frequent first."""
    every = phonenumbers.SUPPORTED_REGIONS
    found: Counter[str] = Counter()
    tried = 0
    for text in texts:
        tried += 1
        found.update({reading.country for reading in readings(text, every, national=False)})
    return [country for country, rows in found.most_common() if rows * _RARE >= tried]


def _best(texts: Sequence[str], candidates: Iterable[str]) -> list[Offer]:
    """Return the countries that would read the most; several where that is as many."""
    found = {country: _read(NumberReader(country=country), texts) for country in candidates}
    most = max(found.values(), default=0)
    return [
        Offer(country=country, rows=rows, tried=len(texts)) for country, rows in found.items() if rows == most and most
    ]


def _likeliest(texts: Sequence[str]) -> list[str]:
    """Return the countries in which the most numbers are valid as they are dialled at home."""
    found = Counter(
        {country: _read(NumberReader(country=country), texts) for country in phonenumbers.SUPPORTED_REGIONS}
    )
    return [country for country, rows in sorted(found.items(), key=lambda each: (-each[1], each[0])) if rows][:_LIKELY]


def _read(reader: NumberReader, texts: Iterable[str]) -> int:
    return sum(isinstance(reader.read(text, {}), str) for text in texts)
