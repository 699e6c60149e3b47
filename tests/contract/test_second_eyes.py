"""What a second pair of eyes found: each test is one way in which a promise was broken."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

import pytest

from wooxy_async import AuthenticationError, NotSentError, Rejected, ViberMessage, WooxyClient
from wooxy_async.limits import LimiterStatistics
from wooxy_async.sandbox import Fault, Sandbox


def _message(text: str = "Hello") -> ViberMessage:
    return ViberMessage(domain="shop.example", phone_number="+14155550123", text=text)


class _Lease:
    def holds(self) -> bool:
        return True

    def keep_closed(self, seconds: float) -> None:
        """Keep nothing."""


class _Deaf:
    """A limiter, and its slot, that grants nothing until it is cancelled, and then does: so does `wait_for` of 3.11."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    def slot(self, **_how: Any) -> _Deaf:
        return self

    async def __aenter__(self) -> _Lease:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return _Lease()
        raise AssertionError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.left.set()

    def statistics(self) -> LimiterStatistics:
        return LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)


async def test_a_grant_that_comes_with_the_cancellation_sends_nothing(sandbox: Sandbox) -> None:
    """Who was told NotSent is not sent, whatever the limiter makes of the cancellation; its slot is given back."""
    limiter = _Deaf()
    async with WooxyClient(sandbox.token, base_url=sandbox.url, limiter=limiter) as client:
        sending = asyncio.create_task(client.send(_message()))
        await limiter.asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await limiter.left.wait()
    assert (len(sandbox.messages), client.statistics().not_sent) == (0, 1)


async def test_closing_tells_what_a_deaf_limiter_granted(sandbox: Sandbox) -> None:
    """A message whose slot comes with the closing is NotSent because of it, not because of a bug."""
    limiter = _Deaf()
    client = WooxyClient(sandbox.token, base_url=sandbox.url, limiter=limiter)
    sending = asyncio.create_task(client.send(_message()))
    await limiter.asked.wait()
    await client.aclose()
    with pytest.raises(NotSentError) as caught:
        await sending
    assert (caught.value.outcome.cause.kind, len(sandbox.messages)) == ("not_started", 0)


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_shows_no_person(token: str, end: type[BaseException]) -> None:
    """No frame of the library that a hook ends the process from has number or text in its locals."""

    def ends(_attempt: object) -> None:
        raise end

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # nobody retrieves the exception of the task that ended it
    sandbox = Sandbox(token=token)
    loop.run_until_complete(sandbox.__aenter__())
    client = WooxyClient(token, base_url=sandbox.url, on_attempt=ends)
    with pytest.raises(end) as caught:
        loop.run_until_complete(client.send(_message("Anna, your code is 271828")))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in shown.stack if "wooxy_async" in frame.filename and "test_" not in frame.filename]
    leaks = [
        (frame.name, name)
        for frame in frames
        for name, value in (frame.locals or {}).items()
        if "271828" in value or "5550123" in value or token in value
    ]
    loop.run_until_complete(client.aclose())
    loop.run_until_complete(sandbox.aclose())
    loop.close()
    assert (len(frames) > 1, leaks) == (True, [])


async def test_a_source_that_does_not_end_holds_no_stream(sandbox: Sandbox) -> None:
    """A stream that must end does so within `drain`, though its source goes on when it is cancelled."""
    released = asyncio.Event()

    async def deaf() -> AsyncIterator[ViberMessage]:
        for _ in range(3):
            yield _message()
        while not released.is_set():
            with suppress(asyncio.CancelledError):
                await released.wait()

    async with WooxyClient(f"not-{sandbox.token}", base_url=sandbox.url, drain=0.05) as client:
        outcomes = []
        asyncio.get_running_loop().call_later(20, released.set)  # where it waits for its source it ends no sooner
        with pytest.raises(AuthenticationError):
            async for outcome in client.send_many(deaf()):
                outcomes.append(type(outcome))  # noqa: PERF401 - what came before the error counts
        assert not released.is_set()
        released.set()
    assert outcomes == [Rejected] * 3


async def test_who_cancels_all_tasks_loses_no_outcome(sandbox: Sandbox) -> None:
    """Where a program cancels whatever runs, all that was pulled is told, and the stream says so."""
    pulled, outcomes = [], []

    def source() -> Iterator[ViberMessage]:
        while True:
            pulled.append(len(pulled))
            yield _message()

    foreign = asyncio.all_tasks()
    async with WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0, max_concurrency=2) as client:
        sandbox.script(*[Fault.no_answer()] * 2)
        stream = client.send_many(source())
        first = asyncio.ensure_future(anext(stream))
        await sandbox.until(lambda: sandbox.in_progress == 2)
        for task in asyncio.all_tasks() - foreign - {first}:
            if "Feeder" in repr(task):
                task.cancel()
        outcomes.append(await first)
        with pytest.raises(RuntimeError, match="Somebody has cancelled"):
            async for outcome in stream:
                outcomes.append(outcome)  # noqa: PERF401 - likewise
    assert (len(outcomes), len(pulled)) == (4, 4)
