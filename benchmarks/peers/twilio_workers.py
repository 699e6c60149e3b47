"""twilio's async client: a messaging client from PyPI, pointed at the server; ten workers over one iterator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.interface import AsyncSend
from benchmarks.work import TOKEN, phone_number, ten_workers, text

TITLE: Final = "twilio (async), ten workers"
REQUIRES: Final = ("twilio",)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[AsyncSend]:
    """Open a client with its pooled session."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # noqa: PLC0415 - counted to the peer alone
    from twilio.rest import Client  # noqa: PLC0415 - likewise

    async with AsyncTwilioHttpClient() as http:
        twilio = Client("AC" + "0" * 32, TOKEN, http_client=http)
        twilio.api.base_url = url

        async def send_one(number: int) -> None:
            sent = await twilio.messages.create_async(to=phone_number(number), from_="+14155550100", body=text(number))
            assert sent.sid

        yield ten_workers(send_one)
