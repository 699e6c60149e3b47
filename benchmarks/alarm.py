"""A clock that rings on time: event loops round to a millisecond, which at a latency of 5 ms is a fifth of all."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Final

_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_NANO: Final = 1_000_000_000


class _Times(ctypes.Structure):
    """`struct itimerspec`: interval and first ring, in seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("every", "every_nano", "first", "first_nano")]


class Alarm:
    """Calls back at a time of `time.monotonic()`; a later `at` replaces an earlier one.

    Uses the kernel's timer on Linux, the loop's own elsewhere.

    Args:
        ring: what is called.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        if self._libc is not None:
            self._descriptor = self._libc.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
            self._loop.add_reader(self._descriptor, self._rang)

    def at(self, when: float) -> None:
        """Ring then."""
        if self._libc is not None:
            times = _Times(0, 0, int(when), int(when % 1 * _NANO))
            self._libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(times), None)
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(when - self._loop.time(), self._ring)

    def _rang(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # set anew since
            return
        self._ring()
