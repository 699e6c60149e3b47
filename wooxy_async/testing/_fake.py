"""A client that needs no socket: the messages that it is given are kept, and become what was said before."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self, get_args

import msgspec

from wooxy_async._client.settings import seconds
from wooxy_async._client.source import Messages, check_source
from wooxy_async._ports import Priority
from wooxy_async._rules.account import AccountInfo
from wooxy_async._rules.arguments import one_of, shown
from wooxy_async._rules.checks import prepare
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, InDoubt, Invalid, NotSent, Outcome, Rejected
from wooxy_async._rules.phones import PhoneCheck, normalize
from wooxy_async._rules.statistics import Statistics
from wooxy_async._rules.wire import ButtonField
from wooxy_async.testing._outcomes import accepted, invalid
from wooxy_async.testing._stream import FakeStream

Scripted = Outcome | Callable[[ViberMessage], Outcome]
_CLOSED: Final = "This FakeClient is closed: make a new one. Nothing was sent."


class GivenMessages(tuple[ViberMessage, ...]):
    """The messages that a `FakeClient` was given, oldest first."""

    __slots__ = ()

    def to(self, number: str) -> GivenMessages:
        """Return those to one number.

        Args:
            number: in any spelling that a message may have.
        """
        return GivenMessages(message for message in self if _same(message.phone_number, number))


class FakeClient:
    """Stands for a `WooxyClient` in tests: no socket, no slots, no waiting.

    Each message is checked by the client's own rules, and taken, unless `script` said something else. `send` raises
    what the client raises, `send_many` streams outcomes in the order of the messages, and what is wrong with an
    argument or with the use of a closed client is refused in the same words. It never retries and calls no hooks: for
    these a real client has `wooxy_async.sandbox`.

    Args:
        phone_check: as `WooxyClient` has it.
        button_field: likewise.
        account: what `account_info` returns.
    """

    def __init__(
        self,
        *,
        phone_check: PhoneCheck = "possible",
        button_field: ButtonField = "buttons",
        account: AccountInfo | None = None,
    ) -> None:
        self._phone_check: PhoneCheck = one_of("phone_check", phone_check, get_args(PhoneCheck))
        self._button_field: ButtonField = one_of("button_field", button_field, get_args(ButtonField))
        self._account = account or AccountInfo(name="Shop", balance=Decimal(100))
        self._script: deque[Scripted] = deque()
        self._given: list[ViberMessage] = []
        self._outcomes: list[Outcome] = []
        self._closed = False

    def __repr__(self) -> str:
        return f"<FakeClient: {'closed' if self._closed else 'open'}, {len(self._given)} messages>"

    def script(self, *outcomes: Scripted) -> None:
        """Say what becomes of the next messages that break no local rule, one outcome each.

        Args:
            outcomes: made by `rejected`, `not_sent`, `in_doubt` and the like, for whatever message: each is told of
                that which it falls on; or functions that make one of the message that they are given.

        Raises:
            TypeError: it is neither.
        """
        for outcome in outcomes:
            if not (isinstance(outcome, Outcome) or callable(outcome)):
                raise TypeError(f"script takes outcomes, or functions that make them, not {shown(outcome)}.")
        self._script += outcomes

    @property
    def messages(self) -> GivenMessages:
        """The messages given to it, oldest first, also those that were refused."""
        return GivenMessages(self._given)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of them, in the same order."""
        return tuple(self._outcomes)

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    async def send(
        self,
        message: ViberMessage,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as the client has it
        priority: Priority = "urgent",
        retry_in_doubt: bool | None = None,  # noqa: ARG002 - likewise
    ) -> Accepted:
        """Give one message its outcome; see `WooxyClient.send`."""
        if not isinstance(message, ViberMessage):
            raise TypeError(f"send takes a ViberMessage, not {type(message).__name__}.")
        if timeout is not None:
            seconds("timeout", timeout)
        one_of("priority", priority, get_args(Priority))
        return (await self._conclude(message, 0)).unwrap()

    def send_many(
        self,
        messages: Messages,
        *,
        priority: Priority = "bulk",
        retry_in_doubt: bool | None = None,  # noqa: ARG002 - as the client has it
    ) -> FakeStream:
        """Give each message its outcome, in order; see `WooxyClient.send_many`."""
        check_source(messages)
        one_of("priority", priority, get_args(Priority))
        return FakeStream(messages, self._conclude)

    async def account_info(self, *, timeout: float | None = None) -> AccountInfo:  # noqa: ASYNC109 - likewise
        """Return the account that the client was made with."""
        if timeout is not None:
            seconds("timeout", timeout)
        self._refuse_if_closed()
        return self._account

    def statistics(self) -> Statistics:
        """Return the outcomes so far."""
        counts = Counter(type(outcome) for outcome in self._outcomes)
        return Statistics(
            accepted=counts[Accepted],
            rejected=counts[Rejected],
            invalid=counts[Invalid],
            not_sent=counts[NotSent],
            in_doubt=counts[InDoubt],
        )

    async def aclose(self, *, drain: float | None = None) -> None:
        """Refuse new messages.

        Args:
            drain: seconds, 0 to 3,600; nothing is ever in flight here.
        """
        if drain is not None:
            seconds("drain", drain)
        self._closed = True

    async def __aenter__(self) -> Self:
        self._refuse_if_closed()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError(_CLOSED)

    async def _conclude(self, message: ViberMessage, index: int) -> Outcome:
        self._refuse_if_closed()
        await asyncio.sleep(0)  # others run here, as they do while a real client waits
        outcome = self._outcome(message, index)
        self._given.append(message)
        self._outcomes.append(outcome)
        return outcome

    def _outcome(self, message: ViberMessage, index: int) -> Outcome:
        prepared = prepare(message, self._phone_check, self._button_field)
        if not isinstance(prepared, bytes):
            return invalid(message, *prepared, index=index)
        if not self._script:
            return accepted(message, index=index)
        scripted: Any = self._script.popleft()
        outcome = scripted if isinstance(scripted, Outcome) else scripted(message)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"what script() was given must make an outcome, not {shown(outcome)}.")
        return msgspec.structs.replace(outcome, message=message, index=index)


def _same(number: str, other: str) -> bool:
    return number == other or (isinstance(read := normalize(number, "e164"), str) and read == normalize(other, "e164"))
