"""Phone numbers: the tables give the verdict and the number that the phone library gives."""

import string

import phonenumbers
import pytest
from hypothesis import example, given, settings, strategies as st
from tries import tries

from wooxy_async._rules.phones import PhoneCheck, PhoneProblem, normalize

UNCLEAR = {"bracketed_zero", "unclear_group"}
CHECKS: tuple[PhoneCheck, ...] = ("e164", "possible", "valid")
CALLING_CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
LONGEST_NATIONAL_PART = 17
DIGITS = st.sampled_from(string.digits)
# What the phone library itself takes as separators; what sets a group apart has tests of its own.
LIBRARY_SEPARATORS = ["-", "\u2010", "\u2015", "\u2212", "\u30fc", "\uff0d", ".", "\uff0e"]
LIBRARY_SEPARATORS += [" ", "\u00a0", "\u3000", "\u00ad", "\u200b", "\u2060", " \u200b", "\u3000 "]
OUR_SEPARATORS = [
    *LIBRARY_SEPARATORS,
    "\u2009",
    "\u202f",
    "\u200e",
    "\ufe63",
    " - ",
    " . ",
    *"/()[]\uff0f\uff08\uff09\uff3b\uff3d",
]
# What is written behind a number and is no part of it.
APART = [
    " / {}",
    "/{}",
    " [{}]",
    " ({})",
    "({})",
    " - {}",
    " \u2013 {}",
    " . {}",
    "\uff0f{}",
    "\uff3b{}\uff3d",
    " \u200b-\u200b {}",
]
ZEROS = "0\uff10\u0660\u06f0\u0966\U0001d7ce"


def library_verdict(text: str, check: PhoneCheck) -> str | None:
    """Say what the phone library alone makes of a text: the E.164 form, or None for a number that is refused.

    The checks are nested, and a form that the library itself reads as another number is refused.
    """
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        e164, possible, valid = text, False, False
    else:
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        possible, valid = phonenumbers.is_possible_number(number), phonenumbers.is_valid_number(number)
    shaped = 8 <= len(e164) <= 16 and e164[1] != "0" and library_form(e164) == e164
    restricted = e164.startswith(("+380", "+375")) or (e164.startswith("+7") and e164[2:3] not in ("6", "7"))
    accepted = {"e164": True, "possible": possible, "valid": possible and valid}[check]
    return e164 if shaped and accepted and not restricted else None


def library_form(text: str) -> str:
    """Return the library's E.164 form of a text, or the text where the library cannot read it."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return text


def our_verdict(text: str, check: PhoneCheck) -> str | None:
    """Say what the tables make of a text: the E.164 form, or None for a number that is refused."""
    found = normalize(text, check)
    return None if isinstance(found, PhoneProblem) else found


def example_numbers(calling_code: int) -> list[str]:
    """List the national parts of the library's example numbers for each region and kind of a calling code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]
    found = [phonenumbers.example_number_for_non_geo_entity(calling_code)]
    found += [phonenumbers.example_number_for_type(region, kind) for region in regions for kind in range(11)]
    return sorted({phonenumbers.national_significant_number(number) for number in found if number})


def prefixes(calling_code: int) -> list[st.SearchStrategy[str]]:
    """List what can stand before a national part: nothing, zeros, and each region's national prefixes."""
    found = [st.just(""), st.just("0"), st.just("00")]
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region)
        assert metadata is not None
        found += [st.just(metadata.national_prefix or "")]
        if metadata.national_prefix_for_parsing:
            found.append(st.from_regex(metadata.national_prefix_for_parsing, fullmatch=True, alphabet=DIGITS))
    return found


EXAMPLES = {code: example_numbers(code) for code in CALLING_CODES}
PREFIXES = {code: st.one_of(prefixes(code)) for code in CALLING_CODES}
EXAMPLE_NUMBERS = st.sampled_from([f"+{code}{national}" for code in CALLING_CODES for national in EXAMPLES[code]])


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Draw a calling code, what may stand before a national part, and a national part, real or not."""
    code = draw(st.sampled_from(CALLING_CODES))
    anything = st.text(DIGITS, max_size=LONGEST_NATIONAL_PART)
    real = st.sampled_from(EXAMPLES[code])
    cut = st.builds(lambda number, length: number[:length], real, st.integers(0, LONGEST_NATIONAL_PART))
    national = draw(st.one_of(anything, real, cut, st.builds(str.__add__, real, DIGITS)))
    return f"+{code}{draw(PREFIXES[code])}{national}"


@st.composite
def spelled(draw: st.DrawFn, texts: st.SearchStrategy[str], separators: list[str]) -> str:
    """Draw a number with separators anywhere behind its +, in digits of any script."""
    number, zero = draw(texts), ord(draw(st.sampled_from(ZEROS)))
    gaps = st.sampled_from(["", *separators])
    between = draw(st.lists(gaps, min_size=len(number), max_size=len(number)))
    digits = [chr(zero + int(digit)) for digit in number[1:]]
    return "+" + "".join(gap + digit for gap, digit in zip(between, digits, strict=False)) + between[-1]


@settings(max_examples=tries(600))
@given(numbers(), st.sampled_from(CHECKS))
@example("+5491123456789", "possible")
@example("+15555555", "valid")
@example("+000", "e164")
def test_the_tables_say_what_the_library_says(number: str, check: PhoneCheck) -> None:
    """Verdict and E.164 text equal the library's, for any calling code, prefix and national part."""
    assert our_verdict(number, check) == library_verdict(number, check)


def test_each_calling_code_at_each_length_is_as_the_library_says() -> None:
    """No calling code, length or first digit is left to chance: all are compared with the library."""
    for code in CALLING_CODES:
        for first in string.digits:
            for length in range(LONGEST_NATIONAL_PART + 1):
                number = f"+{code}{f'{first}2345678901234567'[:length]}"
                assert our_verdict(number, "possible") == library_verdict(number, "possible"), number


def test_no_other_number_starts_a_number() -> None:
    """Three digits that start with no calling code are refused, as the library refuses them."""
    for first_digits in range(1000):
        number = f"+{first_digits:03}23456789"
        assert our_verdict(number, "possible") == library_verdict(number, "possible"), number


def test_each_example_number_is_as_the_library_says() -> None:
    """The library's example of each kind in each region is read alike with and without its national prefix."""
    for code, nationals in EXAMPLES.items():
        for national in nationals:
            for prefix in ("", "0", "1", "8"):
                number = f"+{code}{prefix}{national}"
                for check in CHECKS:
                    assert our_verdict(number, check) == library_verdict(number, check), (number, check)


@settings(max_examples=tries(250))
@given(spelled(numbers(), LIBRARY_SEPARATORS))
def test_a_spelling_is_read_as_the_library_reads_it(text: str) -> None:
    """Separators that the library knows, anywhere, and digits of any script change no verdict."""
    assert our_verdict(text, "possible") == library_verdict(text, "possible")


@settings(max_examples=tries(250))
@given(st.data(), EXAMPLE_NUMBERS)
def test_grouping_never_changes_the_number(data: st.DataObject, number: str) -> None:
    """Separators and brackets in any grouping leave the number as it is, or it is not certain which digits belong."""
    found = normalize(data.draw(spelled(st.just(number), OUR_SEPARATORS)))
    unspelled = normalize(number)
    assert found == unspelled or (isinstance(found, PhoneProblem) and found.rule in UNCLEAR)


@settings(max_examples=tries(600))
@given(EXAMPLE_NUMBERS, st.sampled_from(APART), st.text(DIGITS, min_size=1, max_size=4), st.sampled_from(CHECKS))
def test_no_group_behind_a_number_is_appended_to_it(number: str, apart: str, group: str, check: PhoneCheck) -> None:
    """What stands behind a possible number, set apart from it, never leaves as a part of it."""
    if our_verdict(number, "possible"):
        assert our_verdict(number + apart.format(group), check) is None


def test_no_group_behind_any_example_number_is_appended_to_it() -> None:
    """The same for each region and kind of number, each way to set a group apart, and each check."""
    for code, nationals in EXAMPLES.items():
        for number in (f"+{code}{national}" for national in nationals):
            spellings = [number + apart.format(group) for apart in APART for group in ("8", "89")]
            if our_verdict(number, "possible"):
                taken = [text for text in spellings for check in CHECKS if our_verdict(text, check)]
                assert not taken


@settings(max_examples=tries(600))
@given(numbers(), st.sampled_from(CHECKS))
def test_what_leaves_is_read_as_itself(number: str, check: PhoneCheck) -> None:
    """A number that left, read again by us or by the library, is the same number."""
    found = our_verdict(number, check)
    if found is not None:
        assert our_verdict(found, check) == found
        assert library_form(found) == found


@pytest.mark.parametrize("national", ["{}1234567", "{}123456", "{}12345678", "{}12345", "{}1234567890", "{}"])
def test_no_prefix_behind_plus_seven_is_russian_and_sent(national: str) -> None:
    """Each three digits behind +7: Kazakhstan's start with 6 or 7, and no others leave, or are Russia's if possible."""
    for first_digits in range(1000):
        number = f"+7{national.format(f'{first_digits:03}')}"
        for check in CHECKS:
            found = normalize(number, check)
            assert our_verdict(number, check) == library_verdict(number, check), number
            assert isinstance(found, PhoneProblem) or found[2] in "67"
        if phonenumbers.is_valid_number(parsed := phonenumbers.parse(number)):
            is_russian = phonenumbers.region_code_for_number(parsed) == "RU"
            assert isinstance(found, PhoneProblem) or not is_russian
            assert not is_russian or (isinstance(found, PhoneProblem) and found.country == "RU")


@settings(max_examples=tries(600))
@given(
    st.sampled_from(["8", "0", "08", "88", "80"]),
    st.sampled_from("67"),
    st.text(DIGITS, max_size=14).filter(lambda rest: len(rest) != 8),
    st.sampled_from(CHECKS),
)
def test_a_malformed_kazakh_number_is_not_russian(prefix: str, first: str, rest: str, check: PhoneCheck) -> None:
    """A number of Kazakhstan behind a prefix, with a digit too few or too many, is no number of Russia."""
    found = normalize(f"+7 {prefix} {first}{rest}", check)
    assert (
        not isinstance(found, PhoneProblem) or found.country is None or len(f"{prefix}{first}{rest}".lstrip("0")) == 10
    )


@settings(max_examples=tries(300))
@given(
    EXAMPLE_NUMBERS | st.builds("+{}{}".format, st.sampled_from(["380", "375", "7"]), st.text(DIGITS, min_size=1)),
    st.sampled_from(
        ["tel:{}", "Tel.: {}", "{};ext=5", "{} ext. 5", "{} x5", "{}#5", "{}, 5", "{} доб. 5", "tel:{};ext=5"]
    ),
)
def test_a_restricted_number_is_restricted_in_any_dress(number: str, dress: str) -> None:
    """An extension behind a number, or tel: before it, does not hide its country; nor does it make one restricted."""
    bare, dressed = normalize(number), normalize(dress.format(number))
    assert isinstance(dressed, PhoneProblem)
    assert dressed.country == (bare.country if isinstance(bare, PhoneProblem) else None)


@settings(max_examples=tries(250))
@given(numbers())
def test_a_check_decides_what_is_refused_and_never_what_leaves(number: str) -> None:
    """Whichever checks accept a number, the same text leaves, and what one check refuses, each stricter one does."""
    by_check = {check: our_verdict(number, check) for check in CHECKS}
    assert len(set(by_check.values()) - {None}) <= 1
    assert by_check["valid"] is None or by_check["possible"] is not None
    assert by_check["possible"] is None or by_check["e164"] is not None


@settings(max_examples=tries(600))
@given(
    st.one_of(
        st.text(st.characters()),
        st.text("+0123456789 -/().,;#*x~\u202e\u0660\uff0b\n\x00\ud800", max_size=30).map("+49".__add__),
        st.builds("".join, st.lists(st.sampled_from(["+49", "151234567", " ", "(0)", "ext", ";", "x", "tel:", "0"]))),
    ),
    st.sampled_from(CHECKS),
)
def test_any_text_is_a_number_or_a_problem(text: str, check: PhoneCheck) -> None:
    """No text raises, and what leaves is what the library reads in the text, where it reads a number."""
    found = normalize(text, check)
    if isinstance(found, PhoneProblem):
        assert found.rule
        assert found.remedy.endswith(".")
    else:
        assert found == library_verdict("+" + "".join(str(int(digit)) for digit in text if digit.isdecimal()), check)


@settings(max_examples=tries(100))
@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.booleans(),
        st.floats(),
        st.binary(),
        st.lists(st.text()),
        st.dictionaries(st.text(), st.text()),
        st.builds(object),
    )
)
def test_what_is_no_text_is_a_problem(number: object) -> None:
    """Numbers, bytes and containers are refused, not read."""
    found = normalize(number)
    assert isinstance(found, PhoneProblem)
    assert found.rule == "not_text"
