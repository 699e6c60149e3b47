"""A campaign in a process of its own is killed with SIGKILL again and again, and resumed until it is finished."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing import play


@pytest.mark.parametrize("durability", ["process", "power"])
async def test_killed_and_resumed(durability: str, tmp_path: Path) -> None:
    """At each named point and at random: nobody gets two, nobody is lost, and ten at most are in doubt after a kill."""
    is_power = durability == "power"
    figures = await play(tmp_path, rows=120, seed=7 if is_power else 3, kills=2, latency=0.005, durability=durability)
    figures.check(120)
    assert figures.kills >= 14
