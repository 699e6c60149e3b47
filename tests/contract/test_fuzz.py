"""The fuzzer, bounded: what callers are told agrees with the server's books whatever is drawn.

Each draw runs in a process of its own: uvloop's TLS leaves warnings behind that would hit some later test.
"""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "support" / "fuzz.py"


@pytest.mark.parametrize(
    "draw",
    [
        ("--seed=1", "--loop=asyncio"),
        ("--seed=2", "--loop=uvloop"),
        ("--seed=3", "--loop=asyncio", "--tls"),
        ("--seed=4", "--loop=uvloop", "--tls"),
    ],
    ids=" ".join,
)
def test_fuzz(draw: tuple[str, ...]) -> None:
    """Nothing is misjudged, taken twice, told twice or never, and the server sees ten requests at the most."""
    command = [sys.executable, str(FUZZ), "--messages=800", *draw]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - our own program
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was wrong" in done.stdout
    assert all(outcome in done.stdout for outcome in ("Accepted", "Rejected", "Invalid", "NotSent", "InDoubt"))
