"""Code of others runs beside every request: limiters, hooks and log handlers change nothing by what they raise."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pytest
from people import message, messages

from wooxy_async import Accepted, InDoubt, InDoubtError, NotSent, NotSentError, Outcome, RetryPolicy, WooxyClient
from wooxy_async.limits import LimiterUnavailableError
from wooxy_async.sandbox import Fault, Sandbox

WRONG = [TimeoutError, ConnectionError, ValueError, asyncio.CancelledError, BaseExceptionGroup]
ONCE = RetryPolicy(attempts=1)


def raising(kind: type[BaseException]) -> BaseException:
    """Return an exception of a kind."""
    return kind("no", [ValueError()]) if issubclass(kind, BaseExceptionGroup) else kind("no")


class Lease:
    """A slot of a limiter that is not ours."""

    def holds(self) -> bool:
        """Return whether it is held."""
        return True

    def keep_closed(self, _seconds: float) -> None:
        """Do as if it were kept closed."""


class OddLimiter:
    """A limiter of ten slots whose parts do what a test says.

    Args:
        acquiring: done after a slot was acquired.
        releasing: done after it was released.
        lease: what it gives out.
    """

    def __init__(
        self,
        acquiring: Callable[[], None] = lambda: None,
        releasing: Callable[[], None] = lambda: None,
        lease: Any = None,
    ) -> None:
        self._slots = asyncio.Semaphore(10)
        self._acquiring = acquiring
        self._releasing = releasing
        self._lease = lease or Lease()

    def slot(self, **_options: object) -> Self:
        """Return the slot, which is this very object."""
        return self

    async def __aenter__(self) -> Any:
        await self._slots.acquire()
        try:
            self._acquiring()
        except BaseException:
            self._slots.release()
            raise
        return self._lease

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._slots.release()
        await asyncio.sleep(0)
        self._releasing()


@contextmanager
def logging_that(handle: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Listen to the library's log with a handler that does something."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            handle(record)

    handler, logger = Handler(), logging.getLogger("wooxy_async")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def client_of(sandbox: Sandbox, **options: Any) -> WooxyClient:
    """Return a client that does not wait long for anything."""
    return WooxyClient(
        sandbox.token, base_url=sandbox.url, loss_hold=0.05, **{"retry": RetryPolicy(wait_initial=0), **options}
    )


@pytest.mark.parametrize("kind", WRONG)
async def test_a_release_that_fails_changes_nothing(
    sandbox: Sandbox, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a limiter raises when it takes a slot back, each message is taken once, and that is what is told."""

    def fail() -> None:
        raise raising(kind)

    async with client_of(sandbox, limiter=OddLimiter(releasing=fail)) as client:
        assert (await client.send(message(9_999))).attempts == 1
        outcomes = [outcome async for outcome in client.send_many(messages(30))]
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert (sandbox.taken, sandbox.requests, sandbox.duplicates) == (31, 31, 0)
    assert "failed to take back a slot" in caplog.text


@pytest.mark.parametrize("kind", WRONG)
async def test_an_acquire_that_fails_starts_nothing(sandbox: Sandbox, kind: type[BaseException]) -> None:
    """Whatever a limiter raises instead of giving a slot, no request is made, and the cause says so."""

    def fail() -> None:
        raise raising(kind)

    async with client_of(sandbox, limiter=OddLimiter(acquiring=fail), retry=ONCE, patience=0) as client:
        with pytest.raises(NotSentError) as caught:
            await client.send(message())
        expected = "no_slot" if kind is TimeoutError else "limiter_unavailable"
        assert caught.value.outcome.cause.kind == expected
        stream = client.send_many(messages(30))
        assert (await anext(stream)).cause.kind == "limiter_unavailable"
        with pytest.raises(NotSentError, match="no valid reply"):
            async for outcome in stream:
                assert isinstance(outcome, NotSent)
    assert sandbox.requests == 0


async def test_a_limiter_may_say_why_it_gives_no_slot(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """What a limiter says of itself is what the caller reads, without secrets; it is no bug that is logged."""

    def fail() -> None:
        raise LimiterUnavailableError(f"The engine at 10.0.0.7 does not answer to {sandbox.token}.")

    async with client_of(sandbox, limiter=OddLimiter(acquiring=fail), retry=ONCE) as client:
        with pytest.raises(NotSentError) as caught:
            await client.send(message())
    cause = caught.value.outcome.cause
    assert (cause.kind, cause.text[:42]) == ("limiter_unavailable", "The engine at 10.0.0.7 does not answer to ")
    assert sandbox.token not in cause.text
    assert "the limiter failed" not in caplog.text
    assert sandbox.requests == 0


async def test_a_stream_counts_a_broken_limiter_as_an_outage(sandbox: Sandbox) -> None:
    """A stream waits while its limiter fails, and goes on by itself when the limiter is back."""
    failures = iter(range(7))

    def fail() -> None:
        if next(failures, None) is not None:
            raise ConnectionError

    async with client_of(sandbox, limiter=OddLimiter(acquiring=fail)) as client:
        outcomes = [outcome async for outcome in client.send_many(messages(30))]
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert (sandbox.taken, sandbox.requests) == (30, 30)


async def test_a_release_that_hangs_delays_nobody(sandbox: Sandbox) -> None:
    """The outcome is known before a slot is given back, so that a limiter which hangs then costs nobody anything."""
    released = asyncio.Event()

    class Hanging(OddLimiter):
        async def __aexit__(self, *_error: object) -> None:
            await released.wait()

    async with client_of(sandbox, limiter=Hanging()) as client:
        assert isinstance(await client.send(message()), Accepted)
        assert not released.is_set()
        released.set()


async def test_closing_ends_a_release_that_hangs(sandbox: Sandbox) -> None:
    """A client that is closed waits for a limiter which takes its time as for a request, then ends it."""
    ended: list[str] = []

    class Hanging(OddLimiter):
        async def __aexit__(self, *_error: object) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("release")

    told: list[Outcome] = []
    client = client_of(sandbox, limiter=Hanging(), on_outcome=told.append)
    assert isinstance(await client.send(message()), Accepted)
    await client._session.aclose(0.01, None)
    await client.aclose()
    assert (ended, [type(outcome) for outcome in told]) == (["release"], [Accepted])
    assert not client._session.submissions


@pytest.mark.parametrize("part", ["holds", "keep_closed"])
async def test_a_lease_that_raises_changes_nothing(sandbox: Sandbox, part: str) -> None:
    """A lease that cannot say whether it holds starts nothing; one that fails to keep closed leaves a doubt."""

    def fail(*_arguments: object) -> bool:
        raise ZeroDivisionError

    lease = Lease()
    setattr(lease, part, fail)
    sandbox.script(Fault.reset_after_reading())
    async with client_of(sandbox, limiter=OddLimiter(lease=lease), retry=ONCE) as client:
        told = (await asyncio.gather(client.send(message()), return_exceptions=True))[0]
    outcome = told.outcome  # type: ignore[union-attr]
    assert isinstance(outcome, NotSent if part == "holds" else InDoubt)
    assert sandbox.taken == isinstance(outcome, InDoubt)


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("hook", ["on_attempt", "on_outcome", "log"])
async def test_hooks_and_log_handlers_change_nothing(sandbox: Sandbox, kind: type[BaseException], hook: str) -> None:
    """Whatever a hook or a log handler raises, what the server took is Accepted, at once, in `send` and in streams."""

    def fail(_told: object) -> None:
        raise raising(kind)

    options: dict[str, Any] = {} if hook == "log" else {hook: fail}
    with logging_that(fail if hook == "log" else lambda _record: None):
        async with client_of(sandbox, timeout=60, **options) as client:
            assert isinstance(await asyncio.wait_for(client.send(message(9_999)), 30), Accepted)
            stream = client.send_many(messages(30))
            outcomes = await asyncio.wait_for(_all(stream), 30)
            assert client.statistics().accepted == 31
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 30
    assert sandbox.taken == 31


async def _all(stream: Any) -> list[Outcome]:
    return [outcome async for outcome in stream]


@pytest.mark.parametrize("kind", WRONG)
async def test_the_hook_of_late_answers_changes_nothing(sandbox: Sandbox, kind: type[BaseException]) -> None:
    """What `on_settled` raises leaves the settled doubt counted, and the slot free."""

    def fail(_told: object) -> None:
        raise raising(kind)

    sandbox.script(Fault.slow_answer(0.3))
    async with client_of(sandbox, on_settled=fail) as client:
        task = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.requests == 1)
        task.cancel()
        await asyncio.wait([task])
    assert (client.statistics().settled, client.statistics().borrowed, client.statistics().outlived) == (1, 0, 0)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_let_through(token: str, kind: type[BaseException]) -> None:
    """Ctrl-C in a hook ends the program as it does elsewhere; what the caller was told stands."""
    told: list[Outcome] = []

    def fail(outcome: Outcome) -> None:
        told.append(outcome)
        raise kind

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, on_outcome=fail) as client:
            await client.send(message())

    with pytest.raises(kind):
        asyncio.run(main())
    assert [type(outcome) for outcome in told] == [Accepted]


async def test_whatever_breaks_a_message_has_an_outcome(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """When something breaks after the request was out, the message is in doubt, and the log asks to report it."""

    class Broken:
        def monotonic(self) -> float:
            return time.monotonic()

        def time(self) -> float:
            raise ZeroDivisionError

    sandbox.script(Fault.too_many_requests(1))
    async with client_of(sandbox, clock=Broken()) as client:
        with pytest.raises(InDoubtError) as caught:
            await client.send(message())
    assert caught.value.outcome.cause.kind == "internal_error"
    assert "please report it" in caplog.text
