"""A bare aiohttp loop: a task per message under a semaphore; no checks, no evidence, no outcomes.

In its best honest configuration: one session, headers set once, the body encoded by msgspec, the next message's task
made while its slot is still busy (twice as many tasks as slots), no limit in the connector that the semaphore has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import SLOTS, Answered, AsyncSend
from benchmarks.work import HEADERS, PATH, check, encode, fields

TITLE: Final = "bare aiohttp, tasks under a semaphore"
REQUIRES: Final = ("aiohttp",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a session."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415 - counted to the peer alone

    slots = asyncio.Semaphore(SLOTS)
    async with ClientSession(
        url, headers=HEADERS, connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()
    ) as session:

        async def send_one(number: int) -> tuple[str, ...]:
            body = encode(fields(number))
            async with slots, session.post(PATH, data=body) as response:
                return check(await response.read())

        async def send(numbers: Iterable[int], answered: Answered) -> None:
            room = asyncio.Semaphore(2 * SLOTS)

            def done(task: asyncio.Task[tuple[str, ...]]) -> None:
                task.result()
                room.release()
                answered()

            async with asyncio.TaskGroup() as group:
                for number in numbers:
                    await room.acquire()
                    group.create_task(send_one(number)).add_done_callback(done)

        yield send
