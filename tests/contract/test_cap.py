"""The cap: the server counts, and never sees more than ten requests of one token in progress."""

import asyncio
import threading
from typing import Self

import pytest
from people import message, messages
from threaded import ThreadedSandbox

from wooxy_async import Accepted, NotSentError, RetryPolicy, WooxyClient, WooxyError
from wooxy_async.sandbox import Delay, Fault, Sandbox

TEN_SLOW = [Fault.slow_answer(1.0)] * 10  # are in progress at once, also on a machine too busy to send ten in 20 ms


async def test_a_thousand_messages_use_ten_slots_exactly(token: str) -> None:
    """1,000 messages at 20 ms: the peak is ten, there is no violation, and each arrives once."""
    async with Sandbox(token=token, latency=0.02) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        sandbox.script(*TEN_SLOW)
        async for outcome in client.send_many(messages(1000)):
            assert isinstance(outcome, Accepted)
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)
    assert (sandbox.taken, sandbox.duplicates) == (1000, 0)


async def test_twenty_clients_of_one_token_share_the_ten_slots(token: str) -> None:
    """Twenty clients with campaigns and urgent sends together stay at ten."""

    async def campaign(sandbox: Sandbox, at: int) -> int:
        async with WooxyClient(token, base_url=sandbox.url) as client:
            own = (message(at * 100 + row) for row in range(20))
            done = 0
            async for outcome in client.send_many(own):
                assert isinstance(outcome, Accepted)
                done += 1
                if done % 10 == 0:
                    await client.send(message(5000 + at * 10 + done // 10))
            return done

    async with Sandbox(token=token, latency=Delay.uniform(0.08, 0.12)) as sandbox:
        assert sum(await asyncio.gather(*(campaign(sandbox, at) for at in range(20)))) == 400
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)
    assert (sandbox.taken, sandbox.duplicates) == (440, 0)


async def test_a_share_is_kept(token: str) -> None:
    """A client with three slots uses three."""
    async with (
        Sandbox(token=token, latency=0.1) as sandbox,
        WooxyClient(token, base_url=sandbox.url, max_concurrency=3) as client,
    ):
        assert len([outcome async for outcome in client.send_many(messages(30))]) == 30
    assert sandbox.peak_in_progress == 3


async def test_callers_who_give_up_do_not_break_the_cap(token: str) -> None:
    """With callers timing out faster than the server works, the server still sees ten at most."""
    async with Sandbox(token=token, latency=0.4) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        await client.send(message(999))  # the rest finds a connection and everything imported
        for round_ in range(5):
            sends = (client.send(message(round_ * 20 + at), timeout=0.1) for at in range(20))
            outcomes = await asyncio.gather(*sends, return_exceptions=True)
            assert all(isinstance(outcome, WooxyError) for outcome in outcomes)
        assert client.statistics().outlived <= 10
    assert (0 < sandbox.peak_in_progress <= 10, sandbox.violations) == (True, 0)
    assert sandbox.duplicates == 0
    assert client.statistics().settled == sandbox.taken - 1


async def test_a_lost_connection_keeps_its_slot(token: str) -> None:
    """While the server may still work on lost requests, their slots stay closed."""
    async with (
        Sandbox(token=token, latency=0.01, loss_grace=0.1) as sandbox,
        WooxyClient(token, base_url=sandbox.url, loss_hold=0.3) as client,
    ):
        sandbox.script(Fault.none(), Fault.none(), Fault.reset_after_reading(), always=True)
        async for _outcome in client.send_many(messages(60)):
            pass
    assert (sandbox.peak_in_progress <= 10, sandbox.violations) == (True, 0)
    assert client.statistics().in_doubt == 20


async def test_a_restarted_task_group_stays_within_the_cap(token: str) -> None:
    """Cancelling a group of senders and starting it again at once shows the server ten at most."""
    async with Sandbox(token=token, latency=0.05) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        for round_ in range(4):
            tasks = [asyncio.ensure_future(client.send(message(round_ * 20 + at))) for at in range(15)]
            before = sandbox.requests
            await sandbox.until(lambda before=before: sandbox.requests > before)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert (0 < sandbox.peak_in_progress <= 10, sandbox.violations) == (True, 0)


async def test_urgent_overtakes_a_campaign(token: str) -> None:
    """An urgent send goes before the bulk messages that wait."""
    async with (
        Sandbox(token=token, latency=0.05) as sandbox,
        WooxyClient(token, base_url=sandbox.url) as client,
        WooxyClient(token, base_url=sandbox.url) as second,
        client.send_many(messages(200)) as stream,
    ):
        await anext(stream)
        rivals = [asyncio.ensure_future(second.send(message(1000 + at), priority="bulk")) for at in range(30)]
        await asyncio.sleep(0)
        await client.send(message(999, text="code"))
        assert sum(rival.done() for rival in rivals) <= 10
        await asyncio.gather(*rivals)


def test_threads_share_the_cap(token: str) -> None:
    """Four threads, each with a loop and a client, show the server ten at most."""
    server = ThreadedSandbox(token, latency=0.02)
    server.sandbox.script(*TEN_SLOW)
    url = server.sandbox.url

    async def send(at: int) -> None:
        async with WooxyClient(token, base_url=url) as client:
            async for outcome in client.send_many(message(at * 1000 + row) for row in range(100)):
                assert isinstance(outcome, Accepted)

    threads = [threading.Thread(target=lambda at=at: asyncio.run(send(at))) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.close()
    sandbox = server.sandbox
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.taken) == (10, 0, 400)


async def test_an_eleventh_request_is_seen_by_the_server(token: str) -> None:
    """The counting can fail: two limiters that do not know each other are caught by the server."""
    async with (
        Sandbox(token=None, latency=0.2) as sandbox,
        WooxyClient(token, base_url=sandbox.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        limiter = client._session.limiter

        class Blind:
            def slot(self, **_options: object) -> object:
                return _Nothing()

            def statistics(self) -> object:
                return limiter.statistics()

        blind = WooxyClient(token, base_url=sandbox.url, limiter=Blind(), retry=RetryPolicy(attempts=1))  # type: ignore[arg-type]
        async with blind:
            sends = [one.send(message(at)) for one in (client, blind) for at in range(10)]
            await asyncio.gather(*sends, return_exceptions=True)
    assert sandbox.violations > 0


class _Nothing:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        return None

    def holds(self) -> bool:
        return True

    def keep_closed(self, seconds: float) -> None:
        """Keep nothing."""


async def test_a_lease_that_is_lost_sends_nothing(sandbox: Sandbox) -> None:
    """A slot that is no longer held at the moment of sending stops the request: NotSent."""

    class Lost(_Nothing):
        def holds(self) -> bool:
            return False

    class Losing:
        def slot(self, **_options: object) -> object:
            return Lost()

    async with WooxyClient(sandbox.token, base_url=sandbox.url, limiter=Losing()) as client:  # type: ignore[arg-type]
        with pytest.raises(NotSentError):
            await client.send(message(), timeout=1)
    assert sandbox.requests == 0
