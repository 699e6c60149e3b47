"""Sources of `send_many` that raise, shield, hang and close: every message that was pulled is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from people import message, messages

from wooxy_async import (
    Accepted,
    AuthenticationError,
    InDoubt,
    NotSent,
    Outcome,
    OutcomeStream,
    RetryPolicy,
    ViberMessage,
    WooxyClient,
)
from wooxy_async.limits import ProcessLimiter
from wooxy_async.sandbox import Fault, Sandbox


class SlowToRelease(ProcessLimiter):
    """A limiter that takes a moment to take a slot back."""

    def __init__(self) -> None:
        super().__init__("token-of-the-slow")

    @asynccontextmanager
    async def slot(self, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        """Wait for a slot and hold it for the block."""
        async with super().slot(**options) as lease:
            yield lease
            await asyncio.sleep(0.1)


class OwnError(BaseException):
    """An error that is no `Exception`."""


async def cancelled_elsewhere() -> None:
    """Await a task that somebody has cancelled."""
    task = asyncio.ensure_future(asyncio.sleep(3600))
    task.cancel()
    await task


async def own() -> None:
    """Raise an error of one's own."""
    raise OwnError("mine")


async def group() -> None:
    """Raise what a task group raises that was cancelled in an odd way."""
    raise BaseExceptionGroup("many", [OwnError("one")])


async def everything(stream: OutcomeStream) -> tuple[list[Outcome], BaseException | None]:
    """Return all outcomes, and what the stream raised at its end."""
    outcomes: list[Outcome] = []
    try:
        async for outcome in stream:
            outcomes.append(outcome)  # noqa: PERF401 - what came before an error is kept
    except BaseException as error:  # noqa: BLE001 - whatever a source raises is wanted
        return outcomes, error
    return outcomes, None


RAISED = [(cancelled_elsewhere, RuntimeError), (own, OwnError), (group, BaseExceptionGroup)]


@pytest.mark.parametrize(("fail", "kind"), RAISED)
async def test_what_is_no_exception_does_not_end_a_stream_in_silence(
    sandbox: Sandbox, client: WooxyClient, fail: Callable[[], Any], kind: type[BaseException]
) -> None:
    """Each message that was pulled has its outcome, then the source's error is raised, with its index."""

    async def source() -> AsyncIterator[ViberMessage]:
        for one in messages(7):
            yield one
        await fail()

    outcomes, error = await everything(client.send_many(source()))
    assert sorted(outcome.index for outcome in outcomes) == list(range(7))
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert isinstance(error, kind)
    assert "index 7" in f"{error} {getattr(error, '__notes__', '')}"
    assert sandbox.taken == 7
    assert not client._session.feeders


async def test_plain_sources_too(sandbox: Sandbox, client: WooxyClient) -> None:
    """An ordinary iterator may raise a CancelledError or an error of its own, likewise."""

    def source(error: BaseException) -> Iterator[ViberMessage]:
        yield from messages(3)
        raise error

    for raised, kind in ((asyncio.CancelledError(), RuntimeError), (OwnError("mine"), OwnError)):
        outcomes, error = await everything(client.send_many(source(raised)))
        assert len(outcomes) == 3
        assert isinstance(error, kind)
    assert sandbox.taken == 6


async def shielding(finished: asyncio.Event, go: asyncio.Event) -> AsyncIterator[ViberMessage]:
    """Yield a message, and finish the next whoever cancels."""
    yield message(1)
    finishing = asyncio.ensure_future(go.wait())
    finished.set()
    with suppress(asyncio.CancelledError):
        await asyncio.shield(finishing)
    await finishing
    yield message(2, reference="shielded")


@pytest.mark.parametrize("closed", ["stream", "client"])
async def test_an_item_that_is_shielded_is_told(sandbox: Sandbox, closed: str) -> None:
    """A message that a source finishes although the stream is closed is NotSent, and the feeder ends."""
    told: list[Outcome] = []
    client = WooxyClient(sandbox.token, base_url=sandbox.url, on_outcome=told.append)
    shields, go = asyncio.Event(), asyncio.Event()
    stream = client.send_many(shielding(shields, go))
    await anext(stream)
    await shields.wait()
    closing = asyncio.ensure_future(stream.aclose() if closed == "stream" else client.aclose())
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait_for(closing, 30)
    assert [(type(outcome), outcome.message.reference) for outcome in told[1:]] == [(NotSent, "shielded")]
    assert [outcome.message.reference for outcome in stream.undelivered] == ["shielded"]
    assert not client._session.feeders
    await client.aclose()
    assert sandbox.requests == 1


async def test_a_source_that_closes_the_client(sandbox: Sandbox) -> None:
    """A source may close the client, or its own stream, in its cleanup: nothing waits for itself."""

    async def source(close: Callable[[], Any]) -> AsyncIterator[ViberMessage]:
        try:
            yield message(1)
            await asyncio.Event().wait()
        finally:
            await close()

    for which in ("client", "stream"):
        client = WooxyClient(sandbox.token, base_url=sandbox.url)
        streams: list[OutcomeStream] = []
        close = client.aclose if which == "client" else lambda own=streams: own[0].aclose()
        streams.append(client.send_many(source(close)))
        await anext(streams[0])
        await asyncio.wait_for(streams[0].aclose(), 30)
        await asyncio.wait_for(client.aclose(), 30)
        assert not client._session.feeders


@pytest.mark.parametrize("closed", ["stream", "client"])
def test_a_source_that_takes_its_time(token: str, closed: str) -> None:
    """A source whose cleanup takes an hour, or runs in another task, does not keep a closing beyond its bound."""

    async def main() -> None:
        clock = LoopClock()

        async def source() -> AsyncIterator[ViberMessage]:
            try:
                yield message(1)
                await asyncio.Event().wait()
            finally:
                await asyncio.shield(asyncio.ensure_future(asyncio.sleep(3600)))

        async with Sandbox(token=token) as sandbox:
            client = WooxyClient(token, base_url=sandbox.url, clock=clock)
            stream = client.send_many(source())
            await anext(stream)
            began = clock.monotonic()
            await (stream.aclose() if closed == "stream" else client.aclose())
            assert clock.monotonic() - began < 12
            await client.aclose()

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("ends", ["closes its client", "takes an hour"])
def test_what_a_source_raises_late(token: str, caplog: pytest.LogCaptureFixture, ends: str) -> None:
    """A source that raises, and closes its client first, is heard; one that takes an hour is left, and logged."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox:
            sandbox.script(Fault.no_answer(), always=True)
            client = WooxyClient(token, base_url=sandbox.url, clock=LoopClock())
            hour = asyncio.ensure_future(asyncio.sleep(3600))

            async def source() -> AsyncIterator[ViberMessage]:
                try:
                    yield message(1)
                    await sandbox.until(lambda: sandbox.requests == 1)
                    raise OwnError("mine")
                finally:
                    await client.aclose()
                    while ends == "takes an hour" and not hour.done():
                        with suppress(asyncio.CancelledError):
                            await asyncio.wait({hour})

            outcomes, error = await everything(client.send_many(source()))
            assert [type(outcome) for outcome in outcomes] == [InDoubt]
            await asyncio.wait({hour})
            await asyncio.sleep(1)
            is_heard = isinstance(error, OwnError)
            assert (is_heard, "OwnError" in caplog.text) == (ends != "takes an hour", ends == "takes an hour")

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(main())


def test_a_stream_whose_requests_are_cut_tells_them(token: str) -> None:
    """What closing cuts is yielded to who iterates the stream, also where a limiter is slow to take slots back."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox:
            sandbox.script(Fault.no_answer(), always=True)
            limiter = SlowToRelease()
            client = WooxyClient(token, base_url=sandbox.url, clock=LoopClock(), limiter=limiter)

            async def all_outcomes() -> list[Outcome]:
                return [outcome async for outcome in client.send_many(messages(3))]

            iterating = asyncio.ensure_future(all_outcomes())
            await sandbox.until(lambda: sandbox.requests == 3)
            await client.aclose()
            assert [type(outcome) for outcome in await iterating] == [InDoubt] * 3

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(main())


async def test_what_ends_a_stream_is_raised_although_its_source_waits(sandbox: Sandbox, client: WooxyClient) -> None:
    """A source that waits for ever does not hide that the account was refused."""

    async def source() -> AsyncIterator[ViberMessage]:
        yield message(1)
        await asyncio.Event().wait()

    sandbox.script(Fault.error(20))
    outcomes, error = await asyncio.wait_for(everything(client.send_many(source())), 30)
    assert len(outcomes) == 1
    assert isinstance(error, AuthenticationError)


async def test_a_source_that_raises_because_it_is_ended(sandbox: Sandbox, client: WooxyClient) -> None:
    """An error in a source's cleanup does not hide what has ended the stream."""

    async def source() -> AsyncIterator[ViberMessage]:
        try:
            yield message(1)
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    sandbox.script(Fault.error(20))
    _, error = await asyncio.wait_for(everything(client.send_many(source())), 30)
    assert isinstance(error, AuthenticationError)


async def test_a_source_is_cancelled_once(sandbox: Sandbox, client: WooxyClient) -> None:
    """What a source awaits in its cleanup is not cancelled again and again while requests in flight end."""
    cleaned: list[bool] = []

    async def source() -> AsyncIterator[ViberMessage]:
        try:
            for one in messages(5):
                yield one
            await asyncio.Event().wait()
        finally:
            for _ in range(50):
                await asyncio.sleep(0)
            cleaned.append(True)

    sandbox.script(Fault.slow_answer(0.05), always=True)
    stream = client.send_many(source())
    first = asyncio.ensure_future(anext(stream))
    await sandbox.until(lambda: sandbox.requests == 5)
    await stream.aclose()
    await first
    assert cleaned == [True]


@pytest.mark.parametrize("leave", ["close", "drop", "cancel the send"])
async def test_nothing_is_sent_again_for_who_has_left(sandbox: Sandbox, leave: str) -> None:
    """A request that was out when its caller left, and is then refused for load, is not sent again."""
    settled: list[Outcome] = []
    sandbox.script(msgspec.structs.replace(Fault.too_many_requests(0), seconds=0.2), always=True)
    async with WooxyClient(
        sandbox.token, base_url=sandbox.url, retry=RetryPolicy(wait_initial=0), on_settled=settled.append
    ) as client:
        stream = client.send_many(messages(3))
        waiting: asyncio.Future[Any] = asyncio.ensure_future(
            client.send(message(1)) if leave == "cancel the send" else anext(stream)
        )
        out = 1 if leave == "cancel the send" else 3
        await sandbox.until(lambda: sandbox.requests == out)
        if leave == "close":
            await stream.aclose()
        waiting.cancel()
        await asyncio.wait([waiting])
        del stream, waiting
        while client._session.submissions:
            await asyncio.sleep(0)
        assert sandbox.requests == out
    assert client.statistics().borrowed == 0
    if leave == "cancel the send":
        assert [type(outcome) for outcome in settled] == [NotSent]
