"""What messages cost: one price for each, or a price by country."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from wooxy_async.campaigns._columns import bare
from wooxy_async.campaigns._countries import country_of
from wooxy_async.campaigns._errors import CampaignError
from wooxy_async.campaigns._numbers import is_country

OTHERS: Final = "*"
_COUNTRY_NAMES: Final = frozenset({"country", "countrycode", "land", "iso"})
_PRICE_NAMES: Final = frozenset({"price", "cost", "preis", "pricepermessage"})
_MOST_BYTES: Final = 2**20


class Prices:
    """Prices of one message, in the account's currency.

    Args:
        by_country: a price by two-letter code; "*" is that of all others.

    Raises:
        CampaignError: a code is none.
    """

    def __init__(self, by_country: Mapping[str, Decimal]) -> None:
        for code in by_country:
            if code != OTHERS and not is_country(code):
                raise CampaignError(f"{code!r} is no country's two-letter code, such as DE; * stands for all others.")
        self._prices = dict(by_country)

    def of(self, country: str) -> Decimal | None:
        """Return the price of a message to a country; None if it is not known."""
        return self._prices.get(country, self._prices.get(OTHERS))

    def total(self, by_country: Mapping[str, int]) -> tuple[Decimal, tuple[str, ...]]:
        """Return what messages cost, and the countries whose price is not known.

        Args:
            by_country: how many messages go to each.
        """
        known = {country: self.of(country) for country in by_country}
        cost = sum((price * by_country[country] for country, price in known.items() if price is not None), Decimal())
        return cost, tuple(country for country, price in known.items() if price is None)


class CostLimit:
    """Says before each message whether it still may be paid for.

    Args:
        prices: of messages.
        most: what all of them together may cost.
        spent: what earlier ones have cost.
    """

    def __init__(self, prices: Prices, most: Decimal, *, spent: Decimal = Decimal()) -> None:
        self.spent: Decimal = spent
        self._prices = prices
        self._most = most

    def take(self, number: str) -> bool:
        """Count a message and return True, or return False where it would cost too much.

        Args:
            number: the recipient's, as E.164.

        Raises:
            CampaignError: nobody knows its price.
        """
        country = country_of(number)
        price = self._prices.of(country)
        if price is None:
            raise CampaignError(f"there is no price for messages to {country}. Add it, or * for all other countries.")
        if self.spent + price > self._most:
            return False
        self.spent += price
        return True


def one_price(price: str) -> Prices:
    """Return the same price for all countries.

    Raises:
        CampaignError: it is no number.
    """
    return Prices({OTHERS: as_price(price)})


def read_prices(path: str | os.PathLike[str]) -> Prices:
    """Read prices by country from a CSV file with the columns country and price.

    Raises:
        CampaignError: it cannot be read, or holds something else.
    """
    try:
        with Path(path).open("rb") as file:
            lines = file.read(_MOST_BYTES).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise CampaignError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise CampaignError(f"{path} is not UTF-8. Save it as CSV UTF-8.") from None
    rows = list(csv.reader(lines, delimiter=";" if lines and ";" in lines[0] else ","))
    header = [bare(column) for column in rows[0]] if rows else []
    country = next((at for at, name in enumerate(header) if name in _COUNTRY_NAMES), None)
    price = next((at for at, name in enumerate(header) if name in _PRICE_NAMES), None)
    if country is None or price is None:
        raise CampaignError(f"{path}: the first line must name the columns: country,price. Then one country a line.")
    filled = [row for row in rows[1:] if len(row) > max(country, price)]
    return Prices({row[country].strip().upper(): as_price(row[price]) for row in filled})


def as_price(text: str) -> Decimal:
    """Return an amount of money, written with a point or a comma.

    Raises:
        CampaignError: it is no number, or negative.
    """
    try:
        price = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise CampaignError(f"{text!r} is no price, as in 0.045.") from None
    if not price.is_finite() or price < 0:
        raise CampaignError(f"a price must be 0 or more, not {text.strip()}.")
    return price
