"""Chaos over hosts: the cap holds whatever happens to whom, and what is wrong on purpose is found."""

import asyncio

import chaos_redis
import pytest


def test_chaos_over_hosts_of_one_seed() -> None:
    """Kills, stops, cuts, and an engine that dies, forgets, freezes: never eleven, nothing stuck, all slots back."""
    figures = asyncio.run(asyncio.wait_for(chaos_redis.run(7, seconds=20.0), 200))
    assert figures.is_sound, figures


@pytest.mark.parametrize("mutant", ["unchecked", "apart", "trusting"])
def test_chaos_over_hosts_finds_what_is_wrong(mutant: chaos_redis.Mutant) -> None:
    """No late check, processes that do not meet, an engine that lost its data and is trusted: the server sees it."""
    figures = asyncio.run(asyncio.wait_for(chaos_redis.run(1, seconds=200.0, mutant=mutant), 280))
    assert figures.peak > 10, figures
