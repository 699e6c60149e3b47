"""A part of a campaign that goes first: a random sample over its countries, the same each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from random import Random

from wooxy_async.campaigns._countries import country_of
from wooxy_async.campaigns._errors import CampaignError


class Canary:
    """Says of each message whether it is one of the sample.

    Args:
        by_country: how many messages go to each country, as a plan counts them.
        size: how many are in the sample.
        seed: the same seed, counts and order give the same sample.
    """

    def __init__(self, by_country: Mapping[str, int], size: int, seed: int) -> None:
        draws = Random(seed)  # noqa: S311  # it chooses who goes first, and has to be repeatable
        self._wanted = {
            country: frozenset(draws.sample(range(by_country[country]), count))
            for country, count in sorted(shares(by_country, size).items())
        }
        self._seen: Counter[str] = Counter()

    def takes(self, number: str) -> bool:
        """Return whether a message is in the sample; asked once for each message that can be sent, in their order.

        Args:
            number: the recipient's, as E.164.
        """
        country = country_of(number)
        place = self._seen[country]
        self._seen[country] += 1
        return place in self._wanted.get(country, ())


def shares(by_country: Mapping[str, int], size: int) -> dict[str, int]:
    """Return how many of a sample are of each country: in proportion, and one at least as far as they go round."""
    total = sum(by_country.values())
    size = min(size, total)
    order = sorted(by_country, key=lambda country: (-by_country[country], country))
    found = {country: min(1, by_country[country]) for country in order[:size]}
    while (left := size - sum(found.values())) > 0:
        # Whoever is furthest below its share comes next.
        country = max(found, key=lambda each: (by_country[each] * size / total - found[each], by_country[each]))
        room = by_country[country] - found[country]
        found[country] += max(1, min(left, room, int(by_country[country] * size / total) - found[country]))
    return found


def parse_canary(text: str, messages: int) -> int:
    """Return how many messages a sample has.

    Args:
        text: a count as in "100", or a share as in "1%".
        messages: how many there are.

    Raises:
        CampaignError: it is neither.
    """
    try:
        value = Decimal(text.strip().removesuffix("%"))
    except InvalidOperation:
        value = Decimal(-1)
    is_share = text.strip().endswith("%")
    if not value.is_finite() or value <= 0 or (is_share and value > 100) or (not is_share and value % 1):  # noqa: PLR2004
        raise CampaignError(f"{text!r} is neither a count such as 100 nor a share such as 1%.")
    wanted = messages * value / 100 if is_share else value
    return min(messages, max(1, int(wanted)))
