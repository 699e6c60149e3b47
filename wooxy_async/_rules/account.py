"""Get account info: what it answers, and what that says of the account.

Source: API page "Get account info".
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from wooxy_async._rules.described import Described
from wooxy_async._rules.documented import ApiError
from wooxy_async._rules.outcomes import Cause
from wooxy_async._rules.wire import Refused, read_reply

ACCOUNT_PATH: Final = "/v3/account/info"
ACCOUNT_BODY: Final = b"{}"  # "the request body should be empty", and every request must have a JSON body


class AccountInfo(Described, frozen=True, kw_only=True):
    """An account, as Wooxy has it.

    Args:
        name: as registered.
        balance: what is left, in the account's currency, which the API does not name.

    Source:
        API page "Get account info".
    """

    name: str
    balance: Decimal


class AccountError(Exception):
    """The account's info was not given; nothing was sent, and nothing is changed.

    Args:
        text: what happened.
        errors: what the server said, as `ApiError`s; empty where it refused nothing.
        status: the HTTP status of a whole answer, or None.
        cause: why there is no valid answer, or None where the server refused.
    """

    def __init__(
        self,
        text: str,
        errors: tuple[ApiError, ...] = (),
        status: int | None = None,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(text, errors, status, cause)
        self.errors = errors
        self.status = status
        self.cause = cause

    def __str__(self) -> str:
        return str(self.args[0])


class _Sound(msgspec.Struct, rename="camel"):
    """The answer `result: true`."""

    result: bool
    account_name: str
    account_balance: Decimal


_decode: Final = msgspec.json.Decoder(_Sound, strict=False).decode


def read_account(body: bytes, redact: Callable[[str], str]) -> AccountInfo | Refused | None:
    """Read an answer, whatever its status was; None where it is not of the documented form.

    Args:
        body: the whole answer.
        redact: removes secrets from a text.
    """
    try:
        valid = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        valid = None
    if valid is not None and valid.result:
        return AccountInfo(name=redact(valid.account_name), balance=valid.account_balance)
    answer = read_reply(body, redact)
    return answer if isinstance(answer, Refused) else None
