"""Callers who leave: what they are told goes with the cancellation, and what comes later is told once to the hook."""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Self

import anyio
import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from people import message, messages

from wooxy_async import Accepted, InDoubt, InDoubtError, NotSent, Outcome, RetryPolicy, WooxyClient
from wooxy_async._rules.redaction import mask_reference
from wooxy_async.sandbox import Fault, Sandbox


def client_of(sandbox: Sandbox, **options: Any) -> WooxyClient:
    """Return a client that does not wait long for anything."""
    return WooxyClient(
        sandbox.token, base_url=sandbox.url, loss_hold=0.05, **{"retry": RetryPolicy(wait_initial=0), **options}
    )


async def error_of(work: Awaitable[object]) -> BaseException:
    """Return what is raised."""
    try:
        await work
    except (TimeoutError, asyncio.CancelledError) as error:
        return error
    raise AssertionError


def outcome_in(error: BaseException | None) -> Any:
    """Return the outcome that an error holds, or what it came of."""
    while error is not None:
        if (outcome := getattr(error, "outcome", None)) is not None:
            return outcome
        error = error.__cause__ or error.__context__
    return None


class TenSlots:
    """A limiter of ten slots, which does something as it takes one back.

    Args:
        releasing: what it does.
    """

    def __init__(self, releasing: Callable[[], Awaitable[None]]) -> None:
        self._slots = asyncio.Semaphore(10)
        self._releasing = releasing

    def slot(self, **_options: object) -> Self:
        """Return the slot, which is this very object."""
        return self

    def holds(self) -> bool:
        """Return whether it is held."""
        return True

    def keep_closed(self, _seconds: float) -> None:
        """Do as if it were kept closed."""

    def statistics(self) -> Any:
        """Return nothing of use."""
        return type("Statistics", (), {"borrowed": 0, "closed": 0, "waiting": 0})

    async def __aenter__(self) -> Self:
        await self._slots.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._slots.release()
        await self._releasing()


# What a caller sees


async def test_the_cancellation_tells_the_doubt(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A request that is out is a doubt that may settle; its late answer comes once, is counted, and is a warning."""
    settled: list[Outcome] = []
    sandbox.script(Fault.slow_answer(0.2))
    async with client_of(sandbox, on_settled=settled.append) as client:
        task = asyncio.ensure_future(client.send(message(reference="order-17")))
        await sandbox.until(lambda: sandbox.requests == 1)
        task.cancel()
        outcome = outcome_in(await error_of(task))
        assert isinstance(outcome, InDoubt)
        assert (outcome.cause.kind, outcome.may_settle) == ("cancelled", True)
        statistics = client.statistics()
        assert (statistics.in_doubt, statistics.settled, statistics.outlived) == (1, 0, 1)
    statistics = client.statistics()
    assert (statistics.in_doubt, statistics.settled, statistics.outlived) == (1, 1, 0)
    assert [type(outcome) for outcome in settled] == [Accepted]
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == f"message 0 ({mask_reference('order-17')}) was taken while its caller was gone"


async def test_the_cancellation_tells_what_was_not_sent(sandbox: Sandbox) -> None:
    """A message that waits for its slot is not sent, which is final."""
    settled: list[Outcome] = []
    sandbox.script(Fault.slow_answer(0.1))
    async with client_of(sandbox, max_concurrency=1, on_settled=settled.append) as client:
        first = asyncio.ensure_future(client.send(message(1)))
        await sandbox.until(lambda: sandbox.requests == 1)
        second = asyncio.ensure_future(client.send(message(2)))
        await asyncio.sleep(0)
        second.cancel()
        assert isinstance(outcome_in(await error_of(second)), NotSent)
        await first
    assert (sandbox.taken, settled) == (1, [])


async def test_the_cancellation_tells_an_answer_of_the_same_turn(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that is accepted just as its caller is cancelled: the caller is cancelled, and can know."""
    told: list[Outcome] = []
    settled: list[Outcome] = []

    async def cancel() -> None:
        task.cancel()

    limiter = TenSlots(cancel)
    async with client_of(sandbox, limiter=limiter, on_outcome=told.append, on_settled=settled.append) as client:
        task = asyncio.ensure_future(client.send(message()))
        outcome = outcome_in(await error_of(task))
    assert task.cancelled()
    assert isinstance(outcome, Accepted)
    assert (told, settled, client.statistics().accepted) == ([outcome], [], 1)
    assert "was taken while its caller was gone" in caplog.text


async def test_a_cancellation_is_neither_swallowed_nor_delayed(sandbox: Sandbox) -> None:
    """In whatever turn it comes: `send` ends in the next turns, cancelled, and what was not sent is never taken."""
    taken: list[Outcome] = []
    not_sent = 0
    async with client_of(sandbox, on_settled=taken.append) as client:
        for after in range(150):
            task = asyncio.ensure_future(client.send(message(after)))
            for _ in range(after):
                await asyncio.sleep(0)
            if task.done():
                continue
            task.cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            assert task.cancelled()
            outcome = outcome_in(await error_of(task))
            not_sent += outcome is None or isinstance(outcome, NotSent)
            if isinstance(outcome, Accepted):
                taken.append(outcome)
    accepted = client.statistics().accepted + client.statistics().settled
    assert not_sent > 3
    assert sandbox.taken == accepted


# Where asyncio keeps it, and where it loses it


async def _awaited_once(task: asyncio.Task[Any]) -> BaseException:
    task.cancel()
    return await error_of(task)


async def _awaited_twice(task: asyncio.Task[Any]) -> BaseException:
    await _awaited_once(task)
    return await error_of(task)


async def _timeout(task: asyncio.Task[Any]) -> BaseException:
    async def wait() -> None:
        async with asyncio.timeout(0.001):
            await task

    return await error_of(wait())


async def _wait_for(task: asyncio.Task[Any]) -> BaseException:
    return await error_of(asyncio.wait_for(task, 0.001))


async def _fail_after(task: asyncio.Task[Any]) -> BaseException:
    async def wait() -> None:
        with anyio.fail_after(0.001):
            await task

    return await error_of(wait())


async def _cancelled_in(work: Awaitable[Any]) -> BaseException:
    async def wait() -> None:
        await work

    outer = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    outer.cancel()
    return await error_of(outer)


async def _wait_for_cancelled(task: asyncio.Task[Any]) -> BaseException:
    return await _cancelled_in(asyncio.wait_for(task, 60))


async def _gather(task: asyncio.Task[Any]) -> BaseException:
    return await _cancelled_in(asyncio.gather(task))


async def _gather_exceptions(task: asyncio.Task[Any]) -> BaseException:
    task.cancel()
    [error] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(error, asyncio.CancelledError)
    return error


async def _shield(task: asyncio.Task[Any]) -> BaseException:
    error = await _cancelled_in(asyncio.shield(task))
    task.cancel()
    await asyncio.wait([task])
    return error


async def _task_group(task: asyncio.Task[Any]) -> BaseException:
    async def wait() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_awaiting(task))

    return await _cancelled_in(wait())


async def _awaiting(task: asyncio.Task[Any]) -> None:
    await task


Way = Callable[[asyncio.Task[Any]], Awaitable[BaseException]]
WAYS: dict[Way, bool] = {
    _awaited_once: True,
    _timeout: True,
    _wait_for: True,
    _fail_after: True,
    _gather: True,
    _wait_for_cancelled: sys.version_info >= (3, 12),
    _awaited_twice: False,
    _gather_exceptions: False,
    _shield: False,
    _task_group: False,
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_where_the_outcome_is_lost(sandbox: Sandbox, way: Way) -> None:
    """The docstring of `send` says it; the hooks are told wherever it is."""
    told: list[Outcome] = []
    settled: list[Outcome] = []
    sandbox.script(Fault.slow_answer(0.1))
    async with client_of(sandbox, on_outcome=told.append, on_settled=settled.append) as client:
        task = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.requests == 1)
        outcome = outcome_in(await way(task))
        assert (outcome is not None) is WAYS[way]
        assert outcome in (None, *told)
    assert [type(outcome) for outcome in (*told, *settled)] == [InDoubt, Accepted]


# Whether a doubt may settle


async def test_a_final_doubt_does_not_settle(sandbox: Sandbox) -> None:
    """A connection that is lost leaves a doubt for good."""
    settled: list[Outcome] = []
    sandbox.script(Fault.reset_after_reading())
    async with client_of(sandbox, on_settled=settled.append) as client:
        with pytest.raises(InDoubtError) as caught:
            await client.send(message())
    assert (caught.value.outcome.may_settle, settled) == (False, [])


async def test_a_doubt_told_in_a_pause_does_not_settle(sandbox: Sandbox) -> None:
    """Who leaves while nothing is out, because another attempt was to follow, is told a final doubt."""
    settled: list[Outcome] = []
    sandbox.script(Fault.reset_after_reading(), always=True)
    policy = RetryPolicy(wait_initial=3600, wait_max=3600, retry_in_doubt=True)
    async with client_of(sandbox, retry=policy, on_settled=settled.append) as client:
        task = asyncio.ensure_future(client.send(message(), timeout=80_000))
        await sandbox.until(lambda: sandbox.requests == 1)
        while client.statistics().borrowed:
            await asyncio.sleep(0)
        task.cancel()
        outcome = outcome_in(await error_of(task))
        assert isinstance(outcome, InDoubt)
        assert (outcome.may_settle, client.statistics().outlived) == (False, 0)
    assert (settled, client.statistics().settled) == ([], 0)


async def test_a_doubt_whose_next_attempt_is_out_may_settle(sandbox: Sandbox) -> None:
    """A second attempt that is out when the caller leaves can still settle the doubt that the first one left."""
    settled: list[Outcome] = []
    sandbox.script(Fault.reset_after_reading(), Fault.slow_answer(0.1))
    policy = RetryPolicy(wait_initial=0, retry_in_doubt=True)
    async with client_of(sandbox, retry=policy, on_settled=settled.append) as client:
        task = asyncio.ensure_future(client.send(message()))
        await sandbox.until(lambda: sandbox.requests == 2)
        task.cancel()
        outcome = outcome_in(await error_of(task))
        assert (outcome.cause.kind, outcome.may_settle) == ("connection_lost", True)
    assert ([type(one) for one in settled], client.statistics().settled) == ([Accepted], 1)


async def left(client: WooxyClient, sandbox: Sandbox) -> InDoubt:
    """Send, and leave when the server has the request, which stays out."""
    task = asyncio.ensure_future(client.send(message()))
    await sandbox.until(lambda: sandbox.requests == 1)
    task.cancel()
    outcome = outcome_in(await error_of(task))
    assert isinstance(outcome, InDoubt)
    return outcome


async def test_what_has_not_settled_is_final_when_the_client_is_closed(sandbox: Sandbox) -> None:
    """Of `send` and of streams: once, at `aclose`, as a doubt that says so; it is not counted as settled."""
    settled: list[Outcome] = []
    sandbox.script(Fault.no_answer(), always=True)
    client = client_of(sandbox, on_settled=settled.append)
    assert (await left(client, sandbox)).may_settle
    stream = client.send_many(messages(3))
    taking = asyncio.ensure_future(anext(stream))
    await sandbox.until(lambda: sandbox.requests == 4)
    await stream.aclose(drain=0)
    told = [await taking, *stream.undelivered]
    assert [isinstance(outcome, InDoubt) and outcome.may_settle for outcome in told] == [True] * 3
    assert (settled, client.statistics().outlived) == ([], 4)
    await client.aclose(drain=0)
    await client.aclose()
    assert [isinstance(outcome, InDoubt) and outcome.may_settle for outcome in settled] == [False] * 4
    assert sorted(outcome.index for outcome in settled) == [0, 0, 1, 2]
    statistics = client.statistics()
    assert (statistics.settled, statistics.outlived, statistics.in_doubt) == (0, 0, 4)


async def test_a_slot_that_is_given_back_is_no_request(sandbox: Sandbox) -> None:
    """A message that was answered has not outlived its caller, however long its limiter takes."""
    released = asyncio.Event()

    async def wait() -> None:
        await released.wait()

    async with client_of(sandbox, limiter=TenSlots(wait)) as client:
        await client.send(message())
        assert client.statistics().outlived == 0
        released.set()


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_limiter_that_cannot_be_stopped_does_not_keep_a_message_open(
    token: str, caplog: pytest.LogCaptureFixture, *, is_answered: bool
) -> None:
    """When a limiter shields itself as it takes back a slot, closing tells the hooks all the same, and once."""
    told: list[str] = []

    async def main() -> None:
        released = asyncio.Event()

        async def stubborn() -> None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

        async with Sandbox(token=token) as sandbox:
            if not is_answered:
                sandbox.script(Fault.no_answer(), always=True)
            hooks: dict[str, Any] = {
                "on_outcome": lambda outcome: told.append(f"told {type(outcome).__name__}"),
                "on_settled": lambda outcome: told.append(f"settled {type(outcome).__name__}"),
            }
            client = client_of(sandbox, clock=LoopClock(), answer_limit=3600, limiter=TenSlots(stubborn), **hooks)
            with nullcontext() if is_answered else pytest.raises(InDoubtError):
                await client.send(message(), timeout=1)
            await client.aclose(drain=3)
            assert told == (["told Accepted"] if is_answered else ["told InDoubt", "settled InDoubt"])
            assert not client._session.submissions
            released.set()
            await asyncio.sleep(1)

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(main())
    gc.collect()
    assert len(told) == 2 - is_answered
    assert "never retrieved" not in caplog.text


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_coroutine", [False, True])
def test_a_doubt_of_a_loop_that_died_is_settled_at_the_end(token: str, *, is_coroutine: bool) -> None:
    """Once, as a doubt that is final, when the client is closed in another loop, or used there again."""
    settled: list[Outcome] = []

    async def keep(outcome: Outcome) -> None:
        await asyncio.sleep(0.01)
        settled.append(outcome)

    async def leave() -> None:
        sandbox = await Sandbox(token=token).__aenter__()
        sandbox.script(Fault.no_answer(), always=True)
        options: dict[str, Any] = {"on_settled": keep if is_coroutine else settled.append}
        client = client_of(sandbox, **options)
        kept.append(client)
        await left(client, sandbox)

    kept: list[WooxyClient] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    tasks = asyncio.all_tasks(loop)
    loop.close()
    while tasks:
        tasks.pop()._log_destroy_pending = False
    gc.collect()
    assert settled == []
    asyncio.run(kept[0].aclose())
    asyncio.run(kept[0].aclose())
    assert [isinstance(outcome, InDoubt) and outcome.may_settle for outcome in settled] == [False]
    kept.clear()
    gc.collect()
