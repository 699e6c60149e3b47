"""Send Viber messages through Wooxy's HTTP API from asyncio.

Never more than the account's ten requests at once, never one message twice by itself, and for every message one
answer that is true.

```python
import asyncio

from wooxy_async import ViberMessage, WooxyClient


async def main() -> None:
    message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")
    async with WooxyClient() as client:  # the token is in WOOXY_ACCESS_TOKEN
        receipt = await client.send(message)  # or raises a WooxyError that says what to do
        print(receipt.message_ids)
        async with client.send_many([message, message]) as stream:  # any iterable, sync or async
            async for outcome in stream:
                print(outcome)


asyncio.run(main())
```

An outcome is one of

- `Accepted`: Wooxy took the message; `message_ids`.
- `Rejected`: Wooxy said no; `errors`, each with its `ErrorCode`.
- `Invalid`: a local rule is broken, nothing was sent; `problems`, each with its remedy.
- `NotSent`: it is known not taken, and safe to send again; `cause`.
- `InDoubt`: it may have been delivered, and a person decides; `cause`.

`outcome.unwrap()` returns the `Accepted`, or raises what `send` raises: `RejectedError` (or one of its subclasses),
`InvalidMessageError`, `NotSentError`, `InDoubtError`. Everything is configured by arguments: `help(WooxyClient)`.

- `wooxy_async.sandbox`: a Wooxy of your own for tests; `wooxy sandbox` runs one.
- `wooxy_async.campaigns`: files of contacts.
- `wooxy_async.limits`: how processes share the ten slots.
- `wooxy_async/guide/*.md`: the guide, beside this file.
"""

from wooxy_async._client.client import WooxyClient
from wooxy_async._client.stream import OutcomeStream
from wooxy_async._ports import Priority
from wooxy_async._public import show_public_paths
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
from wooxy_async._rules.outage import Outage
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
    "Outage",
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


show_public_paths(__name__)
