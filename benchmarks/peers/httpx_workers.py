"""httpx: one AsyncClient, ten workers over one iterator, the body encoded by msgspec."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import SLOTS, AsyncSend
from benchmarks.work import HEADERS, PATH, check, encode, fields, ten_workers

TITLE: Final = "httpx, ten workers"
REQUIRES: Final = ("httpx",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a client that looks for no proxies and keeps ten connections."""
    import httpx  # noqa: PLC0415 - counted to the peer alone

    limits = httpx.Limits(max_connections=SLOTS, max_keepalive_connections=SLOTS)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, limits=limits, trust_env=False) as session:

        async def send_one(number: int) -> None:
            response = await session.post(PATH, content=encode(fields(number)))
            check(response.content)

        yield ten_workers(send_one)
