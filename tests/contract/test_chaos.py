"""Chaos on one machine: the cap holds whatever happens to whom, and what is wrong on purpose is found."""

import asyncio
import math
import os
from pathlib import Path

import chaos
import pytest
from slot_log import SlotLog, most_at_once


def test_chaos_of_one_seed() -> None:
    """Kills, stops, forks, cancellations and deleted files at random: never eleven, nothing stuck, all slots back."""
    figures = asyncio.run(asyncio.wait_for(chaos.run(7, seconds=20.0), 200))
    assert figures.is_sound, figures


@pytest.mark.parametrize("mutant", ["hasty", "unchecked", "apart"])
def test_chaos_finds_what_is_wrong(mutant: chaos.Mutant) -> None:
    """Slots of the dead that are free at once, no late check, processes that do not meet: the server sees it."""
    figures = asyncio.run(asyncio.wait_for(chaos.run(7, seconds=150.0, mutant=mutant), 250))
    assert figures.peak > 10, figures
    assert (figures.held > 10) is (mutant == "apart"), figures


def test_the_sweep_counts_what_overlaps(tmp_path: Path) -> None:
    """A hold begins when it was had; it ends when it is given back, at its promised end, and with its process."""
    log = SlotLog(tmp_path)
    holds = [log.take(math.inf) for _ in range(10)]
    log.give(holds[0])
    late = log.take(0.0)  # has ended already
    assert most_at_once(tmp_path, {}) == 10
    assert most_at_once(tmp_path, {os.getpid(): 0.0}) == 0
    log.ask(late, math.inf)  # promised anew
    log.take(math.inf)
    assert most_at_once(tmp_path, {}) == 11
