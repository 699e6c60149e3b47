"""What OpenTelemetry exports of our requests, headers included, and adds to them: read as values and raw bytes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import certificates
import pytest
from fault import http
from hostile import Act, Peer, Request
from listening import Listener, new_token
from opentelemetry import baggage, context, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Setter, TextMapPropagator, default_setter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from people import message
from showing import spellings, texts

from wooxy_async import NotSentError, RetryPolicy, WooxyClient

PASSWORD = "pass-word-of-the-proxy"
ADDED = (b"traceparent", b"tracestate", b"baggage", b"sentry-trace", b"x-of-the-hook")
UNREACHED = "127.0.0.1:9"  # an API that only the proxy of a test knows
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
LOGIN = http(407, b"<html>Who are you?</html>", 'Proxy-Authenticate: Basic realm="x"')


class SentryTrace(TextMapPropagator):
    """Adds the header of sentry, as its bridge to OpenTelemetry does."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:  # noqa: ARG002 - the signature is OpenTelemetry's
        """Add it."""
        setter.set(carrier, "sentry-trace", "d49d9bf66f13450b81f65bc51cf49c03-1cc4b26ab9094ef0-1")

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:  # noqa: ARG002 - likewise
        """Take nothing."""
        return context or Context()

    @property
    def fields(self) -> set[str]:
        """The header's name."""
        return {"sentry-trace"}


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Every span of an instrumented aiohttp, with every header that it is shown, and all propagators at work."""
    for direction in ("REQUEST", "RESPONSE"):
        monkeypatch.setenv(f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_{direction}", ".*")
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    usual = propagate.get_global_textmap()
    propagate.set_global_textmap(
        CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator(), SentryTrace()])
    )
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider, request_hook=_hook)
    try:
        yield exporter
    finally:
        instrumentor.uninstrument()
        propagate.set_global_textmap(usual)
        provider.shutdown()


def _hook(_span: object, params: aiohttp.TraceRequestStartParams) -> None:
    params.headers["X-Of-The-Hook"] = "1"


@pytest.fixture
async def burdened() -> None:
    """A context with something to propagate; for the task of the test and all that it begins."""
    context.attach(baggage.set_baggage("user", "anna"))


def parts(span: ReadableSpan) -> Iterator[object]:
    """Yield everything that an exporter reads of a span."""
    yield from (span.name, span.status.description, span.to_json())
    scope = span.instrumentation_scope
    for part in (span, span.resource, *([scope] if scope else []), *span.events, *span.links):
        yield dict(part.attributes or {})
    yield from (event.name for event in span.events)


def assert_clean(exporter: InMemorySpanExporter, *secrets: str) -> None:
    """Fail where a value of an exported span holds a secret, or a part of it, in any usual spelling."""
    told = "\n".join(text for span in exporter.get_finished_spans() for part in parts(span) for text in texts(part))
    for secret in secrets:
        for spelling in spellings(secret):
            assert spelling.lower() not in told.lower(), f"{spelling!r} is exported"


def assert_ours(*heads: bytes) -> None:
    """Fail where raw bytes hold a header that telemetry has added."""
    for head in heads:
        for name in ADDED:
            assert b"\r\n" + name not in head.lower()


@pytest.mark.usefixtures("burdened")
async def test_the_instrumentation_is_at_work(exported: InMemorySpanExporter) -> None:
    """A bare aiohttp session that is given the token sends what telemetry adds, and the token is exported."""
    token, listener = new_token(), Listener(tls=False)
    with listener.server:
        async with (
            aiohttp.ClientSession(headers={"Access-Token": token}) as session,
            session.post(listener.server.url(), data=b'{"text": "m"}') as response,
        ):
            assert response.ok
    (span,) = exported.get_finished_spans()
    assert token in {text for part in parts(span) for text in texts(part)}
    with pytest.raises(AssertionError, match="is exported"):
        assert_clean(exported, token)
    for name in set(ADDED) - {b"tracestate"}:
        assert b"\r\n" + name in listener.heads[0].lower()


async def send(client: WooxyClient, times: int = 2) -> None:
    """Send one message after the other; each is taken."""
    for at in range(times):
        await client.send(message(at, text="m"))


@pytest.mark.usefixtures("burdened")
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_span_of_a_request_to_the_api(exported: InMemorySpanExporter, *, tls: bool, fresh: bool) -> None:
    """The API reads nothing of telemetry's, and a span holds nothing of the token, on new and old connections."""
    token, listener = new_token(), Listener(tls=tls)
    context = certificates.client_context() if tls else None
    with listener.server:
        async with WooxyClient(token, base_url=listener.server.url(), ssl=context, fresh_connections=fresh) as client:
            await send(client, 12)
    assert (listener.server.connections == 12) is fresh
    assert [head.count(token.encode()) for head in listener.heads] == [1] * 12
    assert_ours(*listener.heads)
    assert len(exported.get_finished_spans()) == 12
    assert "http.request.header.user_agent" in (exported.get_finished_spans()[0].attributes or {})
    assert_clean(exported, token)


@pytest.mark.usefixtures("burdened")
@pytest.mark.parametrize("tls", [False, True])
async def test_a_span_of_a_request_that_fails(exported: InMemorySpanExporter, *, tls: bool) -> None:
    """What a lost connection, or one that is not made, leaves in a span holds nothing, nor does the next attempt."""

    def hang_up(peer: Peer, request: Request) -> None:
        listener.heads.append(request.head)
        peer.reset()

    token, listener = new_token(), Listener(tls=tls)
    listener.server.acts["m"] = (Act(hang_up),)
    context = certificates.client_context() if tls else None
    retry = RetryPolicy(attempts=2, wait_initial=0, wait_max=0, retry_in_doubt=True)
    with listener.server:
        async with WooxyClient(token, base_url=listener.server.url(), ssl=context, retry=retry, loss_hold=0) as client:
            await send(client, 1)
    async with WooxyClient(token, base_url=f"http://{UNREACHED}", retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(NotSentError):
            await send(client, 1)
    assert [head.count(token.encode()) for head in listener.heads] == [1, 1]
    assert_ours(*listener.heads)
    assert [len(span.events) for span in exported.get_finished_spans()] == [1, 0, 1]
    assert_clean(exported, token)


@pytest.mark.usefixtures("burdened")
async def test_a_span_of_a_request_through_a_forwarding_proxy(exported: InMemorySpanExporter) -> None:
    """An http API behind a proxy that asks for a login first: the span holds neither secret, before 407 and after."""

    def ask(peer: Peer, request: Request) -> None:
        listener.heads.append(request.head)
        peer.answer(LOGIN)

    token, listener = new_token(), Listener(tls=False)
    listener.server.acts["m"] = (Act(ask, takes=False),)
    with listener.server:
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{listener.server.port}"
        async with WooxyClient(token, base_url=f"http://{UNREACHED}", proxy=proxy) as client:
            with pytest.raises(NotSentError):
                await send(client, 1)
            await send(client)
    assert [head.lower().count(b"proxy-authorization: basic ") for head in listener.heads] == [1, 1, 1]
    assert_ours(*listener.heads)
    assert len(exported.get_finished_spans()) == 3
    assert_clean(exported, token, PASSWORD, f"user:{PASSWORD}")


@pytest.mark.usefixtures("burdened")
@pytest.mark.parametrize("reply", [TUNNEL, LOGIN, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"])
async def test_a_span_of_a_request_through_a_tunnel(exported: InMemorySpanExporter, reply: bytes) -> None:
    """CONNECT holds the login alone, and the span neither secret, whether the proxy connects or refuses."""
    token, listener = new_token(), Listener(tls=True, connect=reply)
    with listener.server:
        async with WooxyClient(
            token,
            base_url=f"https://{UNREACHED}",
            ssl=certificates.client_context(),
            proxy=f"http://user:{PASSWORD}@127.0.0.1:{listener.server.port}",
            retry=RetryPolicy(attempts=1),
            fresh_connections=True,
        ) as client:
            outcomes = await asyncio.gather(*(send(client) for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None) if reply == TUNNEL else NotSentError] * 2
    assert len(listener.connects) == (4 if reply == TUNNEL else 2)
    assert not [head for head in listener.connects if token.encode() in head]
    assert_ours(*listener.connects, *listener.heads)
    assert len(exported.get_finished_spans()) == len(listener.connects)
    assert_clean(exported, token, PASSWORD, f"user:{PASSWORD}")
