"""Where the token goes, in raw bytes and values: into the request for the API's origin, and nowhere else."""

import asyncio
import base64
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import certificates
import pytest
from listening import Listener, new_token
from yarl import URL

from wooxy_async import Accepted, NotSent, RetryPolicy, ViberMessage, WooxyClient
from wooxy_async._adapters.payload import Credentials, Payload
from wooxy_async._ports import Handover
from wooxy_async._rules.redaction import Secret

PASSWORD = "pass-word-of-the-proxy"
MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="m")


def values(given: object, seen: set[int] | None = None) -> Iterator[str]:
    """Yield every text that can be reached from a value."""
    seen = set() if seen is None else seen
    if id(given) in seen or isinstance(given, type):
        return
    seen.add(id(given))
    if isinstance(given, str | bytes):
        yield given if isinstance(given, str) else given.decode("latin-1")
    elif isinstance(given, Mapping):
        for name, value in given.items():
            yield from (*values(name, seen), *values(value, seen))
    elif isinstance(given, tuple | list):
        for value in given:
            yield from values(value, seen)
    elif isinstance(given, aiohttp.ClientResponse):
        yield from (*values(given.request_info, seen), *values(given.headers, seen), repr(given))
    else:
        yield repr(given)
        for name in getattr(given, "__dict__", {}) if not isinstance(given, asyncio.AbstractEventLoop) else ():
            if name not in ("session", "_session"):
                yield from values(getattr(given, name), seen)


def nosy(told: list[str]) -> aiohttp.TraceConfig:
    """Return trace hooks that keep every value that they are given, and add headers as telemetry does."""
    config = aiohttp.TraceConfig()

    async def hear(_session: aiohttp.ClientSession, _context: SimpleNamespace, params: Any) -> None:
        told.extend(values(params))
        if isinstance(params, aiohttp.TraceRequestStartParams):
            params.headers.update({"traceparent": "00-1-2-01", "baggage": "a=b", "sentry-trace": "1-2", "X-Odd": "1"})

    for signal in (
        config.on_request_start,
        config.on_request_end,
        config.on_request_exception,
        config.on_request_headers_sent,
        config.on_request_chunk_sent,
        config.on_response_chunk_received,
    ):
        signal.append(hear)
    return config


def instrumented(client: WooxyClient, told: list[str]) -> WooxyClient:
    """Let trace hooks into a client's session, as instrumentation does."""
    config = nosy(told)
    config.freeze()
    client._session.transport()._session.trace_configs.append(config)
    return client


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("tls", [False, True])
async def test_the_api_alone_is_given_the_token(*, tls: bool, fresh: bool) -> None:
    """The API reads the token once and no header that is not ours; trace hooks see it in no value that they get."""
    token, told = new_token(), list[str]()
    listener = Listener(tls=tls)
    context = certificates.client_context() if tls else None
    with listener.server:
        async with WooxyClient(token, base_url=listener.server.url(), ssl=context, fresh_connections=fresh) as client:
            instrumented(client, told)
            assert isinstance(await client.send(MESSAGE), Accepted)
            assert isinstance(await client.send(MESSAGE), Accepted)
    assert len(listener.heads) == 2
    for head in listener.heads:
        names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line]
        assert head.count(token.encode()) == 1
        assert set(names) <= {
            b"host", b"access-token", b"accept", b"accept-encoding", b"user-agent", b"content-type",
            b"content-length", b"connection",
        }  # fmt: skip
    assert told
    assert not [text for text in told if token in text]


@pytest.mark.parametrize("reply", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n"])
async def test_a_proxy_of_an_https_api_never_reads_the_token(reply: bytes) -> None:
    """CONNECT holds the proxy's own login and no token, also after 407 and reconnects; hooks see neither."""
    token, told = new_token(), list[str]()
    listener = Listener(tls=True, connect=reply)
    with listener.server:
        async with WooxyClient(
            token,
            base_url="https://127.0.0.1:9",
            ssl=certificates.client_context(),
            proxy=f"http://user:{PASSWORD}@127.0.0.1:{listener.server.port}",
            retry=RetryPolicy(attempts=1),
            fresh_connections=True,
        ) as client:
            instrumented(client, told)
            for _ in range(2):
                (outcome,) = await asyncio.gather(client.send(MESSAGE), return_exceptions=True)
                kind = type(getattr(outcome, "outcome", outcome))
                assert kind is (Accepted if b" 200 " in reply else NotSent)
    assert len(listener.connects) == 2
    for head in listener.connects:
        assert token.encode() not in head
        assert b"access-token" not in head.lower()
        assert head.lower().count(b"proxy-authorization: basic ") == 1
    for head in listener.heads:
        assert head.count(token.encode()) == 1
        assert b"proxy-authorization" not in head.lower()
    login = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    assert not [text for text in told if token in text or PASSWORD in text or login in text]


async def test_a_proxy_of_a_plain_api_gets_its_login() -> None:
    """An http API behind a proxy of this machine is forwarded, login and token in one head; hooks see neither."""
    token, told = new_token(), list[str]()
    listener = Listener(tls=False)
    with listener.server:
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{listener.server.port}"
        async with WooxyClient(token, base_url="http://127.0.0.1:9", proxy=proxy) as client:
            instrumented(client, told)
            assert isinstance(await client.send(MESSAGE), Accepted)
    (head,) = listener.heads
    assert head.lower().count(b"proxy-authorization: basic ") == 1
    assert head.count(token.encode()) == 1
    assert not [text for text in told if token in text or PASSWORD in text]


async def test_another_origin_gets_no_token() -> None:
    """A request of the session for another origin than the API's is not given the token."""
    token = new_token()
    listener = Listener(tls=False)
    with listener.server:
        async with WooxyClient(token, base_url="http://127.0.0.1:9") as client:
            credentials = Credentials(URL("http://127.0.0.1:9"), Secret(token), None)
            body = Payload(b'{"text": "m"}', Handover(lambda: True), credentials)
            async with client._session.transport()._session.post(listener.server.url(), data=body):
                pass
    assert token.encode() not in listener.heads[0]
