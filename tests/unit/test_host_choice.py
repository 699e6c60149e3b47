"""The limiter of one machine in an event loop, and how it is chosen."""

import asyncio
import builtins
import logging
import os
import select
import time
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from clocks import LoopClock

from wooxy_async.limits import (
    SLOTS,
    HostLimits,
    LimiterStatistics,
    Priority,
    ProcessLimiter,
    ProcessLimits,
    _host as host_module,
    _host_file as file_module,
    _host_locks as locks,
    _host_unused as unused,
    host,
    process,
)
from wooxy_async.limits._account import ProcessLease, Share, SlotPool, Waiter
from wooxy_async.limits._choice import make_limiter
from wooxy_async.limits._host import HostLimiter, account_name
from wooxy_async.limits._host_file import SETTLING, HostFile
from wooxy_async.limits._host_slot import HostSlot
from wooxy_async.limits._host_slots import HostSlots

TOKEN, URL = "token-of-the-machine", "http://127.0.0.1:8080"


class Terms:
    """A client of another process."""

    answer_limit = 60.0
    loss_hold = 0.05
    max_bulk = SLOTS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The account's file, old enough to grant slots."""
    found = tmp_path / f"{account_name(TOKEN, URL)}.slots"
    HostFile(found, is_shared=False, now=time.monotonic() - SETTLING).close()
    return found


@pytest.fixture
async def rival(path: Path) -> AsyncIterator[HostSlots]:
    """Another process, with all ten slots."""
    slots = HostSlots(path)
    for _ in range(SLOTS):
        assert slots.take(Terms(), "bulk", None) is not None
    yield slots
    slots.close()


def limiter_in(path: Path, token: str = TOKEN, **options: Any) -> HostLimiter:
    """Make a limiter of this process."""
    return HostLimiter(token, url=URL, directory=str(path.parent), **options)


def give(rival: HostSlots, keep: float = 0.0) -> None:
    """Let the other process give a slot."""
    rival.give(next(iter(rival._files.mine.values())), keep)


async def enter(limiter: HostLimiter, priority: Priority = "urgent") -> ProcessLease:
    """Wait for a slot for as long as a broken limiter would make it."""
    async with asyncio.timeout(30):
        return await limiter.slot(priority=priority).__aenter__()


async def until_quiet(limiter: HostLimiter) -> None:
    """Wait until the limiter has nothing to look for."""
    async with asyncio.timeout(30):
        while limiter._listening:
            await asyncio.sleep(0.01)
    assert limiter._looking is None
    assert not limiter._slots.keeps


async def test_a_slot_given_elsewhere_wakes_a_waiter(path: Path, rival: HostSlots) -> None:
    """The other process's datagram is heard; afterwards nothing listens, and the other has its slots back."""
    limiter = limiter_in(path)
    waits = [asyncio.ensure_future(enter(limiter)) for _ in range(2)]
    async with asyncio.timeout(30):
        while not rival._line or not list(rival._line._others(time.monotonic())):
            await asyncio.sleep(0)
    give(rival)
    give(rival)
    leases = await asyncio.gather(*waits)
    assert limiter.statistics() == LimiterStatistics(total=10, borrowed=2, closed=0, waiting=0)
    assert all(lease.holds() for lease in leases)
    for lease in leases:
        limiter.account.give_back(lease)
    await until_quiet(limiter)
    assert rival.take(Terms(), "bulk", None) is not None


async def test_a_dead_process_is_noticed_without_any_notice(path: Path, rival: HostSlots) -> None:
    """Whoever waits looks for the dead by himself, and has a slot when their hold has ended."""
    limiter = limiter_in(path)
    rival.close()
    began = time.monotonic()
    limiter.account.give_back(await enter(limiter))
    assert time.monotonic() - began >= Terms.loss_hold


async def test_a_turn_that_is_not_taken_passes(path: Path, rival: HostSlots) -> None:
    """A process that is first and does nothing keeps a free slot from the others for a moment only."""
    limiter = limiter_in(path)
    rival.announce(1.0, 1.0)
    waits = [asyncio.ensure_future(enter(limiter)) for _ in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
        give(rival)
        rival.poll()
    leases = await asyncio.gather(*waits)
    rival.announce(1.5, None)
    give(rival)
    leases.append(await enter(limiter))
    rival.announce(None, None)
    for lease in leases:
        limiter.account.give_back(lease)
    await until_quiet(limiter)


async def test_a_turn_that_is_not_taken_passes_soon(path: Path, rival: HostSlots) -> None:
    """Whoever has left a free slot to another looks again by itself, long before the look for the dead."""
    limiter = limiter_in(path)
    limiter._looking = weakref.ref(asyncio.get_running_loop())  # so that it never looks for the dead
    rival.announce(1.0, 1.0)
    wait = asyncio.ensure_future(enter(limiter))
    await asyncio.sleep(0)
    give(rival)
    limiter.account.reap()
    limiter._poll_soon(asyncio.get_running_loop())
    first = await wait
    rival.poll()
    wait = asyncio.ensure_future(enter(limiter))
    await asyncio.sleep(0)
    limiter.account.give_back(first)
    limiter.left(0.0, asyncio.get_running_loop())
    limiter.account.give_back(await wait)


async def test_limiters_of_one_loop_do_not_silence_each_other(path: Path, rival: HostSlots) -> None:
    """One that listens no more leaves the other its ear."""
    first, second, loop = limiter_in(path), limiter_in(path), asyncio.get_running_loop()
    for each, wanted in ((first, True), (second, True), (second, True), (first, False)):
        each._listen(loop, wanted=wanted)
    second._looking = weakref.ref(loop)  # so that it does not look without being woken
    wait = asyncio.ensure_future(enter(second))
    await asyncio.sleep(0)
    give(rival)
    second.account.give_back(await wait)
    second._listen(loop, wanted=False)
    assert loop.remove_reader(second._slots.fileno() or 0) is False


async def test_a_closed_account_opens_nothing(path: Path) -> None:
    """A timer that comes late finds nothing to do."""
    limiter = limiter_in(path)
    limiter._slots.close()
    limiter.account.reap()
    limiter._listen(asyncio.get_running_loop(), wanted=True)
    limiter._listen(asyncio.get_running_loop(), wanted=False)
    assert limiter._slots.fileno() is None
    assert limiter.account.take(limiter.share, "bulk", asyncio.get_running_loop()).__class__ is Waiter
    limiter._slots.start_anew()
    limiter.account.give_back(await enter(limiter))
    await until_quiet(limiter)


async def test_kept_slots_are_given_up_without_another_message(path: Path) -> None:
    """Whoever keeps slots looks until he has given them up."""
    limiter = limiter_in(path)
    limiter.account.give_back(await enter(limiter))
    limiter._poll_again(asyncio.get_running_loop())
    await until_quiet(limiter)


async def test_a_slot_given_while_a_waiter_is_refused_is_told(path: Path, rival: HostSlots) -> None:
    """A waiter says that it waits before it looks for the last time, so that no slot is given in between unheard."""

    class Racing(HostSlots):
        def take(self, terms: Any, priority: Priority, since: float | None) -> HostSlot | None:
            """Look for a free slot, and have one given right afterwards."""
            found = super().take(terms, priority, since)
            if since is not None:
                give(rival)
            return found

    slots, share, loop = Racing(path), Share(10, 5.0), asyncio.get_running_loop()
    account = SlotPool(time, slots)
    account.shares.add(share)
    waiter = account.take(share, "bulk", loop)
    assert isinstance(waiter, Waiter)
    account.enter(waiter, loop.create_future())
    fd = slots.fileno()
    assert fd is not None
    assert select.select([fd], [], [], 0)[0] == [fd]
    slots.close()


async def test_a_slot_kept_closed_is_not_given(path: Path) -> None:
    """Not to an urgent message either."""
    limiter = limiter_in(path)
    for _ in range(SLOTS):
        async with limiter.slot(priority="bulk") as lease:
            lease.keep_closed(60.0)
    assert limiter.statistics().closed == SLOTS
    with pytest.raises(TimeoutError):
        async with limiter.slot(priority="urgent", deadline=0.0):
            pytest.fail("a closed slot was given")


async def test_a_slot_kept_closed_opens_without_a_release(path: Path) -> None:
    """The client that kept it closed looks when it opens."""
    limiter = limiter_in(path)
    began = time.monotonic()
    for _ in range(SLOTS):
        async with limiter.slot(priority="bulk") as lease:
            lease.keep_closed(0.05)
    limiter.account.give_back(await enter(limiter))
    assert time.monotonic() - began >= 0.05
    await until_quiet(limiter)


async def test_a_holder_looks_after_its_file(path: Path) -> None:
    """A file that is deleted while a request is under way is made anew, with the slot in it."""
    remove, exists = path.unlink, path.exists
    limiter = limiter_in(path)
    async with limiter.slot(priority="bulk") as lease:
        remove()
        async with asyncio.timeout(30):
            while not exists():
                await asyncio.sleep(0.01)
        other = HostSlots(path)
        assert lease.holds()
        async with asyncio.timeout(30):
            while (taken := other.take(Terms(), "bulk", None)) is None:
                await asyncio.sleep(0.01)
        got = [taken, *(other.take(Terms(), "bulk", None) for _ in range(SLOTS))]
        assert sum(slot is not None for slot in got) == SLOTS - 1
    other.close()


async def test_clients_of_one_process_share_one_account(path: Path) -> None:
    """Their shares are their own; a limiter of another token has ten slots of its own."""
    first, second, other = limiter_in(path), limiter_in(path, share=3), limiter_in(path, token="another")
    assert first.account is second.account is not other.account
    leases = [await enter(second) for _ in range(3)]
    with pytest.raises(TimeoutError):
        async with second.slot(priority="urgent", deadline=time.monotonic()):
            pytest.fail("its share is used up")
    leases += [await enter(first) for _ in range(7)]
    assert second.statistics() == LimiterStatistics(total=10, borrowed=3, closed=0, waiting=0)
    for lease in leases:
        first.account.give_back(lease)


def test_a_forked_child_shares_the_slots_of_its_parent(path: Path) -> None:
    """A child does not hold what its parent holds, and has with it ten slots together."""
    limiter = limiter_in(path)

    async def count(want: int) -> int:
        got = [asyncio.ensure_future(enter(limiter)) for _ in range(want)]
        async with asyncio.timeout(30):
            while sum(task.done() for task in got) < 4:
                await asyncio.sleep(0.01)
        rest = asyncio.gather(*got)
        rest.cancel()
        await asyncio.gather(rest, return_exceptions=True)
        return sum(not task.cancelled() for task in got)

    async def fork_inside() -> int:
        leases = [await enter(limiter) for _ in range(6)]
        pid = os.fork()
        if pid == 0:
            asyncio._set_running_loop(None)  # 3.11 takes the parent's loop for the child's
            os._exit(asyncio.run(count(SLOTS)) if not any(lease.holds() for lease in leases) else 99)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])  # noqa: ASYNC222 - the child ends soon
        assert all(lease.holds() for lease in leases)
        return code

    assert asyncio.run(fork_inside()) == 4


def test_an_unfit_file_is_refused_with_the_remedy(path: Path) -> None:
    """The text names the file and says what to do."""
    path.chmod(0o644)
    with pytest.raises(
        ValueError, match=rf"{path.name} cannot be used.*others may write.*remove it.*WOOXY_RUNTIME_DIR"
    ):
        limiter_in(path)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(ValueError, match="symbolic links"):
        limiter_in(path)


def test_files_that_nobody_uses_are_removed(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after they were last opened, if nobody has a lock on them; nothing else is touched."""
    used, old, fresh, named = (tmp_path / f"{name}.slots" for name in ("used", "unused", "fresh", "named"))
    files = [HostFile(each, is_shared=False, now=0.0) for each in (used, old, fresh)]
    assert files[0].lock_line() == 0
    files[1].close()
    files[2].close()
    named.mkdir()
    for each in (used, old, named, path):
        os.utime(each, (0, 0))
    monkeypatch.setattr("wooxy_async.limits._host_locks.choose", lambda *_files: locks.classic)
    limiter_in(path, token="elsewhere")  # there, to open a file and close it costs its locks
    assert old.exists()
    monkeypatch.undo()
    limiter_in(path)
    assert [each.exists() for each in (used, old, fresh, named, path)] == [True, False, True, True, True]
    files[0].close()
    limiter_in(path, token="another account")
    assert not used.exists()
    assert path.exists()  # opened a moment ago


def test_a_file_replaced_while_it_is_removed_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is locked is what was found."""
    other = path.with_name("other")
    other.touch()
    found = other.stat()
    unused._remove(path, found)
    assert path.exists()
    monkeypatch.setattr(unused, "UNUSED", -1.0)
    path.with_name("link.slots").symlink_to("other")
    unused.remove_unused(path.parent, time.time())
    assert sorted(each.name for each in path.parent.iterdir()) == ["link.slots", "other"]


def test_one_server_has_one_name_however_it_is_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case, the default port, a trailing dot and the path make no other account; token, host and port do."""
    same = {
        account_name("t", url)
        for url in ("https://api.wooxy.com", "https://API.Wooxy.com:443/", "https://api.wooxy.com./v3/viber/send")
    }
    others = {
        account_name("u", "https://api.wooxy.com"),
        account_name("t", "https://api.wooxy.com:8443"),
        account_name("t", "https://api2.wooxy.com"),
        account_name("t", "http://api.wooxy.com"),
    }
    assert (len(same), len(others), same & others) == (1, 4, set())
    assert account_name("t", "odd://") != account_name("t", "http://")
    monkeypatch.setattr(file_module, "_BOOT_ID", Path("/nowhere"))
    assert account_name("t", "https://api.wooxy.com") not in same  # marks of another boot mean nothing in this one


def choose(given: object, **terms: object) -> object:
    """Make the limiter that a client's argument means."""
    usual = {"token": TOKEN, "url": URL, "share": 4, "loss_hold": 1.0, "answer_limit": 2.0, "clock": time}
    return make_limiter(given, **usual | terms)


def test_a_limiter_is_chosen_by_word_or_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and typed objects mean the same; a limiter of one's own is taken as it is."""
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "named"))
    for given, directory in [
        ("host", "named"),
        (host(), "named"),
        (f"host:{tmp_path}/other", "other"),
        (host(directory=f"{tmp_path}/other"), "other"),
    ]:
        limiter = choose(given)
        assert isinstance(limiter, HostLimiter)
        assert (limiter.share.most, limiter.share.loss_hold, limiter.share.answer_limit) == (4, 1.0, 2.0)
        files = {path.name for path in (tmp_path / directory).iterdir()}
        assert files == {f"{account_name(TOKEN, URL)}.slots", "register"}
    for given in ("process", process()):
        assert type(choose(given)) is ProcessLimiter
    own = ProcessLimiter("another")
    assert choose(own) is own
    assert (host(), process()) == (HostLimits(), ProcessLimits())


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("hots", "did you mean 'host'"), ("Process", "did you mean 'process'"), ("process:/x", "process"), ("host:", "")],
)
def test_a_wrong_word_is_refused_with_the_nearest_right_one(wrong: str, hint: str) -> None:
    """The text says what is right."""
    with pytest.raises(
        ValueError, match=f'"process", "host", "host:/dir", "redis://…" or a Limiter, not .{wrong}.*{hint}'
    ):
        choose(wrong)
    with pytest.raises(ValueError, match=r"not 'redis'\.$"):
        choose("redis")


def test_a_platform_without_such_locks_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows, where there is no module for them."""
    find = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == host_module.__name__:
            raise ImportError(name)
        return find(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match='say limiter="process"'):
        choose("host")
    assert type(choose(None)) is ProcessLimiter


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the environment names."""
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("WOOXY_LIMITER", raising=False)
    return tmp_path / "runtime"


def test_the_machine_is_the_default(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names no limiter shares with all processes; WOOXY_LIMITER names another, the argument goes before it."""
    assert isinstance(choose(None), HostLimiter)
    assert (place / "register").exists()
    monkeypatch.setenv("WOOXY_LIMITER", "process")
    assert type(choose(None)) is ProcessLimiter
    assert isinstance(choose("host"), HostLimiter)
    monkeypatch.setenv("WOOXY_LIMITER", "hosts")
    with pytest.raises(ValueError, match=r"^WOOXY_LIMITER must be .* not 'hosts'; did you mean 'host'"):
        choose(None)
    monkeypatch.setenv("WOOXY_LIMITER", "")
    assert isinstance(choose(None), HostLimiter)


async def test_a_clock_of_ones_own_is_no_other_processs(place: Path) -> None:
    """A simulated client does not wait for processes that live in another time."""
    assert type(choose(None, clock=LoopClock(), token="of a simulation")) is ProcessLimiter
    assert place not in place.parent.iterdir()


def test_where_processes_cannot_meet_the_default_says_so_once(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning with the remedy for all clients; who said "host" has an error."""
    place.write_text("no directory")
    with caplog.at_level(logging.WARNING, "wooxy_async"):
        assert [type(choose(None)) for _client in range(3)] == [ProcessLimiter] * 3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    for part in ('limiter="process"', str(place), "no directory", 'limiter="host:/dir"', "WOOXY_RUNTIME_DIR"):
        assert part in record.getMessage()
    with pytest.raises(ValueError, match="WOOXY_RUNTIME_DIR"):
        choose("host")
