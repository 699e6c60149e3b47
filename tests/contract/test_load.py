"""Refusals for load (429): stray ones rest a slot, others pause the account; urgent messages are not held up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from people import message, messages

from wooxy_async import Accepted, NotSent, NotSentError, Outcome, OutcomeStream, RetryPolicy, WooxyClient
from wooxy_async.limits import ProcessLimiter
from wooxy_async.limits._pace import REST_MIN, ROUNDS_TO_PAUSE, SHORTER, URGENT_WAIT, Pace
from wooxy_async.sandbox import Fault, Sandbox


def simulate(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a clock that jumps."""
    with asyncio.Runner(loop_factory=NetworkedJumpingLoop, debug=False) as runner:
        runner.run(test())  # type: ignore[arg-type]


def client_of(sandbox: Sandbox, **options: Any) -> WooxyClient:
    """Return a client on the running loop's clock."""
    return WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0, clock=LoopClock(), **options)


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


def test_a_campaigns_pause_does_not_stop_login_codes(token: str) -> None:
    """After `Retry-After: 600` to a bulk message an urgent one waits 2 seconds; bulk waits 600, in every client."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox) as campaign, client_of(sandbox) as codes:
            sandbox.script(Fault.too_many_requests(600))
            began, outcomes = now(), []

            async def stream() -> None:
                outcomes.extend([outcome async for outcome in campaign.send_many(messages(5))])

            streaming = asyncio.ensure_future(stream())
            await sandbox.until(lambda: sandbox.requests >= 1)
            while not codes.statistics().paused_for:
                await asyncio.sleep(0)
            assert (await codes.send(message(9_999))).attempts == 1
            assert URGENT_WAIT - 0.1 <= now() - began <= URGENT_WAIT + 10
            taken = sandbox.taken
            await codes.send(message(9_998))
            assert sandbox.taken == taken + 1
            await streaming
            assert now() - began >= 600
            assert {type(outcome) for outcome in outcomes} == {Accepted}
            assert (sandbox.taken, sandbox.duplicates) == (7, 0)

    simulate(main)


class Wire:
    """Carries the pause of an account between the limiters of a test, as the shared file does between processes."""

    until = 0.0


class Wired(ProcessLimiter):
    """The limiter of one process of several.

    Args:
        wire: of the account.
        token: of its own, because the clients of one token in one process share everything anyway.
        clock: where time comes from.
    """

    def __init__(self, wire: Wire, token: str, clock: LoopClock) -> None:
        super().__init__(token, clock=clock)
        self._wire = wire

    def pause(self, seconds: float) -> None:
        """Tell the others."""
        self._wire.until = self._clock.monotonic() + seconds

    def paused_for(self) -> float:
        """Return what one of them has told."""
        return self._wire.until - self._clock.monotonic()


def test_a_pause_travels_through_the_limiter(token: str) -> None:
    """What one process is told, another observes: bulk in full, also what waits for its slot; urgent 2 seconds."""

    async def main() -> None:
        wire, clock = Wire(), LoopClock()
        async with Sandbox(token=None) as sandbox:
            names = [f"{token}-{at}" for at in range(2)]  # with one token they would pause together anyway
            limiters = [Wired(wire, name, clock) for name in names]
            first, other = (
                WooxyClient(name, base_url=sandbox.url, loss_hold=0, clock=clock, limiter=limiter)
                for name, limiter in zip(names, limiters, strict=True)
            )
            async with first, other:
                sandbox.script(*[Fault.slow_answer(1.0)] * 10, Fault.too_many_requests(600))
                out = [asyncio.ensure_future(other.send(message(9_000 + at))) for at in range(10)]
                await sandbox.until(lambda: sandbox.requests == 10)
                streaming = asyncio.ensure_future(_all(other.send_many(messages(10))))
                while other.statistics().waiting < 10:
                    await asyncio.sleep(0)
                began = now()
                assert URGENT_WAIT <= (await first.send(message(9_999))).elapsed <= URGENT_WAIT + 10
                assert {type(outcome) for outcome in await asyncio.gather(*out)} == {Accepted}
                assert sandbox.requests == 12  # the ten that were out, the refused one and its trial
                assert (await other.send(message(9_998))).attempts == 1
                assert {type(outcome) for outcome in await streaming} == {Accepted}
                assert now() - began >= 600
            assert (sandbox.taken, sandbox.requests) == (22, 23)

    simulate(main)


@pytest.mark.parametrize("name", ["pause", "paused_for"])
def test_a_limiter_that_cannot_pass_on_a_pause_changes_nothing(
    token: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises is logged, the pause holds here, and each message is taken once."""

    async def main() -> None:
        def fail(*_seconds: float) -> float:
            raise ZeroDivisionError

        limiter = ProcessLimiter(token, clock=LoopClock())
        setattr(limiter, name, fail)
        async with Sandbox(token=token) as sandbox, client_of(sandbox, limiter=limiter) as client:
            sandbox.script(Fault.too_many_requests(60))
            assert {type(outcome) for outcome in await _all(client.send_many(messages(5)))} == {Accepted}
            assert now() >= 60
            assert (sandbox.taken, sandbox.duplicates) == (5, 0)

    simulate(main)
    assert "failed to pass on the account's pause" in caplog.text


async def _all(stream: OutcomeStream) -> list[Outcome]:
    return [outcome async for outcome in stream]


def test_refusals_that_go_on_are_somebody_elses_doing(token: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log says once for an account that somebody else uses it; stray refusals say nothing."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox) as client:
            await client.send(message(0))
            for rounds in (ROUNDS_TO_PAUSE - 1, ROUNDS_TO_PAUSE, ROUNDS_TO_PAUSE):
                sandbox.script(*[Fault.too_many_requests(None)] * rounds)
                await client.send(message(rounds), timeout=600)
                told.append(caplog.text.count("somebody else uses the account"))
        async with Sandbox(token=token) as sandbox, client_of(sandbox) as client:
            sandbox.script(*[Fault.too_many_requests(None)] * ROUNDS_TO_PAUSE)
            await client.send(message(9), timeout=600)

    told: list[int] = []
    simulate(main)
    assert told == [0, 1, 1]
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_urgent_ones_try_one_by_one_until_one_is_taken(token: str) -> None:
    """While the server refuses, one urgent request at a time goes, with pauses that grow; the first taken frees all."""

    async def main() -> None:
        async with Sandbox(token=token, latency=0.01) as sandbox:
            sandbox.script(*[Fault.too_many_requests(60)] * 4)
            policy = RetryPolicy(attempts=10)
            async with client_of(sandbox, timeout=300, retry=policy) as client:
                first = asyncio.ensure_future(client.send(message(0)))
                while not client.statistics().paused_for:
                    await asyncio.sleep(0.001)  # of the clock that jumps
                rest = [asyncio.ensure_future(client.send(message(at))) for at in range(1, 30)]
                receipts = await asyncio.gather(first, *rest)
                assert sum(receipt.attempts for receipt in receipts) == sandbox.requests == 34
                assert (sandbox.taken, sandbox.duplicates) == (30, 0)
            assert now() >= 2 + 4 + 8

    simulate(main)


def test_a_retry_after_pauses_what_waits_for_a_slot(token: str) -> None:
    """Of thirty bulk sends those that wait for a slot when the refusal comes wait for its time, and go then."""

    async def main() -> None:
        async with Sandbox(token=token, latency=0.05) as sandbox, client_of(sandbox) as client:
            sandbox.script(*[Fault.too_many_requests(5)] * 10)
            sends = [asyncio.ensure_future(client.send(message(at), priority="bulk")) for at in range(30)]
            await sandbox.until(lambda: sandbox.requests == 10 and sandbox.in_progress == 0)
            refused_at = now()
            await sandbox.until(lambda: sandbox.requests > 10)
            assert now() - refused_at >= 4.9
            assert len(await asyncio.gather(*sends)) == 30
            assert (sandbox.requests, sandbox.taken, sandbox.duplicates) == (40, 30, 0)

    simulate(main)


def test_what_cannot_wait_so_long_is_told_so(token: str) -> None:
    """A bulk send whose deadline comes before the end of the pause is NotSent at once, with the time to wait."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, retry=RetryPolicy(attempts=1)) as client:
            sandbox.script(Fault.too_many_requests(100))
            with pytest.raises(NotSentError):
                await client.send(message(0), priority="bulk")
            began = now()
            with pytest.raises(NotSentError, match="too long for this message") as caught:
                await client.send(message(1), priority="bulk", timeout=50)
            assert now() == began
            assert caught.value.outcome.cause.kind == "throttled"
            assert 99 < (caught.value.retry_after or 0) <= 100
            assert sandbox.requests == 1
            assert isinstance(await client.send(message(1), priority="bulk", timeout=500), Accepted)

    simulate(main)


def test_a_pause_beyond_a_streams_patience_ends_it(token: str) -> None:
    """A `Retry-After` longer than `patience` ends the stream at once and says how long; nothing more is sent."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, patience=100) as client:
            sandbox.script(Fault.too_many_requests(3600), always=True)
            outcomes: list[Outcome] = []
            with pytest.raises(NotSentError, match="asks to wait for 3"):
                async for outcome in client.send_many(messages(50)):
                    outcomes.append(outcome)  # noqa: PERF401 - kept although the stream raises
            assert {type(outcome) for outcome in outcomes} == {NotSent}
            assert sandbox.requests <= 10
            with pytest.raises(NotSentError, match="asks to wait for 3"):
                async for outcome in client.send_many(messages(50)):
                    assert isinstance(outcome, NotSent)

    simulate(main)


def test_once_means_once_in_a_stream_too(token: str) -> None:
    """`RetryPolicy(attempts=1)` makes one request for each message, also where the server refuses for load."""

    async def main() -> None:
        policy = RetryPolicy(attempts=1)
        async with Sandbox(token=token) as sandbox, client_of(sandbox, retry=policy) as client:
            sandbox.script(Fault.too_many_requests(None), Fault.too_many_requests(0), Fault.reset_before_reading())
            outcomes = [outcome async for outcome in client.send_many(messages(6))]
            assert [outcome.attempts for outcome in outcomes] == [1] * 6
            assert len(outcomes) == 6

    simulate(main)


def test_behind_a_server_that_counts_on_for_a_moment(token: str) -> None:
    """Stray refusals of nginx's kind neither lose a message nor pause the account, and most requests are taken."""

    async def main() -> None:
        async with (
            Sandbox(token=token, latency=0.005, linger=0.001, retry_after=None) as sandbox,
            client_of(sandbox) as client,
        ):
            outcomes = [outcome async for outcome in client.send_many(messages(1_000))]
            assert {type(outcome) for outcome in outcomes} == {Accepted}
            assert (sandbox.taken, sandbox.duplicates) == (1_000, 0)
            assert sandbox.requests < 1_300
            assert client.statistics().paused_for == 0
            assert now() < 3

    simulate(main)


class Hands:
    """A clock that a test moves."""

    at = 100.0

    def monotonic(self) -> float:
        """Return what the test has set."""
        return self.at

    def time(self) -> float:
        """Return the same."""
        return self.at


def test_the_rest_grows_with_each_round_and_shrinks_with_replies() -> None:
    """A burst of refusals is one round; the rest doubles with the next, and valid replies shorten it step by step."""
    clock = Hands()
    pace = Pace(clock)
    assert [pace.refused(100.0, None, float) for _ in range(10)] == [REST_MIN] * 10
    clock.at = 101.0
    assert pace.refused(100.5, None, float) == 2 * REST_MIN
    pace.replied(100.5)  # began before the refusal: no news
    assert pace.rest == 2 * REST_MIN
    rests = []
    for _ in range(300):
        pace.replied(101.5)
        rests.append(pace.rest)
    assert rests[:29:10] == [2 * REST_MIN, 2 * REST_MIN, 2 * REST_MIN]
    shorter = [2 * REST_MIN]
    while shorter[-1] > REST_MIN / 5:
        shorter.append(SHORTER * shorter[-1])
    assert sorted(set(rests), reverse=True) == [*shorter, 0.0]
    assert pace.is_even


def test_a_rest_that_was_shortened_too_early_goes_back_and_is_held() -> None:
    """A refusal after a shorter rest brings back the one that worked, and the next shorter one comes later."""
    clock = Hands()
    pace = Pace(clock)
    assert pace.refused(100.0, None, float) == REST_MIN
    held = []
    for again in range(1, 9):
        replies = 0
        while pace.rest == REST_MIN:
            pace.replied(100.0 + again)
            replies += 1
        held.append(replies)
        clock.at = 100.0 + again
        assert pace.refused(100.0 + again, None, float) == REST_MIN
        clock.at += 0.1
    assert held == [20, 30, 50, 90, 170, 330, 650, 650]


async def test_the_third_round_pauses_the_account() -> None:
    """The pause is the policy's first, then its second; bulk waits for it, and a trial that is refused waits longer."""
    clock = Hands()
    pace = Pace(clock)
    for at in range(ROUNDS_TO_PAUSE - 1):
        clock.at = 101.0 + at
        assert pace.refused(clock.at, None, lambda nth: 10.0 * nth) is not None
    clock.at = 110.0
    assert pace.refused(110.0, None, lambda nth: 10.0 * nth) is None
    assert (pace.wait("bulk"), pace.wait("urgent")) == (10.0, URGENT_WAIT)
    assert (pace.admit("bulk"), pace.admit("urgent")) == ("wait", "wait")
    clock.at = 112.0
    assert (pace.admit("urgent"), pace.admit("urgent")) == ("trial", "wait")
    assert pace.refused(112.0, None, lambda nth: 10.0 * nth) is None
    pace.end_trial()
    assert (pace.wait("bulk"), pace.wait("urgent")) == (20.0, 2 * URGENT_WAIT)
    clock.at = 116.0
    assert pace.admit("urgent") == "trial"
    pace.replied(116.0)
    pace.end_trial()
    assert (pace.admit("urgent"), pace.admit("bulk")) == ("go", "wait")
    clock.at = 132.0
    assert pace.admit("bulk") == "go"


def test_a_trial_ends_with_its_loop() -> None:
    """What is left in a loop that was closed tells nobody of its end: the next urgent message tries all the same."""
    clock = Hands()
    pace = Pace(clock)
    pace.refused(clock.at, 1.0, float)
    clock.at += 2.0

    async def admit() -> str:
        return pace.admit("urgent")

    loop = asyncio.new_event_loop()
    assert [loop.run_until_complete(admit()), asyncio.run(admit())] == ["trial", "wait"]
    loop.close()
    assert asyncio.run(admit()) == "trial"
