"""How bulk and urgent messages share the slots over time, for shares of every size, and when a resting slot opens."""

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from clocks import JumpingLoop, LoopClock

from wooxy_async.limits import SLOTS, Priority, ProcessLimiter
from wooxy_async.limits._account import URGENT_IN_A_ROW

_tokens = itertools.count()
_TURNS = URGENT_IN_A_ROW + 1


@pytest.fixture
def token() -> str:
    """A token that no other test uses."""
    return f"share-token-{next(_tokens)}"


def simulate(test: Callable[[], Awaitable[Any]]) -> None:
    """Run a test on a clock that jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(test())  # type: ignore[arg-type]


async def use(limiter: ProcessLimiter, priority: Priority, turns: list[Priority], enough: int) -> None:
    """Take slot after slot, as steady traffic does, until there were enough turns in all."""
    while len(turns) < enough:
        async with limiter.slot(priority=priority, deadline=None):
            turns.append(priority)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("shares", [[1], [2], [5], [9], [10], [1, 1], [5, 5], [2, 3, 4], [9, 1], [10, 10]], ids=str)
def test_bulk_has_a_fifth_of_the_turns_beside_steady_urgent_traffic(token: str, shares: Sequence[int]) -> None:
    """In each hundred turns, wherever they begin, a fifth are bulk's: for one client and several, for every share."""
    turns: list[Priority] = []

    async def main() -> None:
        limiters = [ProcessLimiter(token, share=share, clock=LoopClock()) for share in shares]
        kinds: tuple[Priority, ...] = ("urgent", "bulk")
        await asyncio.gather(
            *(
                use(limiter, kind, turns, 1_000)
                for limiter, kind in itertools.product(limiters, kinds)
                for _message in range(3 * SLOTS)
            )
        )

    simulate(main)
    steady = turns[2 * SLOTS : 1_000]
    bulk = [window.count("bulk") for window in (steady[at : at + 100] for at in range(len(steady) - 100))]
    assert 100 // _TURNS - 1 <= min(bulk) <= max(bulk) <= 100 // _TURNS + 1


def test_bulk_of_one_client_has_its_turns_beside_urgent_ones_of_another(token: str) -> None:
    """Two clients with five slots each: the campaign's slots are its own, whatever the other one sends."""
    turns: list[Priority] = []

    async def main() -> None:
        codes, campaign = (ProcessLimiter(token, share=5, clock=LoopClock()) for _client in range(2))
        urgent = (use(codes, "urgent", turns, 1_000) for _message in range(30))
        await asyncio.gather(*urgent, *(use(campaign, "bulk", turns, 1_000) for _message in range(30)))

    simulate(main)
    assert 0.45 < turns[:1_000].count("bulk") / 1_000 < 0.55


def test_bulk_has_its_turns_over_threads(token: str) -> None:
    """Four threads with a loop each, every one with urgent and bulk messages that wait at all times."""
    turns: list[Priority] = []

    def work() -> None:
        async def main() -> None:
            limiter = ProcessLimiter(token, share=9)
            kinds: tuple[Priority, ...] = ("urgent", "bulk")
            await asyncio.gather(*(use(limiter, kind, turns, 2_000) for kind in kinds for _message in range(2 * SLOTS)))

        asyncio.run(main())

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(turns[4 * SLOTS : 2_000])
    assert 0.15 < counts["bulk"] / counts.total() < 0.25


def test_a_slot_that_rests_opens_when_its_rest_ends(token: str) -> None:
    """Who waits behind resting slots is woken at the end of each rest, not by the next look at the clock."""
    began: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        limiter = ProcessLimiter(token, clock=LoopClock())

        async def one() -> None:
            async with limiter.slot(priority="bulk", deadline=None) as lease:
                began.append(loop.time())
                await asyncio.sleep(0.01)
                lease.keep_closed(0.001)

        await asyncio.gather(*(one() for _message in range(5 * SLOTS)))

    simulate(main)
    assert [round(began[at], 6) for at in range(0, 5 * SLOTS, SLOTS)] == [0.0, 0.011, 0.022, 0.033, 0.044]


def test_bulk_that_has_its_slots_does_not_stop_the_urgent(token: str) -> None:
    """Bulk has the next turn, and no slot that it may use: urgent messages go on meanwhile."""
    turns: list[Priority] = []

    async def main() -> None:
        limiter = ProcessLimiter(token, max_bulk=1, clock=LoopClock())

        async def campaign() -> None:
            async with limiter.slot(priority="bulk", deadline=None):
                turns.append("bulk")
                await asyncio.sleep(60)

        bulk = [asyncio.ensure_future(campaign()) for _message in range(3)]
        await asyncio.gather(*(use(limiter, "urgent", turns, 1_000) for _message in range(30)))
        for each in bulk:
            each.cancel()
        await asyncio.gather(*bulk, return_exceptions=True)

    simulate(main)
    assert turns[:1_000].count("bulk") == 1


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_each_client_keeps_to_its_own_number_for_bulk(token: str, keep: float) -> None:
    """Bulk of one client that may not have more lets that of another pass; a closed slot of bulk is still bulk's."""
    ends: dict[str, float] = {}

    async def main() -> None:
        loop = asyncio.get_running_loop()
        few, many = (ProcessLimiter(token, max_bulk=number, clock=LoopClock()) for number in (2, 4))

        async def one(name: str, limiter: ProcessLimiter) -> None:
            async with limiter.slot(priority="bulk", deadline=loop.time() + 30) as lease:
                lease.keep_closed(keep)
                await asyncio.sleep(1)
            ends[name] = loop.time()

        first = [one(f"few {at}", few) for at in range(3)]
        await asyncio.gather(*first, *(one(f"many {at}", many) for at in range(3)))

    simulate(main)
    at_once = {name for name, at in ends.items() if at < 1.5}
    assert at_once == {"few 0", "few 1", "many 0", "many 1"}
    assert {round(ends[name], 3) for name in ends.keys() - at_once} == {2 + keep}
