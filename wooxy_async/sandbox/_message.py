"""The wire body, and the rules that hold for a message whatever the account."""

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Literal

import phonenumbers
from msgspec import UNSET, Struct

E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_TTL_SECONDS = range(1_800, 259_200 + 1)  # "Between 30 minutes to 72 hour"
_TAG_LENGTH = 50
_DOMAIN_LENGTH = 253
_FEWEST_DIGITS = 7  # no country gives out shorter numbers: a calling code of three, and four more

# "This method does not provide for sending messages to countries from the list of restrictions". Calling code
# 7 is shared by Russia and Kazakhstan, and only Russia is on the list.
RESTRICTED = frozenset({"UA", "BY", "RU"})
_BY_PREFIX = {"+380": "UA", "+375": "BY", "+76": "KZ", "+77": "KZ", "+7": "RU"}


ButtonField = Literal["both", "buttons", "button"]

# The fields that are no more than unknown keys, by the one that is known.
_IGNORED: dict[ButtonField, tuple[str, ...]] = {"both": (), "buttons": ("button",), "button": ("buttons",)}


class Body(Struct, rename="camel"):
    """A request's body as it came: every field may be of any type, which the rules look at.

    The page's table says `buttons`, its code example and its error 5 say `button`: both are read, and
    `buttons` counts where both are given, unless `ignore` was told that only one is known.
    """

    domain: Any = UNSET
    phone_number: Any = UNSET
    text: Any = UNSET
    sender_id: Any = UNSET
    buttons: Any = None
    button: Any = None
    device: Any = "all"
    ttl: Any = 3_600
    tags: Any = None

    @property
    def link(self) -> Any:
        """The button, from either field; `None` where there is none."""
        return self.button if self.buttons is None else self.buttons

    def ignore(self, known: ButtonField) -> None:
        """Take a button out that came in a field which is not known."""
        for name in _IGNORED[known]:
            setattr(self, name, None)


def is_filled(value: object) -> bool:
    """Tell a non-empty string."""
    return isinstance(value, str) and value != ""


def is_number(value: object) -> bool:
    """Tell an E.164 number of a length that its country has.

    Source:
        `phonenumbers.is_possible_number`: error 3 speaks of validity only, and new ranges must not be refused.
    """
    if not isinstance(value, str) or not E164.fullmatch(value):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(value, None))
    except phonenumbers.NumberParseException:  # a calling code that no country has
        return False


def country(number: str) -> str:
    """Return the two-letter code of a number's country; "001" is none in particular (+800)."""
    for prefix, code in _BY_PREFIX.items():
        if number.startswith(prefix):
            return code
    parsed = phonenumbers.parse(number, None)
    calling_code = parsed.country_code or 0
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(calling_code)


def is_restricted(number: str) -> bool:
    """Tell a number of a country that this method never sends to, without a look into the library."""
    return number.startswith(("+7", "+375", "+380")) and country(number) in RESTRICTED


def _is_button(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and isinstance(value.get("url"), str)


def _is_ttl(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in _TTL_SECONDS


def _tags(body: Body) -> list[Any]:
    return body.tags if isinstance(body.tags, list) else []


def _names(body: Body) -> list[str]:
    return [tag for tag in _tags(body) if isinstance(tag, str)]


# The number of a documented error, and when a message earns it. Fields that the page gives the default `null`
# (`buttons`, `tags`) may be null; `senderId`, `device` and `ttl` have other defaults and may only be left out.
MESSAGE_RULES: tuple[tuple[int, Callable[[Body], bool]], ...] = (
    (1, lambda body: not is_filled(body.domain)),
    (2, lambda body: body.sender_id is not UNSET and not is_filled(body.sender_id)),
    (3, lambda body: not is_number(body.phone_number)),
    (4, lambda body: not is_filled(body.text)),
    (5, lambda body: body.link is not None and not _is_button(body.link)),
    (6, lambda body: not _is_ttl(body.ttl)),
    (7, lambda body: body.device not in ("all", "phone")),
    (8, lambda body: body.tags is not None and not isinstance(body.tags, list)),
    (9, lambda body: not all(map(is_filled, _tags(body)))),
    (10, lambda body: any(len(name) > _TAG_LENGTH for name in _names(body))),
    (11, lambda body: any(name.startswith("_") for name in _names(body))),
)


def _is_unreadable(value: object) -> bool:
    """Tell a text that has nothing to read, or holds NUL or `{{name}}`, which somebody forgot to replace."""
    return isinstance(value, str) and (value.isspace() or "\0" in value or _is_template(value))


def _is_template(value: str) -> bool:
    return any("{{" in before and not set("{}") & set(before.rpartition("{{")[2]) for before in value.split("}}")[:-1])


def _is_no_domain(value: object) -> bool:
    """Tell a text that is no name of two labels or more."""
    if not is_filled(value):
        return False
    labels = str(value).split(".")
    right = all(label and all(each.isalnum() or each == "-" for each in label) for label in labels)
    return len(labels) == 1 or not right or len(str(value)) > _DOMAIN_LENGTH


def _is_no_address(value: Any) -> bool:
    """Tell a button whose address is not absolute, or holds blanks."""
    if not _is_button(value):
        return False
    scheme, separator, rest = value["url"].partition("://")
    host = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    is_web = scheme.lower() in {"http", "https"} and scheme.isascii() and separator
    return not is_web or not host or "\\" in host or any(map(str.isspace, rest))


def _is_unreadable_button(value: Any) -> bool:
    return _is_button(value) and any(value[name] == "" or _is_unreadable(value[name]) for name in ("text", "url"))


def _is_unlikely_number(value: Any) -> bool:
    """Tell a number that is too short for a person's, or is read as another one: +49 0151… is +49 151…."""
    if not is_number(value):
        return False
    read = phonenumbers.format_number(phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.E164)
    return len(value) <= _FEWEST_DIGITS or read != value


# What careful clients refuse by themselves, and a real Wooxy may take; the number is that of the error that comes
# nearest. The page's own rules stand between these, so that errors keep its order.
_STRICTER: tuple[tuple[int, Callable[[Body], bool]], ...] = (
    (1, lambda body: _is_unreadable(body.domain) or _is_no_domain(body.domain)),
    (2, lambda body: _is_unreadable(body.sender_id)),
    (3, lambda body: _is_unlikely_number(body.phone_number)),
    (4, lambda body: _is_unreadable(body.text)),
    (5, lambda body: _is_unreadable_button(body.link) or _is_no_address(body.link)),
    (9, lambda body: any(map(_is_unreadable, _tags(body)))),
)
STRICT_RULES = tuple(sorted((*MESSAGE_RULES, *_STRICTER), key=itemgetter(0)))
