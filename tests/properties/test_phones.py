"""Phone numbers: the tables give the verdict and the number that the phone library gives."""

import string

import phonenumbers
from hypothesis import example, given, settings, strategies as st

from wooxy_async._rules.phones import PhoneCheck, PhoneProblem, normalize

CHECKS: tuple[PhoneCheck, ...] = ("e164", "possible", "valid")
CALLING_CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
LONGEST_NATIONAL_PART = 17
DIGITS = st.sampled_from(string.digits)
# What the phone library itself takes as separators; brackets have a test of their own.
LIBRARY_SEPARATORS = "-\u2010\u2015\u2212\u30fc\uff0d./\uff0e\uff0f \u00a0\u00ad\u200b\u2060\u3000"
OUR_SEPARATORS = LIBRARY_SEPARATORS + "\u2009\u202f\u200e\ufe63()[]\uff08\uff09\uff3b\uff3d"
ZEROS = "0\uff10\u0660\u06f0\u0966\U0001d7ce"


def library_verdict(text: str, check: PhoneCheck) -> str | None:
    """Say what the phone library alone makes of a text: the E.164 form, or None for a number that is refused."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        e164, possible, valid = text, False, False
    else:
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        possible, valid = phonenumbers.is_possible_number(number), phonenumbers.is_valid_number(number)
    shaped = 8 <= len(e164) <= 16 and e164[1] != "0"
    restricted = e164.startswith(("+380", "+375")) or (e164.startswith("+7") and e164[2:3] not in ("6", "7"))
    accepted = {"e164": shaped, "possible": possible, "valid": valid}[check]
    return e164 if accepted and not restricted else None


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
def spelled(draw: st.DrawFn, texts: st.SearchStrategy[str], separators: str) -> str:
    """Draw a number with separators anywhere behind its +, in digits of any script."""
    number, zero = draw(texts), ord(draw(st.sampled_from(ZEROS)))
    between = draw(st.lists(st.text(separators, max_size=2), min_size=len(number), max_size=len(number)))
    digits = [chr(zero + int(digit)) for digit in number[1:]]
    return "+" + "".join(gap + digit for gap, digit in zip(between, digits, strict=False)) + between[-1]


@settings(max_examples=600, deadline=None)
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


@settings(max_examples=250, deadline=None)
@given(spelled(numbers(), LIBRARY_SEPARATORS))
def test_a_spelling_is_read_as_the_library_reads_it(text: str) -> None:
    """Separators that the library knows, anywhere, and digits of any script change no verdict."""
    assert our_verdict(text, "possible") == library_verdict(text, "possible")


@settings(max_examples=250, deadline=None)
@given(st.data(), EXAMPLE_NUMBERS)
def test_grouping_never_changes_the_number(data: st.DataObject, number: str) -> None:
    """Separators and brackets in any grouping leave the number as it is; only a bracketed zero is a problem."""
    found = normalize(data.draw(spelled(st.just(number), OUR_SEPARATORS)))
    unspelled = normalize(number)
    assert found == unspelled or (isinstance(found, PhoneProblem) and found.rule == "bracketed_zero")


@settings(max_examples=250, deadline=None)
@given(numbers())
def test_a_check_decides_what_is_refused_and_never_what_leaves(number: str) -> None:
    """Whichever checks accept a number, the same text leaves, and what is valid is possible."""
    by_check = {check: our_verdict(number, check) for check in CHECKS}
    assert len(set(by_check.values()) - {None}) <= 1
    assert by_check["valid"] is None or by_check["possible"] is not None


@settings(max_examples=600, deadline=None)
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


@settings(max_examples=100, deadline=None)
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
