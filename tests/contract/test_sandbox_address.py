"""The sandbox answers what was meant for it: another Host or a foreign Origin is refused, whatever the path."""

import asyncio
import json

import pytest

from wooxy_async.sandbox import Fault, Sandbox

BODY = json.dumps({"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Secret words"}).encode()
PATHS = ("GET /sandbox/messages", "GET /sandbox/status", "POST /v3/viber/send", "GET /v3/viber/send", "GET /elsewhere")


def request(line: str, *headers: str, body: bytes = BODY) -> bytes:
    """Return the bytes of a request with exactly these headers and what a message needs."""
    lines = (f"{line} HTTP/1.1", *headers, "Access-Token: t", "Content-Type: application/json")
    return "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body


async def talk(sandbox: Sandbox, data: bytes) -> tuple[int, bytes]:
    """Write to a connection of its own, and return the status and all bytes of the answer."""
    host, _, port = sandbox.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        writer.write(data)
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
            return int(head.split()[1]), head + await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("line", PATHS)
@pytest.mark.parametrize("host", ["rebound.example:{port}", "rebound.example", "127.0.0.1", "localhost:1", "x", ""])
async def test_another_host_is_refused_on_every_path(line: str, host: str) -> None:
    """A request for another name or port gets 421 and the remedy, not a word of a message, and counts nowhere."""
    async with Sandbox() as sandbox:
        authority = sandbox.url.removeprefix("http://")
        assert (await talk(sandbox, request("POST /v3/viber/send", f"Host: {authority}")))[0] == 200
        sandbox.script(Fault.forbidden())
        named = host.format(port=authority.rpartition(":")[2])
        status, answer = await talk(sandbox, request(line, f"Host: {named}"))
        assert status == 421
        assert f"This sandbox answers at {sandbox.url} only".encode() in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert b"Secret" not in answer
        assert (sandbox.requests, sandbox.taken, sandbox.peak_in_progress) == (1, 1, 1)
        assert (await talk(sandbox, request("POST /v3/viber/send", f"Host: {authority}")))[0] == 403


@pytest.mark.parametrize(
    "headers", [(), ("Host: {own}", "Host: rebound.example"), ("Host: rebound.example", "Host: {own}")]
)
async def test_no_host_or_two_are_refused(headers: tuple[str, ...]) -> None:
    """A request that names no place, or two, is not answered, even if one of them is right."""
    async with Sandbox() as sandbox:
        own = sandbox.url.removeprefix("http://")
        status, _ = await talk(sandbox, request("GET /sandbox/status", *(line.format(own=own) for line in headers)))
        assert status in {400, 421}


@pytest.mark.parametrize("line", PATHS)
@pytest.mark.parametrize(
    "origin",
    ["http://rebound.example", "https://127.0.0.1:{port}", "http://localhost:1", "http://localhost", "null", ""],
)
async def test_a_foreign_origin_is_refused_on_every_path(line: str, origin: str) -> None:
    """A page of another origin gets 403 and the remedy, whatever it asks for, and nothing counts."""
    async with Sandbox() as sandbox:
        authority = sandbox.url.removeprefix("http://")
        named = origin.format(port=authority.rpartition(":")[2])
        status, answer = await talk(sandbox, request(line, f"Host: {authority}", f"Origin: {named}"))
        assert status == 403
        assert f"call {sandbox.url} from a program".encode() in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert (sandbox.requests, sandbox.taken, sandbox.peak_in_progress) == (0, 0, 0)


@pytest.mark.parametrize("bound", ["127.0.0.1", "127.0.0.7", "::1"])
@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "LocalHost", "localhost.", "ip6-loopback", "[::1]", "{bound}"]
)
async def test_every_spelling_of_loopback_is_answered(bound: str, name: str) -> None:
    """The address that is bound and the usual spellings of loopback are served, also to pages of its own origin."""
    async with Sandbox(host=bound) as sandbox:
        own, _, port = sandbox.url.removeprefix("http://").rpartition(":")
        authority = f"{name.format(bound=own)}:{port}"
        for headers in ((f"Host: {authority}",), (f"Host: {authority}", f"Origin: http://{authority}")):
            assert (await talk(sandbox, request("POST /v3/viber/send", *headers)))[0] == 200
            assert (await talk(sandbox, request("GET /sandbox/status", *headers, body=b"")))[0] == 200
        assert sandbox.taken == 2


async def test_a_refused_request_needs_no_body() -> None:
    """The refusal of another Host does not wait for the body: nothing of it is read."""
    async with Sandbox() as sandbox:
        status, _ = await talk(sandbox, request("POST /v3/viber/send", "Host: rebound.example").removesuffix(BODY))
        assert (status, sandbox.requests, sandbox.in_progress) == (421, 0, 0)
