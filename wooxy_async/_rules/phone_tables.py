"""Numbering plans, one for each calling code, cut from the phone library's own metadata.

The library reads a number in two steps: it takes a national prefix (the 0 of +44 020 …) off the national part, and
then looks whether the calling code's main region has numbers as long as what is left. The second step is one look
into a set. The first can change a number only where the region's prefix pattern matches; there, and only there, the
library itself reads the number. Importing this module imports phonenumbers.
"""

import functools
import re
from typing import Final, cast

import msgspec
import phonenumbers

CALLING_CODES: Final = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
LONGEST_CALLING_CODE: Final = 3
# The library reads no national part longer than 17 digits; its tables name up to 17.
LONGEST_NATIONAL_PART: Final = 17


class NumberingPlan(msgspec.Struct, frozen=True):
    """Say how the numbers of one calling code are read.

    Args:
        calling_code: The digits after the +.
        lengths: How many digits a national part can have; numbers that only work locally count, as they do for
            `phonenumbers.is_possible_number`.
        prefix: Matches the start of each national part that the library may change; None where it changes none.
    """

    calling_code: str
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None

    def read(self, digits: str) -> str:
        """Take the national prefix off a number of this plan.

        Args:
            digits: Calling code and national part, as they were written.

        Returns:
            The digits of the library's E.164 form of the number; the same digits if the library cannot read it.
        """
        found = self.prefix.match(digits, len(self.calling_code)) if self.prefix else None
        if found is None or (found.end() == found.start() and found.lastindex is None):
            return digits
        return _read_with_library(digits)

    def is_valid(self, digits: str) -> bool:
        """Ask the library whether a region has given out the range that a number is in.

        Args:
            digits: Calling code and national part, as `read` returned them; the national part is not empty.
        """
        national = digits[len(self.calling_code) :]
        zeros = len(national[:-1]) - len(national[:-1].lstrip("0"))
        number = phonenumbers.PhoneNumber(
            country_code=int(self.calling_code),
            national_number=int(national),
            italian_leading_zero=zeros > 0,
            number_of_leading_zeros=zeros,
        )
        return phonenumbers.is_valid_number(number)


def find_plan(digits: str) -> NumberingPlan | None:
    """Find the plan of a number by its first three digits.

    Args:
        digits: The number without its +; more than three digits do no harm.

    Returns:
        The plan, or None if the number starts with no calling code.
    """
    for length in range(1, LONGEST_CALLING_CODE + 1):
        if digits[:length] in CALLING_CODES:
            return _build_plan(int(digits[:length]))
    return None


@functools.cache
def _build_plan(calling_code: int) -> NumberingPlan:
    region = phonenumbers.region_code_for_country_code(calling_code)
    # Each calling code that the library lists has a main region, and that has metadata.
    metadata = cast(
        "phonenumbers.PhoneMetadata",
        phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region),
    )
    prefix = metadata.national_prefix_for_parsing
    return NumberingPlan(
        calling_code=str(calling_code),
        lengths=frozenset(
            length
            for length in range(1, LONGEST_NATIONAL_PART + 1)
            if phonenumbers.is_possible_number(
                phonenumbers.PhoneNumber(country_code=calling_code, national_number=10 ** (length - 1))
            )
        ),
        prefix=re.compile(prefix) if prefix else None,
    )


def _read_with_library(digits: str) -> str:
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return digits
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
