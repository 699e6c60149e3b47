"""The account: what an answer says of it, and what the error says and carries."""

import copy
import pickle
from decimal import Decimal

import pytest

from wooxy_async import AccountError, AccountInfo, Cause
from wooxy_async._rules.account import read_account
from wooxy_async._rules.wire import Refused

NAMED = b'{"result": true, "accountName": "Shop s3cret", "accountBalance": %b}'


def redact(text: str) -> str:
    """Remove a secret."""
    return text.replace("s3cret", "***")


@pytest.mark.parametrize("balance", [b"12.50", b'"12.50"'])
def test_name_and_balance_are_read(balance: bytes) -> None:
    """The balance is exact, and may be a text; the name shows no secret."""
    assert read_account(NAMED % balance, redact) == AccountInfo(name="Shop ***", balance=Decimal("12.50"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"result": true}',
        NAMED % b'"much"',
        b'{"result": true, "messageId": "5d91"}',
    ],
)
def test_what_is_of_another_form_says_nothing(body: bytes) -> None:
    """Whatever it is."""
    assert read_account(body, redact) is None


def test_a_refusal_is_read_without_secrets() -> None:
    """Also where name and balance stand beside it."""
    body = b'{"result": false, "errors": ["Bad s3cret"], "accountName": "Shop", "accountBalance": 1}'
    refused = read_account(body, redact)
    assert isinstance(refused, Refused)
    assert [error.text for error in refused.errors] == ["Bad ***"]


def test_an_account_error_says_its_text_and_travels() -> None:
    """With all that it carries."""
    cause = Cause(kind="not_connected", text="No.")
    error = AccountError("Not given.", (), 502, cause)
    for each in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert (str(each), each.errors, each.status, each.cause) == ("Not given.", (), 502, cause)
        assert each.args == ("Not given.", (), 502, cause)
    assert (AccountError("x").errors, AccountError("x").status, AccountError("x").cause) == ((), None, None)
