"""niquests: one AsyncSession, ten workers over one iterator, the body encoded by msgspec."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import SLOTS, AsyncSend
from benchmarks.work import HEADERS, PATH, check, encode, fields, ten_workers

TITLE: Final = "niquests, ten workers"
REQUIRES: Final = ("niquests",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a session that looks for no proxies and keeps ten connections."""
    import niquests  # noqa: PLC0415 - counted to the peer alone

    async with niquests.AsyncSession(pool_connections=SLOTS, pool_maxsize=SLOTS, headers=HEADERS) as session:
        session.trust_env = False

        async def send_one(number: int) -> None:
            response = await session.post(url + PATH, data=encode(fields(number)))
            check(response.content or b"")

        yield ten_workers(send_one)
