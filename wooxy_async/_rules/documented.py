"""The 26 documented errors as one table; code, tests and sandbox-facing documentation read it.

Source: API page, "Method Errors".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple, cast

from wooxy_async._rules.dress import INVISIBLE, Undressed, undress, unescape
from wooxy_async._rules.messages import Masked
from wooxy_async._rules.redaction import MASK, mask_digits


class Scope(IntEnum):
    """What has to be fixed, from the widest to the narrowest."""

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
    """One row: the page's number, its text with `{placeholders}`, our code, and what has to be fixed."""

    number: int
    text: str
    code: ErrorCode
    scope: Scope


DOCUMENTED: Final = (
    Documented(1, "Argument 'domain' must be a non-empty string", ErrorCode.DOMAIN_EMPTY, Scope.MESSAGE),
    Documented(2, "Argument senderId must be a non-empty string", ErrorCode.SENDER_ID_EMPTY, Scope.MESSAGE),
    Documented(3, "{phoneNumber} is not a valid E.164 phone number", ErrorCode.PHONE_NUMBER_INVALID, Scope.MESSAGE),
    Documented(4, "Argument text must be a non-empty string", ErrorCode.TEXT_EMPTY, Scope.MESSAGE),
    Documented(
        5,
        'Argument button must be an array with "text" and "url" string elements',
        ErrorCode.BUTTON_INVALID,
        Scope.MESSAGE,
    ),
    Documented(6, "Argument ttl must be a positive integer", ErrorCode.TTL_INVALID, Scope.MESSAGE),
    Documented(7, "Argument device must be all or phone", ErrorCode.DEVICE_INVALID, Scope.MESSAGE),
    Documented(8, "Argument tags must be an array", ErrorCode.TAGS_NOT_ARRAY, Scope.MESSAGE),
    Documented(9, "Tag name must be a non-empty string", ErrorCode.TAG_EMPTY, Scope.MESSAGE),
    Documented(10, "Tags should be 50 characters or less", ErrorCode.TAG_TOO_LONG, Scope.MESSAGE),
    Documented(
        11,
        "Any tags starting with an underscore are reserved for internal use and will cause errors",
        ErrorCode.TAG_RESERVED,
        Scope.MESSAGE,
    ),
    Documented(12, "Domain {domain} not found in your account", ErrorCode.DOMAIN_NOT_FOUND, Scope.DOMAIN),
    Documented(13, "Current method is not allowed for country {code}", ErrorCode.COUNTRY_NOT_ALLOWED, Scope.COUNTRY),
    Documented(14, "There is no default list in domain {id}", ErrorCode.DOMAIN_WITHOUT_DEFAULT_LIST, Scope.DOMAIN),
    Documented(
        15, "Sender with senderId {id} not registered in account", ErrorCode.SENDER_NOT_REGISTERED, Scope.SENDER
    ),
    Documented(16, "Sender with senderId {id} not approved", ErrorCode.SENDER_NOT_APPROVED, Scope.SENDER),
    Documented(
        17,
        "Country of contact is not allowed for senderId {id}",
        ErrorCode.COUNTRY_NOT_ALLOWED_FOR_SENDER,
        Scope.COUNTRY,
    ),
    Documented(18, "There is no registered senderId {id} in account", ErrorCode.NO_REGISTERED_SENDER, Scope.SENDER),
    Documented(19, "Tag {tag} is not registered in account tags", ErrorCode.TAG_NOT_REGISTERED, Scope.TAG),
    Documented(20, "Invalid authorization token!", ErrorCode.AUTHORIZATION_TOKEN_INVALID, Scope.ACCOUNT),
    Documented(21, "Internal server error", ErrorCode.INTERNAL_SERVER_ERROR, Scope.MESSAGE),
    Documented(22, "Bad Request", ErrorCode.BAD_REQUEST, Scope.MESSAGE),
    Documented(23, "No matches found for access token {accessToken}", ErrorCode.ACCESS_TOKEN_UNKNOWN, Scope.ACCOUNT),
    Documented(24, "User {id} not enabled", ErrorCode.USER_NOT_ENABLED, Scope.ACCOUNT),
    Documented(25, "No data found for key {userId}", ErrorCode.NO_DATA_FOR_KEY, Scope.ACCOUNT),
    Documented(
        26,
        "Access token check failed for key/secret {key}/{accessToken}",
        ErrorCode.ACCESS_TOKEN_CHECK_FAILED,
        Scope.ACCOUNT,
    ),
)

_SCOPES: Final = {row.code: row.scope for row in DOCUMENTED} | {ErrorCode.UNKNOWN: Scope.MESSAGE}
# The text of 23 and 26 repeats the secret of the account: these values are never kept.
_SECRET_VALUES: Final = frozenset({"accessToken", "key"})


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
        """What has to be fixed."""
        return _SCOPES[self.code]


# How a text is recognized. It is undressed, a prefix and what ends it are passed over, and its first word names the few
# patterns that are tried. In a pattern each repetition is bounded but that of a value, so the time is linear.
_GAP: Final = '[" ]{1,4}'
_VARIANTS: Final = {
    "senderid": "sender[ _-]?id",
    "non-empty": "non[ -]?empty",
    "e.164": "e[. -]{0,2}164",
    "button": "buttons?",
    "key/secret": "key ?/ ?secret",
}
# "Error:", "HTTP 401 -", "[401]"; a text about a number may begin with three digits of that.
_LABEL = r'[" ]{0,4}[\[(<]?(?:errors?|status|code|http(?:/[\d.]{1,3})?|[1-5]\d\d%s)[\])>]?"?[:.,;| -]{1,4}'
_LABEL_OF_NUMBER = _LABEL % r'(?![" ]{1,4}is |[" .-]\d)'
_OPENING: Final = re.compile(rf'(?:{_LABEL % ""}){{0,6}}[" ]*(?P<word>[a-z]*)')
_OPENING_OF_NUMBER: Final = re.compile(rf'(?P<prefix>(?:{_LABEL_OF_NUMBER}){{0,6}})[" ]*')
_OPENING_QUOTE: Final = re.compile(r'(?<![\w\])])"')
_ENDS: Final = " !,:;?.…。"
_ENDS_AND_QUOTES: Final = f'{_ENDS}"'
_INTERNAL_ERROR: Final = re.compile(r"internal[\W_]{0,4}server[\W_]{0,4}error")
# Ids of the account hold no blanks: "User notifications are not enabled" is not about a user.
_WITHOUT_BLANKS: Final = frozenset({ErrorCode.USER_NOT_ENABLED, ErrorCode.NO_DATA_FOR_KEY})
# A value that starts and ends with quotes is not quoted as a whole where the first closes before the end: "A" & "B".
_CLOSES_EARLY: Final = re.compile(r'"[^"]*\w"(?!\w|$)')
_ABBREVIATED: Final = re.compile(r".+ (\w{1,3}|corp|bros)|(.* )?\w(\.\w)+", re.DOTALL)


class _Row(NamedTuple):
    """How one text is recognized; `last` is the placeholder that it ends with."""

    code: ErrorCode
    pattern: re.Pattern[str]
    last: str


class _Found(NamedTuple):
    """The row that a text is of, what stands at its placeholders, and where the text ends but for a quote around it."""

    row: _Row
    match: re.Match[str]
    end: int


def _compile(row: Documented) -> _Row:
    before, *pieces = re.split(r"\{(\w+)\}", row.text)
    character = "[^ ]" if row.code in _WITHOUT_BLANKS else "."
    pattern, last = _words(before), ""
    for name, behind in zip(pieces[::2], pieces[1::2], strict=True):
        pattern += _value(name, before, character) + _words(behind)
        before, last = behind or before, "" if behind else name
    return _Row(row.code, re.compile(pattern, re.DOTALL), last)


def _value(name: str, before: str, character: str) -> str:
    """Return the pattern of a value that may be empty, and then its blank with it."""
    if not before:
        return f"(?:(?P<{name}>{character}*?) )??"
    return (
        f'"{{0,2}}:?(?P<{name}>(?:[" ]{{1,3}}{character}*?)??)' if before[-1] == " " else f"(?P<{name}>{character}*?)"
    )


def _words(text: str) -> str:
    if text == "/":
        return "(?:/|$)"
    words = re.sub("[\"'!]", "", text.lower()).split()
    start = " (?:is |was )?" if text.startswith(" not") else " " if text.startswith((" in", " is not reg")) else ""
    return start + _GAP.join(_VARIANTS.get(word, re.escape(word)) for word in words)


def _first_word(row: Documented) -> str:
    return row.text.partition(" ")[0].lower()


_ROWS: Final = {
    word: tuple(_compile(row) for row in DOCUMENTED if _first_word(row) == word)
    for word in map(_first_word, DOCUMENTED)
}
(_NUMBER_ROW,) = _ROWS.pop("{phonenumber}")


def recognize(text: str, redact: Callable[[str], str]) -> ApiError:
    """Return the documented error that a text is, in whatever dress a person would recognize it.

    Args:
        text: one entry of the answer's `errors`.
        redact: removes secrets from a text; asked last, because a short token may be a word of a documented text.

    Returns:
        The error with its values. A text that holds error 21's words is that error, whatever else it says; one that
        matches none keeps its words as `UNKNOWN`.
    """
    words = " ".join(text.split())
    undressed = undress(words)
    found = _find(undressed.text)
    code = found.row.code if found else ErrorCode.UNKNOWN
    if "internal" in undressed.text and _INTERNAL_ERROR.search(undressed.text):
        code = ErrorCode.INTERNAL_SERVER_ERROR
    if found is None:
        return ApiError(code=code, text=redact(text))
    spans = _spans(found, undressed)
    values = {name: redact(_read(name, words[start:end])) for name, (start, end) in spans.items()}
    return ApiError(code=code, text=redact(_masked(words, spans)), values=values if code is found.row.code else {})


def is_internal_error(text: str) -> bool:
    """Return whether a text holds error 21's words."""
    return _INTERNAL_ERROR.search(undress(" ".join(text.split())).text) is not None


def _find(text: str) -> _Found | None:
    opening = cast("re.Match[str]", _OPENING.match(text))  # it matches the empty text too
    start, unended = opening.start("word"), text.rstrip(_ENDS)
    around = _quotes_around(text[:start], unended)
    whole = len(unended) - around if around else len(text)
    end = len(text[:whole].rstrip(_ENDS_AND_QUOTES))
    for row in _ROWS.get(opening["word"], ()):
        if match := row.pattern.fullmatch(text, start, end):
            return _Found(row, match, whole)
    return _find_number(text, whole, end, around)


def _find_number(text: str, whole: int, end: int, around: int) -> _Found | None:
    opening = cast("re.Match[str]", _OPENING_OF_NUMBER.match(text))
    start = opening.end("prefix")
    match = _NUMBER_ROW.pattern.fullmatch(text, start + min(around, opening.end() - start), end)
    return _Found(_NUMBER_ROW, match, whole) if match else None


def _quotes_around(before: str, text: str) -> int:
    """Return how many quotes that open before the first word close at the end; in “Error”: … none does."""
    closing = len(text) - len(text.rstrip('"'))
    opened = 2 * len(_OPENING_QUOTE.findall(before)) - before.count('"')
    return min(closing, opened)


def _spans(found: _Found, undressed: Undressed) -> dict[str, tuple[int, int]]:
    """Return where in the dressed text each value starts and ends."""
    spans = {}
    for name in found.match.groupdict():
        start, end = max(found.match.span(name), (0, 0))  # a value that is left out is empty
        if name == found.row.last:
            end = start + len(_without_end(undressed.text[start : found.end], name))
        start, end = _trimmed(undressed.text, start, end)
        spans[name] = undressed.where[start], undressed.where[end]
    return spans


def _without_end(value: str, name: str) -> str:
    """Leave out what ends a text and is none of the value's: a stop is in "Acme Inc.", anything may be in a secret."""
    if not value.strip(_ENDS_AND_QUOTES):
        return ""
    if name in _SECRET_VALUES:
        return value
    bare = value.rstrip(_ENDS)
    return f"{bare}." if value[len(bare) :].startswith(".") and _ABBREVIATED.fullmatch(bare) else bare


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out blanks and quotes around a value."""
    value = text[start:end]
    start += len(value) - len(value.lstrip(" "))
    value = value.strip(" ")
    if len(value) > 1 and value[0] == value[-1] == '"' and not _CLOSES_EARLY.match(value):
        return start + 1, start + len(value) - 1
    return start, start + len(value)


def _read(name: str, value: str) -> str:
    return MASK if value and name in _SECRET_VALUES else unescape(value).strip(f" {INVISIBLE}")


def _masked(text: str, spans: dict[str, tuple[int, int]]) -> str:
    if _SECRET_VALUES.isdisjoint(spans):
        return text
    for start, end in sorted((spans[name] for name in _SECRET_VALUES & spans.keys()), reverse=True):
        text = text[:start] + (MASK if start < end else "") + text[end:]
    return text


def widest(errors: Iterable[ApiError]) -> Scope:
    """Return what has to be fixed first: the widest scope of several errors."""
    return min((error.scope for error in errors), default=Scope.MESSAGE)
