"""Send Viber messages through Wooxy's HTTP API from asyncio.

Never more than the account's ten requests at once, never one message twice by itself, and for every message one
answer that is true.
"""

from wooxy_async._client.client import WooxyClient
from wooxy_async._client.stream import OutcomeStream
from wooxy_async._ports import Priority
from wooxy_async._rules.account import AccountError, AccountInfo
from wooxy_async._rules.attempt import Attempt
from wooxy_async._rules.checks import MAX_BODY_BYTES
from wooxy_async._rules.documented import ApiError, ErrorCode
from wooxy_async._rules.errors import (
    AuthenticationError,
    CountryNotAllowedError,
    DomainError,
    InDoubtError,
    InvalidMessageError,
    NotSentError,
    RejectedError,
    SenderError,
    TagError,
    WooxyError,
)
from wooxy_async._rules.messages import Button, ViberMessage
from wooxy_async._rules.outcomes import (
    Accepted,
    Cause,
    CauseDetail,
    CauseKind,
    InDoubt,
    Invalid,
    NotSent,
    Outcome,
    Problem,
    Rejected,
)
from wooxy_async._rules.phones import PhoneCheck
from wooxy_async._rules.retry import RetryPolicy
from wooxy_async._rules.statistics import Statistics
from wooxy_async._rules.wire import ButtonField

__all__ = [  # noqa: RUF022 - grouped, not sorted
    "__version__",
    # client
    "WooxyClient",
    "OutcomeStream",
    "RetryPolicy",
    "Attempt",
    "Statistics",
    "AccountInfo",
    "ButtonField",
    "PhoneCheck",
    "Priority",
    # messages
    "Button",
    "MAX_BODY_BYTES",
    "ViberMessage",
    # outcomes
    "Accepted",
    "ApiError",
    "Cause",
    "CauseDetail",
    "CauseKind",
    "ErrorCode",
    "InDoubt",
    "Invalid",
    "NotSent",
    "Outcome",
    "Problem",
    "Rejected",
    # exceptions
    "AccountError",
    "AuthenticationError",
    "CountryNotAllowedError",
    "DomainError",
    "InDoubtError",
    "InvalidMessageError",
    "NotSentError",
    "RejectedError",
    "SenderError",
    "TagError",
    "WooxyError",
]

__version__ = "0.1.0"


def _show_public_paths() -> None:
    """Let nobody see a private path in a traceback, a repr or a pickle."""
    for name in __all__:
        if isinstance(globals()[name], type):
            globals()[name].__module__ = __name__


_show_public_paths()
