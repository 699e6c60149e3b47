"""What a program needs of a client: the real one has it, and so does the one for tests."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from wooxy_async._client.source import Messages
from wooxy_async._ports import Priority
from wooxy_async._rules.account import AccountInfo
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Outcome


class Stream(Protocol):
    """The outcomes of `send_many`; see `wooxy_async.OutcomeStream`."""

    @property
    def undelivered(self) -> tuple[Outcome, ...]:
        """Outcomes that nobody took."""
        ...

    def __aiter__(self) -> Self:
        """Return itself."""
        ...

    async def __anext__(self) -> Outcome:
        """Return the next outcome."""
        ...

    async def __aenter__(self) -> Self:
        """Return itself."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def aclose(self, *, drain: float | None = None) -> None:
        """Start nothing more, and wait for what is in flight."""
        ...


class Sender(Protocol):
    """What sends: a type for parameters that take a `WooxyClient` or a `FakeClient`."""

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        ...

    async def send(
        self,
        message: ViberMessage,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as the client has it
        priority: Priority = "urgent",
        retry_in_doubt: bool | None = None,
    ) -> Accepted:
        """Send one message; see `WooxyClient.send`."""
        ...

    def send_many(
        self, messages: Messages, *, priority: Priority = "bulk", retry_in_doubt: bool | None = None
    ) -> Stream:
        """Send many messages and stream their outcomes; see `WooxyClient.send_many`."""
        ...

    async def account_info(self, *, timeout: float | None = None) -> AccountInfo:  # noqa: ASYNC109 - likewise
        """Ask for the account's name and balance; see `WooxyClient.account_info`."""
        ...

    async def aclose(self, *, drain: float | None = None) -> None:
        """Refuse new messages, and wait for what is in flight; see `WooxyClient.aclose`."""
        ...

    async def __aenter__(self) -> Self:
        """Return itself."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...
