"""Phone numbers: any international spelling that starts with `+` in, E.164 out, or one sentence that says what to fix.

Five rules keep a message from reaching a number that nobody wrote. A spelling holds digits, one + and separators,
nothing else: the phone library would turn letters into digits and drop extensions. A check decides which numbers are
refused, never which number leaves: that is always the library's own E.164 form of what was written. That form, read
again, is itself. A bracketed zero after the calling code, as in +44 (0)20 …, is accepted only where the number is the
same with it and without it. And a last group that is set apart, as in +43 664 1234567 / 8, is accepted only where
what stands before it is no number yet.
"""

import functools
import re
import string
import unicodedata
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from wooxy_async._rules.phone_tables import NumberingPlan

PhoneCheck: TypeAlias = Literal["e164", "possible", "valid"]

RESTRICTED_COUNTRIES: Final = ("UA", "BY", "RU")

# ITU-T E.164 allows 15 digits, calling code included, and sets no minimum. 7 is the shortest subscriber number that
# a country has given out: three digits for Niue (683) or Tokelau (690), and four more.
SHORTEST: Final = 7
LONGEST: Final = 15
# The phone library reads no longer text either.
LONGEST_TEXT: Final = 250
# A calling code and a national part are three digits at the least.
FEWEST_DIGITS: Final = 3

_BLANKS = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# Soft hyphen, zero-width space, word joiner, byte-order mark, and the left-to-right marks that address books copy
# along. Right-to-left marks are no separators: they show the groups of a number in another order than it is sent in.
_INVISIBLE = "\u00ad\u200b\u2060\ufeff\u200e\u202a\u202c\u2066\u2068\u2069"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\ufe58\ufe63\uff0d"
_POINTS = "./()[]\uff0e\uff0f\uff08\uff09\uff3b\uff3d"
# str.translate is twice as fast where the table also holds the characters that stay.
_SPELLING: Final = str.maketrans(
    f"{string.digits}+\uff0b", f"{string.digits}++", _BLANKS + _INVISIBLE + _DASHES + _POINTS
)
_OPENING = r"(\[\uff08\uff3b"
_CLOSING = r")\]\uff09\uff3d"
_BRACKETED_DIGIT: Final = re.compile(rf"[{_OPENING}]\D*(\d)\D*[{_CLOSING}]")
# Behind these a second number, an extension or a footnote may begin: a slash, a bracket, a dash or dot between blanks.
# A pattern that begins with a set of characters is found ten times as fast as one that begins with a choice.
_GROUP_MARK: Final = re.compile(
    rf"[{_BLANKS}/\uff0f{_OPENING}]"
    rf"(?:(?<=[/\uff0f{_OPENING}])|[{_INVISIBLE}]*[{_DASHES}.\uff0e][{_DASHES}.\uff0e{_INVISIBLE}]*(?=[{_BLANKS}]))"
)
# So may it behind the brackets that the whole number stands in.
_NUMBER_IN_BRACKETS: Final = re.compile(
    rf"[{_OPENING}][^{_CLOSING}+\uff0b]*[+\uff0b][^{_OPENING}{_CLOSING}]*[{_CLOSING}]"
)


class PhoneProblem(msgspec.Struct, frozen=True):
    """Say what is wrong with a phone number; the caller adds the field and the value.

    Args:
        rule: A short word for machines; it stays the same between releases.
        remedy: A sentence for a person: what is wrong, and what is right.
        country: ISO 3166 code of a country that no message may go to; None under every other rule.
    """

    rule: str
    remedy: str
    country: str | None = None


_NOT_TEXT = PhoneProblem("not_text", "The phone number is not text; give it as a string such as '+14155550123'.")
_TEXT_TOO_LONG = PhoneProblem(
    "too_long", f"The text has more than {LONGEST_TEXT} characters; a phone number has at most {LONGEST} digits."
)
_BRACKETED_ZERO = PhoneProblem(
    "bracketed_zero",
    "Whether the zero in brackets belongs to the number is not certain; write the number without brackets, "
    "exactly as it is dialled from abroad.",
)
_UNCLEAR_GROUP = PhoneProblem(
    "unclear_group",
    "Whether the last group, behind a slash, a bracket, or a dash or dot between blanks, belongs to the number is not "
    "certain; leave it out, or write the number in one piece if it does.",
)
_UNCLEAR_PREFIX = PhoneProblem(
    "unclear_prefix",
    "Which digits after the country code belong to the number is not certain; write the number without the 0, 1 or 8 "
    "that is only dialled at home.",
)
_NOT_E164 = PhoneProblem(
    "not_e164", f"E.164 is + and {SHORTEST} to {LONGEST} digits, of which the first is not 0; write the number so."
)
_UNKNOWN_COUNTRY_CODE = PhoneProblem(
    "unknown_country_code",
    "No country code starts like this; write + and the country code without zeros before it, such as +49 or +1.",
)
_TOO_SHORT = PhoneProblem(
    "too_short", "The number has too few digits for its country; write + and the country code, then the whole number."
)
_TOO_LONG = PhoneProblem(
    "too_long", "The number has too many digits for its country; write + and the country code, then one number."
)
_NOT_POSSIBLE = PhoneProblem(
    "not_possible", "No number of this country has as many digits; look for a digit that is missing or too much."
)
_NOT_VALID = PhoneProblem(
    "not_valid", "The country has given out no such number; look for a wrong digit, or check for 'possible' only."
)
# +7 is Kazakhstan where 6 or 7 follows, else Russia; behind +7 both countries' numbers have ten digits.
_PLUS_SEVEN_LENGTH: Final = 10
_RESTRICTED_PREFIX: Final = re.compile(r"(?P<UA>380)|(?P<BY>375)|(?P<RU>7[^67])")
_RESTRICTED_STARTS: Final = "37"
_RESTRICTED: Final = {
    code: PhoneProblem(
        "restricted_country",
        f"This is a number of {name} ({code}), to which Wooxy sends no such messages; leave the contact out.",
        code,
    )
    for code, name in zip(RESTRICTED_COUNTRIES, ("Ukraine", "Belarus", "Russia"), strict=True)
}

# What keeps a text from being a spelling of a number: the first pattern that matches, once separators are gone, says.
_MISSPELLINGS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), PhoneProblem(rule, remedy))
    for rule, pattern, remedy in (
        ("empty", r"^$", "The phone number is empty; write + and the country code first, such as +14155550123."),
        ("no_digits", r"^\D*$", "There is no digit in the phone number; write + and the country code first."),
        ("uri", r"^[^\W\d_]+:", "A word stands before the number, as in tel:; write the number alone, + first."),
        (
            "several_numbers",
            r"^[^+\d]*\+\D*\d.*\+",
            "A second + follows the first number; give each number a message of its own.",
        ),
        (
            "extension",
            r"[;,#~\uff03\uff5e]|ext|anexo|доб|[x\uff58]\W*\d",
            "A message cannot go to an extension or to a second number; write one number and nothing after it.",
        ),
        ("letters", r"[^\W\d_]", "There are letters in the phone number; write the digits that they stand for."),
        (
            "missing_plus",
            r"^[^+]*\d",
            "The number does not start with +; write + and the country code: +49 151 …, not 0049 151 … or 0151 ….",
        ),
    )
)
# A number stands in a text with one of these faults; a restricted one is restricted all the same.
_AROUND_A_NUMBER: Final = frozenset({"uri", "extension", "letters"})
_FIRST_NUMBER: Final = re.compile(rf"\+(\d{{{FEWEST_DIGITS},}})")


def normalize(number: object, check: PhoneCheck = "possible") -> str | PhoneProblem:
    """Turn one spelling of a phone number into its E.164 form.

    Args:
        number: A + and digits of any script, with blanks, hyphens, dots, slashes and brackets wherever a person puts
            them. Anything else is a problem, never an exception.
        check: Which numbers are refused. "e164" looks at the shape alone: 7 to 15 digits, the first not 0.
            "possible" adds the verdict of `phonenumbers.is_possible_number`, at a few microseconds a number, which is
            why it is the default. "valid" adds that of `phonenumbers.is_valid_number`.

    Returns:
        The text to send, such as '+14155550123', the same at each check that accepts the number; or what is wrong.

    Source:
        API page, `phoneNumber` ("valid E.164") and "Countries that this method never sends to".
    """
    if not isinstance(number, str):
        return _NOT_TEXT
    written = _spelled_digits(number)
    if isinstance(written, PhoneProblem):
        return written
    digits = _without_prefix(written)
    return _restriction(digits) or _unclear(number, written, digits) or _CHECKS[check](digits) or f"+{digits}"


def _read(text: str) -> str | PhoneProblem:
    """Read the digits of a number's E.164 form, whether or not such a number can exist."""
    written = _spelled_digits(text)
    return written if isinstance(written, PhoneProblem) else _without_prefix(written)


def _without_prefix(digits: str) -> str:
    plan = _find_plan(digits[:FEWEST_DIGITS])
    return plan.read(digits) if plan else digits


def _spelled_digits(text: str) -> str | PhoneProblem:
    if len(text) > LONGEST_TEXT:
        return _TEXT_TOO_LONG
    if text[:1] == "+" and text[1:].isdigit() and text.isascii() and len(text) > FEWEST_DIGITS:
        return text[1:]  # nearly all: nothing to translate
    bare = str.translate(text, _SPELLING).strip()
    digits = bare.lstrip("+")
    if len(digits) == len(bare) or not digits.isdecimal():
        return _misspelling(bare)
    if len(digits) < FEWEST_DIGITS:
        return _TOO_SHORT
    return _in_ascii(digits)


def _in_ascii(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def _misspelling(bare: str) -> PhoneProblem:
    for pattern, problem in _MISSPELLINGS:
        if pattern.search(bare):
            return (_first_number_restriction(bare) if problem.rule in _AROUND_A_NUMBER else None) or problem
    strange = next(character for character in bare if character != "+" and not character.isdecimal())
    name = f"U+{ord(strange):04X} {unicodedata.name(strange, '')}".rstrip()
    return PhoneProblem(
        "character",
        f"{name} has no place in a phone number; write + and digits, "
        "with blanks, hyphens, dots, slashes or brackets between them.",
    )


def _first_number_restriction(bare: str) -> PhoneProblem | None:
    found = _FIRST_NUMBER.search(bare)
    problem = _restriction(_without_prefix(_in_ascii(found[1]))) if found else None
    return problem if problem and problem.country else None


@functools.cache
def _find_plan(first_digits: str) -> "NumberingPlan | None":
    from wooxy_async._rules import phone_tables  # noqa: PLC0415 - it imports phonenumbers, which takes 30 ms

    return phone_tables.find_plan(first_digits)


def _restriction(digits: str) -> PhoneProblem | None:
    found = _RESTRICTED_PREFIX.match(digits) if digits[0] in _RESTRICTED_STARTS else None
    if found is None:
        return None
    country = str(found.lastgroup)
    return _UNCLEAR_PREFIX if country == "RU" and _is_kazakh_behind_prefix(digits[1:]) else _RESTRICTED[country]


def _is_kazakh_behind_prefix(national: str) -> bool:
    # Ten digits that start with 8 are a Russian number; else 0 and 8 are dialled before one, at home or by mistake.
    while national.startswith("0") or (national.startswith("8") and len(national) != _PLUS_SEVEN_LENGTH):
        national = national[1:]
    return national.startswith(("6", "7"))


def _unclear(text: str, written: str, digits: str) -> PhoneProblem | None:
    if text[1:] == digits:  # nearly all
        return None
    return _unclear_zero(text, digits) or _unclear_prefix(written, digits) or _unclear_group(text)


def _unclear_prefix(written: str, digits: str) -> PhoneProblem | None:
    # The library takes one prefix off; where another one stands behind it, it would read the result as a third number.
    return None if written == digits or _without_prefix(digits) == digits else _UNCLEAR_PREFIX


def _unclear_zero(text: str, digits: str) -> PhoneProblem | None:
    # A person who writes +39 (0)6 … or +44 (0)20 … may mean the number with the zero, or the one without it.
    bracketed = _BRACKETED_DIGIT.search(text)
    while bracketed:
        if int(bracketed[1]) == 0 and _is_calling_code(text[: bracketed.start()], digits):
            without = text[: bracketed.start()] + text[bracketed.end() :]
            return None if _read(without) == digits else _BRACKETED_ZERO
        bracketed = _BRACKETED_DIGIT.search(text, bracketed.end())
    return None


def _unclear_group(text: str) -> PhoneProblem | None:
    # +49 30/1234567 is one number, because +49 30 is none; +49 30 1234567/89 may be one, or one and an extension.
    mark = None if text[0] == "+" else _NUMBER_IN_BRACKETS.search(text)
    mark = mark or _GROUP_MARK.search(text, SHORTEST + 1)
    while mark:
        if any(map(str.isdecimal, text[mark.end() :])) and _is_possible(text[: mark.end()]):
            return _UNCLEAR_GROUP
        mark = _GROUP_MARK.search(text, mark.end())
    return None


def _is_possible(text: str) -> bool:
    digits = _read(text)
    return isinstance(digits, str) and _possible_problem(digits) is None


def _is_calling_code(text: str, digits: str) -> bool:
    length = sum(map(str.isdecimal, text))
    plan = _find_plan(digits[:FEWEST_DIGITS])
    return length == len(plan.calling_code) if plan else length <= FEWEST_DIGITS


def _shape_problem(digits: str) -> PhoneProblem | None:
    return None if digits[0] != "0" and SHORTEST <= len(digits) <= LONGEST else _NOT_E164


def _possible_problem(digits: str) -> PhoneProblem | None:
    plan = _find_plan(digits[:FEWEST_DIGITS])
    if plan is None:
        return _UNKNOWN_COUNTRY_CODE
    length = len(digits) - len(plan.calling_code)
    if length in plan.lengths:
        return _shape_problem(digits)
    if length < min(plan.lengths):
        return _TOO_SHORT
    return _TOO_LONG if length > max(plan.lengths) else _NOT_POSSIBLE


def _valid_problem(digits: str) -> PhoneProblem | None:
    # A valid number is a possible one, in every region of every calling code: a canary test says so.
    plan = _find_plan(digits[:FEWEST_DIGITS])
    return _possible_problem(digits) or (None if plan and plan.is_valid(digits) else _NOT_VALID)


_CHECKS: Final = {"e164": _shape_problem, "possible": _possible_problem, "valid": _valid_problem}
