"""The stream of a client without a socket: one message after the other, in their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from wooxy_async._client.settings import seconds
from wooxy_async._client.source import Messages, opened
from wooxy_async._rules.documented import Scope
from wooxy_async._rules.errors import rejection, scope
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Outcome, Rejected

_END: Final = object()


class FakeStream(AsyncIterator[Outcome]):
    """The outcomes of `FakeClient.send_many`: each message is pulled when its outcome is asked for.

    It ends as an `OutcomeStream` does on a refused account and on what its source raises or yields by mistake. It
    does not count refusals that are alike, and an API that is down does not end it.

    Args:
        messages: the source.
        conclude: gives a message of an index its outcome.
    """

    def __init__(self, messages: Messages, conclude: Callable[[ViberMessage, int], Awaitable[Outcome]]) -> None:
        self._source = messages
        self._conclude = conclude
        self._index = 0
        self._error: BaseException | None = None
        self._closed = False
        self._pull: Callable[[], Awaitable[object]] | None = None
        self._close: Callable[[], Awaitable[None]] | None = None

    @property
    def undelivered(self) -> tuple[Outcome, ...]:
        """Outcomes that nobody took: none, because nothing is pulled before it is asked for."""
        return ()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        if self._error is not None:
            error, self._error = self._error, None
            await self.aclose()
            raise error
        if self._closed:
            raise StopAsyncIteration
        message = await self._next_message()
        outcome = await self._conclude(message, self._index)
        self._index += 1
        if isinstance(outcome, Rejected) and scope(outcome) is Scope.ACCOUNT:
            self._error = rejection(outcome, "Wooxy refuses the account, so the stream ends.")
        return outcome

    async def _next_message(self) -> ViberMessage:
        if self._pull is None:
            self._pull, self._close = opened(self._source, _END)
        try:
            message = await self._pull()
        except BaseException as error:
            error.add_note(f"raised by the source of send_many at index {self._index}")
            await self.aclose()
            raise
        if message is _END:
            await self.aclose()
            raise StopAsyncIteration
        if not isinstance(message, ViberMessage):
            await self.aclose()
            raise TypeError(f"send_many takes ViberMessages, but message {self._index} is {type(message).__name__}.")
        return message

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self, *, drain: float | None = None) -> None:
        """Pull nothing more, and close the source.

        Args:
            drain: seconds, 0 to 3,600; nothing is ever in flight here.
        """
        if drain is not None:
            seconds("drain", drain)
        self._closed = True
        close, self._close = self._close, None
        if close is not None:
            await close()
