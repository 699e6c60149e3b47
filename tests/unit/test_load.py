"""How many messages of a client wait, and how long the next one probably would."""

import asyncio

import pytest

from wooxy_async._client.load import Load
from wooxy_async._ports import Priority


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return what the hands show."""
        return self.now

    def time(self) -> float:
        """Return the same."""
        return self.now


async def test_the_wait_is_that_of_the_line_by_what_requests_have_taken_lately() -> None:
    """The estimate goes towards the latest requests; a pause that is longer counts instead."""
    clock = Hands()
    load = Load(6, 2, clock)
    assert load.refuses("urgent", 0.0) is None
    load.waiting["urgent"] = 6
    assert load.refuses("bulk", 0.0) is None
    for _request in range(100):
        began = clock.now
        clock.now += 0.25
        load.ended(began)
    refused = load.refuses("urgent", 0.0)
    assert refused is not None
    assert refused[1] == pytest.approx(3 * 0.25, rel=0.001)
    paused = load.refuses("urgent", 7.0)
    assert paused is not None
    assert (paused[0].kind, paused[1]) == ("overloaded", 7.0)
    assert paused[0].text.endswith("max_waiting allows, 6; it may be better in 7 s.")


async def test_without_a_bound_nobody_is_refused() -> None:
    """And nothing is reckoned."""
    load = Load(None, 1, Hands())
    load.waiting["urgent"] = 1_000_000
    load.ended(0.0)
    assert load.refuses("urgent", 5.0) is None


def test_what_waited_in_a_closed_loop_counts_no_more() -> None:
    """Its end may never be told; where it is told late, those of the next loop are counted as they are."""
    load = Load(1, 1, Hands())

    async def wait() -> dict[Priority, int]:
        waiting = load.waiting
        waiting["urgent"] += 1
        assert load.refuses("urgent", 0.0) is not None
        return waiting

    async def look() -> None:
        assert load.refuses("urgent", 0.0) is None
        left["urgent"] -= 1
        assert load.waiting == {"urgent": 0, "bulk": 0}

    left = asyncio.run(wait())
    asyncio.run(look())
