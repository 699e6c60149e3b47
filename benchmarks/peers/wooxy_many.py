"""wooxy_async, `send_many`, with every check, all evidence and an outcome for each message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import Answered, AsyncSend
from benchmarks.work import TOKEN, message_maker

TITLE: Final = "wooxy_async send_many"
REQUIRES: Final = ("wooxy_async",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a client, with its defaults."""
    from wooxy_async import Accepted, WooxyClient  # noqa: PLC0415 - counted to the peer alone

    message = message_maker()
    async with WooxyClient(TOKEN, base_url=url) as wooxy:

        async def send(numbers: Iterable[int], answered: Answered) -> None:
            async for outcome in wooxy.send_many(map(message, numbers)):
                if not isinstance(outcome, Accepted):
                    outcome.unwrap()
                answered()

        yield send
