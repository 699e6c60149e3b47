"""The fuzzer, bounded: what callers are told agrees with the server's books whatever is drawn."""

from __future__ import annotations

import pytest
from fuzz import Draw, fuzz


@pytest.mark.parametrize(
    "draw",
    [
        Draw(messages=800, seed=1, loop="asyncio"),
        Draw(messages=800, seed=2, loop="uvloop"),
        Draw(messages=800, seed=3, loop="asyncio", tls=True),
        Draw(messages=800, seed=4, loop="uvloop", tls=True),
    ],
    ids=str,
)
def test_fuzz(draw: Draw) -> None:
    """Nothing is misjudged, taken twice, told twice or never, and the server sees ten requests at the most."""
    figures = fuzz(draw)
    assert not figures.wrong
    assert figures.messages >= draw.messages
    assert figures.outcomes.keys() == {"Accepted", "Rejected", "Invalid", "NotSent", "InDoubt"}
