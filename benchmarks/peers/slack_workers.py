"""slack_sdk's async client: a messaging client from PyPI, pointed at the server; ten workers over one iterator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import AsyncSend
from benchmarks.work import TOKEN, ten_workers, text

TITLE: Final = "slack_sdk (async), ten workers"
REQUIRES: Final = ("slack_sdk", "aiohttp")


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a client over one session; without one it makes a connection for each message."""
    from aiohttp import ClientSession  # noqa: PLC0415 - counted to the peer alone
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415 - likewise

    async with ClientSession() as session:
        slack = AsyncWebClient(TOKEN, base_url=f"{url}/api/", session=session)

        async def send_one(number: int) -> None:
            answer = await slack.chat_postMessage(channel="C0123456789", text=text(number))
            assert answer["ok"]

        yield ten_workers(send_one)
