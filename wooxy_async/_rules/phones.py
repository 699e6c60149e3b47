"""Phone numbers: any international spelling in, E.164 out, or one sentence that says what to mend.

Three rules keep a message from reaching a number that nobody wrote. A spelling holds digits, one + and separators,
nothing else: the phone library would turn letters into digits and drop extensions. A check decides which numbers are
refused, never which number leaves: that is always the library's own E.164 form of what was written. And a bracketed
zero after the calling code, as in +44 (0)20 …, is accepted only where the number is the same with it and without it.
"""

import functools
import re
import string
import unicodedata
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from wooxy_async._rules.phone_tables import Plan

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
_BRACKETED_DIGIT: Final = re.compile(r"[(\[\uff08\uff3b]\D*(\d)\D*[)\]\uff09\uff3d]")


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
# +7 is Kazakhstan where 6 or 7 follows, else Russia.
_RESTRICTED_PREFIX: Final = re.compile(r"(?P<UA>380)|(?P<BY>375)|(?P<RU>7[^67])")
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


def normalize(number: object, check: PhoneCheck = "possible") -> str | PhoneProblem:
    """Turn one spelling of a phone number into its E.164 form.

    Args:
        number: A + and digits of any script, with blanks, hyphens, dots, slashes and brackets wherever a person puts
            them. Anything else is a problem, never an exception.
        check: Which numbers are refused. "e164" looks at the shape alone: 7 to 15 digits, the first not 0.
            "possible" has the verdict of `phonenumbers.is_possible_number`, at a few microseconds a number, which is
            why it is the default. "valid" has that of `phonenumbers.is_valid_number`.

    Returns:
        The text to send, such as '+14155550123', the same at each check that accepts the number; or what is wrong.

    Source:
        API page, `phoneNumber` ("valid E.164") and "Countries that this method never sends to".
    """
    if not isinstance(number, str):
        return _NOT_TEXT
    digits = _read(number)
    if isinstance(digits, PhoneProblem):
        return digits
    return _restriction(digits) or _unclear_zero(number, digits) or _CHECKS[check](digits) or f"+{digits}"


def _read(text: str) -> str | PhoneProblem:
    """Read the digits of a number's E.164 form, whether or not such a number can exist."""
    written = _spelled_digits(text)
    if isinstance(written, PhoneProblem):
        return written
    plan = _find_plan(written[:FEWEST_DIGITS])
    return plan.read(written) if plan else written


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
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def _misspelling(bare: str) -> PhoneProblem:
    for pattern, problem in _MISSPELLINGS:
        if pattern.search(bare):
            return problem
    strange = next(character for character in bare if character != "+" and not character.isdecimal())
    name = f"U+{ord(strange):04X} {unicodedata.name(strange, '')}".rstrip()
    return PhoneProblem(
        "character",
        f"{name} has no place in a phone number; write + and digits, "
        "with blanks, hyphens, dots, slashes or brackets between them.",
    )


@functools.cache
def _find_plan(first_digits: str) -> "Plan | None":
    from wooxy_async._rules import phone_tables  # noqa: PLC0415 - it imports phonenumbers, which takes 30 ms

    return phone_tables.find_plan(first_digits)


def _restriction(digits: str) -> PhoneProblem | None:
    found = _RESTRICTED_PREFIX.match(digits)
    return _RESTRICTED[str(found.lastgroup)] if found else None


def _unclear_zero(text: str, digits: str) -> PhoneProblem | None:
    # A person who writes +39 (0)6 … or +44 (0)20 … may mean the number with the zero, or the one without it.
    if text[1:].isdigit():
        return None
    for bracketed in _BRACKETED_DIGIT.finditer(text):
        if int(bracketed[1]) == 0 and _is_calling_code(text[: bracketed.start()], digits):
            without = text[: bracketed.start()] + text[bracketed.end() :]
            return None if _read(without) == digits else _BRACKETED_ZERO
    return None


def _is_calling_code(text: str, digits: str) -> bool:
    length = sum(map(str.isdecimal, text))
    plan = _find_plan(digits[:FEWEST_DIGITS])
    return length == len(plan.calling_code) if plan else length <= FEWEST_DIGITS


def _outside_shape(digits: str) -> PhoneProblem | None:
    return None if digits[0] != "0" and SHORTEST <= len(digits) <= LONGEST else _NOT_E164


def _impossible(digits: str) -> PhoneProblem | None:
    plan = _find_plan(digits[:FEWEST_DIGITS])
    if plan is None:
        return _UNKNOWN_COUNTRY_CODE
    length = len(digits) - len(plan.calling_code)
    if length in plan.lengths:
        return None
    if length < min(plan.lengths):
        return _TOO_SHORT
    return _TOO_LONG if length > max(plan.lengths) else _NOT_POSSIBLE


def _invalid(digits: str) -> PhoneProblem | None:
    # A valid number is a possible one, in every region of every calling code: a canary test says so.
    plan = _find_plan(digits[:FEWEST_DIGITS])
    return _impossible(digits) or (None if plan and plan.is_valid(digits) else _NOT_VALID)


_CHECKS: Final = {"e164": _outside_shape, "possible": _impossible, "valid": _invalid}
