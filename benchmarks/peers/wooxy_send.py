"""wooxy_async, `send`, from ten workers over one iterator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import AsyncSend
from benchmarks.work import TOKEN, message_maker, ten_workers

TITLE: Final = "wooxy_async send, ten workers"
REQUIRES: Final = ("wooxy_async",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a client, with its defaults."""
    from wooxy_async import WooxyClient  # noqa: PLC0415 - counted to the peer alone

    message = message_maker()
    async with WooxyClient(TOKEN, base_url=url) as wooxy:

        async def send_one(number: int) -> None:
            await wooxy.send(message(number))

        yield ten_workers(send_one)
