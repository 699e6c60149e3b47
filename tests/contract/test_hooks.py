"""Hooks that are coroutine functions: what they are told is kept, in order, beside the messages, within bounds."""

import asyncio
import functools
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from hostile import HostileServer
from people import message, messages
from waiting import turn_until

from wooxy_async import Accepted, Attempt, InDoubtError, Outcome, RetryPolicy, ViberMessage, WooxyClient
from wooxy_async._rules.redaction import mask_reference
from wooxy_async.sandbox import Fault, Sandbox

Main = Callable[[Sandbox], Coroutine[Any, Any, None]]


def client_of(sandbox: Sandbox, **options: Any) -> WooxyClient:
    """Return a client that does not wait long for anything."""
    return WooxyClient(
        sandbox.token, base_url=sandbox.url, loss_hold=0.05, **{"retry": RetryPolicy(wait_initial=0), **options}
    )


def simulate(token: str, main: Main) -> None:
    """Run a test on a clock that jumps, with a sandbox."""

    async def run() -> None:
        async with Sandbox(token=token) as sandbox:
            await main(sandbox)

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop) as runner:
        runner.run(run())


def now() -> float:
    """Return the time of the loop."""
    return asyncio.get_running_loop().time()


async def turns(count: int = 50) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


class Noting:
    """An object whose call is a coroutine."""

    def __init__(self, told: list[Any]) -> None:
        self._told = told

    async def __call__(self, told: Any) -> None:
        """Note it."""
        await asyncio.sleep(0)
        self._told.append(told)


def as_function(told: list[Any]) -> Callable[[Any], Awaitable[None]]:
    """Return a coroutine function that notes what it is told."""

    async def hook(one: Any) -> None:
        await asyncio.sleep(0)
        told.append(one)

    return hook


def as_partial(told: list[Any]) -> Callable[[Any], Awaitable[None]]:
    """Return a partial of a coroutine function."""
    return functools.partial(as_function(told))


def as_task(told: list[Any]) -> Callable[[Any], Awaitable[None]]:
    """Return a plain function that returns a task."""
    hook = as_function(told)
    return lambda one: asyncio.ensure_future(hook(one))


@pytest.mark.parametrize("kind", [as_function, as_partial, as_task, Noting])
async def test_whatever_can_be_awaited_is_awaited(
    sandbox: Sandbox, kind: Callable[[list[Any]], Callable[[Any], Awaitable[None]]]
) -> None:
    """A coroutine function, and whatever else returns an awaitable, has been told of everything when `aclose` ends."""
    attempts: list[Attempt] = []
    outcomes: list[Outcome] = []
    settled: list[Outcome] = []
    sandbox.script(Fault.slow_answer(0.1))
    hooks: dict[str, Any] = {
        "on_attempt": kind(attempts),
        "on_outcome": kind(outcomes),
        "on_settled": kind(settled),
    }
    async with client_of(sandbox, **hooks) as client:
        late = asyncio.ensure_future(client.send(message(9_999)))
        await sandbox.until(lambda: sandbox.requests == 1)
        late.cancel()
        seen = [outcome async for outcome in client.send_many(messages(30))]
    assert late.cancelled()
    assert len(attempts) == sandbox.requests == 31
    assert sorted(outcome.index for outcome in outcomes[1:]) == sorted(outcome.index for outcome in seen)
    assert [type(outcome) for outcome in settled] == [Accepted]


async def test_hooks_of_one_message_go_one_after_another(sandbox: Sandbox) -> None:
    """The next begins when the one before has ended, in order; other messages, and the only slot, wait for nobody."""
    gate = asyncio.Event()
    story: list[str] = []

    async def on_attempt(attempt: Attempt) -> None:
        story.append(f"{attempt.reference} attempt {attempt.attempt}")
        if attempt.reference == "slow":
            await gate.wait()
        story.append(f"{attempt.reference} end {attempt.attempt}")

    async def on_outcome(outcome: Outcome) -> None:
        story.append(f"{outcome.message.reference} outcome")

    sandbox.script(Fault.too_many_requests(0))
    async with client_of(sandbox, max_concurrency=1, on_attempt=on_attempt, on_outcome=on_outcome) as client:
        await client.send(message(0, reference="slow"))
        await client.send(message(1, reference="quick"))
        await turn_until(lambda: "quick outcome" in story)
        assert [line for line in story if "slow" in line] == ["slow attempt 1"]
        gate.set()
    told = ["attempt 1", "end 1", "attempt 2", "end 2", "outcome"]
    assert [line for line in story if "slow" in line] == [f"slow {part}" for part in told]
    assert sandbox.taken == 2


async def test_a_hundred_hooks_hold_the_streams_back(sandbox: Sandbox) -> None:
    """While a hundred run or wait, streams pull nothing more; `send` goes on, and so do the streams afterwards."""
    gate = asyncio.Event()
    begun: list[Outcome] = []
    pulled: list[ViberMessage] = []
    ended: list[Outcome] = []

    async def on_outcome(outcome: Outcome) -> None:
        begun.append(outcome)
        await gate.wait()
        ended.append(outcome)

    def source() -> Iterator[ViberMessage]:
        for one in messages(400):
            pulled.append(one)
            yield one

    async def consume(stream: Any) -> int:
        return len([outcome async for outcome in stream])

    async with client_of(sandbox, on_outcome=on_outcome) as client:
        consuming = asyncio.ensure_future(consume(client.send_many(source())))
        await turn_until(lambda: len(begun) >= 100 and sandbox.requests == len(begun))
        await turns()
        held = len(pulled)
        assert 100 <= held <= 120  # with those that were pulled already
        assert isinstance(await client.send(message(9_999)), Accepted)
        await turns()
        assert len(pulled) == held
        gate.set()
        assert await consuming == 400
    assert (len(ended), sandbox.taken) == (401, 401)


async def test_a_stream_that_is_held_back_can_be_closed(sandbox: Sandbox) -> None:
    """A stream that waits for hooks ends at once when it is closed, and its source is pulled no more."""
    gate = asyncio.Event()
    pulled: list[ViberMessage] = []
    begun: list[Outcome] = []

    async def on_outcome(outcome: Outcome) -> None:
        begun.append(outcome)
        await gate.wait()

    def source() -> Iterator[ViberMessage]:
        for one in messages(400):
            pulled.append(one)
            yield one

    async with client_of(sandbox, on_outcome=on_outcome) as client:
        for at in range(100):
            await client.send(message(at))
        stream = client.send_many(source())
        taking = asyncio.ensure_future(anext(stream))
        await turns()
        await stream.aclose()
        await asyncio.wait([taking])
        assert isinstance(taking.exception(), StopAsyncIteration)
        gate.set()
    assert (pulled, len(begun)) == ([], 100)


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_a_hook_has_its_time(token: str, caplog: pytest.LogCaptureFixture, *, is_stubborn: bool) -> None:
    """A hook that is not done in `hook_timeout` is cancelled and logged, and the next of its message has its turn."""
    cancelled: list[float] = []
    told: list[Outcome] = []

    async def on_attempt(_attempt: Attempt) -> None:
        try:
            await asyncio.sleep(3000)
        except asyncio.CancelledError:
            cancelled.append(now())
            if not is_stubborn:
                raise
            await asyncio.sleep(500)

    async def on_outcome(outcome: Outcome) -> None:
        told.append(outcome)

    async def main(sandbox: Sandbox) -> None:
        began = now()
        hooks: dict[str, Any] = {"on_attempt": on_attempt, "on_outcome": on_outcome}
        async with client_of(sandbox, clock=LoopClock(), hook_timeout=30, drain=100, **hooks) as client:
            await client.send(message(7, reference="order-17"))
        assert 30 <= cancelled[0] - began < 50
        assert 30 <= now() - began < 80

    simulate(token, main)
    assert [type(outcome) for outcome in told] == [Accepted]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "on_attempt was cancelled, because it was not done within 30 s" in record.getMessage()
    assert f"message 0 ({mask_reference('order-17')}) is accepted" in record.getMessage()


@pytest.mark.parametrize("kind", [TimeoutError, ValueError, asyncio.CancelledError, GeneratorExit])
@pytest.mark.parametrize("hook", ["on_attempt", "on_outcome"])
async def test_what_a_hook_raises_changes_nothing(
    sandbox: Sandbox, kind: type[BaseException], hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever an awaited hook raises, the outcome stands, and it is logged, without the token."""

    async def fail(_told: object) -> None:
        await asyncio.sleep(0)
        raise kind(sandbox.token)

    async with client_of(sandbox, **{hook: fail}) as client:
        assert isinstance(await client.send(message(9_999)), Accepted)
        outcomes = [outcome async for outcome in client.send_many(messages(30))]
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 30
    assert caplog.text.count("a hook of WooxyClient raised") == 31
    assert sandbox.token not in caplog.text


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_let_through(token: str, kind: type[BaseException]) -> None:
    """Ctrl-C in an awaited hook ends the program as it does elsewhere."""
    told: list[Outcome] = []

    async def fail(outcome: Outcome) -> None:
        told.append(outcome)
        raise kind

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, on_outcome=fail) as client:
            await client.send(message())
            await asyncio.Event().wait()

    with pytest.raises(kind):
        asyncio.run(main())
    assert [type(outcome) for outcome in told] == [Accepted]


def test_closing_waits_for_hooks(token: str) -> None:
    """Within its time, for all hooks of each message in turn."""
    told: list[str] = []

    async def slow(one: Attempt | Outcome) -> None:
        await asyncio.sleep(4)
        told.append(type(one).__name__)

    async def main(sandbox: Sandbox) -> None:
        hooks: dict[str, Any] = {"on_attempt": slow, "on_outcome": slow}
        async with client_of(sandbox, clock=LoopClock(), **hooks) as client:
            await client.send(message())
            assert told == []
            began = now()
        assert 8 <= now() - began < 10

    simulate(token, main)
    assert told == ["Attempt", "Accepted"]


@pytest.mark.parametrize("drain", [0, 3])
def test_what_is_unfinished_at_the_end_is_logged(token: str, drain: float, caplog: pytest.LogCaptureFixture) -> None:
    """A hook that runs, and one that waits behind it, are logged with index and outcome, and show no number."""
    cancelled: list[float] = []

    async def hang(_one: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(now())
            raise

    async def main(sandbox: Sandbox) -> None:
        hooks: dict[str, Any] = {"on_attempt": hang, "on_outcome": hang}
        sandbox.script(Fault.error(1))
        client = client_of(sandbox, clock=LoopClock(), hook_timeout=3600, **hooks)
        _outcomes = [one async for one in client.send_many([message(0, reference="a-1"), message(1, reference="b-2")])]
        began = now()
        await client.aclose(drain=drain)
        assert drain <= now() - began < drain + 1
        assert len(cancelled) == 2
        assert len(asyncio.all_tasks() - {asyncio.current_task()}) == sandbox_tasks

    async def tasks_of_sandbox(_sandbox: Sandbox) -> None:
        nonlocal sandbox_tasks
        sandbox_tasks = len(asyncio.all_tasks() - {asyncio.current_task()})

    sandbox_tasks = 0
    simulate(token, tasks_of_sandbox)
    simulate(token, main)
    lost = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    references = [mask_reference("a-1"), mask_reference("b-2")]
    assert sorted(lost) == sorted(
        f"the hook {hook} was not done when its client or event loop was closed: message {at} ({reference}) is {kind}"
        for at, (reference, kind) in enumerate(zip(references, kinds_of(lost), strict=True))
        for hook in ("on_attempt", "on_outcome")
    )
    assert "555" not in caplog.text


def kinds_of(lines: list[str]) -> list[str]:
    """Return what became of message 0 and of message 1: which of them went first is the loop's choice."""
    found = [next(line.rpartition(" ")[2] for line in lines if f"message {at} " in line) for at in (0, 1)]
    assert sorted(found) == ["accepted", "rejected"]
    return found


def test_what_is_cut_is_told_to_hooks(token: str, caplog: pytest.LogCaptureFixture) -> None:
    """The outcome that closing itself makes, after its time, reaches a hook that is quick."""
    told: list[str] = []

    async def on_outcome(outcome: Outcome) -> None:
        await asyncio.sleep(0.5)
        told.append(type(outcome).__name__)

    async def main(sandbox: Sandbox) -> None:
        sandbox.script(Fault.no_answer(), always=True)
        client = client_of(sandbox, clock=LoopClock(), on_outcome=on_outcome)
        send = asyncio.ensure_future(client.send(message(), timeout=600))
        await sandbox.until(lambda: sandbox.in_progress == 1)
        await client.aclose(drain=0)
        with pytest.raises(InDoubtError):
            await send

    simulate(token, main)
    assert told == ["InDoubt"]
    assert "was not done" not in caplog.text


@pytest.mark.parametrize("is_in_task", [False, True])
def test_a_hook_may_close_its_client(token: str, caplog: pytest.LogCaptureFixture, *, is_in_task: bool) -> None:
    """It does not wait for itself, nor for what waits behind it, but for the hooks of other messages."""
    told: list[str] = []

    async def on_attempt(attempt: Attempt) -> None:
        if attempt.reference == "closes":
            await gate.wait()
            began = now()
            closing = client.aclose(drain=300)
            await (asyncio.ensure_future(closing) if is_in_task else closing)
            assert 50 <= now() - began < 200
        else:
            gate.set()
            await asyncio.sleep(50)
        told.append(f"{attempt.reference} attempt")

    async def on_outcome(outcome: Outcome) -> None:
        told.append(f"{outcome.message.reference} outcome")
        if outcome.message.reference == "closes":
            over.set()

    async def main(sandbox: Sandbox) -> None:
        nonlocal client, gate, over
        gate, over = asyncio.Event(), asyncio.Event()
        hooks: dict[str, Any] = {"on_attempt": on_attempt, "on_outcome": on_outcome}
        client = client_of(sandbox, clock=LoopClock(), hook_timeout=3600, **hooks)
        await client.send(message(0, reference="closes"))
        await client.send(message(1, reference="other"))
        await over.wait()
        assert client.closed

    client: WooxyClient
    gate: asyncio.Event
    over: asyncio.Event
    simulate(token, main)
    assert told == ["other attempt", "other outcome", "closes attempt", "closes outcome"]
    assert "hook" not in caplog.text


async def test_a_hook_may_send(sandbox: Sandbox) -> None:
    """Also while a hundred others do, with one slot: its message waits for no hook."""
    answers: list[Outcome] = []

    async def on_outcome(outcome: Outcome) -> None:
        if outcome.message.reference is not None:
            answers.append(await client.send(message(outcome.index, text="Thank you", reference=None)))

    async with client_of(sandbox, max_concurrency=1, on_outcome=on_outcome, timeout=600, hook_timeout=600) as client:
        assert len([outcome async for outcome in client.send_many(messages(150))]) == 150
        await turn_until(lambda: len(answers) == 150)
    assert (sandbox.taken, sandbox.peak_in_progress) == (300, 1)


async def test_a_stream_that_nobody_takes_from_is_no_obstacle(sandbox: Sandbox) -> None:
    """Hooks of a stream that was left behind end all the same, and the client's end waits for them."""
    told: list[Outcome] = []
    async with client_of(sandbox, on_outcome=as_function(told)) as client:
        stream = client.send_many(messages(100))
        first = await anext(stream)
        await sandbox.until(lambda: sandbox.requests >= 10)
    assert first.index in {outcome.index for outcome in told}
    assert sum(isinstance(outcome, Accepted) for outcome in told) == sandbox.requests
    assert len(told) == len(stream.undelivered) + 1


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_dies_with_hooks(token: str, caplog: pytest.LogCaptureFixture) -> None:
    """The hooks of a loop that was closed are logged at the client's next use; those of the next loop are called."""
    told: list[Outcome] = []
    is_open = False

    async def on_attempt(_attempt: Attempt) -> None:
        while not is_open:
            await asyncio.sleep(0.01)

    async def on_outcome(outcome: Outcome) -> None:
        told.append(outcome)

    async def first(port: int) -> None:
        async with Sandbox(token=token, port=port):
            await client.send(message(0, reference="first"))
            await turns()

    async def second(port: int) -> None:
        async with Sandbox(token=token, port=port), client:
            await client.send(message(1, reference="second"))

    with HostileServer() as other:  # whose port is free afterwards
        port = int(other.url().rpartition(":")[2])
    hooks: dict[str, Any] = {"on_attempt": on_attempt, "on_outcome": on_outcome}
    client = WooxyClient(token, base_url=f"http://127.0.0.1:{port}", loss_hold=0.05, **hooks)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(first(port))
    tasks = asyncio.all_tasks(loop)
    loop.close()
    while tasks:
        tasks.pop()._log_destroy_pending = False
    gc.collect()
    assert "was not done" not in caplog.text
    is_open = True
    asyncio.run(second(port))
    gc.collect()
    assert [outcome.message.reference for outcome in told] == ["second"]
    lost = [record.getMessage() for record in caplog.records if "was not done" in record.getMessage()]
    assert [line.partition(" was")[0] for line in lost] == ["the hook on_attempt", "the hook on_outcome"]
    assert all(mask_reference("first") in line for line in lost)


def test_attempts_say_how_long_they_waited_for_their_slot(token: str) -> None:
    """That of the one before them with its answer after 5 s; a pause between attempts is no wait for a slot."""

    async def main(sandbox: Sandbox) -> None:
        attempts: list[Attempt] = []
        sandbox.script(Fault.slow_answer(5), Fault.too_many_requests(60))
        async with client_of(
            sandbox, clock=LoopClock(), max_concurrency=1, on_attempt=attempts.append, timeout=600
        ) as client:
            await asyncio.gather(client.send(message(1)), client.send(message(2)))
        assert [(one.outcome, round(one.waited)) for one in attempts] == [
            ("accepted", 0),
            ("not_sent", 5),
            ("accepted", 0),
        ]

    simulate(token, main)
