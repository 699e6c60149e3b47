"""Whatever happened to a number in a spreadsheet, its message goes to it or to nobody."""

import random
from functools import cache

import phonenumbers
from hypothesis import given, settings, strategies as st

from wooxy_async.campaigns._numbers import NumberReader

COUNTRIES = ("DE", "AT", "US", "CA", "GB", "PL", "IT", "ES", "FR", "GE", "KZ", "TR", "BR", "MX", "AU", "JP", "HU", "SE")
RESTRICTED = ("UA", "BY")


@cache
def _numbers(country: str) -> tuple[phonenumbers.PhoneNumber, ...]:
    """Return valid mobile numbers of a country: its example with other digits at the end."""
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    draws = random.Random(country)
    national = phonenumbers.national_significant_number(example)
    found = []
    for _ in range(400):
        tail = "".join(draws.choice("0123456789") for _ in range(draws.randrange(3, 7)))
        number = phonenumbers.parse(f"+{example.country_code}{national[: -len(tail)]}{tail}")
        if phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country:
            found.append(number)
    return tuple(found)


DAMAGES = {
    "none": lambda number: phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
    "blanks": lambda number: phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
    "no plus": lambda number: DAMAGES["none"](number)[1:],
    "00": lambda number: f"00{DAMAGES['none'](number)[1:]}",
    "national": lambda number: phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL),
    "no zero": phonenumbers.national_significant_number,
    "float": lambda number: f"{float(DAMAGES['none'](number)[1:])}",
    "plus and .0": lambda number: f"{DAMAGES['none'](number)}.0",
    "national and .0": lambda number: f"{phonenumbers.national_significant_number(number)}.0",
    "power": lambda number: f"{float(DAMAGES['none'](number)[1:]):.5E}",
    "short power": lambda number: f"{float(DAMAGES['none'](number)[1:]):.2E}".replace(".", ","),
    "apostrophe": lambda number: f"'{DAMAGES['none'](number)}",
    "apostrophe, no plus": lambda number: f"'{DAMAGES['none'](number)[1:]}",
    "fullwidth": lambda number: DAMAGES["none"](number).translate(
        str.maketrans("+0123456789", "\uff0b\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
    ),
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[phonenumbers.PhoneNumber, str, NumberReader]:
    """Draw a number, what became of it, and a reader of whom somebody said the truth about the countries."""
    truth = draw(st.sampled_from([*COUNTRIES, *RESTRICTED]))
    number = draw(st.sampled_from(_numbers(truth)))
    others = draw(st.lists(st.sampled_from([*COUNTRIES, *RESTRICTED]), max_size=4))
    with_country = draw(st.booleans())
    reader = NumberReader(
        country=truth if with_country else None,
        assume_plus=draw(st.booleans()),
        countries=(truth, *others) if draw(st.booleans()) or not with_country else others,
    )
    return number, DAMAGES[draw(st.sampled_from(sorted(DAMAGES)))](number), reader


@settings(max_examples=800)
@given(cases())
def test_a_row_is_sent_to_its_own_number_or_reported(case: tuple[phonenumbers.PhoneNumber, str, NumberReader]) -> None:
    """The truth is the number before it was damaged; another is never read, and none is lost without a word."""
    number, written, reader = case
    found = reader.read(written, {})
    truth = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if isinstance(found, str):
        assert found == truth
    else:
        assert found.rule
        assert found.remedy
