"""How a row's phone number is read: as it stands, or, where the caller says whose numbers they are, without its +.

A number that is rescued is a valid mobile number of one of the countries that the caller named, and no other reading of
what stands there is, asked for or not: more than half of the national German mobile numbers are valid in the United
States with a bare + before them, and a stranger would get the message.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import phonenumbers

from wooxy_async._rules.phones import PhoneCheck, PhoneProblem, normalize
from wooxy_async.campaigns._errors import CampaignError

Spelling: TypeAlias = Literal["written", "00", "plus", "national"]
# What a spreadsheet makes of a number that it takes for an amount, or marks as text.
_POWER: Final = re.compile(r"\s*'?\+?\d(?:[.,]\d+)?[eE]\+?\d+\s*")
_DECIMAL: Final = re.compile(r"(\s*'?\+?[\d\s]{7,})[.,\uff0e]0+\s*")
_APOSTROPHE: Final = re.compile(r"\s*['\u2018\u2019`\u00b4](?=\s*[+\d(])")
_MOBILE: Final = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
_LEADING: Final = re.compile(r"[^\d+]*")
_DIGITS_LOST: Final = PhoneProblem(
    "digits_lost",
    "A spreadsheet has made an amount of the number and dropped its last digits, as in 4.49E+11; they cannot be "
    "restored. Export the column again as text from where the numbers come from.",
)
_DECIMALS_ADDED: Final = PhoneProblem(
    "decimals_added",
    "A spreadsheet has made an amount of the number and added .0 to it. Format the column as text and export it again.",
)
_UNCLEAR: Final = PhoneProblem(
    "unclear_reading",
    "The number can be read in two ways that are both mobile numbers of the countries that you named; write it with + "
    "and the country code.",
)
_ELSEWHERE: Final = PhoneProblem(
    "missing_plus",
    "The number has no + and is no valid mobile number of the countries that you named; write + and the country code.",
)
# The problems that come of a number which a country or a + would make whole.
RESCUED_RULES: Final = frozenset({"missing_plus", "decimals_added"})
APOSTROPHE_NOTE: Final = "had an apostrophe before the number, by which spreadsheets mark text; it was left off"


class NumberReader:
    """Reads the numbers of a campaign.

    Args:
        check: which numbers are refused that have their +.
        country: the country of numbers without +, as in "DE": national spellings and those with 00 are read.
        country_column: the column that holds it, row by row; `country` is for those where it is empty.
        assume_plus: whether a number without + may be one that only lost it.
        countries: the countries that a rescued number may be of, beside `country`.

    Raises:
        CampaignError: a country is no two-letter code, or `assume_plus` has no countries.
    """

    def __init__(
        self,
        *,
        check: PhoneCheck = "possible",
        country: str | None = None,
        country_column: str | None = None,
        assume_plus: bool = False,
        countries: Collection[str] = (),
    ) -> None:
        self._check: PhoneCheck = check
        self._country = None if country is None else _as_country("country", country)
        self._column = country_column
        self._countries = frozenset(_as_country("countries", code) for code in countries)
        self._assumes_plus = assume_plus
        if assume_plus and not (self._countries or self._country or country_column):
            raise CampaignError(
                "assume_plus=True needs countries=… with those that the numbers may be of, as in "
                'countries=("DE", "AT").'
            )
        self._rescues = assume_plus or country is not None or country_column is not None

    def read(self, written: str, values: Mapping[str, str]) -> str | PhoneProblem:
        """Return the E.164 form of a row's number, or what is wrong with it.

        Args:
            written: the number as it stands.
            values: the row, for its country.
        """
        if written.startswith("+") and written[1:].isdecimal():  # nearly all
            return normalize(written, self._check)
        if _POWER.fullmatch(written):
            return _DIGITS_LOST
        text, decimals = without_decimals(without_apostrophe(written))
        found = normalize(text, self._check)
        is_whole = isinstance(found, str) or found.rule != "missing_plus"
        if is_whole and not decimals:
            return found
        otherwise = _DECIMALS_ADDED if decimals else _ELSEWHERE if self._rescues else found
        return (self._rescued(text, values) if self._rescues else None) or otherwise

    def _rescued(self, text: str, values: Mapping[str, str]) -> str | PhoneProblem | None:
        country = self._country
        if self._column is not None and (given := values.get(self._column, "").strip()):
            if not is_country(given.upper()):
                return PhoneProblem("country", f"{given[:40]!r} in {self._column} is no two-letter code such as DE.")
            country = given.upper()
        allowed = self._countries | ({country} if country else frozenset())
        found = list(readings(text, allowed))
        if len({reading.number for reading in found}) > 1:
            return _UNCLEAR
        return next((reading.number for reading in found if self._is_meant(reading, country)), None)

    def _is_meant(self, reading: Reading, country: str | None) -> bool:
        if reading.spelling == "national":
            return reading.country == country
        return reading.spelling != "plus" or self._assumes_plus


class Reading(NamedTuple):
    """One way to read a number.

    Args:
        spelling: what it takes what stands there for.
        country: the country that it then is of.
        number: its E.164 form, or why no message may go to it.
    """

    spelling: Spelling
    country: str
    number: str | PhoneProblem


def readings(text: str, countries: Collection[str], *, national: bool = True) -> Iterator[Reading]:
    """Yield each way to read a number as a valid one of some countries.

    Args:
        text: the number without +, or with it.
        countries: two-letter codes.
        national: whether it may be dialled as at home in each of them.
    """
    rest = text[_LEADING.match(text).end() :]  # type: ignore[union-attr]  # it matches nothing too
    if rest.startswith("+"):
        yield from _valid("written", rest, countries)
        return
    if rest.startswith("00"):
        yield from _valid("00", f"+{rest[2:].lstrip()}", countries)
    yield from _valid("plus", f"+{rest}", countries)
    for country in countries if national else ():
        code = phonenumbers.country_code_for_region(country)
        trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""  # noqa: FBT003  # the library's own signature
        bare = rest[len(trunk) :] if trunk and rest.startswith(trunk) else rest
        for each in {bare, rest}:
            yield from _valid("national", f"+{code} {each}", (country,))


def mobile_region_of(number: str) -> str | None:
    """Return the country of an E.164 number that may be a mobile phone's; None where none has such numbers.

    Germany and Austria have landlines of nearly all digits: 4915123456789 is one of each, at home. Messages go to
    mobile phones, so that landlines are no reading.
    """
    parsed = phonenumbers.parse(number)
    return phonenumbers.region_code_for_number(parsed) if phonenumbers.number_type(parsed) in _MOBILE else None


def is_country(code: str) -> bool:
    """Return whether a code is a country's that has numbers."""
    return code in phonenumbers.SUPPORTED_REGIONS


def without_apostrophe(written: str) -> str:
    """Return a number without the apostrophe by which spreadsheets mark text."""
    found = _APOSTROPHE.match(written)
    return written[found.end() :] if found else written


def without_decimals(written: str) -> tuple[str, bool]:
    """Return a number without the .0 of an amount, and whether it had one."""
    found = _DECIMAL.fullmatch(written)
    return (found[1], True) if found else (written, False)


def _valid(spelling: Spelling, text: str, countries: Collection[str]) -> Iterator[Reading]:
    number = normalize(text, "valid")
    country = mobile_region_of(number) if isinstance(number, str) else number.country
    if country is not None and country in countries:
        yield Reading(spelling, country, number)


def _as_country(name: str, code: str) -> str:
    if not is_country(code.upper()):
        raise CampaignError(f"{name}={code!r} is no country's two-letter code, such as DE or AT.")
    return code.upper()
