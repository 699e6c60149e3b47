"""A client's life: outside a loop, over several loops, closed, left open."""

import asyncio
import gc
import os
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop
from clocks import LoopClock, NetworkedJumpingLoop
from people import message, messages
from threaded import ThreadedSandbox

from wooxy_async import (
    Accepted,
    InDoubt,
    InDoubtError,
    NotSent,
    NotSentError,
    Outcome,
    Statistics,
    ViberMessage,
    WooxyClient,
)
from wooxy_async._rules.redaction import mask_reference
from wooxy_async.sandbox import Fault, Sandbox


@pytest.fixture
def server(token: str):  # noqa: ANN201 - a fixture
    """A sandbox in another thread."""
    server = ThreadedSandbox(token)
    yield server
    server.close()


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_one_client_over_several_loops(server: ThreadedSandbox, token: str, factory: object) -> None:
    """Built outside a loop, a client works in one loop after the other, and each message arrives once."""
    client = WooxyClient(token, base_url=server.sandbox.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the loops that were closed leave their sockets behind
        for at in range(4):
            with asyncio.Runner(loop_factory=factory) as runner:  # type: ignore[arg-type]
                assert isinstance(runner.run(client.send(message(at))), Accepted)
        with asyncio.Runner(loop_factory=factory) as runner:  # type: ignore[arg-type]
            runner.run(client.aclose())
        gc.collect()
    assert (server.sandbox.taken, server.sandbox.duplicates) == (4, 0)


def test_a_second_loop_is_refused_while_the_first_is_open(server: ThreadedSandbox, token: str) -> None:
    """A client in use by a loop that is still open refuses another one before anything is sent."""
    client = WooxyClient(token, base_url=server.sandbox.url)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.send(message(1)))
        with pytest.raises(RuntimeError, match="belongs to another event loop"):
            second.run(client.send(message(2)))

        async def stream() -> None:
            async for _outcome in client.send_many(messages(3)):
                pass

        with pytest.raises(RuntimeError, match="belongs to another event loop"):
            second.run(stream())
        assert server.sandbox.requests == 1
        first.run(client.aclose())


def test_closing_in_another_loop(server: ThreadedSandbox, token: str) -> None:
    """A client whose loop was closed can be closed in any other."""
    client = WooxyClient(token, base_url=server.sandbox.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(client.send(message(1)))
        asyncio.run(client.aclose())
        gc.collect()
    assert client.closed


async def test_a_closed_client_refuses(sandbox: Sandbox) -> None:
    """After aclose, sending is a RuntimeError that says what to do; closing again does nothing."""
    client = WooxyClient(sandbox.token, base_url=sandbox.url)
    assert "open" in repr(client)
    await client.aclose()
    await client.aclose()
    assert (client.closed, "closed" in repr(client)) == (True, True)
    with pytest.raises(RuntimeError, match="is closed: make a new one"):
        await client.send(message())
    with pytest.raises(RuntimeError, match="is closed: make a new one"):
        await anext(client.send_many(messages(1)))
    with pytest.raises(RuntimeError, match="is closed: make a new one"):
        async with client:
            pass
    assert sandbox.requests == 0


async def test_a_client_left_open_warns(sandbox: Sandbox) -> None:
    """A client that was never closed says so when it is collected, without its token."""
    client = WooxyClient(sandbox.token, base_url=sandbox.url)
    await client.send(message())
    with pytest.warns(ResourceWarning, match="was left open") as caught:
        del client
        gc.collect()
    assert all(sandbox.token not in str(warning.message) for warning in caught)


def test_a_client_that_was_never_used_does_not_warn() -> None:
    """Without a session there is nothing to close; a constructor that failed leaves nothing either."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del [WooxyClient("some-token")][0]
        with pytest.raises(ValueError, match="max_concurrency"):
            WooxyClient("some-token", max_concurrency=11)
        gc.collect()


async def test_closing_drains(sandbox: Sandbox) -> None:
    """Closing waits for what is in flight; what has not started is NotSent."""
    sandbox.script(Fault.slow_answer(0.1), Fault.slow_answer(0.1))
    client = WooxyClient(sandbox.token, base_url=sandbox.url, max_concurrency=2)
    sends = [asyncio.ensure_future(client.send(message(at))) for at in range(4)]
    await sandbox.until(lambda: sandbox.requests == 2)
    await client.aclose()
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, NotSentError, NotSentError]
    assert "client was closed" in str(outcomes[2])
    assert sandbox.requests == 2


async def test_closing_ends_streams(token: str) -> None:
    """Closing the client stops its streams: what was in flight is accepted, the rest NotSent or not pulled."""
    async with Sandbox(token=token, latency=0.02) as sandbox:
        client = WooxyClient(token, base_url=sandbox.url)
        stream = client.send_many(messages(1000))
        outcomes: list[Outcome] = [await anext(stream)]
        await client.aclose()
        outcomes += [outcome async for outcome in stream]
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == sandbox.taken
    assert len(outcomes) <= 21


async def test_closing_sends_nothing_again(token: str) -> None:
    """A request that is refused for load while its client closes is NotSent for that reason, and not tried again."""
    async with Sandbox(token=token, latency=0.1) as sandbox:
        sandbox.script(Fault.too_many_requests(None))
        client = WooxyClient(token, base_url=sandbox.url)
        send = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.requests == 1)
        await client.aclose()
        with pytest.raises(NotSentError) as caught:
            await send
    assert caught.value.outcome.cause.kind == "throttled"
    assert sandbox.requests == 1


async def test_closing_runs_to_its_end_when_cancelled(sandbox: Sandbox) -> None:
    """A cancelled aclose still drains: the request in flight is answered."""
    sandbox.script(Fault.slow_answer(0.1))
    client = WooxyClient(sandbox.token, base_url=sandbox.url)
    send = asyncio.ensure_future(client.send(message()))
    await sandbox.until(lambda: sandbox.requests == 1)
    closing = asyncio.ensure_future(client.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    assert isinstance(await send, Accepted)
    await asyncio.gather(closing, return_exceptions=True)
    assert client.closed


async def test_closing_is_bounded(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """What is not answered within the bound is in doubt, and its reference is logged."""
    sandbox.script(Fault.no_answer(), always=True)
    client = WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0.05)
    send = asyncio.ensure_future(client.send(message(reference="order-17")))
    stream = client.send_many(messages(1))
    waiting = asyncio.ensure_future(anext(stream))
    await sandbox.until(lambda: sandbox.requests == 2)
    await client._session.aclose(0.05, None)
    await client.aclose()
    assert (await asyncio.gather(send, return_exceptions=True))[0].outcome.cause.kind == "closed"  # type: ignore[union-attr]
    assert isinstance(await waiting, InDoubt)
    assert mask_reference("order-17") in caplog.text
    assert "order-17" not in caplog.text


async def test_statistics(sandbox: Sandbox, client: WooxyClient) -> None:
    """Slots in use, and outcomes so far, are counted."""
    assert client.statistics() == Statistics()
    sandbox.script(Fault.error(1), Fault.half_answer())
    async for _outcome in client.send_many([message(0), message(1), message(2, text="")]):
        pass
    await client.send(message(3))
    statistics = client.statistics()
    assert (statistics.accepted, statistics.rejected, statistics.in_doubt, statistics.invalid) == (1, 1, 1, 1)


def test_the_environment_configures(server: ThreadedSandbox, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments a client takes its token and address from the environment."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", token)
    monkeypatch.setenv("WOOXY_BASE_URL", server.sandbox.url)

    async def send() -> None:
        async with WooxyClient() as client:
            await client.send(message())

    asyncio.run(send())
    assert server.sandbox.taken == 1
    assert os.environ["WOOXY_ACCESS_TOKEN"] not in repr(WooxyClient())


def test_a_loop_that_dies_with_requests_in_flight(server: ThreadedSandbox, token: str) -> None:
    """Requests of a loop that ended with them are InDoubt, and their slots open after the hold."""
    server.sandbox.script(Fault.no_answer(), always=True)
    outcomes: list[Outcome] = []
    client = WooxyClient(token, base_url=server.sandbox.url, loss_hold=0.1, on_outcome=outcomes.append)

    async def die() -> None:
        for at in range(10):
            asyncio.ensure_future(client.send(message(at)))  # noqa: RUF006 - it dies with the loop
        while server.sandbox.requests < 10:
            await asyncio.sleep(0.001)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(die())
        assert len(outcomes) == 10
        assert all(isinstance(outcome, InDoubt | NotSent) for outcome in outcomes)
        server.sandbox.reset()
        assert isinstance(asyncio.run(client.send(message(11))), Accepted)
        asyncio.run(client.aclose())
        gc.collect()
    assert server.sandbox.peak_in_progress <= 10


def test_a_loop_that_dies_while_a_source_waits(server: ThreadedSandbox, token: str) -> None:
    """A stream whose loop ends while its source waits closes the source."""
    closed: list[bool] = []

    async def source() -> AsyncIterator[ViberMessage]:
        try:
            yield message(1)
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def die() -> None:
        client = WooxyClient(token, base_url=server.sandbox.url)
        stream = client.send_many(source())
        await anext(stream)
        kept.extend([client, stream])

    kept: list[object] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(die())
        kept.clear()
        gc.collect()
    assert closed == [True]


def simulate(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a clock that jumps."""
    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("given", [{"drain": 3.0}, {}], ids=["argument", "client"])
def test_closing_waits_as_long_as_it_is_told(token: str, given: dict[str, float]) -> None:
    """A client's `drain` is the default of its own end and of its streams' ends; each end takes another."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox:
            sandbox.script(Fault.no_answer(), always=True)
            client = WooxyClient(token, base_url=sandbox.url, clock=LoopClock(), drain=100.0 if given else 3.0)
            stream = client.send_many(messages(2))
            taking = asyncio.ensure_future(anext(stream))
            await sandbox.until(lambda: sandbox.in_progress == 2)
            for closing in (stream.aclose(**given), client.aclose(**given)):
                began = asyncio.get_running_loop().time()
                await closing
                assert 3.0 <= asyncio.get_running_loop().time() - began < 50
            outcomes = [await taking, *stream.undelivered]
            assert [outcome.cause.kind for outcome in outcomes if isinstance(outcome, InDoubt)] == ["closed", "closed"]

    simulate(main)


def test_a_second_end_hastens_the_first(token: str) -> None:
    """While one call waits, another one with `drain=0` cuts at once what it waits for; a longer one changes nothing."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Sandbox(token=token) as sandbox:
            sandbox.script(Fault.no_answer(), always=True)
            client = WooxyClient(token, base_url=sandbox.url, clock=LoopClock())
            send = asyncio.ensure_future(client.send(message(0), timeout=600))
            await sandbox.until(lambda: sandbox.in_progress == 1)
            closing = asyncio.ensure_future(client.aclose(drain=3000))
            await asyncio.sleep(1)
            await client.aclose(drain=3600)
            began = loop.time()
            await client.aclose(drain=0)
            await closing
            assert loop.time() - began < 60
            with pytest.raises(InDoubtError, match="The client was closed"):
                await send
            await client.aclose(drain=0)  # after the end

    simulate(main)


@pytest.mark.parametrize("drain", [-1, 3601, float("nan"), True, "1"])
async def test_a_wrong_drain_is_refused(client: WooxyClient, drain: Any) -> None:
    """At all three places, by name; nothing is closed."""
    stream = client.send_many(messages(1))
    with pytest.raises((ValueError, TypeError), match="drain"):
        await client.aclose(drain=drain)
    with pytest.raises((ValueError, TypeError), match="drain"):
        await stream.aclose(drain=drain)
    with pytest.raises((ValueError, TypeError), match="drain"):
        WooxyClient("token", drain=drain)
    assert [type(outcome) async for outcome in stream] == [Accepted]


async def test_closing_in_another_loop_does_not_disturb_the_one_that_closes(sandbox: Sandbox) -> None:
    """While a client waits in its own loop for what is in flight, another loop's call returns and changes nothing."""
    sandbox.script(Fault.no_answer(), always=True)
    client = WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0.05)
    send = asyncio.ensure_future(client.send(message(0), timeout=600))
    await sandbox.until(lambda: sandbox.in_progress == 1)
    closing = asyncio.ensure_future(client.aclose(drain=3000))
    while not client.closed:
        await asyncio.sleep(0)
    await asyncio.to_thread(asyncio.run, client.aclose())
    assert not closing.done()
    await client.aclose(drain=0)
    await closing
    with pytest.raises(InDoubtError, match="The client was closed"):
        await send


async def test_a_client_in_use_by_another_thread_is_not_closed_here(sandbox: Sandbox, client: WooxyClient) -> None:
    """Connections belong to their loop: the remedy is told, and the client goes on."""
    await client.send(message(0))
    with pytest.raises(RuntimeError, match="in use by the event loop of another thread: close it there"):
        await asyncio.to_thread(asyncio.run, client.aclose())
    assert not client.closed
    assert isinstance(await client.send(message(1)), Accepted)
    assert sandbox.taken == 2


async def test_a_client_holds_nothing_of_a_message_that_has_ended(sandbox: Sandbox, client: WooxyClient) -> None:
    """Accepted, refused, cancelled before it went, left in a stream: the open client keeps no part of it."""
    before = _submissions()
    sandbox.script(Fault.none(), Fault.error(12))
    await client.send(message(1))
    await asyncio.gather(client.send(message(2)), return_exceptions=True)
    left = asyncio.ensure_future(client.send(message(3)))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    async with client.send_many(messages(50)) as stream:
        async for _outcome in stream:
            break
    del left, stream
    assert _submissions() - before == 0
    assert sandbox.taken >= 2


def _submissions() -> int:
    gc.collect()
    return sum(type(each).__name__ == "Submission" for each in gc.get_objects())
