"""Waiting for what has no event, within a bound that only something broken reaches."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 60.0  # real seconds after which a test that waits has failed; what it waits for takes milliseconds
_STEP: Final = 0.001  # seconds


def _failure(condition: Callable[[], object], case: str = "") -> AssertionError:
    return AssertionError(f"it did not come within {PATIENCE} s: {case or condition}, last {condition()!r}")


async def until(condition: Callable[[], object]) -> None:
    """Let the loop go on until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise _failure(condition)
        await asyncio.sleep(_STEP)


async def turn_until(condition: Callable[[], object], case: str = "") -> None:
    """Let the loop turn without a pause until a condition holds: no turn goes by in which it was not looked at."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise _failure(condition, case)
        await asyncio.sleep(0)


def block_until(condition: Callable[[], object]) -> None:
    """Let the thread stand still until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise _failure(condition)
        time.sleep(_STEP)
