"""The account's pause after a 429, as all see it who use the account: it travels through the limiter, as a hint."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from wooxy_async._ports import Limiter
from wooxy_async._runtime import foreign
from wooxy_async._runtime.log import say
from wooxy_async.limits._pace import ROUNDS_TO_PAUSE, Pace

_SOMEBODY_ELSE: Final = (
    "Wooxy goes on refusing requests for load (HTTP 429), although all who share this client's limiter keep to ten: "
    "somebody else uses the account, on another machine or behind another limiter (guide/limits.md says what helps)"
)
_suspected: Final[set[Pace]] = set()  # accounts of which the log has told; few, and kept so that it tells once


class Pauses:
    """Tells others of a pause of this client's account, and hears of theirs.

    Args:
        limiter: of the client; one without `pause` and `paused_for` carries nothing.
        pace: of the account in this process.
        log_exception: logs the exception that is being handled.
    """

    def __init__(self, limiter: Limiter, pace: Pace, log_exception: Callable[[str], None]) -> None:
        self._pace = pace
        self._log_exception = log_exception
        self._tell: Callable[[float], object] | None = getattr(limiter, "pause", None)
        self._ask: Callable[[], float] | None = getattr(limiter, "paused_for", None)

    def hear(self) -> bool:
        """Pause as others do; return whether nobody rests or waits."""
        if self._ask is not None:
            foreign.call(self._hear, self._failed)
        return self._pace.is_even

    def refused(self, began: float, asked: float | None, backoff: Callable[[int], float]) -> float | None:
        """Note a 429, and tell others if the account pauses; see `Pace.refused`."""
        pace, tell = self._pace, self._tell
        rest = pace.refused(began, asked, backoff)
        if rest is None and tell is not None:
            foreign.call(lambda: tell(pace.paused_for), self._failed)
        if pace.rounds >= ROUNDS_TO_PAUSE and pace not in _suspected:
            _suspected.add(pace)
            say(logging.WARNING, _SOMEBODY_ELSE)
        return rest

    def _hear(self) -> None:
        ask = self._ask
        if ask is not None and (seconds := ask()) > 0:
            self._pace.heard(seconds)

    def _failed(self) -> None:
        self._log_exception("the limiter failed to pass on the account's pause; no message is affected")
