"""Each combination of a message's fields on the wire: what a server of the standard library reads is the page's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import pytest

from wooxy_async import Accepted, Button, ViberMessage, WooxyClient

YES = b'HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n{"result": true, "viber_message_ids": ["5d9"]}'.replace(
    b"45", b"46"
)
TEXTS = ("Hello", "Grüße, 你好 👋\n“quoted” \\ \x07 </script>")
SENDERS = (None, "Shop & Söhne")
BUTTONS = (None, Button(text="Öffnen", url="https://shop.example/x?a=1&b=%20#c"))
DEVICES = ("all", "phone")
TTLS = (1_800, 3_600, 259_200)
TAGS: tuple[Any, ...] = ((), ("spring",), ["spring", "Größe 50", "x" * 50])
REFERENCES = (None, "order-17")
EXPECTED_HEADERS = {
    "host": "127.0.0.1",
    "access-token": "",
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "wooxy_async",
    "content-type": "application/json",
    "content-length": "",
}


class Reader:
    """Reads requests with the standard library alone."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep each request of a connection, and take it."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
                line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines)
                assert len(headers) == len(lines)
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append((line, headers, json.loads(body)))
                writer.write(YES)
        except asyncio.IncompleteReadError as end:
            assert not end.partial  # noqa: PT017 - the rest of a connection
        finally:
            writer.close()


@asynccontextmanager
async def reading(token: str, **options: Any) -> AsyncIterator[tuple[Reader, WooxyClient]]:
    """A server that keeps what it reads, and a client of it."""
    kept = Reader()
    server = await asyncio.start_server(kept.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, WooxyClient(token, base_url=url, **options) as client:
        yield kept, client


def combinations() -> list[ViberMessage]:
    """Return a message for each combination of fields; each has a number of its own."""
    fields = product(TEXTS, SENDERS, BUTTONS, DEVICES, TTLS, TAGS, REFERENCES)
    return [
        ViberMessage(
            domain="shop.example",
            phone_number=f"+1 (415) 555-{at:04}",
            text=text,
            sender_id=sender,
            button=button,
            device=device,  # type: ignore[arg-type]
            ttl=ttl,
            tags=tags,
            reference=reference,
        )
        for at, (text, sender, button, device, ttl, tags, reference) in enumerate(fields)
    ]


def page_body(message: ViberMessage, button_field: str) -> dict[str, Any]:
    """Return what the page says of a message: what has no default always, the rest where it was given."""
    body: dict[str, Any] = {
        "domain": message.domain,
        "phoneNumber": "+" + "".join(filter(str.isdigit, message.phone_number)),
        "text": message.text,
        "device": message.device,
        "ttl": message.ttl,
    }
    if message.sender_id is not None:
        body["senderId"] = message.sender_id
    if message.button is not None:
        body[button_field] = {"text": message.button.text, "url": message.button.url}
    if message.tags:
        body["tags"] = list(message.tags)
    return body


@pytest.mark.parametrize("button_field", ["buttons", "button"])
async def test_each_combination_of_fields_is_the_page_s(token: str, button_field: Any) -> None:
    """288 combinations under each name of the button: nothing is missing, and nothing else leaves, headers included."""
    messages = combinations()
    assert len(messages) == 288
    async with reading(token, button_field=button_field) as (kept, client):
        outcomes = [outcome async for outcome in client.send_many(messages)]
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    by_number = {body["phoneNumber"]: body for _line, _headers, body in kept.requests}
    expected = [page_body(message, button_field) for message in messages]
    assert len(kept.requests) == len(by_number) == len(messages)
    assert [by_number[body["phoneNumber"]] for body in expected] == expected
    for line, headers, _body in kept.requests:
        assert line == "POST /v3/viber/send HTTP/1.1"
        assert headers.keys() == EXPECTED_HEADERS.keys()
        assert headers["access-token"] == token
        assert all(headers[name].startswith(value) for name, value in EXPECTED_HEADERS.items())
