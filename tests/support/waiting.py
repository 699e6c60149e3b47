"""Waiting for what has no event, within a bound that only something broken reaches."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 60.0  # real seconds after which a test that waits has failed; what it waits for takes milliseconds
_STEP: Final = 0.001  # seconds


def _failure(condition: Callable[[], object]) -> AssertionError:
    return AssertionError(f"it did not come within {PATIENCE} s: {condition}, last {condition()!r}")


async def until(condition: Callable[[], object]) -> None:
    """Let the loop go on until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise _failure(condition)
        await asyncio.sleep(_STEP)


def block_until(condition: Callable[[], object]) -> None:
    """Let the thread stand still until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise _failure(condition)
        time.sleep(_STEP)
