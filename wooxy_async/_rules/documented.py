"""The 26 documented errors as one table; code, tests and sandbox-facing documentation read it.

Source: API page, "Method Errors".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

from wooxy_async._rules.messages import Masked
from wooxy_async._rules.redaction import MASK, mask_digits


class Scope(IntEnum):
    """What has to be mended, from the widest to the narrowest."""

    ACCOUNT = 0
    DOMAIN = 1
    SENDER = 2
    TAG = 3
    COUNTRY = 4
    MESSAGE = 5


class ErrorCode(StrEnum):
    """One member for each documented error, and UNKNOWN for any other text."""

    DOMAIN_EMPTY = "DOMAIN_EMPTY"
    SENDER_ID_EMPTY = "SENDER_ID_EMPTY"
    PHONE_NUMBER_INVALID = "PHONE_NUMBER_INVALID"
    TEXT_EMPTY = "TEXT_EMPTY"
    BUTTON_INVALID = "BUTTON_INVALID"
    TTL_INVALID = "TTL_INVALID"
    DEVICE_INVALID = "DEVICE_INVALID"
    TAGS_NOT_ARRAY = "TAGS_NOT_ARRAY"
    TAG_EMPTY = "TAG_EMPTY"
    TAG_TOO_LONG = "TAG_TOO_LONG"
    TAG_RESERVED = "TAG_RESERVED"
    DOMAIN_NOT_FOUND = "DOMAIN_NOT_FOUND"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    DOMAIN_WITHOUT_DEFAULT_LIST = "DOMAIN_WITHOUT_DEFAULT_LIST"
    SENDER_NOT_REGISTERED = "SENDER_NOT_REGISTERED"
    SENDER_NOT_APPROVED = "SENDER_NOT_APPROVED"
    COUNTRY_NOT_ALLOWED_FOR_SENDER = "COUNTRY_NOT_ALLOWED_FOR_SENDER"
    NO_REGISTERED_SENDER = "NO_REGISTERED_SENDER"
    TAG_NOT_REGISTERED = "TAG_NOT_REGISTERED"
    AUTHORIZATION_TOKEN_INVALID = "AUTHORIZATION_TOKEN_INVALID"  # noqa: S105 - a name, no password
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    BAD_REQUEST = "BAD_REQUEST"
    ACCESS_TOKEN_UNKNOWN = "ACCESS_TOKEN_UNKNOWN"  # noqa: S105 - likewise
    USER_NOT_ENABLED = "USER_NOT_ENABLED"
    NO_DATA_FOR_KEY = "NO_DATA_FOR_KEY"
    ACCESS_TOKEN_CHECK_FAILED = "ACCESS_TOKEN_CHECK_FAILED"  # noqa: S105 - likewise
    UNKNOWN = "UNKNOWN"


class Documented(NamedTuple):
    """One row: the page's number, its text with `{placeholders}`, our code, and what has to be mended."""

    number: int
    text: str
    code: ErrorCode
    scope: Scope


DOCUMENTED: Final = tuple(
    Documented(number, text, ErrorCode[code], Scope[scope])
    for number, (text, code, scope) in enumerate(
        (
            ("Argument 'domain' must be a non-empty string", "DOMAIN_EMPTY", "MESSAGE"),
            ("Argument senderId must be a non-empty string", "SENDER_ID_EMPTY", "MESSAGE"),
            ("{phoneNumber} is not a valid E.164 phone number", "PHONE_NUMBER_INVALID", "MESSAGE"),
            ("Argument text must be a non-empty string", "TEXT_EMPTY", "MESSAGE"),
            (
                'Argument button must be an array with "text" and "url" string elements',
                "BUTTON_INVALID",
                "MESSAGE",
            ),
            ("Argument ttl must be a positive integer", "TTL_INVALID", "MESSAGE"),
            ("Argument device must be all or phone", "DEVICE_INVALID", "MESSAGE"),
            ("Argument tags must be an array", "TAGS_NOT_ARRAY", "MESSAGE"),
            ("Tag name must be a non-empty string", "TAG_EMPTY", "MESSAGE"),
            ("Tags should be 50 characters or less", "TAG_TOO_LONG", "MESSAGE"),
            (
                "Any tags starting with an underscore are reserved for internal use and will cause errors",
                "TAG_RESERVED",
                "MESSAGE",
            ),
            ("Domain {domain} not found in your account", "DOMAIN_NOT_FOUND", "DOMAIN"),
            ("Current method is not allowed for country {code}", "COUNTRY_NOT_ALLOWED", "COUNTRY"),
            ("There is no default list in domain {id}", "DOMAIN_WITHOUT_DEFAULT_LIST", "DOMAIN"),
            ("Sender with senderId {id} not registered in account", "SENDER_NOT_REGISTERED", "SENDER"),
            ("Sender with senderId {id} not approved", "SENDER_NOT_APPROVED", "SENDER"),
            (
                "Country of contact is not allowed for senderId {id}",
                "COUNTRY_NOT_ALLOWED_FOR_SENDER",
                "COUNTRY",
            ),
            ("There is no registered senderId {id} in account", "NO_REGISTERED_SENDER", "SENDER"),
            ("Tag {tag} is not registered in account tags", "TAG_NOT_REGISTERED", "TAG"),
            ("Invalid authorization token!", "AUTHORIZATION_TOKEN_INVALID", "ACCOUNT"),
            ("Internal server error", "INTERNAL_SERVER_ERROR", "MESSAGE"),
            ("Bad Request", "BAD_REQUEST", "MESSAGE"),
            ("No matches found for access token {accessToken}", "ACCESS_TOKEN_UNKNOWN", "ACCOUNT"),
            ("User {id} not enabled", "USER_NOT_ENABLED", "ACCOUNT"),
            ("No data found for key {userId}", "NO_DATA_FOR_KEY", "ACCOUNT"),
            (
                "Access token check failed for key/secret {key}/{accessToken}",
                "ACCESS_TOKEN_CHECK_FAILED",
                "ACCOUNT",
            ),
        ),
        start=1,
    )
)

_SCOPES: Final = {row.code: row.scope for row in DOCUMENTED} | {ErrorCode.UNKNOWN: Scope.MESSAGE}
# The text of 23 and 26 repeats the secret of the account: these values are never kept.
_SECRET_VALUES: Final = frozenset({"accessToken", "key"})
_QUOTES: Final = str.maketrans("“”„«»‘’‚`´", "\"\"\"\"\"'''''")  # noqa: RUF001 - quotes that look alike are the point


class ApiError(Masked, frozen=True, kw_only=True):
    """One error of an answer.

    Args:
        code: which documented error it is, or `ErrorCode.UNKNOWN`.
        text: the server's words, without the token.
        values: what stood at the page's placeholders, as in {"domain": "shop.example"}.
    """

    code: ErrorCode
    text: str
    values: dict[str, str] = {}  # noqa: RUF012 - msgspec gives each instance a copy of the default

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "code", self.code.value
        yield "text", mask_digits(self.text)

    @property
    def scope(self) -> Scope:
        """What has to be mended."""
        return _SCOPES[self.code]


def _pattern(text: str) -> re.Pattern[str]:
    words = re.split(r"\{(\w+)\}", text)
    parts = (f"[\"']?(?P<{word}>.*?)[\"']?" if at % 2 else re.escape(word) for at, word in enumerate(words))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


_PATTERNS: Final = tuple((_pattern(row.text), row.code) for row in DOCUMENTED)


def recognize(text: str, redact: Callable[[str], str]) -> ApiError:
    """Return the documented error that a text is, without regard to case, blanks and the kind of quotes.

    Args:
        text: one entry of the answer's `errors`.
        redact: removes secrets from a text; asked last, because a short token may be a word of a documented text.

    Returns:
        The error with its values; a text that matches none keeps its words as `UNKNOWN`.
    """
    words = " ".join(text.split())  # with single blanks and bare ends no pattern takes more than linear time
    straight = words.translate(_QUOTES)
    start, end = len(straight) - len(straight.lstrip(" \"'")), len(straight.rstrip(" \"'."))
    for pattern, code in _PATTERNS:
        if match := pattern.fullmatch(straight, start, end):
            error = _matched(words, match, code)
            values = {name: redact(value) for name, value in error.values.items()}
            return ApiError(code=code, text=redact(error.text), values=values)
    return ApiError(code=ErrorCode.UNKNOWN, text=redact(text))


def _matched(text: str, match: re.Match[str], code: ErrorCode) -> ApiError:
    values = {name: text[match.start(name) : match.end(name)] for name in match.groupdict()}
    for name in sorted(_SECRET_VALUES & values.keys(), key=match.start, reverse=True):
        text = text[: match.start(name)] + MASK + text[match.end(name) :]
        values[name] = MASK
    return ApiError(code=code, text=text, values=values)


def widest(errors: Iterable[ApiError]) -> Scope:
    """Return what has to be mended first: the widest scope of several errors."""
    return min((error.scope for error in errors), default=Scope.MESSAGE)
