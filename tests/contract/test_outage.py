"""Hours of outage, in a loop whose clock jumps to the next timer whenever nothing else is to be done."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from people import messages

from wooxy_async import Accepted, InDoubt, InDoubtError, NotSent, Outcome, RetryPolicy, WooxyClient
from wooxy_async.sandbox import Fault, Sandbox

HOUR = 3600.0


def client_of(token: str, url: str, **options: Any) -> WooxyClient:
    """Return a client on the running loop's clock."""
    return WooxyClient(token, base_url=url, loss_hold=0, clock=LoopClock(), **options)


def run(campaign: Callable[[], Any]) -> list[Outcome]:
    """Run a campaign on the clock that jumps."""
    with asyncio.Runner(loop_factory=NetworkedJumpingLoop, debug=False) as runner:
        outcomes: list[Outcome] = runner.run(campaign())
        return outcomes


async def outage(sandbox: Sandbox, client: WooxyClient, seconds: float) -> list[Outcome]:
    """Send 500 messages; the fault ends after so many seconds of the loop's clock."""
    asyncio.get_running_loop().call_later(seconds, sandbox.reset)
    return [outcome async for outcome in client.send_many(messages(500))]


@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.error(21), Fault.no_answer(taken=False)], ids=lambda fault: fault.name
)
def test_an_hour_of_server_errors(token: str, fault: Fault) -> None:
    """An hour without a valid reply leaves in doubt what was in flight; the rest goes when the API is back."""

    async def campaign() -> list[Outcome]:
        async with (
            Sandbox(token=token) as sandbox,
            client_of(token, sandbox.url, patience=2 * HOUR) as client,
        ):
            sandbox.script(fault, always=True)
            sandbox.script(fault, always=True, method="account_info")
            return await outage(sandbox, client, HOUR)

    outcomes = run(campaign)
    doubts = sum(isinstance(outcome, InDoubt) for outcome in outcomes)
    assert 5 <= doubts <= 10
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 500 - doubts


def test_an_hour_in_which_sending_alone_fails(token: str) -> None:
    """The account is sound all the time: what was in flight and five that probed are in doubt, the rest is not sent."""
    outcomes: list[Outcome] = []

    async def campaign() -> list[Outcome]:
        async with Sandbox(token=token) as sandbox, client_of(token, sandbox.url, patience=HOUR) as client:
            sandbox.script(Fault.server_error(503), always=True)
            with pytest.raises(InDoubtError, match="no valid reply for 3600 s"):
                async for outcome in client.send_many(messages(500)):
                    outcomes.append(outcome)  # noqa: PERF401 - kept although the stream raises
            assert asyncio.get_running_loop().time() >= HOUR
            assert 5 <= sandbox.account_infos <= 6
            assert sandbox.requests <= 10 + 5
            return outcomes

    assert sum(isinstance(outcome, InDoubt) for outcome in run(campaign)) <= 10 + 5
    assert {type(outcome) for outcome in outcomes} <= {InDoubt, NotSent}


@pytest.mark.parametrize(
    "fault",
    [Fault.reply(404), Fault.reply(405), Fault.error(20), Fault.reply(200, "{}"), Fault.reply(200, '{"result": true}')],
    ids=["missing", "not allowed", "refused", "another shape", "half a shape"],
)
def test_where_the_account_is_not_told_messages_probe(token: str, fault: Fault) -> None:
    """A probe that says nothing of the API is followed by a message at once."""

    async def campaign() -> list[Outcome]:
        async with Sandbox(token=token) as sandbox, client_of(token, sandbox.url) as client:
            sandbox.script(fault, always=True, method="account_info")
            sandbox.script(*[Fault.server_error(503)] * 13)
            outcomes = [outcome async for outcome in client.send_many(messages(50))]
            assert sandbox.account_infos == 4
            return outcomes

    outcomes = run(campaign)
    assert sum(isinstance(outcome, InDoubt) for outcome in outcomes) == 13
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 37


def test_an_hour_of_refused_load(token: str) -> None:
    """An hour of 429 leaves nothing NotSent while the stream has patience: every message arrives, once."""

    async def campaign() -> list[Outcome]:
        policy = RetryPolicy(attempts=2, wait_initial=0.01, wait_max=0.01)
        async with (
            Sandbox(token=token) as sandbox,
            WooxyClient(
                token, base_url=sandbox.url, patience=2 * HOUR, loss_hold=0, clock=LoopClock(), retry=policy
            ) as client,
        ):
            sandbox.script(Fault.too_many_requests(None), always=True)
            outcomes = await outage(sandbox, client, HOUR)
            assert (sandbox.taken, sandbox.duplicates) == (500, 0)
            return outcomes

    assert {type(outcome) for outcome in run(campaign)} == {Accepted}


def test_an_hour_of_refused_connections(token: str) -> None:
    """An hour without a listening server leaves nothing NotSent either."""

    async def campaign() -> list[Outcome]:
        sandbox = Sandbox(token=token)
        await sandbox.start()
        url, port = sandbox.url, int(sandbox.url.rpartition(":")[2])
        await sandbox.aclose()
        async with (
            Sandbox(token=token, port=port) as late,
            WooxyClient(
                token,
                base_url=url,
                patience=2 * HOUR,
                loss_hold=0,
                clock=LoopClock(),
                retry=RetryPolicy(wait_initial=0.01),
            ) as client,
        ):
            await late.aclose()
            asyncio.get_running_loop().call_later(HOUR, lambda: starting.append(asyncio.ensure_future(late.start())))
            starting: list[Any] = []
            return [outcome async for outcome in client.send_many(messages(200))]

    assert {type(outcome) for outcome in run(campaign)} == {Accepted}


def test_patience_is_measured_in_time(token: str) -> None:
    """After 900 seconds without a valid reply a stream ends by itself, with few messages touched."""
    touched: list[Outcome] = []

    async def campaign() -> list[Outcome]:
        async with (
            Sandbox(token=token) as sandbox,
            client_of(token, sandbox.url) as client,
        ):
            sandbox.script(Fault.server_error(502), always=True)
            began = asyncio.get_running_loop().time()
            with pytest.raises(Exception, match="no valid reply for 900 s"):
                async for outcome in client.send_many(messages(500)):
                    touched.append(outcome)  # noqa: PERF401 - the loop is what is tested
            assert 900 <= asyncio.get_running_loop().time() - began <= 1000
            return touched

    outcomes = run(campaign)
    assert sum(isinstance(outcome, InDoubt) for outcome in outcomes) <= 10 + 5
    assert all(isinstance(outcome, InDoubt | NotSent) for outcome in outcomes)
