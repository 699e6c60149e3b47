"""The loop that everybody writes first: a task for every message at once, and gather."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import SLOTS, Answered, AsyncSend
from benchmarks.work import HEADERS, PATH, check, encode, fields

TITLE: Final = "bare aiohttp, gather of all messages under a semaphore"
REQUIRES: Final = ("aiohttp",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a session."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415 - counted to the peer alone

    slots = asyncio.Semaphore(SLOTS)
    async with ClientSession(
        url, headers=HEADERS, connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()
    ) as session:

        async def send_one(number: int, answered: Answered) -> tuple[str, ...]:
            async with slots, session.post(PATH, data=encode(fields(number))) as response:
                ids = check(await response.read())
            answered()
            return ids

        async def send(numbers: Iterable[int], answered: Answered) -> None:
            await asyncio.gather(*(send_one(number, answered) for number in numbers))

        yield send
