"""Telemetry as an exporter gets it: spans, metrics, what they never hold, and what they never break."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from listening import Listener, new_token
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from people import message
from showing import spellings

from wooxy_async import Accepted, Button, InDoubtError, NotSentError, RetryPolicy, WooxyClient, WooxyError
from wooxy_async.otel import Telemetry
from wooxy_async.sandbox import Fault, Sandbox

SENT = {"messaging.system": "wooxy", "messaging.operation.name": "send", "messaging.operation.type": "send"}
URGENT = {"wooxy.priority": "urgent"}


class Exported:
    """An SDK with its exporters in memory."""

    def __init__(self, **options: Any) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracing = TracerProvider(shutdown_on_exit=False, **options)
        self.tracing.add_span_processor(SimpleSpanProcessor(self._spans))
        self._metering = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(tracer_provider=self.tracing, meter_provider=self._metering)

    def close(self) -> None:
        """End it."""
        self.tracing.shutdown()
        self._metering.shutdown()

    def spans(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name, in the order of their beginning."""
        return sorted((span for span in self._spans.get_finished_spans() if span.name == name), key=_start)

    def raw(self) -> str:
        """Return all that is exported, as the exporters write it."""
        spans = [span.to_json() for span in self._spans.get_finished_spans()]
        return "\n".join([*spans, self._metrics().to_json()])

    def points(self, name: str) -> list[Any]:
        """Return the data points of a metric now."""
        scopes = [scope for resource in self._metrics().resource_metrics for scope in resource.scope_metrics]
        found = [metric for scope in scopes for metric in scope.metrics if metric.name == f"wooxy.client.{name}"]
        return [point for metric in found for point in metric.data.data_points]

    def value(self, name: str) -> Any:
        """Return the value of a metric that has one."""
        (point,) = self.points(name)
        return point.value

    def _metrics(self) -> Any:
        return self._reader.get_metrics_data()


def _start(span: ReadableSpan) -> int:
    assert span.start_time is not None
    return span.start_time


@pytest.fixture
def exported() -> Iterator[Exported]:
    """What is exported by a test."""
    sdk = Exported()
    yield sdk
    sdk.close()


def watched(exported: Exported, sandbox: Sandbox, **options: Any) -> WooxyClient:
    """Return a client whose telemetry is exported."""
    own: dict[str, Any] = {"base_url": sandbox.url, "loss_hold": 0.05, "retry": RetryPolicy(wait_initial=0)}
    return exported.telemetry.watch(WooxyClient(sandbox.token, **own | options))


async def test_a_message_and_its_requests(sandbox: Sandbox, exported: Exported) -> None:
    """Below the span in which `send` was called the message's, and below that each request's, one after another."""
    sandbox.script(Fault.too_many_requests(0))
    async with watched(exported, sandbox) as client:
        with exported.tracing.get_tracer("shop").start_as_current_span("checkout"):
            await client.send(message())
    (checkout,), (sent,), requests = exported.spans("checkout"), exported.spans("send wooxy"), exported.spans("POST")
    assert sent.parent == checkout.context
    assert [request.parent for request in requests] == [sent.context] * 2
    assert dict(sent.attributes or {}) == SENT | URGENT | {"wooxy.outcome": "accepted"}
    assert [dict(request.attributes or {}) for request in requests] == [
        {
            "http.request.method": "POST",
            "wooxy.outcome": "not_sent",
            "wooxy.cause": "throttled",
            "wooxy.status_class": "4xx",
            "error.type": "throttled",
        },
        {
            "http.request.method": "POST",
            "wooxy.outcome": "accepted",
            "wooxy.status_class": "2xx",
            "http.request.resend_count": 1,
        },
    ]
    for request in requests:
        assert sent.start_time <= request.start_time <= request.end_time <= sent.end_time  # type: ignore[operator]
    assert [sent.kind.name, *(request.kind.name for request in requests)] == ["PRODUCER", "CLIENT", "CLIENT"]
    assert [sent.status.is_ok, *(request.status.is_ok for request in requests)] == [True, False, True]


@pytest.mark.parametrize(
    ("fault", "text", "told"),
    [
        (Fault.error(17), "Hello", {"wooxy.outcome": "rejected", "wooxy.error_code": "COUNTRY_NOT_ALLOWED_FOR_SENDER"}),
        (Fault.none(), "", {"wooxy.outcome": "invalid"}),
        (
            Fault.reset_after_reading(),
            "Hello",
            {"wooxy.outcome": "in_doubt", "wooxy.cause": "connection_lost"},
        ),
    ],
    ids=["rejected", "invalid", "in doubt"],
)
async def test_what_was_not_accepted(
    sandbox: Sandbox, exported: Exported, fault: Fault, text: str, told: dict[str, str]
) -> None:
    """Is an error by a stable word, without a description; the counter and the duration say the same of it."""
    sandbox.script(fault)
    async with watched(exported, sandbox) as client:
        with pytest.raises(WooxyError):
            await client.send(message(text=text))
    (sent,) = exported.spans("send wooxy")
    error = {"error.type": list(told.values())[-1]}
    assert dict(sent.attributes or {}) == SENT | URGENT | told | error
    assert (sent.status.is_ok, sent.status.description) == (False, None)
    for name in ("outcomes", "send.duration"):
        (point,) = exported.points(name)
        assert dict(point.attributes) == URGENT | told


async def test_a_caller_who_has_left(sandbox: Sandbox, exported: Exported) -> None:
    """The message's span ends in doubt; its request's ends later, below it, and the doubt is open until then."""
    sandbox.script(Fault.slow_answer(0.3))
    async with watched(exported, sandbox) as client:
        left = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.in_progress == 1)
        left.cancel()
        await asyncio.wait([left])
        assert (exported.value("doubts.open"), exported.value("requests.in_progress")) == (1, 1)
        assert exported.spans("POST") == exported.points("doubts.resolved") == []
    (sent,), (request,) = exported.spans("send wooxy"), exported.spans("POST")
    assert (sent.attributes or {})["wooxy.cause"] == "cancelled"
    assert (request.attributes or {})["wooxy.outcome"] == "accepted"
    assert request.parent == sent.context
    assert request.end_time > sent.end_time  # type: ignore[operator]
    (resolved,) = exported.points("doubts.resolved")
    assert (dict(resolved.attributes), resolved.value) == (URGENT | {"wooxy.outcome": "accepted"}, 1)
    assert exported.value("doubts.open") == 0


async def test_metrics_of_many(token: str, exported: Exported) -> None:
    """Who waits, who is in progress, and how long each waited, over all clients; a client that is gone is not read."""
    exported.telemetry.watch(WooxyClient("another-token-00", limiter="process"))
    async with Sandbox(token=token) as sandbox, watched(exported, sandbox, max_concurrency=2) as client:
        sandbox.script(Fault.no_answer(), Fault.no_answer())
        tasks = [asyncio.ensure_future(client.send(message(at))) for at in range(5)]
        await sandbox.until(lambda: sandbox.in_progress == 2)
        assert (exported.value("requests.in_progress"), exported.value("messages.waiting")) == (2, 3)
        await client.aclose(drain=0)
        await asyncio.wait(tasks)
        for task in tasks:
            assert isinstance(task.exception(), InDoubtError | NotSentError)
    counted = {point.attributes["wooxy.outcome"]: point.value for point in exported.points("outcomes")}
    assert counted == {"in_doubt": 2, "not_sent": 3}
    (waits,) = exported.points("slot.wait")
    assert (waits.count, dict(waits.attributes)) == (2, URGENT)
    assert sum(point.count for point in exported.points("send.duration")) == 5
    (paused,) = exported.points("paused")
    assert (dict(paused.attributes), paused.value) == ({"wooxy.cause": "throttled"}, 0)


def test_times_are_those_of_the_clock(token: str, exported: Exported) -> None:
    """Waits and durations in seconds; a pause that Wooxy asks for is no wait for a slot, and is read meanwhile."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox:
            sandbox.script(Fault.slow_answer(5), Fault.too_many_requests(20))
            async with watched(exported, sandbox, clock=LoopClock(), max_concurrency=1, timeout=600) as client:
                tasks = [asyncio.ensure_future(client.send(message(at), priority="bulk")) for at in range(2)]
                await sandbox.until(lambda: sandbox.requests == 2)
                await asyncio.sleep(10)
                assert 9 <= exported.value("paused") <= 11
                await asyncio.gather(*tasks)

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(main())
    (waits,), (durations,) = exported.points("slot.wait"), exported.points("send.duration")
    assert (waits.count, round(waits.sum)) == (3, 5)
    assert (durations.count, round(durations.sum)) == (2, 5 + 25)


async def test_nothing_of_a_person_or_a_secret(exported: Exported) -> None:
    """Not in what the exporters write, in any usual spelling; and nothing of a trace goes to Wooxy."""
    token, listener = new_token(), Listener(tls=False)
    sent = message(
        domain="private-shop.example",
        phone_number="+4366412345678",
        text="Dear Anna Private",
        sender_id="PrivateSender",
        tags=("private-tag",),
        button=Button(text="private caption", url="https://private.example/page"),
        reference="anna@private.example",
    )
    with listener.server:
        url = listener.server.url()
        async with exported.telemetry.watch(WooxyClient(token, base_url=url)) as client:
            outcomes = [one async for one in client.send_many([sent])]
    ids = [one for outcome in outcomes if isinstance(outcome, Accepted) for one in outcome.message_ids]
    assert ids
    told = exported.raw().lower()
    assert "wooxy.outcome" in told
    assert "private" not in told
    for secret in (token, sent.phone_number, sent.phone_number[1:], *ids):
        assert [spelling for spelling in spellings(secret) if spelling.lower() in told] == []
    assert not any(name in head.lower() for head in listener.heads for name in (b"traceparent", b"baggage"))


class Failing(SpanProcessor):
    """Raises whenever a span ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Raise."""
        raise RuntimeError(f"the exporter of {span.name} is broken")


async def test_what_telemetry_raises_changes_nothing(
    sandbox: Sandbox, exported: Exported, caplog: pytest.LogCaptureFixture
) -> None:
    """The message has its outcome, and the log says it."""
    exported.tracing.add_span_processor(Failing())
    async with watched(exported, sandbox) as client:
        assert isinstance(await client.send(message()), Accepted)
    assert "telemetry raised; the message is not affected" in caplog.text


async def test_what_is_not_sampled(sandbox: Sandbox) -> None:
    """It has no spans; metrics count it all the same. Without an SDK nothing is done with either."""
    exported = Exported(sampler=ALWAYS_OFF)
    async with (
        watched(exported, sandbox) as client,
        Telemetry().watch(WooxyClient(sandbox.token, base_url=sandbox.url)) as bare,
    ):
        await client.send(message())
        await bare.send(message())
    assert exported.spans("send wooxy") == exported.spans("POST") == []
    assert exported.value("outcomes") == 1
    exported.close()


def test_the_extra_is_named() -> None:
    """Where OpenTelemetry's API is not installed."""
    code = "import sys; sys.modules['opentelemetry'] = None; import wooxy_async.otel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.stderr.splitlines()[-1].endswith("needs OpenTelemetry's API: pip install 'wooxy-async[otel]'.")
