"""When an account may send again after its server refused requests for load (429), for all clients of this process.

A 429 without `Retry-After` says little, because a server still counts a request for a moment after its answer is out
(behind nginx with `limit_conn 10` one request in 500 to 2,000 is "the eleventh"). So it rests the slots first: each
keeps closed for a millisecond between an answer and its next request, and twice as long after each further round of
refusals in a row. With valid replies the rest is shortened again, step by step; where that was too early it goes back
to what had worked, and holds it for longer. The third round in a row, or a `Retry-After`, pauses the account:

* bulk observes the pause in full;
* an urgent message waits 2 seconds of it at the most; then one urgent request at a time tries, with pauses that grow,
  until the server takes one.

A round is what answers the requests of one burst: what was under way when its first refusal came is no news.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import threading
import weakref
from collections.abc import Callable
from typing import Final, Literal

from wooxy_async._ports import Clock, Priority

REST_MIN: Final = 0.001  # seconds
REST_MAX: Final = 0.25
STEP: Final = 10  # valid replies after which the rest is shortened
SHORTER: Final = 0.8  # to what part of itself
HOLD_MAX: Final = 640  # valid replies for which a rest is held at the most, before it is shortened for the first time
ROUNDS_TO_PAUSE: Final = 3
URGENT_WAIT: Final = 2.0  # seconds of a pause that an urgent message observes
URGENT_WAIT_MAX: Final = 30.0
HEARD_AGAIN: Final = 0.05  # seconds by which a pause that others tell of must be longer than the one that is known


class Pace:
    """The state of one account; may be used by several threads.

    Args:
        clock: where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self.rest = 0.0  # seconds that a slot keeps closed after an answer
        self.is_even = True  # nobody rests or waits: messages pass without a look at anything else
        self._clock = clock
        self._lock = threading.Lock()
        self._worked = 0.0  # the rest before it was last shortened
        self._hold = 0  # valid replies for which the rest is held; 0 where the last refusal is forgotten
        self._replies = 0  # valid ones since the last refusal
        self.rounds = 0  # of refusals, in a row
        self._round_began = -math.inf
        self._bulk_at = 0.0  # when bulk may start again
        self._urgent_at: float | None = None  # when the next urgent one may try, while they try one by one
        self._urgent_wait = 0.0
        self._trying: weakref.ref[asyncio.AbstractEventLoop] | None = None  # the loop of the urgent one that tries
        self._probe_ends = -math.inf

    def start_anew(self) -> None:
        """Be usable in a forked child, whatever another thread of the parent was doing."""
        self._lock = threading.Lock()
        self._trying = None
        self._probe_ends = -math.inf

    @property
    def paused_for(self) -> float:
        """Seconds until bulk may start again."""
        return max(0.0, self._bulk_at - self._clock.monotonic())

    def wait(self, priority: Priority) -> float:
        """Return the seconds until a request of this priority may start, as far as they are known."""
        if priority == "bulk":
            return self.paused_for
        return 0.0 if self._urgent_at is None else max(0.0, self._urgent_at - self._clock.monotonic())

    def holds_back(self, priority: Priority) -> bool:
        """Return whether a request that is no trial must not start now, although it was admitted before."""
        return self.paused_for > 0 if priority == "bulk" else self._urgent_at is not None

    def admit(self, priority: Priority) -> Literal["wait", "go", "trial"]:
        """Say whether a request may start now; a trial is told to `end_trial` when it has ended, however it ended.

        One whose loop was closed meanwhile has ended too: nothing of it may ever run again.
        """
        with self._lock:
            if self.wait(priority) > 0:
                return "wait"
            if priority == "bulk" or self._urgent_at is None:
                return "go"
            trying = None if self._trying is None else self._trying()
            if trying is not None and not trying.is_closed():
                return "wait"
            self._trying = weakref.ref(asyncio.get_running_loop())
            return "trial"

    def end_trial(self) -> None:
        """Let the next urgent request try."""
        self._trying = None

    def begin_probe(self, limit: float) -> bool:
        """Be the one that probes the account, unless somebody else is.

        Args:
            limit: seconds after which a probe counts as ended whose end was not told.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now < self._probe_ends:
                return False
            self._probe_ends = now + limit
            return True

    def end_probe(self) -> None:
        """Let the next one probe."""
        self._probe_ends = -math.inf

    def replied(self, began: float) -> None:
        """Note a valid reply.

        Args:
            began: when its request began; one from before the last round of refusals is no news.
        """
        with self._lock:
            if began <= self._round_began:
                return
            self.rounds, self._urgent_at = 0, None
            self._replies += 1
            if self._replies > self._hold and self._replies % STEP == 0:
                self._worked, self.rest = self.rest, self.rest * SHORTER if self.rest > REST_MIN / 5 else 0.0
            if self._replies > STEP * self._hold and not self.rest and not self.paused_for:
                self._worked, self._hold, self.is_even = 0.0, 0, True

    def refused(self, began: float, asked: float | None, backoff: Callable[[int], float]) -> float | None:
        """Note a 429.

        Args:
            began: when its request began.
            asked: seconds of its `Retry-After`, or None.
            backoff: returns the seconds of the n-th pause in a row for which the server named none.

        Returns:
            The seconds that its message rests; None where the account pauses.
        """
        with self._lock:
            now, is_news = self._clock.monotonic(), began > self._round_began
            self.is_even = False
            if is_news:
                self.rounds, self._round_began = self.rounds + 1, now
            if not asked and self.rounds < ROUNDS_TO_PAUSE:
                if is_news:
                    self._rest_longer()
                return self.rest
            self._pause(now, asked or backoff(max(self.rounds - ROUNDS_TO_PAUSE, 0) + 1), grows=is_news)
            return None

    def heard(self, seconds: float) -> None:
        """Note that the account pauses so long, as another process has learned; the same pause is no news."""
        now = self._clock.monotonic()
        if now + seconds <= self._bulk_at + HEARD_AGAIN:
            return
        with self._lock:
            self.is_even, self._round_began = False, now
            self._pause(now, seconds, grows=False)

    def _rest_longer(self) -> None:
        if self.rounds > 1:
            self.rest = min(max(2 * self.rest, REST_MIN), REST_MAX)
        else:
            self.rest = self.rest / SHORTER or self._worked or REST_MIN
        self._worked, self._replies = self.rest, 0
        self._hold = min(2 * self._hold, HOLD_MAX) or STEP

    def _pause(self, now: float, seconds: float, *, grows: bool) -> None:
        self._bulk_at = max(self._bulk_at, now + seconds)
        wait = min(seconds, URGENT_WAIT)
        if self._urgent_at is not None and grows:
            wait = min(max(2 * self._urgent_wait, wait), URGENT_WAIT_MAX)
        self._urgent_wait = max(wait, self._urgent_wait) if self._urgent_at is not None else wait
        self._urgent_at = max(now + wait, self._urgent_at or 0.0)


_paces: weakref.WeakValueDictionary[bytes, Pace] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def pace_of(token: str, clock: Clock) -> Pace:
    """Return the state that all clients of a token in this process share; the token itself is not kept."""
    key = hashlib.sha256(token.encode()).digest()
    with _lock:
        pace = _paces.get(key)
        if pace is None:
            pace = _paces[key] = Pace(clock)
        return pace


def start_anew() -> None:
    """Be usable in a forked child."""
    global _lock  # noqa: PLW0603 - a lock that another thread held at the fork is held for ever
    _lock = threading.Lock()
    for pace in _paces.values():
        pace.start_anew()
