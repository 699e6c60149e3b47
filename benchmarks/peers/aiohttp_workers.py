"""A bare aiohttp loop: ten workers over one iterator, the fastest loop that can be written on aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import SLOTS, Answered, AsyncSend
from benchmarks.work import HEADERS, PATH, check, encode, fields

TITLE: Final = "bare aiohttp, ten workers"
REQUIRES: Final = ("aiohttp",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a session."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415 - counted to the peer alone

    async with ClientSession(
        url, headers=HEADERS, connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()
    ) as session:

        async def work(numbers: Iterable[int], answered: Answered) -> None:
            for number in numbers:
                async with session.post(PATH, data=encode(fields(number))) as response:
                    check(await response.read())
                answered()

        async def send(numbers: Iterable[int], answered: Answered) -> None:
            left = iter(numbers)
            await asyncio.gather(*(work(left, answered) for _slot in range(SLOTS)))

        yield send
