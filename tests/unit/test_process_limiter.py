"""The limiter of one process: ten slots per token, whatever happens to loops, threads and waiters."""

import asyncio
import gc
import itertools
import os
import threading

import pytest
from clocks import JumpingLoop, LoopClock

from wooxy_async.limits import (
    SLOTS,
    LimiterStatistics,
    Priority,
    ProcessLimiter,
    _account as account_module,
    _process as process_module,
)

_tokens = itertools.count()


@pytest.fixture
def token() -> str:
    """A token that no other test uses."""
    return f"limiter-token-{next(_tokens)}"


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


class Holder:
    """A task that holds one slot until it is let go, and notes when it got it."""

    def __init__(self, limiter: ProcessLimiter, priority: Priority = "bulk", got: "list[Holder] | None" = None) -> None:
        self._go = asyncio.Event()
        self._got = got if got is not None else []
        self.task = asyncio.ensure_future(self._hold(limiter, priority))

    async def _hold(self, limiter: ProcessLimiter, priority: Priority) -> None:
        async with limiter.slot(priority=priority):
            self._got.append(self)
            await self._go.wait()

    async def let_go(self) -> None:
        """Give the slot back."""
        self._go.set()
        await self.task


async def test_ten_slots_are_shared_by_all_clients_of_a_token(token: str) -> None:
    """Two clients of one token have ten slots together, and another token has its own ten."""
    first, second, other = ProcessLimiter(token), ProcessLimiter(token), ProcessLimiter(token + "x")
    got: list[Holder] = []
    holders = [Holder(limiter, got=got) for limiter in [first, second] * 8]
    stranger = Holder(other)
    await settle()
    assert len(got) == SLOTS
    assert first.statistics().borrowed + second.statistics().borrowed == SLOTS
    assert first.statistics() == LimiterStatistics(total=10, borrowed=5, closed=0, waiting=3)
    assert other.statistics().borrowed == 1
    for holder in holders:
        await holder.let_go()
    await stranger.let_go()
    assert len(got) == 16
    assert first.statistics() == LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)


async def test_a_share_is_not_exceeded_and_does_not_block_others(token: str) -> None:
    """A client with two slots uses two; its queue does not keep another client from the free ones."""
    narrow, wide = ProcessLimiter(token, share=2), ProcessLimiter(token)
    got: list[Holder] = []
    narrow_holders = [Holder(narrow, got=got) for _ in range(5)]
    await settle()
    wide_holders = [Holder(wide, got=got) for _ in range(3)]
    await settle()
    assert narrow.statistics().borrowed == 2
    assert wide.statistics().borrowed == 3
    for holder in narrow_holders + wide_holders:
        await holder.let_go()
    assert len(got) == 8


async def test_first_come_first_served(token: str) -> None:
    """Waiters of one priority get slots in the order in which they came, over all clients."""
    limiters = [ProcessLimiter(token), ProcessLimiter(token)]
    got: list[Holder] = []
    holders = [Holder(limiters[at % 2], got=got) for at in range(30)]
    await settle()
    for holder in holders:
        await holder.let_go()
        await settle()
    assert got == holders


async def test_urgent_goes_first_but_not_for_ever(token: str) -> None:
    """With both waiting, four urgent messages go, then one bulk message, and so on."""
    limiter = ProcessLimiter(token)
    full = [Holder(limiter) for _ in range(SLOTS)]
    await settle()
    got: list[Holder] = []
    bulk = [Holder(limiter, "bulk", got) for _ in range(3)]
    await settle()
    urgent = [Holder(limiter, "urgent", got) for _ in range(10)]
    await settle()
    waiting = {id(holder): "bulk" for holder in bulk} | {id(holder): "urgent" for holder in urgent}
    for holder in full:
        await holder.let_go()
        await settle()
    for holder in got:  # grows while it is gone through
        await holder.let_go()
        await settle()
    assert [waiting[id(holder)] for holder in got] == (["urgent"] * 4 + ["bulk"]) * 2 + ["urgent"] * 2 + ["bulk"]


def test_a_slot_kept_closed_opens_after_its_time(token: str) -> None:
    """A lease that is kept closed frees its slot only later, and a waiter gets it without anybody's release."""

    async def main() -> None:
        limiter = ProcessLimiter(token, clock=LoopClock())
        began = asyncio.get_running_loop().time()
        for _ in range(SLOTS):
            async with limiter.slot(priority="bulk") as lease:
                lease.keep_closed(0.05)
        assert limiter.statistics() == LimiterStatistics(total=10, borrowed=0, closed=10, waiting=0)
        with pytest.raises(TimeoutError):
            async with limiter.slot(priority="urgent", deadline=0.0):
                pytest.fail("a closed slot was given")
        async with limiter.slot(priority="urgent") as lease:
            assert lease.holds()
            assert 0.05 <= asyncio.get_running_loop().time() - began < 0.06
        assert limiter.statistics() == LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(main())


async def test_a_deadline_ends_the_wait_and_leaves_nothing(token: str) -> None:
    """A waiter whose deadline ends gets a TimeoutError, and its place is gone."""
    limiter = ProcessLimiter(token)
    full = [Holder(limiter) for _ in range(SLOTS)]
    await settle()
    with pytest.raises(TimeoutError):
        async with limiter.slot(priority="urgent", deadline=0.0):
            pytest.fail("there was no slot")
    assert limiter.statistics().waiting == 0
    for holder in full:
        await holder.let_go()


async def test_cancelled_waiters_leave_ten_free_slots(token: str) -> None:
    """Of thousands of waiters cancelled at every moment none keeps a slot or a place."""
    limiter = ProcessLimiter(token)
    for at in range(300):
        holders = [Holder(limiter) for _ in range(SLOTS + 3)]
        for _ in range(at % 7):
            await asyncio.sleep(0)
        for holder in holders:
            holder.task.cancel()
            if at % 2:
                await asyncio.sleep(0)
        await asyncio.gather(*(holder.task for holder in holders), return_exceptions=True)
    assert limiter.statistics() == LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)


async def test_a_waiter_cancelled_after_its_grant_gives_it_on(token: str) -> None:
    """A grant whose waiter is cancelled before it can claim it goes to the next."""
    limiter = ProcessLimiter(token)
    full = [Holder(limiter) for _ in range(SLOTS)]
    await settle()
    first, second = Holder(limiter), Holder(limiter)
    await settle()
    full[0]._go.set()
    await full[0].task
    first.task.cancel()
    await settle()
    assert limiter.statistics() == LimiterStatistics(total=10, borrowed=10, closed=0, waiting=0)
    for holder in (*full[1:], second):
        await holder.let_go()


async def test_a_lease_comes_back_from_a_thread_without_a_loop(token: str) -> None:
    """Whoever gives a lease back, the next waiter is woken in its own loop; one cancelled meanwhile is passed over."""
    limiter = ProcessLimiter(token)
    leases = [await limiter.slot(priority="bulk").__aenter__() for _ in range(SLOTS)]
    first, second = Holder(limiter), Holder(limiter)
    await settle()
    thread = threading.Thread(target=limiter.account.give_back, args=(leases[0],))
    thread.start()
    thread.join()  # the wake-up of the first is on its way, and now comes too late
    first.task.cancel()
    await settle()
    assert limiter.statistics() == LimiterStatistics(total=10, borrowed=10, closed=0, waiting=0)
    for lease in leases[1:]:
        limiter.account.give_back(lease)
    await second.let_go()


def test_threads_and_loops_share_the_slots(token: str) -> None:
    """Four loops in four threads never hold more than ten together, and all get their turn."""
    inside, most, lock = 0, 0, threading.Lock()

    async def hold(limiter: ProcessLimiter) -> None:
        nonlocal inside, most
        async with limiter.slot(priority="bulk"):
            with lock:
                inside += 1
                most = max(most, inside)
            await asyncio.sleep(0)
            with lock:
                inside -= 1

    async def many() -> None:
        limiter = ProcessLimiter(token)
        await asyncio.gather(*(hold(limiter) for _ in range(300)))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert most == SLOTS
    assert ProcessLimiter(token).statistics() == LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)


async def _take_and_forget(limiter: ProcessLimiter) -> None:
    async with limiter.slot(priority="bulk") as lease:
        lease.keep_closed(limiter.statistics().closed * 0.0)
        await asyncio.get_running_loop().create_future()


def _abandon(limiter: ProcessLimiter, tasks: int, *, close: bool) -> asyncio.AbstractEventLoop:
    """Leave a loop behind with tasks that hold or wait for slots."""
    loop = asyncio.new_event_loop()
    for _ in range(tasks):
        loop.create_task(_take_and_forget(limiter))  # noqa: RUF006 - to be forgotten is what it is for
    loop.run_until_complete(settle())
    if close:
        loop.close()
    return loop


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("close", [True, False])
def test_a_hundred_abandoned_loops_leave_ten_free_slots(token: str, *, close: bool) -> None:
    """Loops that die with slots in use, closed or merely forgotten, give them back after the hold."""

    async def ten_at_once() -> None:
        fresh = ProcessLimiter(token)
        holders = [Holder(fresh) for _ in range(SLOTS)]
        while fresh.statistics().borrowed < SLOTS:
            await asyncio.sleep(0.01)
        for holder in holders:
            await holder.let_go()

    for _ in range(100):
        _abandon(ProcessLimiter(token, loss_hold=0.01), 3, close=close)
    gc.collect()
    asyncio.run(asyncio.wait_for(ten_at_once(), 30))
    gc.collect()


def test_a_lease_of_a_closed_loop_no_longer_holds(token: str) -> None:
    """A lease whose loop was closed is lost: its slot is closed for the hold, then open."""
    limiter = ProcessLimiter(token, loss_hold=60)
    leases = []

    async def take() -> None:
        leases.append(await limiter.slot(priority="bulk").__aenter__())

    loop = asyncio.new_event_loop()
    loop.run_until_complete(take())
    assert leases[0].holds()
    loop.close()
    assert limiter.statistics() == LimiterStatistics(total=10, borrowed=0, closed=1, waiting=0)
    assert not leases[0].holds()
    limiter.account.give_back(leases[0])  # comes too late, and changes nothing
    assert limiter.statistics().closed == 1


def test_a_grant_that_is_not_claimed_goes_to_the_next(token: str) -> None:
    """A loop that stands still keeps nobody waiting: its grant is taken back, and later it queues again in front."""
    limiter = ProcessLimiter(token)
    got: list[Holder] = []

    async def start(count: int) -> list[Holder]:
        holders = [Holder(limiter, got=got) for _ in range(count)]
        await settle()
        return holders

    with asyncio.Runner() as standing, asyncio.Runner() as running:
        full = running.run(start(SLOTS))
        still = standing.run(start(1))
        standing.get_loop().call_soon(lambda: None)

        async def free_one_and_wait() -> list[Holder]:
            late = await start(2)
            await full[0].let_go()
            while late[0] not in got:
                await asyncio.sleep(0.01)
            return late

        late = running.run(asyncio.wait_for(free_one_and_wait(), 30))
        assert still[0] not in got
        standing.run(settle())
        assert limiter.statistics().waiting == 2
        assert sorted(limiter.share.queues["bulk"]) == list(limiter.share.queues["bulk"])

        async def free_all() -> None:
            for holder in (*full[1:], *late):
                await holder.let_go()

        running.run(free_all())
        standing.run(asyncio.wait_for(still[0].let_go(), 30))
    assert limiter.statistics() == LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)


def test_a_waiter_of_a_closed_loop_is_passed_over(token: str) -> None:
    """A grant is never given to a waiter whose loop was closed."""
    limiter = ProcessLimiter(token)

    async def over_there(full: list[Holder]) -> None:
        own = Holder(limiter)
        await settle()
        await full[0].let_go()
        await own.let_go()

    async def fill() -> list[Holder]:
        holders = [Holder(limiter) for _ in range(SLOTS)]
        await settle()
        return holders

    with asyncio.Runner() as runner:
        full = runner.run(fill())
        dead = asyncio.new_event_loop()
        waiting = dead.create_task(_take_and_forget(limiter))
        dead.run_until_complete(settle())
        dead.close()
        runner.run(asyncio.wait_for(over_there(full), 30))
        assert not waiting.done()

        async def free_all() -> None:
            for holder in full[1:]:
                await holder.let_go()

        runner.run(free_all())
    assert limiter.statistics().borrowed == 0
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]
    del waiting
    gc.collect()


def test_what_is_open_again_is_not_counted_as_closed(token: str) -> None:
    """A slot that was kept closed is free after its time, also where nobody has waited for it."""

    async def main() -> None:
        limiter = ProcessLimiter(token, clock=LoopClock())
        async with limiter.slot(priority="bulk") as lease:
            lease.keep_closed(0.01)
        assert limiter.statistics().closed == 1
        await asyncio.sleep(0.011)
        assert limiter.statistics().closed == 0

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(main())


def test_idle_accounts_are_forgotten(token: str) -> None:
    """An account without clients, leases and closed slots takes no memory."""
    limiter = ProcessLimiter(token)
    key = next(reversed(process_module._accounts))
    del limiter
    gc.collect()
    ProcessLimiter(token + "y")
    assert key not in process_module._accounts


def test_a_forked_child_starts_with_its_own_slots(token: str) -> None:
    """A child of fork does not inherit the requests of its parent; a limiter from before and a new one share ten."""
    limiter = ProcessLimiter(token)

    async def use(*limiters: ProcessLimiter) -> bool:
        got: list[Holder] = []
        holders = [Holder(one, got=got) for one in limiters * SLOTS]
        await settle()
        has_ten = len(got) == SLOTS
        for holder in holders:
            await holder.let_go()
        return has_ten

    def child() -> bool:
        asyncio._set_running_loop(None)  # 3.11 takes the parent's loop for the child's
        is_free = limiter.statistics() == LimiterStatistics(total=10, borrowed=0, closed=0, waiting=0)
        return is_free and asyncio.run(use(limiter, ProcessLimiter(token)))

    async def fork_inside() -> int:
        async with limiter.slot(priority="bulk"):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if child() else 1)
            return os.waitpid(pid, 0)[1]  # noqa: ASYNC222 - the child ends at once

    assert asyncio.run(fork_inside()) == 0


def test_the_share_of_bulk_is_documented() -> None:
    """The README says that bulk keeps a fifth of the turns."""
    assert account_module.URGENT_IN_A_ROW == 4


def test_tokens_of_one_account_share_its_slots_in_a_process(token: str) -> None:
    """Also a client that was made before anybody named the account, and one that does not name it afterwards."""
    old, new = token, f"{token}-new"
    before = ProcessLimiter(old)
    named = ProcessLimiter(old, account=f"account-{token}")
    assert before.account is named.account is ProcessLimiter(old).account
    assert ProcessLimiter(new).account is not named.account
    assert ProcessLimiter(new, account=f"account-{token}").account is named.account is ProcessLimiter(new).account
    assert ProcessLimiter(old, account=f"another-{token}").account is not named.account
