"""A bare aiohttp loop: ten workers over one iterator, the fastest loop that can be written on aiohttp.

What is answered 429 is sent again at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import SLOTS, Answered, AsyncSend
from benchmarks.work import HEADERS, PATH, TOO_MANY, check, encode, fields

TITLE: Final = "bare aiohttp, ten workers"
REQUIRES: Final = ("aiohttp",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a session."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415 - counted to the peer alone

    async with ClientSession(
        url, headers=HEADERS, connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()
    ) as session:

        async def taken(body: bytes) -> bool:
            async with session.post(PATH, data=body) as response:
                answer = await response.read()
                if response.status == TOO_MANY:
                    return False
                check(answer)
                return True

        async def work(numbers: Iterable[int], answered: Answered) -> None:
            for number in numbers:
                body = encode(fields(number))
                while not await taken(body):
                    pass
                answered()

        async def send(numbers: Iterable[int], answered: Answered) -> None:
            left = iter(numbers)
            await asyncio.gather(*(work(left, answered) for _slot in range(SLOTS)))

        yield send
