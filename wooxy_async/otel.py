"""Spans and metrics for OpenTelemetry, by its API alone (extra `otel`): what is done with them is your SDK's.

```python
from wooxy_async import WooxyClient
from wooxy_async.otel import Telemetry

client = Telemetry().watch(WooxyClient())
```

Each message has a span, from the moment it was taken to its outcome, below the span in which `send` was called, and
below it each of its requests has one. No attribute holds a reference, an id, a number, a domain, a sender, a tag, or
anything of the token, and nothing of a trace goes to Wooxy.
"""

from __future__ import annotations

import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol

try:
    from opentelemetry import context, metrics, trace
except ImportError as _missing:
    raise ImportError(
        "wooxy_async.otel needs OpenTelemetry's API: pip install 'wooxy-async[otel]'.", name=_missing.name
    ) from None

from wooxy_async import Outcome, Statistics, WooxyClient, __version__

__all__ = ["Telemetry"]

_SCOPE: Final = "wooxy_async"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_MESSAGING: Final = {
    "messaging.system": "wooxy",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
}
_Attributes = dict[str, str | int]
_Reading = Callable[[list[Statistics]], float]
# What is looked at when metrics are read, over all clients: name, unit, what it is, and how it is found.
_GAUGES: Final[tuple[tuple[str, str, str, _Reading], ...]] = (
    ("requests.in_progress", "{request}", "Requests in progress.", lambda all_: sum(one.borrowed for one in all_)),
    ("messages.waiting", "{message}", "Messages that wait for a slot.", lambda all_: sum(one.waiting for one in all_)),
    (
        "doubts.open",
        "{message}",
        "Messages in doubt whose request is still out.",
        lambda all_: sum(one.outlived for one in all_),
    ),
)


class _EndedRequest(NamedTuple):
    """A request that ended before its message had an outcome."""

    began: int  # nanoseconds since the epoch
    ended: int
    told: _Attributes


class _Message(Protocol):
    """What is asked of a message on its way."""

    priority: Any
    observed: Any  # requests until it has an outcome, then its span


class Telemetry:
    """Tells OpenTelemetry of the messages of clients; make one for the program.

    Spans: `send wooxy` for a message and `POST` for a request of it. Metrics, all named `wooxy.client.…`:
    `requests.in_progress`, `messages.waiting`, `doubts.open` (requests out for which nobody waits any more), `paused`
    (seconds until the client sends again, by `wooxy.cause`), `slot.wait` and `send.duration` (histograms in seconds),
    `outcomes` and `doubts.resolved` (counters).

    Attributes of ours: `wooxy.outcome`, `wooxy.cause` (`Cause.kind`), `wooxy.error_code` (the first error's),
    `wooxy.priority` and `wooxy.status_class` ("2xx").

    Args:
        tracer_provider: of the spans; by default the global one.
        meter_provider: of the metrics; by default the global one.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        self._clients: weakref.WeakSet[WooxyClient] = weakref.WeakSet()
        self._lock = Lock()
        self._outcomes: Counter[tuple[tuple[str, str | int], ...]] = Counter()
        self._resolved: Counter[tuple[tuple[str, str | int], ...]] = Counter()
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        self._wait = _times(meter, "slot.wait", "How long a request waited for its slot.")
        self._send = _times(meter, "send.duration", "How long a message took, from when it was taken to its outcome.")
        for name, unit, about, read in _GAUGES:
            meter.create_observable_gauge(f"wooxy.client.{name}", [self._reader(read)], unit, about)
        meter.create_observable_gauge(
            "wooxy.client.paused", [self._paused], "s", "How long the account still pauses because Wooxy asked for it."
        )
        for name, about, counts in (
            ("outcomes", "Messages by what became of them.", self._outcomes),
            ("doubts.resolved", "Messages in doubt by what is known of them in the end.", self._resolved),
        ):
            meter.create_observable_counter(f"wooxy.client.{name}", [self._counter(counts)], "{message}", about)

    def watch(self, client: WooxyClient) -> WooxyClient:
        """Tell of the messages that a client is given from now on, and return it."""
        self._clients.add(client)
        client._session.observer = self  # noqa: SLF001 - the one friend that a client has
        return client

    # Called by the client

    def attempted(
        self, submission: _Message, outcome: Outcome, status: int | None, elapsed: float, waited: float
    ) -> None:
        """Note a request that has ended."""
        self._wait.record(waited, {"wooxy.priority": submission.priority})
        told = _told(outcome)
        told["http.request.method"] = "POST"
        if status is not None:
            told["wooxy.status_class"] = f"{status // 100}xx"
        if outcome.attempts > 1:
            told["http.request.resend_count"] = outcome.attempts - 1
        ended = time.time_ns()
        request = _EndedRequest(ended - _nanoseconds(elapsed), ended, told)
        if isinstance(submission.observed, trace.Span):  # its caller has left
            self._show(request, submission.observed)
        elif submission.observed is None:
            submission.observed = [request]
        else:
            submission.observed.append(request)

    def concluded(self, submission: _Message, outcome: Outcome) -> None:
        """Note the outcome that a caller was told."""
        told = _told(outcome)
        told["wooxy.priority"] = submission.priority
        self._send.record(outcome.elapsed, told)
        with self._lock:
            self._outcomes[tuple(told.items())] += 1
        now = time.time_ns()
        requests = submission.observed or ()
        began = min([now - _nanoseconds(outcome.elapsed), *(request.began for request in requests)])
        kind, attributes = trace.SpanKind.PRODUCER, {**_MESSAGING, **told}
        span = self._tracer.start_span("send wooxy", None, kind, attributes, start_time=began)
        submission.observed = span
        for request in requests:
            self._show(request, span)
        _end(span, told, now)

    def resolved(self, submission: _Message, outcome: Outcome) -> None:
        """Note what became of a request that outlived its caller."""
        with self._lock:
            self._resolved[(*_told(outcome).items(), ("wooxy.priority", submission.priority))] += 1

    def _show(self, request: _EndedRequest, parent: trace.Span) -> None:
        if not parent.is_recording() and not parent.get_span_context().trace_flags.sampled:
            return
        above = trace.set_span_in_context(parent, context.Context())
        span = self._tracer.start_span("POST", above, trace.SpanKind.CLIENT, request.told, start_time=request.began)
        _end(span, request.told, request.ended)

    # Called when metrics are read, in whatever thread that is

    def _reader(self, read: _Reading) -> Callable[[object], Iterable[metrics.Observation]]:
        def observe(_options: object) -> Iterable[metrics.Observation]:
            yield metrics.Observation(read(self._statistics()))

        return observe

    def _paused(self, _options: object) -> Iterable[metrics.Observation]:
        """Yield the longest pause; there is one cause of it."""
        longest = max((one.paused_for for one in self._statistics()), default=0.0)
        yield metrics.Observation(longest, {"wooxy.cause": "throttled"})

    def _counter(
        self, counts: Counter[tuple[tuple[str, str | int], ...]]
    ) -> Callable[[object], Iterable[metrics.Observation]]:
        def observe(_options: object) -> Iterable[metrics.Observation]:
            with self._lock:
                now = list(counts.items())
            return [metrics.Observation(count, dict(told)) for told, count in now]

        return observe

    def _statistics(self) -> list[Statistics]:
        return [client.statistics() for client in list(self._clients)]


def _told(outcome: Outcome) -> _Attributes:
    told: _Attributes = {"wooxy.outcome": str(type(outcome).__struct_config__.tag)}
    cause, errors = getattr(outcome, "cause", None), getattr(outcome, "errors", ())
    if cause is not None:
        told["wooxy.cause"] = cause.kind
    if errors:
        told["wooxy.error_code"] = errors[0].code.value
    return told


def _end(span: trace.Span, told: _Attributes, now: int) -> None:
    """End a span; what was not accepted is an error, by a word of low cardinality and without a description."""
    if told["wooxy.outcome"] != "accepted" and span.is_recording():
        span.set_attribute(
            "error.type", told.get("wooxy.error_code") or told.get("wooxy.cause") or told["wooxy.outcome"]
        )
        span.set_status(trace.StatusCode.ERROR)
    span.end(now)


def _times(meter: metrics.Meter, name: str, about: str) -> metrics.Histogram:
    return meter.create_histogram(f"wooxy.client.{name}", "s", about, explicit_bucket_boundaries_advisory=_SECONDS)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
