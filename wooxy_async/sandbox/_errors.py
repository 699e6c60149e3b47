"""The 26 documented errors: one table, in the page's spelling."""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Spelling = Literal["page", "plain"]


class DocumentedError(Struct, frozen=True):
    """One row of the page's table of errors.

    Args:
        number: 1 to 26, the row's place on the page.
        code: its name in this project.
        text: the page's words, quotes and placeholders.
        status: the HTTP status of an answer that holds it. The page gives none; these are our reading.
        id_of: the fact that stands for the placeholder `{id}`, which means something else in each row.

    Source:
        API page, "Method Errors".
    """

    number: int
    code: str
    text: str
    status: int = 200
    id_of: str = ""


# Quoted from the page word for word; the quotes within are curly there, so they are here.
DOCUMENTED = (
    DocumentedError(1, "DOMAIN_EMPTY", "Argument ‘domain’ must be a non-empty string"),  # noqa: RUF001
    DocumentedError(2, "SENDER_ID_EMPTY", "Argument senderId must be a non-empty string"),
    DocumentedError(3, "PHONE_NUMBER_INVALID", "{phoneNumber} is not a valid E.164 phone number"),
    DocumentedError(4, "TEXT_EMPTY", "Argument text must be a non-empty string"),
    DocumentedError(5, "BUTTON_INVALID", "Argument button must be an array with “text” and “url” string elements"),
    DocumentedError(6, "TTL_INVALID", "Argument ttl must be a positive integer"),
    DocumentedError(7, "DEVICE_INVALID", "Argument device must be all or phone"),
    DocumentedError(8, "TAGS_NOT_ARRAY", "Argument tags must be an array"),
    DocumentedError(9, "TAG_EMPTY", "Tag name must be a non-empty string"),
    DocumentedError(10, "TAG_TOO_LONG", "Tags should be 50 characters or less"),
    DocumentedError(
        11,
        "TAG_RESERVED",
        "Any tags starting with an underscore are reserved for internal use and will cause errors",
    ),
    DocumentedError(12, "DOMAIN_NOT_FOUND", "Domain {domain} not found in your account"),
    DocumentedError(13, "COUNTRY_NOT_ALLOWED", "Current method is not allowed for country {code}"),
    DocumentedError(14, "DOMAIN_WITHOUT_DEFAULT_LIST", "There is no default list in domain {id}", id_of="domainId"),
    DocumentedError(
        15, "SENDER_NOT_REGISTERED", "Sender with senderId {id} not registered in account", id_of="senderId"
    ),
    DocumentedError(16, "SENDER_NOT_APPROVED", "Sender with senderId {id} not approved", id_of="senderId"),
    DocumentedError(
        17,
        "COUNTRY_NOT_ALLOWED_FOR_SENDER",
        "Country of contact is not allowed for senderId {id}",
        id_of="senderId",
    ),
    DocumentedError(18, "NO_REGISTERED_SENDER", "There is no registered senderId {id} in account", id_of="senderId"),
    DocumentedError(19, "TAG_NOT_REGISTERED", "Tag {tag} is not registered in account tags"),
    DocumentedError(20, "AUTHORIZATION_TOKEN_INVALID", "Invalid authorization token!", 401),
    DocumentedError(21, "INTERNAL_SERVER_ERROR", "Internal server error", 500),
    DocumentedError(22, "BAD_REQUEST", "Bad Request", 400),
    DocumentedError(23, "ACCESS_TOKEN_UNKNOWN", "No matches found for access token {accessToken}", 401),
    DocumentedError(24, "USER_NOT_ENABLED", "User {id} not enabled", 403, id_of="userId"),
    DocumentedError(25, "NO_DATA_FOR_KEY", "No data found for key {userId}", 401),
    DocumentedError(26, "ACCESS_TOKEN_CHECK_FAILED", "Access token check failed for key/secret $key/$accessToken", 401),
)
_BY_KEY: dict[int | str, DocumentedError] = {row.number: row for row in DOCUMENTED} | {
    row.code: row for row in DOCUMENTED
}
_PLACEHOLDER = re.compile(r"[{$](\w+)\}?")
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")  # noqa: RUF001


def documented(key: object) -> DocumentedError:
    """Return the documented error of a number (1 to 26) or a code.

    Raises:
        ValueError: there is none.
    """
    found = _BY_KEY.get(key) if isinstance(key, int | str) and not isinstance(key, bool) else None
    if found is None:
        raise ValueError(f"error must be 1 to 26, or a code such as 'DOMAIN_NOT_FOUND', not {key!r}")
    return found


def render(error: DocumentedError, facts: Mapping[str, str], spelling: Spelling) -> str:
    """Return an error's text with its placeholders filled.

    Args:
        error: which one.
        facts: what the page's placeholders stand for; the values keep their spelling.
        spelling: "page" as printed, "plain" in lower case with straight quotes, as sibling pages print some.
    """
    pieces = _PLACEHOLDER.split(error.text)
    if spelling == "plain":
        pieces[::2] = [piece.lower().translate(_STRAIGHT) for piece in pieces[::2]]
    pieces[1::2] = [facts[error.id_of if name == "id" else name] for name in pieces[1::2]]
    return "".join(pieces)
