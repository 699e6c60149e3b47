"""Code of others runs beside every request: limiters, hooks and log handlers change nothing by what they raise."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pytest
from people import message, messages

from wooxy_async import (
    Accepted,
    AccountError,
    InDoubt,
    InDoubtError,
    NotSent,
    NotSentError,
    Outcome,
    RetryPolicy,
    WooxyClient,
)
from wooxy_async.limits import LimiterStatistics, LimiterUnavailableError
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


class Expiring(Lease):
    """A slot that is held for some time.

    Args:
        left: returns the seconds that are left of it.
        lost: what is done when it is lost.
    """

    def __init__(self, left: Callable[[], float], lost: Any = None) -> None:
        self.remaining = left
        self.lost = lost


async def told_of(sandbox: Sandbox, lease: Lease, **options: Any) -> Outcome:
    """Return what becomes of one message in a slot."""
    async with client_of(sandbox, limiter=OddLimiter(lease=lease), retry=ONCE, **options) as client:
        (told,) = await asyncio.gather(client.send(message()), return_exceptions=True)
    outcome: Outcome = getattr(told, "outcome", told)
    return outcome


async def test_a_slot_that_is_lost_ends_its_request(sandbox: Sandbox) -> None:
    """Where a limiter loses the slot of a request that is out, its connection is cut, and the doubt says why."""
    sandbox.script(Fault.slow_answer(30))
    lost = asyncio.get_running_loop().create_future()
    telling = asyncio.ensure_future(told_of(sandbox, Expiring(lambda: math.inf, lost)))
    await sandbox.until(lambda: sandbox.requests == 1)
    lost.set_result(None)
    outcome = await telling
    assert isinstance(outcome, InDoubt)
    assert outcome.cause.kind == "lease_lost"
    await sandbox.until(lambda: sandbox.in_progress == 0)


async def test_a_slot_that_was_lost_starts_nothing(sandbox: Sandbox) -> None:
    """A slot that is known to be lost before the first byte leaves starts no request, and the message is NotSent."""
    lost = asyncio.get_running_loop().create_future()
    lost.set_result(None)
    outcome = await told_of(sandbox, Expiring(lambda: math.inf, lost))
    assert isinstance(outcome, NotSent)
    assert sandbox.requests == 0


async def test_a_lease_that_expires_ends_its_request(sandbox: Sandbox) -> None:
    """A request that is out when nothing is left of its lease is ended; one whose lease was renewed goes on."""
    sandbox.script(Fault.slow_answer(30), Fault.slow_answer(0.2))
    asked: list[int] = []

    def left() -> float:
        asked.append(sandbox.requests)
        return 0.0 if asked.count(1) > 2 else 0.02

    outcome = await told_of(sandbox, Expiring(left))
    assert isinstance(outcome, InDoubt)
    assert (outcome.cause.kind, asked.count(1)) == ("lease_lost", 3)
    assert isinstance(await told_of(sandbox, Expiring(lambda: 0.02)), Accepted)


async def test_nothing_starts_in_a_lease_that_has_expired(sandbox: Sandbox) -> None:
    """A lease of which nothing is left right before the first byte starts no request, as after a loop that stood."""
    left = iter([60.0, 0.0])
    outcome = await told_of(sandbox, Expiring(lambda: next(left)))
    assert isinstance(outcome, NotSent)
    assert isinstance(await told_of(sandbox, Expiring(lambda: 0.0)), NotSent)
    assert sandbox.requests == 0


async def test_a_lease_that_cannot_say_how_long_it_holds_starts_nothing(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """What `remaining` raises at first starts nothing; later it ends the request that is out, as if it had expired."""

    def fail() -> float:
        raise ZeroDivisionError

    assert isinstance(await told_of(sandbox, Expiring(fail)), NotSent)
    assert sandbox.requests == 0
    sandbox.script(Fault.slow_answer(30))
    outcome = await told_of(sandbox, Expiring(lambda: fail() if sandbox.requests else 0.02))
    assert isinstance(outcome, InDoubt)
    assert outcome.cause.kind == "lease_lost"
    assert caplog.text.count("the limiter failed to say how long a slot is held") == 2


async def test_an_account_info_watches_its_slot_too(sandbox: Sandbox) -> None:
    """The question for the account's info is cut off as a message is when its slot is lost."""
    sandbox.script(Fault.slow_answer(30), method="account_info")
    lost = asyncio.get_running_loop().create_future()
    limiter = OddLimiter(lease=Expiring(lambda: math.inf, lost))
    async with client_of(sandbox, limiter=limiter) as client:
        asking = asyncio.ensure_future(client.account_info())
        await sandbox.until(lambda: sandbox.in_progress == 1)
        lost.set_result(None)
        with pytest.raises(AccountError) as caught:
            await asking
    assert caught.value.cause is not None
    assert caught.value.cause.kind == "lease_lost"


class Closable(OddLimiter):
    """A limiter that lets go of something at the end.

    Args:
        closing: done then.
    """

    def __init__(self, closing: Callable[[], None]) -> None:
        super().__init__()
        self._closing = closing

    async def aclose(self) -> None:
        """Let go of it."""
        await asyncio.sleep(0)
        self._closing()


async def test_closing_a_client_closes_its_limiter_once(sandbox: Sandbox) -> None:
    """A limiter is closed when all slots were given back, once, however often the client is closed, also if unused."""
    closed: list[int] = []
    limiter = Closable(lambda: closed.append(client.statistics().accepted))
    limiter.statistics = lambda: LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)  # type: ignore[attr-defined]
    client = client_of(sandbox, limiter=limiter)
    async with client:
        sending = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.requests == 1)
        await asyncio.gather(client.aclose(), client.aclose())
        assert closed == [1]
        await sending
    assert closed == [1]
    unused = client = client_of(sandbox, limiter=limiter)
    await unused.aclose()
    assert closed == [1, 0]


@pytest.mark.parametrize("kind", WRONG)
async def test_a_limiter_that_fails_to_close_changes_nothing(
    sandbox: Sandbox, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a limiter raises when it is closed is logged, and the client is closed all the same."""

    def fail() -> None:
        raise raising(kind)

    async with client_of(sandbox, limiter=Closable(fail)) as client:
        assert isinstance(await client.send(message()), Accepted)
    assert client.closed
    assert "the limiter failed to close" in caplog.text
