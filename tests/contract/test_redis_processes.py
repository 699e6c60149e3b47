"""Ten means ten over hosts: real processes that meet at a real Valkey, against one server, which counts."""

import asyncio
import functools
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from host_machine import Machine, machine
from valkey_server import Valkey, relay, valkey

from wooxy_async.limits import SLOTS
from wooxy_async.sandbox import Sandbox

BOUND = 100.0  # seconds after which a test has failed
LEASE, HOLD = 3.0, 0.5
Test = Callable[[], Coroutine[Any, Any, None]]


def once(test: Test) -> Callable[[], None]:
    """Run a test on one loop only: the loops that matter are those of its processes."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), BOUND))

    del run.__wrapped__  # type: ignore[attr-defined]  # pytest must not take it for a coroutine function
    return run


@asynccontextmanager
async def hosts(**options: Any) -> AsyncIterator[tuple[Sandbox, Machine, Valkey]]:
    """Start a Wooxy that works on for a while for who has hung up, and an engine."""
    async with valkey() as engine, machine(Path(), **{"loss_grace": HOLD / 2, **options}) as (sandbox, shared):
        shared.options = {"limiter": engine.url, "lease": LEASE, "loss_hold": HOLD}
        yield sandbox, shared, engine


@once
async def test_eight_processes_use_ten_slots_exactly() -> None:
    """None knows of the others, and the server sees ten."""
    async with hosts(latency=0.05) as (sandbox, shared, engine):
        workers = await shared.start_many(8, "stream", count=40)
        for worker in workers:
            worker.go()
        assert [await worker.reads() for worker in workers] == [{"Accepted": 40}] * 8
        assert not [key for key in await engine.do("KEYS", "*:members") if key]  # all have left
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)
    assert (sandbox.taken, sandbox.duplicates) == (320, 0)


@once
async def test_killed_processes_give_their_slots_back_late_but_surely() -> None:
    """The server works on for a moment on the requests of the dead: there is no eleventh, and no slot is lost."""
    async with hosts(latency=0.2) as (sandbox, shared, _engine):
        workers = await shared.start_many(5, "stream", count=250)
        for worker in workers:
            worker.go()
        for dying in workers[:3]:
            before = sandbox.requests
            await sandbox.until(lambda before=before: sandbox.requests >= before + 20 and sandbox.in_progress == 10)
            dying.signal(signal.SIGKILL)
        before = sandbox.requests
        await sandbox.until(lambda: sandbox.requests >= before + 50 and sandbox.in_progress == 10)
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)


@once
async def test_a_rolling_deployment_uses_ten_slots() -> None:
    """Old and new ones send side by side, each old one ends what it has out: nothing is in doubt."""
    async with hosts(latency=0.2) as (sandbox, shared, _engine):
        await shared.roll()
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)


@once
async def test_slots_of_the_dead_open_after_lease_and_hold() -> None:
    """Ten slots of a killed process are another's, when the lease and the hold have passed, and not before."""
    async with hosts() as (_sandbox, shared, _engine):
        first, second = await shared.start("hold", loss_hold=1.0), await shared.start("hold")
        first.go()
        assert await first.reads() == "held"
        second.go()
        first.signal(signal.SIGKILL)
        died = time.monotonic()
        assert await second.reads() == "held"
        assert time.monotonic() - died > LEASE * 2 / 3 + 0.9  # the lease was renewed a third of it ago at the most


@once
async def test_who_was_stopped_before_the_request_starts_nothing() -> None:
    """At the last check the old holder finds its slots lost, and the new holder has them."""
    async with hosts() as (_sandbox, shared, _engine):
        old, new = await shared.start("hold"), await shared.start("hold")
        old.go()
        assert await old.reads() == "held"
        old.signal(signal.SIGSTOP)
        new.go()
        assert await new.reads() == "held"
        old.signal(signal.SIGCONT)
        old.go()
        new.go()
        assert await old.reads() == [False] * SLOTS
        assert await new.reads() == [True] * SLOTS


@once
async def test_stopped_processes_do_not_break_the_cap() -> None:
    """Who goes on after its lease sends what it has not started anew, in slots of its own."""
    async with hosts(latency=0.2) as (sandbox, shared, _engine):
        workers = await shared.start_many(3, "stream", count=60)
        for worker in workers:
            worker.go()
        await sandbox.until(lambda: sandbox.requests >= 20 and sandbox.in_progress == 10)
        workers[0].signal(signal.SIGSTOP)
        before = sandbox.requests
        await sandbox.until(lambda: sandbox.requests >= before + 60 and sandbox.in_progress == 10)
        workers[0].signal(signal.SIGCONT)
        counts = [await worker.reads() for worker in workers]
        assert [sum(count.values()) for count in counts] == [60] * 3
        assert counts[1:] == [{"Accepted": 60}] * 2
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)


async def _flush(engine: Valkey) -> None:
    await engine.do("FLUSHALL")


async def _restore(engine: Valkey) -> None:
    await engine.do("SAVE")  # what it remembers will not be true any more
    await asyncio.sleep(1)
    await engine.restart()


async def _forget_script(engine: Valkey) -> None:
    await engine.do("SCRIPT", "FLUSH")


async def _freeze(engine: Valkey) -> None:
    engine.signal(signal.SIGSTOP)
    await asyncio.sleep(LEASE / 3)  # its clients lose patience, but not their leases
    engine.signal(signal.SIGCONT)


@pytest.mark.parametrize("fault", [Valkey.restart, _flush, _restore, _forget_script, _freeze])
def test_what_happens_to_the_engine_does_not_break_the_cap(
    fault: Callable[[Valkey], Coroutine[Any, Any, None]],
) -> None:
    """All holders tell again what they hold before anybody is granted anything, and every message is taken once."""

    async def play() -> None:
        async with hosts(latency=0.6) as (sandbox, shared, engine):
            workers = await shared.start_many(4, "stream", count=30)
            for worker in workers:
                worker.go()
            await sandbox.until(lambda: sandbox.requests >= 20 and sandbox.in_progress == 10)
            await fault(engine)
            assert [await worker.reads() for worker in workers] == [{"Accepted": 30}] * 4
        assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)
        assert sandbox.taken == 120

    asyncio.run(asyncio.wait_for(play(), BOUND))


@once
async def test_cut_connections_do_not_break_the_cap() -> None:
    """Who is cut off comes back under its own name, and holds what it held."""
    async with hosts(latency=0.2) as (sandbox, shared, engine), relay(engine, delay=0.0024) as between:
        options = {"limiter": f"redis://127.0.0.1:{between.port}"}
        workers = await shared.start_many(4, "stream", count=60, **options)
        for worker in workers:
            worker.go()
        for at in range(1, 5):
            await sandbox.until(lambda at=at: sandbox.requests >= 30 * at and sandbox.in_progress == 10)
            between.abort()
        assert [await worker.reads() for worker in workers] == [{"Accepted": 60}] * 4
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)
    assert between.connections >= 4 * 2 * 2


@once
async def test_without_the_engine_requests_end_before_the_lease_and_nothing_starts() -> None:
    """Ten long requests of a process that is cut off are in doubt, and ended when others may have their slots."""
    async with hosts(latency=20) as (sandbox, shared, engine):
        worker = await shared.start("send", answer_limit=60)
        worker.go()
        await sandbox.until(lambda: sandbox.in_progress == 10)
        engine.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        await sandbox.until(lambda: sandbox.in_progress == 0)
        assert time.monotonic() - stopped < 15  # long before they are answered
        told = await worker.reads()
        assert told.pop("seconds") < 20
        assert told == {"InDoubt": 10}
    assert (sandbox.peak_in_progress, sandbox.requests) == (10, 10)


@once
async def test_urgent_messages_go_before_bulk_of_other_processes() -> None:
    """A slot that bulk frees goes to the urgent message of another process, not to more bulk of its own."""
    async with hosts(latency=0.05) as (sandbox, shared, _engine):
        bulk = await shared.start("stream", count=400)
        urgent = await shared.start("send", start=1000, count=5)
        bulk.go()
        await sandbox.until(lambda: sandbox.requests >= 20 and sandbox.in_progress == 10)
        before = sandbox.requests
        urgent.go()
        told = await urgent.reads()
        assert sandbox.requests - before < 150  # 400 would be all of bulk
        assert told["Accepted"] == 5
        assert await bulk.reads() == {"Accepted": 400}
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)


@once
async def test_a_client_made_before_the_fork_shares_with_its_children() -> None:
    """Preloaded programs have ten slots together, parent and children, each with a link of its own."""
    async with hosts(latency=0.05) as (sandbox, shared, _engine):
        worker = await shared.start("preload", count=40)
        worker.go()
        assert [await worker.reads() for _ in range(4)] == [{"Accepted": 40}] * 4
        await worker.process.wait()
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.taken) == (10, 0, 160)
