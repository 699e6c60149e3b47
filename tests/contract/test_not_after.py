"""`ViberMessage.not_after`: past it no request starts, whatever waits, pauses or is tried again; the server counts."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import certificates
import msgspec
import pytest
from clocks import EPOCH, LoopClock, NetworkedJumpingLoop
from hostile import HostileServer, Peer, ordinary
from people import message, messages

from wooxy_async import (
    Accepted,
    Attempt,
    InDoubt,
    InDoubtError,
    InvalidMessageError,
    NotSent,
    NotSentError,
    Outcome,
    RetryPolicy,
    ViberMessage,
    WooxyClient,
)
from wooxy_async.limits import Limiter, ProcessLimiter
from wooxy_async.sandbox import Fault, Sandbox


class WallClock(LoopClock):
    """The loop's clock, whose wall clock somebody can set."""

    ahead = 0.0

    def time(self) -> float:
        """Return the time that the wall clock shows."""
        return super().time() + self.ahead


def simulate(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a clock that jumps."""
    with asyncio.Runner(loop_factory=NetworkedJumpingLoop, debug=False) as runner:
        runner.run(test())  # type: ignore[arg-type]


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


def within(seconds: float, at: int = 0, **fields: Any) -> ViberMessage:
    """Return a message that must go within so many seconds."""
    return message(at, not_after=datetime.fromtimestamp(EPOCH + now() + seconds, UTC), **fields)


def client_of(sandbox: Sandbox, **options: Any) -> WooxyClient:
    """Return a client on the running loop's clock."""
    given: dict[str, Any] = {"base_url": sandbox.url, "loss_hold": 0, "clock": LoopClock(), **options}
    return WooxyClient(sandbox.token, **given)


async def expired(sending: Awaitable[Accepted]) -> NotSent:
    """Wait for a message that is too late."""
    with pytest.raises(NotSentError, match="Past its not_after no request starts") as caught:
        await sending
    assert caught.value.outcome.cause.kind == "expired"
    return caught.value.outcome


def test_a_message_in_time_is_sent_and_its_limit_stays_here(token: str) -> None:
    """Until then it goes as any other; the server is told nothing of the moment."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox) as client:
            receipt = await client.send(within(60, text="in time"))
            assert receipt.message.not_after is not None
            assert (sandbox.requests, sandbox.taken) == (1, 1)
            assert b"not" not in msgspec.json.encode(sandbox.messages[0].text)
            outcomes = [each async for each in client.send_many([within(60, 1), message(2)])]
            assert {type(outcome) for outcome in outcomes} == {Accepted}

    simulate(main)


def test_a_message_that_is_too_late_makes_no_request(token: str) -> None:
    """Neither from `send` nor from `send_many`, which goes on with what is in time; zones do not matter."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox) as client:
            outcome = await expired(client.send(within(-0.001)))
            assert (outcome.attempts, sandbox.requests) == (0, 0)
            there = timezone(timedelta(hours=14))
            given = [
                within(-1, 1),
                message(2),
                message(3, not_after=datetime.fromtimestamp(EPOCH + now() - 1, there)),
                message(4, not_after=datetime.fromtimestamp(EPOCH + now() + 1, there)),
                message(5, not_after=datetime.min.replace(tzinfo=there)),
            ]
            outcomes = {each.index: each async for each in client.send_many(given)}
            assert [type(outcomes[index]) for index in range(5)] == [NotSent, Accepted, NotSent, Accepted, NotSent]
            assert (sandbox.requests, sandbox.taken) == (2, 2)

    simulate(main)


def test_no_retry_starts_past_it(token: str) -> None:
    """A pause that ends past it is not waited for: the outcome comes at once, and names the attempt before."""

    async def main() -> None:
        policy = RetryPolicy(attempts=100, wait_initial=3600, wait_max=3600)
        async with Sandbox(token=token) as sandbox, client_of(sandbox, retry=policy, timeout=80_000) as client:
            await sandbox.aclose()
            outcome = await expired(client.send(within(1)))
            assert outcome.elapsed < 1
            assert outcome.attempts >= 1
            assert "nobody listens there" in outcome.cause.text
            outcome = await expired(client.send(within(4 * 3600)))
            assert outcome.elapsed < 4 * 3600
            assert outcome.attempts >= 4

    simulate(main)


def test_no_pause_is_made_beyond_the_callers_time_out_either(token: str) -> None:
    """Of two limits the nearer one counts: with the caller's own the cause is what the last attempt met."""

    async def main() -> None:
        policy = RetryPolicy(attempts=100, wait_initial=3600, wait_max=3600)
        async with Sandbox(token=token) as sandbox, client_of(sandbox, retry=policy) as client:
            await sandbox.aclose()
            with pytest.raises(NotSentError, match="nobody listens there") as caught:
                await client.send(within(80_000), timeout=1)
            outcome = caught.value.outcome
            assert (outcome.cause.kind, outcome.cause.detail, outcome.elapsed < 1) == ("not_connected", "refused", True)

    simulate(main)


@pytest.mark.parametrize("priority", ["urgent", "bulk"])
def test_an_account_that_pauses_is_not_waited_for_past_it(token: str, priority: Any) -> None:
    """`Retry-After` beyond it ends the message at once, and those after it before they make a request."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, timeout=80_000) as client:
            sandbox.script(Fault.too_many_requests(20))
            began = now()
            outcome = await expired(client.send(within(1.5), priority=priority))
            assert (outcome.attempts, sandbox.requests) == (1, 1)
            outcome = await expired(client.send(within(1.5), priority=priority))
            assert (outcome.attempts, sandbox.requests) == (0, 1)
            assert now() - began < 1
            assert (await client.send(within(60), priority=priority)).attempts == 1
            assert sandbox.taken == 1

    simulate(main)


def test_a_stream_that_pauses_gives_up_what_would_be_too_late(token: str) -> None:
    """Those that end within the pause are NotSent, the begun ones at once; the others are sent after it, each once."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox) as client:
            sandbox.script(Fault.too_many_requests(600))
            given = (within(60 if at % 2 else 3600, at) for at in range(40))
            outcomes = [each async for each in client.send_many(given)]
            late = [each for each in outcomes if isinstance(each, NotSent)]
            assert {each.cause.kind for each in late} == {"expired"}
            assert sum(each.elapsed < 60 for each in late) >= 5  # those that had begun; others wait for their turn
            taken = {each.index for each in outcomes if isinstance(each, Accepted)}
            assert taken | {each.index for each in late} == set(range(40))
            assert taken >= set(range(0, 40, 2))
            assert (sandbox.taken, sandbox.duplicates) == (len(taken), 0)

    simulate(main)


def test_a_stream_that_asks_too_much_patience_ends_all_the_same(token: str) -> None:
    """A pause beyond `patience` ends the stream, also where its messages would be too late before."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, patience=60) as client:
            sandbox.script(Fault.too_many_requests(600))
            with pytest.raises(NotSentError, match="429"):
                await client.send(message(), priority="bulk")
            told: list[Outcome] = []
            with pytest.raises(NotSentError, match="the patience is 60 s"):
                async for outcome in client.send_many(within(30, at) for at in range(500)):
                    told.append(outcome)  # noqa: PERF401 - the loop is what is tested
            assert {type(each) for each in told} == {NotSent}
            assert (len(told) < 100, sandbox.requests) == (True, 1)

    simulate(main)


def test_while_wooxy_is_down_nothing_waits_past_it(token: str) -> None:
    """A message that waits for its probe ends with its own moment; when the API is back only those in time are sent."""

    async def main() -> None:
        ended: dict[int, float] = {}
        began = now()
        async with Sandbox(token=token) as first:
            port = int(first.url.rpartition(":")[2])
        async with (
            Sandbox(token=token, port=port) as late,
            client_of(
                late,
                patience=7200,
                retry=RetryPolicy(wait_initial=0.01),
                on_outcome=lambda outcome: ended.setdefault(outcome.index, now() - began),
            ) as client,
        ):
            await late.aclose()
            starting: list[Any] = []
            asyncio.get_running_loop().call_later(1800, lambda: starting.append(asyncio.ensure_future(late.start())))
            given = [within(900 + at if at < 30 else 7000, at) for at in range(60)]
            outcomes = {each.index: each async for each in client.send_many(given)}
            assert starting
            for at in range(60):
                outcome = outcomes[at]
                assert isinstance(outcome, NotSent if at < 30 else Accepted), outcome
                if isinstance(outcome, NotSent):
                    assert outcome.cause.kind == "expired"
            assert all(
                ended[at] <= 900 + at + 1 for at in range(10)
            )  # a probe goes every minute, and is not waited for
            assert (late.taken, late.duplicates) == (30, 0)
            assert now() - began >= 1800

    simulate(main)


@pytest.mark.parametrize("many", [False, True], ids=["send", "send_many"])
def test_a_wait_for_a_slot_ends_with_it(token: str, many: bool) -> None:
    """All slots are busy past it: no request starts, and the message does not wait any longer."""

    async def main() -> None:
        async with Sandbox(token=token) as sandbox, client_of(sandbox, max_concurrency=1) as client:
            sandbox.script(Fault.slow_answer(30))
            first = asyncio.ensure_future(client.send(message(1), timeout=80))
            await sandbox.until(lambda: sandbox.in_progress == 1)
            began = now()
            if many:
                outcomes = [each async for each in client.send_many([within(10, 2), within(12, 3)], priority="urgent")]
                assert [each.cause.kind for each in outcomes if isinstance(each, NotSent)] == ["expired"] * 2
            else:
                outcome = await expired(client.send(within(10, 2), timeout=80))
                assert "waiting for a slot" in outcome.cause.text
            assert 10 <= now() - began < 20
            await first
            assert (sandbox.requests, sandbox.taken) == (1, 1)

    simulate(main)


class Patient(Limiter):
    """A limiter that knows no deadline: it grants when it can.

    Args:
        inner: keeps the cap.
    """

    def __init__(self, inner: ProcessLimiter) -> None:
        self.inner = inner
        self.asked = 0

    def slot(self, *, priority: Any, deadline: float | None = None) -> AbstractAsyncContextManager[Any]:
        """Wait as long as it takes."""
        del deadline
        self.asked += 1
        return self.inner.slot(priority=priority)

    def statistics(self) -> Any:
        """Return those of the cap."""
        return self.inner.statistics()


def test_a_slot_that_comes_too_late_is_given_back(token: str) -> None:
    """Whatever a limiter does: between its grant and the request the clock is looked at, and the slot is free again."""

    async def main() -> None:
        limiter = Patient(ProcessLimiter(token, share=1, clock=LoopClock()))
        async with Sandbox(token=token) as sandbox, client_of(sandbox, limiter=limiter) as client:
            sandbox.script(Fault.slow_answer(30))
            first = asyncio.ensure_future(client.send(message(1), timeout=80))
            await sandbox.until(lambda: sandbox.in_progress == 1)
            outcome = await expired(client.send(within(10, 2), timeout=80))
            assert (outcome.attempts, outcome.elapsed >= 29) == (0, True)
            await first
            await client.send(message(3))
            assert (sandbox.requests, sandbox.taken) == (2, 2)
            assert (client.statistics().borrowed, limiter.asked) == (0, 3)
            await expired(client.send(within(-1, 4)))
            assert limiter.asked == 3  # what is too late already asks for none

    simulate(main)


class SetClock:
    """The standard library's time, whose wall clock a server can set."""

    ahead = 0.0
    monotonic = staticmethod(time.monotonic)

    def time(self) -> float:
        """Return the time that the wall clock shows."""
        return time.time() + self.ahead


async def test_a_connection_that_comes_too_late_carries_nothing(token: str) -> None:
    """The clock is looked at once more right before the first byte: the connection was made, and nothing was sent."""
    clock, attempts = SetClock(), list[Attempt]()

    def handshake(peer: Peer) -> None:
        clock.ahead = 3600.0
        ordinary(peer)

    with HostileServer(tls=certificates.server_context()) as server:
        server.openings.append(handshake)
        async with WooxyClient(
            token, base_url=server.url(), ssl=certificates.client_context(), clock=clock, on_attempt=attempts.append
        ) as client:
            soon = datetime.now(UTC) + timedelta(seconds=1800)
            outcome = await expired(client.send(message(not_after=soon)))
            assert (outcome.attempts, "connecting" in outcome.cause.text) == (1, True)
            assert [each.cause for each in attempts] == ["expired"]
            assert (server.connections, server.books.read.total()) == (1, 0)
            clock.ahead = 0.0
            assert (await client.send(message(not_after=soon))).attempts == 1
            assert (server.connections, server.books.taken.total()) == (2, 1)


def test_the_wall_clock_decides_also_when_it_is_set(token: str) -> None:
    """Set back while a message waits, the clock gives it more time; nothing ends for good by a timer alone."""

    async def main() -> None:
        clock = WallClock()
        async with Sandbox(token=token) as sandbox, client_of(sandbox, clock=clock, max_concurrency=1) as client:
            sandbox.script(Fault.slow_answer(30))
            first = asyncio.ensure_future(client.send(message(1), timeout=80))
            await sandbox.until(lambda: sandbox.in_progress == 1)
            second = asyncio.ensure_future(client.send(within(10, 2), timeout=80))
            asyncio.get_running_loop().call_later(5, lambda: setattr(clock, "ahead", -60.0))
            assert (await second).attempts == 1
            await first
            assert sandbox.taken == 2

    simulate(main)


def test_a_doubt_stays_a_doubt(token: str) -> None:
    """A message that may have been taken is never called NotSent because its next attempt would be too late."""

    async def main() -> None:
        policy = RetryPolicy(attempts=100, wait_initial=3600, wait_max=3600, retry_in_doubt=True)
        async with Sandbox(token=token) as sandbox, client_of(sandbox, retry=policy, timeout=80_000) as client:
            sandbox.script(Fault.reset_after_reading(), always=True)
            with pytest.raises(InDoubtError) as caught:
                await client.send(within(1))
            outcome = caught.value.outcome
            assert isinstance(outcome, InDoubt)
            assert (outcome.cause.kind, outcome.elapsed < 1) == ("connection_lost", True)
            assert sandbox.requests >= 1

    simulate(main)


class Broken(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Fail."""
        raise RuntimeError(moment)


async def test_a_moment_without_a_zone_is_refused(sandbox: Sandbox, client: WooxyClient) -> None:
    """What does not say when it is everywhere is Invalid, with what is right; so is what is no datetime."""
    naive, broken = datetime(2030, 1, 1), datetime(2030, 1, 1, tzinfo=Broken())  # noqa: DTZ001 - that is the point
    for given, rule in ((naive, "naive"), (broken, "naive"), ("2030-01-01", "not_datetime"), (4e9, "not_datetime")):
        with pytest.raises(InvalidMessageError, match=r"not_after: .*datetime\.now\(UTC\)") as caught:
            await client.send(message(not_after=given))
        assert [problem.rule for problem in caught.value.outcome.problems] == [rule]
    assert sandbox.requests == 0


@pytest.mark.parametrize("last", [datetime.max.replace(tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)])
async def test_a_moment_in_the_far_future_is_as_good_as_none(sandbox: Sandbox, last: datetime) -> None:
    """Timers of centuries do no harm, on either loop, also where messages wait for their slot."""
    async with WooxyClient(sandbox.token, base_url=sandbox.url, max_concurrency=1) as client:
        sending = [client.send(message(at, not_after=last)) for at in range(5)]
        assert len(await asyncio.gather(*sending)) == sandbox.taken == 5
        outcomes = [each async for each in client.send_many(messages(5, not_after=last))]
        assert {type(each) for each in outcomes} == {Accepted}
