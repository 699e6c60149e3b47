"""Phone numbers: spellings, problems, restricted countries, checks, and what is used of the phone library."""

import re
import subprocess
import sys

import msgspec
import phonenumbers
import pytest

from wooxy_async._rules import phone_tables
from wooxy_async._rules.phones import RESTRICTED_COUNTRIES, PhoneCheck, PhoneProblem, normalize

CHECKS: tuple[PhoneCheck, ...] = ("e164", "possible", "valid")

ACCEPTED = [
    ("+14155550123", "+14155550123"),
    (" +306912351242 ", "+306912351242"),
    ("\t+306912351242\r\n", "+306912351242"),
    ("+371 21 206 328", "+37121206328"),
    ("+1 201-557-1793", "+12015571793"),
    ("+37-121 (27) 5752", "+37121275752"),
    ("+99-555 (51) 79817", "+995555179817"),
    ("+40-712 (00) 2380", "+40712002380"),
    ("+77710092588", "+77710092588"),
    ("+49/151/2345.6789", "+4915123456789"),
    ("(+49) 151 23456789", "+4915123456789"),
    ("+ 49 151 23456789", "+4915123456789"),
    ("++49 151 23456789", "+4915123456789"),
    ("+49\u00a0151\u202f2345\u20096789", "+4915123456789"),
    ("\ufeff+49\u2011151\u20132345\u22126789", "+4915123456789"),
    ("\u202a+49 151 23456789\u202c", "+4915123456789"),
    ("\uff0b\uff14\uff19\u3000\uff081\uff15\uff11\uff09 23456789", "+4915123456789"),
    ("+\u0664\u0669 \u0661\u0665\u0661 \u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669", "+4915123456789"),
]

REFUSED = [
    ("", "empty"),
    (" \u00a0\n", "empty"),
    ("( ) -", "empty"),
    ("+", "no_digits"),
    ("n/a", "no_digits"),
    ("\x00", "no_digits"),
    ("tel:+49-151-23456789", "uri"),
    ("Tel.: +49 151 23456789", "uri"),
    ("tel:23456789;phone-context=+49151", "uri"),
    ("+49 151 23456789 / +49 151 23456780", "several_numbers"),
    ("+49+15123456789", "several_numbers"),
    ("+49 151 23456789;ext=12", "extension"),
    ("+49 151 23456789;isub=12", "extension"),
    ("+49 151 23456789;phone-context=example.com", "extension"),
    ("+49 151 23456789 x12", "extension"),
    ("+49 151 23456789 ext. 12", "extension"),
    ("+49 151 23456789 доб 12", "extension"),
    ("+49 151 23456789#12", "extension"),
    ("+49 151 23456789~12", "extension"),
    ("+49 151 23456789, 12", "extension"),
    ("+49abc", "letters"),
    ("+1 800 FLOWERS", "letters"),
    ("4915112345678x", "letters"),
    ("+49 151 2345678O", "letters"),
    ("0151 2345678", "missing_plus"),
    ("00 49 151 23456789", "missing_plus"),
    ("4915123456789", "missing_plus"),
    ("-49 151 23456789", "missing_plus"),
    ("*+49 151 23456789", "character"),
    ("+49 151 2345*6789", "character"),
    ("+49 151\n23456789", "character"),
    ("+49 151\x0023456789", "character"),
    ("+49 151 2345\ud8006789", "character"),
    ("\u202e+49 151 23456789", "character"),
    ("+1", "too_short"),
    ("+49", "too_short"),
    ("+390", "too_short"),
    ("+371", "too_short"),
    ("+371 21", "too_short"),
    ("+4915112345678901234", "too_long"),
    ("+" + "1" * 10_000, "too_long"),
    ("+1555555555", "not_possible"),
    ("+49110", "not_e164"),
    ("+49 1234 5678 9012 345", "not_e164"),
    ("+1 1 1 415 555 2671", "unclear_prefix"),
    ("+49 00 151 23456789", "unclear_prefix"),
    ("+44 0 0 20 7946 0958", "unclear_prefix"),
    ("+999123456789", "unknown_country_code"),
    ("+0049 151 23456789", "unknown_country_code"),
    (None, "not_text"),
    (4915123456789, "not_text"),
    (True, "not_text"),
    (b"+4915123456789", "not_text"),
    (["+4915123456789"], "not_text"),
]

RESTRICTED = [
    ("+380501268197", "UA"),
    ("+375 29 492-53-81", "BY"),
    ("+79123424832", "RU"),
    ("+7 8 912 342-48-32", "RU"),
    ("+7 (0)12 342-48-32", "RU"),
    (" +375294926259 ", "BY"),
    ("+7 871 222 33 44", "RU"),
    ("+7 8 862 123 45 67", "RU"),
    ("tel:+380501268197", "UA"),
    ("Tel.: +375 29 492-53-81", "BY"),
    ("tel:501268197;phone-context=+380", "UA"),
    ("+380 50 126 81 97 ext. 5", "UA"),
    ("+380 50 126 81 97;ext=5", "UA"),
    ("+7 8 912 342-48-32 x5", "RU"),
    ("+\u0663\u0668\u0660 50 126 81 97 #5", "UA"),
    ("+380 50 126 81 97 (Olena)", "UA"),
]

# Two numbers, a number with an extension, or one with a footnote: nobody can tell, so nobody guesses.
UNCLEAR_GROUPS = [
    "+43 664 1234567 / 8",
    "+49 171 1234567 [2]",
    "+49 171 1234567 (2)",
    "+49 171 1234567(2)",
    "+49 171 1234567 [2] 3",
    "+49 30 1234567/89",
    "+49 30/1234567/89",
    "+49 33 20/123456/89",
    "+49 30 1234567\uff0f89",
    "+49 30 1234567 - 89",
    "+49 30 1234567 \u2013 89 10",
    "+49 30 1234567 -- 89",
    "+49 30 1234567\u00a0\u2012\u202f89",
    "+49 30 1234567 \u200b-\u200b 89",
    "+49 30 1234567 . 89",
    "(+49 171 1234567) 2",
    "\uff08\uff0b49 171 1234567\uff09 2",
    "+1 415 555 2671 / 2 / 3",
]
ONE_NUMBER = [
    ("+49 30/1234567", "+49301234567"),
    ("+49 30 / 1234567", "+49301234567"),
    ("+49 30 1234567-89", "+4930123456789"),
    ("+49 30 1234567 -89", "+4930123456789"),
    ("+49 30 1234567- 89", "+4930123456789"),
    ("+49 30 1234567.89", "+4930123456789"),
    ("+49 171 1234567 /", "+491711234567"),
    ("+49 (171) 1234567", "+491711234567"),
    ("(+49) 171 1234567", "+491711234567"),
    ("+1 415 555 - 2671", "+14155552671"),
    ("+1 (415) 555 2671", "+14155552671"),
    ("+7 777 123 - 45 - 67", "+77771234567"),
]


def problem_of(number: object, check: PhoneCheck = "possible") -> PhoneProblem:
    """Return the problem of a number that has one."""
    found = normalize(number, check)
    assert isinstance(found, PhoneProblem), found
    return found


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(("spelling", "e164"), ACCEPTED)
def test_each_international_spelling_leaves_as_e164(spelling: str, e164: str, check: PhoneCheck) -> None:
    """A + and digits, however they are grouped, leave as E.164 at each check."""
    assert normalize(spelling, check) == e164


@pytest.mark.parametrize(("number", "rule"), REFUSED)
def test_each_mistake_has_its_rule_and_a_sentence(number: object, rule: str) -> None:
    """What is no number is refused under the rule that it breaks, with a sentence that says what to do."""
    problem = problem_of(number)
    assert problem.rule == rule
    assert re.fullmatch(r"[A-Z].{30,}\.", problem.remedy)
    assert problem.country is None


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(("number", "country"), RESTRICTED)
def test_restricted_countries_are_refused_at_each_check(number: str, country: str, check: PhoneCheck) -> None:
    """Numbers of Ukraine, Belarus and Russia are refused by name, whatever the check."""
    problem = problem_of(number, check)
    assert (problem.rule, problem.country) == ("restricted_country", country)
    assert f"({country})" in problem.remedy
    assert country in RESTRICTED_COUNTRIES


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("number", UNCLEAR_GROUPS)
def test_a_group_behind_a_number_is_not_appended_to_it(number: str, check: PhoneCheck) -> None:
    """Where the number is possible without its last group, set apart, the spelling is a problem that says so."""
    problem = problem_of(number, check)
    assert problem.rule == "unclear_group"
    assert "last group" in problem.remedy


@pytest.mark.parametrize("check", ["e164", "possible"])
@pytest.mark.parametrize(("spelling", "e164"), ONE_NUMBER)
def test_a_group_without_which_there_is_no_number_belongs_to_it(spelling: str, e164: str, check: PhoneCheck) -> None:
    """A slash behind an area code, a closing bracket, and a direct extension behind a hyphen stay what they are."""
    assert normalize(spelling, check) == e164


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "number",
    [
        "+7 771 009 25 8",
        "+7 771 009 25 88 9",
        "+7 0 771 009 25 88",
        "+7 8 771 009 25",
        "+7 8 771 009 25 88 9",
        "+7 071009258",
    ],
)
def test_a_malformed_kazakh_number_is_not_called_russian(number: str, check: PhoneCheck) -> None:
    """A digit too few or too many, or a prefix too much, makes no Russian of a number of Kazakhstan."""
    found = normalize(number, check)
    assert not isinstance(found, PhoneProblem) or found.country is None


@pytest.mark.parametrize("check", CHECKS)
def test_a_police_number_is_no_recipient(check: PhoneCheck) -> None:
    """What the shape alone refuses, the stricter checks refuse too, though the library calls it possible."""
    assert phonenumbers.is_possible_number(phonenumbers.parse("+49110"))
    assert problem_of("+49110", check).rule == "not_e164"


@pytest.mark.parametrize("number", ["+49 151 23456789 ext 3", "tel:+7 771 009 25 88", "+7 0 771 009 ext 5", "tel:110"])
def test_an_extension_makes_no_number_restricted(number: str) -> None:
    """A text around a number of another country, or around none, stays the fault that it is."""
    assert problem_of(number).rule in {"extension", "uri"}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("number", ["+77710092588", "+7 8 771 009 25 88", "+7 (8) 771 009 25 88"])
def test_kazakhstan_shares_the_code_of_russia_and_is_not_restricted(number: str, check: PhoneCheck) -> None:
    """Where 6 or 7 follows +7, also behind the national prefix 8, the number is one of Kazakhstan."""
    assert normalize(number, check) == "+77710092588"


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("written", "leaves"),
    [
        ("+490151 23456789", "+4915123456789"),
        ("+44 020 7946 0958", "+442079460958"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+44 (020) 7946 0958", "+442079460958"),
        ("(+44) [0] 20 7946 0958", "+442079460958"),
        ("\uff0b44\uff08\uff10\uff0920 7946 0958", "+442079460958"),
        ("+1 1 415 555 2671", "+14155552671"),
        ("+54 11 15 2345 6789", "+5491123456789"),
        ("+39 06 1234567", "+39061234567"),
        ("+378 0549 886377", "+3780549886377"),
        ("+378 886377", "+3780549886377"),
    ],
)
def test_a_national_prefix_leaves_as_the_library_reads_it(written: str, leaves: str, check: PhoneCheck) -> None:
    """A zero that is only dialled at home is dropped, one that belongs to the number stays, at each check alike."""
    assert normalize(written, check) == leaves


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "number",
    ["+39 (0)6 1234567", "+39 (0)347 1234567", "+49 (0)(0)151 2345678", "+999 (0)12345678", "+1 (0)415 5552671"],
)
def test_a_bracketed_zero_that_changes_the_number_is_refused(number: str, check: PhoneCheck) -> None:
    """Nobody guesses whether (0) belongs to the number where both readings are numbers."""
    assert problem_of(number, check).rule == "bracketed_zero"


def test_the_e164_check_looks_at_the_shape_alone() -> None:
    """From 7 to 15 digits anything goes, unknown calling codes included, and nothing beyond them."""
    assert normalize("+6834002", "e164") == "+6834002"
    assert normalize("+999 123 456", "e164") == "+999123456"
    assert normalize("+999123456789012", "e164") == "+999123456789012"
    for number in ("+683400", "+9991234567890123", "+0123456789"):
        assert problem_of(number, "e164").rule == "not_e164"


def test_the_valid_check_asks_for_a_range_that_was_given_out() -> None:
    """A number of the right length in a range that nobody has is possible, and not valid."""
    assert normalize("+1 415 155 0123") == "+14151550123"
    assert problem_of("+1 415 155 0123", "valid").rule == "not_valid"
    assert problem_of("+1555555555", "valid").rule == "not_possible"
    assert problem_of("+999123456789", "valid").rule == "unknown_country_code"


def test_a_zero_in_brackets_is_unclear_behind_the_calling_code_only() -> None:
    """Also where other brackets stand before it; another digit in brackets is as clear as any."""
    assert normalize("+1 41(0) 555 0123") == "+14105550123"  # +1 41 is no calling code
    assert normalize("+1 (4)15 555 0123") == "+14155550123"
    assert problem_of("+3(9) (0)6 6981 2345").rule == "bracketed_zero"


def test_a_text_of_250_characters_is_read() -> None:
    """The phone library reads no longer one."""
    assert normalize("+14155550123".ljust(250)) == "+14155550123"
    assert problem_of("+14155550123".ljust(251)).rule == "too_long"


def test_a_strange_character_is_named() -> None:
    """The sentence names the character by number and name, for nobody sees an invisible one."""
    assert problem_of("+49*15123456789").remedy == (
        "U+002A ASTERISK has no place in a phone number; write + and digits, "
        "with blanks, hyphens, dots, slashes or brackets between them."
    )
    assert "U+202E RIGHT-TO-LEFT OVERRIDE has" in problem_of("\u202e+4915123456789").remedy
    assert "U+0000 has" in problem_of("+49\x0015123456789").remedy


def test_the_library_is_imported_with_the_first_number() -> None:
    """Importing the rules costs nothing; the first number that is checked brings the phone library."""
    script = (
        "import sys; from wooxy_async._rules.phones import normalize; "
        "assert 'phonenumbers' not in sys.modules; normalize('+14155550123'); assert 'phonenumbers' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - the script stands above


def test_a_problem_is_data() -> None:
    """A problem compares by value and goes through msgspec, as records of campaigns do."""
    problem = problem_of("+380501268197")
    assert msgspec.json.decode(msgspec.json.encode(problem), type=PhoneProblem) == problem


def test_canary_the_metadata_has_the_shape_that_the_tables_are_cut_from() -> None:
    """Each calling code has a main region, whose prefix is a pattern and whose lengths cover all valid numbers."""
    for calling_code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        assert phonenumbers.region_code_for_country_code(calling_code) == regions[0]
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(calling_code, regions[0])
        assert metadata is not None
        assert re.compile(metadata.national_prefix_for_parsing or "")
        plan = phone_tables.find_plan(f"{calling_code}000")
        assert plan is not None
        assert plan.calling_code == str(calling_code)
        assert plan.lengths
        assert plan.lengths >= set().union(*(valid_lengths(calling_code, region) for region in regions))


def valid_lengths(calling_code: int, region: str) -> set[int]:
    """Return how long the national parts of a region's valid numbers are."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region)
    assert metadata is not None
    kinds = (
        metadata.fixed_line,
        metadata.mobile,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.shared_cost,
        metadata.personal_number,
        metadata.voip,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    )
    return {length for kind in kinds if kind for length in kind.possible_length if length > 0}


def test_canary_no_calling_code_starts_another() -> None:
    """The first digits name one calling code, and none is longer than the table's key."""
    codes = sorted(phone_tables.CALLING_CODES)
    assert not [(one, other) for one in codes for other in codes if one != other and other.startswith(one)]
    assert max(map(len, codes)) == phone_tables.LONGEST_CALLING_CODE
