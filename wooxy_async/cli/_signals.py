"""Ctrl-C and SIGTERM, as calls in the event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_CAUGHT: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def catching(handle: Callable[[int], object]) -> Iterator[None]:
    """Call a function for each signal that comes during the block, in place of ending the process.

    Args:
        handle: takes the signal's number.
    """
    loop = asyncio.get_running_loop()
    for number in _CAUGHT:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in _CAUGHT:
            loop.remove_signal_handler(number)
