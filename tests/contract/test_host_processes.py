"""Ten means ten on one machine: real processes against one server, which counts."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from host_machine import machine

from wooxy_async.limits import SLOTS
from wooxy_async.limits._host import account_name
from wooxy_async.limits._host_place import find

BOUND = 60.0  # seconds after which a test has failed


def once(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Run a test on one loop only: the loops that matter are those of its processes."""

    def run(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(test(tmp_path), BOUND))

    run.__doc__ = test.__doc__
    return run


@once
async def test_eight_processes_use_ten_slots_exactly(tmp_path: Path) -> None:
    """None knows of the others, and the server sees ten."""
    async with machine(tmp_path, latency=0.05) as (sandbox, shared):
        workers = await shared.start_many(8, "stream", count=40)
        for worker in workers:
            worker.go()
        assert [await worker.reads() for worker in workers] == [{"Accepted": 40}] * 8
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)
    assert (sandbox.taken, sandbox.duplicates) == (320, 0)


@once
async def test_eight_processes_of_default_settings_use_ten_slots_exactly(tmp_path: Path) -> None:
    """Nobody has configured anything: the tests have moved the place where all of this user meet, no more."""
    env = {**os.environ, "WOOXY_RUNTIME_DIR": str(tmp_path / "place")}
    async with machine(tmp_path, latency=0.05) as (sandbox, shared):
        workers = await shared.start_many(8, "stream", count=20, limiter=None, env=env)
        for worker in workers:
            worker.go()
        assert [await worker.reads() for worker in workers] == [{"Accepted": 20}] * 8
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)


@once
async def test_tokens_of_one_account_use_ten_slots_together(tmp_path: Path) -> None:
    """The old token and the new, with and without account=, in four spellings of one host; also who came first."""
    async with machine(tmp_path, latency=0.1, token=None) as (sandbox, shared):
        port, old, new = sandbox.url.rpartition(":")[2], "the-old-token", "the-new-token"
        most = 0

        def count() -> bool:
            nonlocal most
            most = max(most, sandbox.in_progress)
            return False

        counting = asyncio.ensure_future(sandbox.until(count))
        first = await shared.start("stream", token=old, url=f"http://localhost:{port}", count=400)
        first.go()
        await sandbox.until(lambda: sandbox.in_progress == 10)
        spellings = [(old, "acme", "LOCALHOST"), (new, "acme", "LocalHost"), (new, None, "Localhost")]
        others = [
            await shared.start(
                "stream", token=token, account=account, url=f"http://{host}:{port}/", start=1000 * at, count=30
            )
            for at, (token, account, host) in enumerate(spellings, start=1)
        ]
        for worker in others:
            worker.go()
        assert [await worker.reads() for worker in (first, *others)] == [{"Accepted": 400}, *[{"Accepted": 30}] * 3]
        counting.cancel()
    assert (most, sandbox.duplicates) == (10, 0)


@once
async def test_two_accounts_and_two_servers_are_apart(tmp_path: Path) -> None:
    """Each has its ten slots, whatever the others hold."""
    async with machine(tmp_path) as (_sandbox, shared):
        for options in ({"account": "a"}, {"account": "b"}, {"url": "http://127.0.0.1:9"}, {"token": "a"}):
            worker = await shared.start("hold", **options)
            worker.go()
            assert await worker.reads() == "held"


@once
async def test_processes_that_do_not_meet_are_caught(tmp_path: Path) -> None:
    """The counting can fail: two directories are two caps."""
    async with machine(tmp_path, latency=0.5) as (sandbox, shared):
        first, second = [
            await shared.start("send", limiter=f"host:{tmp_path / name}", start=at * 10)
            for at, name in enumerate(("a", "b"))
        ]
        first.go()
        second.go()
        await sandbox.until(lambda: sandbox.violations > 0)


@once
async def test_a_rolling_deployment_uses_ten_slots(tmp_path: Path) -> None:
    """Old and new ones send side by side, each old one ends what it has out: nothing is in doubt."""
    async with machine(tmp_path, latency=0.2) as (sandbox, shared):
        await shared.roll()
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)


@once
async def test_killed_processes_give_their_slots_back_late_but_surely(tmp_path: Path) -> None:
    """The server works on for a moment on the requests of the dead: there is no eleventh, and no slot is lost."""
    async with machine(tmp_path, latency=0.2, loss_grace=0.4) as (sandbox, shared):
        workers = await shared.start_many(4, "stream", count=2500, loss_hold=0.8)
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
async def test_stopped_holders_give_way_after_the_recorded_end(tmp_path: Path) -> None:
    """Ten requests of a stopped process keep an urgent message of another waiting, but not for ever."""
    async with machine(tmp_path, latency=0.8) as (sandbox, shared):
        stopped = await shared.start("send", answer_limit=1.5, loss_hold=0.5)
        other = await shared.start("send", answer_limit=1.5, loss_hold=0.5, start=100, count=1)
        stopped.go()
        await sandbox.until(lambda: sandbox.in_progress == 10)
        stopped.signal(signal.SIGSTOP)
        other.go()
        told = await other.reads()
        assert told.pop("seconds") > 1.0  # they had their time
        assert told == {"Accepted": 1}
        stopped.signal(signal.SIGCONT)
        assert (await stopped.reads()).keys() <= {"Accepted", "InDoubt", "seconds"}
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.requests) == (10, 0, 11)


@once
async def test_who_was_stopped_before_the_request_starts_nothing(tmp_path: Path) -> None:
    """At the last check the old holder finds its slots lost, and the new holder has them."""
    async with machine(tmp_path) as (_sandbox, shared):
        times = {"answer_limit": 0.4, "loss_hold": 0.2}
        old, new = await shared.start("hold", **times), await shared.start("hold", answer_limit=60)
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
async def test_a_deleted_file_does_not_split_the_cap(tmp_path: Path) -> None:
    """Whoever deletes it under running campaigns, all move to the next one, and nobody starts an eleventh."""
    async with machine(tmp_path, latency=0.1) as (sandbox, shared):
        workers = await shared.start_many(4, "stream", count=150)  # more than enough to see ten at once three times
        for worker in workers[:3]:
            worker.go()
        for at in range(3):
            await sandbox.until(lambda at=at: sandbox.requests >= 30 * (at + 1) and sandbox.in_progress == 10)
            shared.file.unlink()
            if at == 0:
                workers[3].go()
        assert [await worker.reads() for worker in workers] == [{"Accepted": 150}] * 4
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)


@once
async def test_a_client_made_before_the_fork_shares_with_its_children(tmp_path: Path) -> None:
    """Preloaded programs have ten slots together, parent and children."""
    async with machine(tmp_path, latency=0.05) as (sandbox, shared):
        worker = await shared.start("preload", count=40)
        worker.go()
        assert [await worker.reads() for _ in range(4)] == [{"Accepted": 40}] * 4
        await worker.process.wait()
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.taken) == (10, 0, 160)


@once
async def test_a_child_does_not_keep_the_slots_of_a_dead_parent(tmp_path: Path) -> None:
    """Locks of an opened file live as long as any copy of it: the child has closed its own."""
    async with machine(tmp_path) as (_sandbox, shared):
        parent, other = await shared.start("orphan", loss_hold=0.1), await shared.start("hold")
        parent.go()
        child = await parent.reads()
        try:
            other.go()
            parent.signal(signal.SIGKILL)
            assert await other.reads() == "held"
            os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)


SURROUNDINGS: dict[str, dict[str, str]] = {
    "login": dict(os.environ),
    "env -i": {},
    "cron": {"HOME": "/", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "LOGNAME": "somebody"},
    "systemd": {"XDG_RUNTIME_DIR": "/run/user/0", "TMPDIR": "/tmp/systemd-private", "XDG_STATE_HOME": "/srv"},  # noqa: S108
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_all_surroundings_of_one_user_meet(name: str) -> None:
    """Whatever the environment says, one process's slots are another's."""
    env = {key: value for key, value in SURROUNDINGS[name].items() if key != "WOOXY_RUNTIME_DIR"}

    async def meet() -> None:
        async with machine(place) as (_sandbox, shared):
            first = await shared.start("hold", limiter="host", env=env, count=7, loss_hold=0.2)
            other = await shared.start("hold", limiter=f"host:{place}", count=4)
            first.go()
            assert await first.reads() == "held"
            file = place / f"{account_name(shared.token, shared.url)}.slots"
            try:
                other.go()
                first.go()
                assert await first.reads() == [True] * 7
                first.signal(signal.SIGKILL)
                assert await other.reads() == "held"
            finally:
                file.unlink()

    place = find(None).path
    asyncio.run(asyncio.wait_for(meet(), BOUND))
