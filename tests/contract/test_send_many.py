"""`send_many`: a stream of outcomes that is safe to leave at any moment."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from people import message, messages

from wooxy_async import (
    Accepted,
    AuthenticationError,
    InDoubt,
    Invalid,
    NotSent,
    NotSentError,
    Outcome,
    Rejected,
    RejectedError,
    RetryPolicy,
    ViberMessage,
    WooxyClient,
)
from wooxy_async.sandbox import Delay, Fault, Sandbox


async def test_every_message_has_one_outcome(sandbox: Sandbox, client: WooxyClient) -> None:
    """Of any source each message comes back once, with its place, and arrives once."""
    outcomes = [outcome async for outcome in client.send_many(messages(500))]
    assert sorted(outcome.index for outcome in outcomes) == list(range(500))
    assert {outcome.message.reference for outcome in outcomes} == {str(at) for at in range(500)}
    assert (sandbox.taken, sandbox.duplicates) == (500, 0)


async def test_the_five_outcomes_stream(sandbox: Sandbox, client: WooxyClient) -> None:
    """What is refused, invalid or in doubt is yielded like the rest, and ends nothing."""
    sandbox.script(Fault.error(13), number=message(1).phone_number)
    sandbox.script(Fault.half_answer(), number=message(2).phone_number)
    source = [message(0), message(1), message(2), message(3, text=""), message(4)]
    outcomes = {outcome.index: outcome async for outcome in client.send_many(source)}
    kinds = [type(outcomes[at]) for at in range(5)]
    assert kinds == [Accepted, Rejected, InDoubt, Invalid, Accepted]


async def test_async_sources(sandbox: Sandbox, client: WooxyClient) -> None:
    """An async generator is pulled, and closed in the task that pulled it, task group and all."""
    closed_in: list[object] = []

    async def source() -> AsyncIterator[ViberMessage]:
        pulled_in = asyncio.current_task()
        async with anyio.create_task_group():
            try:
                for one in messages(50):
                    await anyio.lowlevel.checkpoint()
                    yield one
            finally:
                closed_in.append(asyncio.current_task() is pulled_in)

    stream, told = client.send_many(source()), list[Outcome]()
    async for outcome in stream:
        told.append(outcome)
        if outcome.index >= 20:
            break
    await client.aclose()
    assert closed_in == [True]
    told += stream.undelivered
    assert sorted(outcome.index for outcome in told) == list(range(len(told)))
    assert len(told) > 20
    assert sandbox.taken == sum(isinstance(outcome, Accepted) for outcome in told) > 10


async def test_the_source_is_pulled_as_slots_become_free(token: str) -> None:
    """The source is never more than 20 messages ahead of the outcomes that were taken."""
    pulled = taken = ahead = 0

    def source() -> Iterator[ViberMessage]:
        nonlocal pulled, ahead
        for one in messages(300):
            pulled += 1
            ahead = max(ahead, pulled - taken)
            yield one

    async with (
        Sandbox(token=token, latency=Delay.uniform(0, 0.004)) as sandbox,
        WooxyClient(token, base_url=sandbox.url) as client,
    ):
        async for _outcome in client.send_many(source()):
            taken += 1
            if taken % 100 == 0:
                await sandbox.until(lambda: sandbox.in_progress == 0)
    assert (ahead, taken) == (20, 300)


async def test_a_source_that_raises(sandbox: Sandbox, client: WooxyClient) -> None:
    """What was pulled before gets its outcome first; then comes the source's own error, with its index."""

    def source() -> Iterator[ViberMessage]:
        yield from messages(13)
        raise KeyError("row 14")

    outcomes: list[Outcome] = []
    with pytest.raises(KeyError, match="row 14") as caught:
        async for outcome in client.send_many(source()):
            outcomes.append(outcome)  # noqa: PERF401 - the loop is what is tested
    assert caught.value.__notes__ == ["raised by the source of send_many at index 13"]
    assert len(outcomes) == sandbox.taken == 13


class NoSource:
    """Says that it can be iterated, and cannot."""

    def __iter__(self) -> Iterator[ViberMessage]:
        raise OSError("no such table")


async def broken_at_its_end() -> AsyncIterator[ViberMessage]:
    """Yield one message, and fail when it is closed."""
    try:
        yield message(1)
        yield message(2)
    finally:
        raise OSError("cannot close the table")


async def test_a_source_that_cannot_be_opened(sandbox: Sandbox, client: WooxyClient) -> None:
    """An error of the source's opening reaches the caller, and nothing was sent."""
    with pytest.raises(OSError, match="no such table"):
        await anext(client.send_many(NoSource()))
    assert sandbox.requests == 0


async def test_a_source_that_fails_to_close(sandbox: Sandbox, client: WooxyClient) -> None:
    """An error of the source's end comes after the outcomes of what it gave."""
    outcomes: list[Outcome] = []
    with pytest.raises(OSError, match="cannot close the table"):
        async for outcome in client.send_many(broken_at_its_end()):
            outcomes.append(outcome)  # noqa: PERF401 - the loop is what is tested
    assert len(outcomes) == sandbox.taken == 2


async def test_a_source_that_yields_something_else(sandbox: Sandbox, client: WooxyClient) -> None:
    """Anything but a ViberMessage is a TypeError that names the index, after the outcomes before it."""
    stream = client.send_many([message(1), {"text": "no"}, message(2)])  # type: ignore[list-item]
    assert isinstance(await anext(stream), Accepted)
    with pytest.raises(TypeError, match="message 1 is dict"):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert sandbox.taken == 1


@pytest.mark.parametrize("wrong", [None, 7, "text", b"bytes", message()])
def test_what_is_no_source_is_refused_at_once(wrong: object) -> None:
    """A wrong source is a TypeError where it is given."""
    client = WooxyClient("some-token")
    with pytest.raises(TypeError, match="send_many takes an iterable of ViberMessages"):
        client.send_many(wrong)  # type: ignore[arg-type]


async def test_undelivered_holds_what_nobody_took(token: str) -> None:
    """After leaving a block early, every message that was pulled has an outcome: taken or in `undelivered`."""
    pulled = 0

    def source() -> Iterator[ViberMessage]:
        nonlocal pulled
        for one in messages(100):
            pulled += 1
            yield one

    async with Sandbox(token=token, latency=0.01) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        seen = []
        async with client.send_many(source()) as stream:
            async for outcome in stream:
                seen.append(outcome)
                if len(seen) == 5:
                    break
        seen += stream.undelivered
        assert sorted(outcome.index for outcome in seen) == list(range(pulled))
        assert sum(isinstance(outcome, Accepted) for outcome in seen) == sandbox.taken
        assert {outcome.cause.kind for outcome in seen if isinstance(outcome, NotSent)} <= {"not_started"}
        assert "closed" in repr(stream)


async def test_a_stream_closed_before_its_start_touches_nothing(client: WooxyClient) -> None:
    """Closing an unused stream pulls nothing, and it is over."""
    source = messages(3)
    stream = client.send_many(source)
    assert "not started" in repr(stream)
    await stream.aclose()
    assert stream.undelivered == ()
    assert [outcome async for outcome in stream] == []
    assert len(list(source)) == 3


async def test_a_plain_iterator_stays_with_its_owner(sandbox: Sandbox, client: WooxyClient) -> None:
    """What was not pulled from a generator can be sent afterwards."""
    source = messages(100)
    async with client.send_many(source) as stream:
        await anext(stream)
        assert "open" in repr(stream)
    rest = [outcome async for outcome in client.send_many(source)]
    missed = [outcome for outcome in stream.undelivered if isinstance(outcome, NotSent)]
    assert sandbox.taken == 100 - len(missed)
    assert len(rest) + len(stream.undelivered) + 1 == 100


async def test_two_tasks_cannot_iterate_one_stream(sandbox: Sandbox, client: WooxyClient) -> None:
    """The second task gets a RuntimeError that says what to do."""
    sandbox.script(Fault.slow_answer(0.1))
    stream = client.send_many(messages(1))
    first = asyncio.ensure_future(anext(stream))
    await sandbox.until(lambda: sandbox.requests == 1)
    with pytest.raises(RuntimeError, match="iterated by another task"):
        await anext(stream)
    assert isinstance(await first, Accepted)


async def test_an_account_that_is_refused_ends_the_stream(token: str) -> None:
    """A refused token ends the stream after what was in flight, and the rest stays with the caller."""
    source = messages(1000)
    outcomes = []
    async with (
        Sandbox(token=token, latency=0.01) as sandbox,
        WooxyClient(token + "-wrong", base_url=sandbox.url) as client,
    ):
        with pytest.raises(AuthenticationError, match="the stream ends"):
            async for outcome in client.send_many(source):
                outcomes.append(outcome)  # noqa: PERF401 - the loop is what is tested
        assert sandbox.requests <= 10
    assert sum(isinstance(outcome, Rejected) for outcome in outcomes) == sandbox.requests
    assert len(outcomes) + len(list(source)) == 1000


async def test_a_firewall_ends_the_stream(token: str) -> None:
    """20 refusals in a row that are alike end the stream within what was in flight."""
    async with Sandbox(token=token, latency=0.005) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        sandbox.script(Fault.forbidden(), always=True)
        with pytest.raises(RejectedError, match="20 messages in a row were refused alike"):
            async for _outcome in client.send_many(messages(1000)):
                pass
        assert 20 <= sandbox.requests <= 30


async def test_patience_ends(token: str) -> None:
    """Without a valid reply for `patience` seconds the stream ends; nothing was sent, and the rest is untaken."""
    source = messages(1000)
    outcomes = []
    async with WooxyClient(
        token, base_url="http://127.0.0.1:1", patience=0.2, retry=RetryPolicy(wait_initial=0.01)
    ) as client:
        with pytest.raises(NotSentError, match=r"no valid reply for 0\.2 s"):
            async for outcome in client.send_many(source):
                outcomes.append(outcome)  # noqa: PERF401 - the loop is what is tested
    assert all(isinstance(outcome, NotSent) for outcome in outcomes)
    assert len(outcomes) + len(list(source)) == 1000
    assert len(outcomes) <= 20


async def test_server_errors_do_not_burn_a_campaign(token: str) -> None:
    """With 503 for everything few messages are in doubt, and the rest is untaken."""
    source = messages(1000)
    async with (
        Sandbox(token=token) as sandbox,
        WooxyClient(token, base_url=sandbox.url, patience=1, loss_hold=0) as client,
    ):
        sandbox.script(Fault.server_error(503), always=True)
        outcomes = []
        with pytest.raises(Exception, match="no valid reply for 1 s"):
            async for outcome in client.send_many(source):
                outcomes.append(outcome)  # noqa: PERF401 - the loop is what is tested
        assert sandbox.requests <= 20
    assert sum(isinstance(outcome, InDoubt) for outcome in outcomes) == sandbox.requests
    assert len(outcomes) + len(list(source)) == 1000


async def test_a_slow_source_is_interrupted(sandbox: Sandbox, client: WooxyClient) -> None:
    """Leaving a stream whose source waits ends that wait and closes the source."""
    closed = asyncio.Event()

    async def source() -> AsyncIterator[ViberMessage]:
        try:
            yield message(1)
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with client.send_many(source()) as stream:
        assert isinstance(await anext(stream), Accepted)
    await asyncio.wait_for(closed.wait(), 5)
    assert sandbox.taken == 1


async def test_an_async_iterator_without_aclose(sandbox: Sandbox, client: WooxyClient) -> None:
    """An async iterator that cannot be closed is pulled to its end."""

    class Source:
        def __init__(self) -> None:
            self.rows = messages(5)

        def __aiter__(self) -> "Source":
            return self

        async def __anext__(self) -> ViberMessage:
            for one in self.rows:
                return one
            raise StopAsyncIteration

    assert len([outcome async for outcome in client.send_many(Source())]) == 5
    assert sandbox.taken == 5


async def test_a_stream_that_outlives_its_bound(sandbox: Sandbox) -> None:
    """A request that is still out when the client is closed is InDoubt, and its slot is not free yet."""
    sandbox.script(Fault.no_answer(), always=True)
    async with WooxyClient(sandbox.token, base_url=sandbox.url, answer_limit=0.2, loss_hold=0.1) as client:
        async with client.send_many(messages(1)) as stream:
            waiting = asyncio.ensure_future(anext(stream))
            await sandbox.until(lambda: sandbox.requests == 1)
            waiting.cancel()
        assert [type(outcome) for outcome in stream.undelivered] == [InDoubt]
    gc.collect()
