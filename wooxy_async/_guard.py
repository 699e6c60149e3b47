"""Keeps a stream from burning its campaign when the API is down or refuses everything.

While attempts fail one after the other, nothing new is taken from the source and one message at a time probes, with
growing pauses. What is wrong with all messages ends the stream; what was not taken then stays with the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio

from wooxy_async._rules.documented import ErrorCode, Scope, widest
from wooxy_async._rules.errors import InDoubtError, NotSentError, WooxyError, rejection
from wooxy_async._rules.outcomes import Accepted, InDoubt, NotSent, Outcome, Rejected

TROUBLES_IN_A_ROW: Final = 5  # attempts without a sound answer; then the API counts as down
ALIKE_IN_A_ROW: Final = 20
PROBE_WAIT_INITIAL: Final = 0.5  # seconds
PROBE_WAIT_MAX: Final = 60.0  # seconds
_SHARED: Final = frozenset({Scope.DOMAIN, Scope.SENDER, Scope.TAG})


class Guard:
    """Watches the attempts of one stream.

    Args:
        patience: seconds without a sound answer after which the stream ends.
        changed: called when the stream may have to act: it ends, or the API is up again.
        clock: seconds.
    """

    def __init__(self, patience: float, changed: Callable[[], None], clock: Callable[[], float]) -> None:
        self.fatal: WooxyError | None = None
        self._patience = patience
        self._changed = changed
        self._clock = clock
        self._under_way = 0
        self._troubles = 0
        self._trouble_since = 0.0
        self._next_probe = 0.0
        self._news: anyio.Event | None = None  # made only when somebody waits for it
        self._alike: object = None
        self._alike_count = 0

    @property
    def is_down(self) -> bool:
        """Whether the API counts as down."""
        return self._troubles >= TROUBLES_IN_A_ROW

    def admit_now(self) -> bool:
        """Admit an attempt if the API is not down; else `admit` waits."""
        if self.is_down:
            return False
        self._under_way += 1
        return True

    async def admit(self) -> None:
        """Wait until an attempt may be made: at once, or one at a time as a probe while the API is down."""
        while self.is_down and (self._under_way or self._clock() < self._next_probe):
            wait = PROBE_WAIT_MAX if self._under_way else self._next_probe - self._clock()
            self._news = self._news or anyio.Event()
            with anyio.move_on_after(wait):
                await self._news.wait()
        self._under_way += 1

    def report(self, outcome: Outcome) -> None:
        """Note how an attempt went."""
        self._under_way -= 1
        if isinstance(outcome, Accepted) and not self._troubles:
            self._alike, self._alike_count = None, 0
            return
        if isinstance(outcome, NotSent | InDoubt) and outcome.cause.kind != "proxy":
            self._trouble(outcome)
        else:
            self._troubles = 0
            self._compare(outcome)
        if self._news is not None:
            self._news.set()
            self._news = None
        self._changed()

    def _trouble(self, outcome: NotSent | InDoubt) -> None:
        now = self._clock()
        if not self._troubles:
            self._trouble_since = now
        self._troubles += 1
        ends = self._trouble_since + self._patience
        if now >= ends:
            text = f"Wooxy has given no sound answer for {self._patience:g} s, so the stream ends. The last attempt:"
            self.fatal = (NotSentError if isinstance(outcome, NotSent) else InDoubtError)(outcome, text)
        probes = max(self._troubles - TROUBLES_IN_A_ROW, 0)
        self._next_probe = min(now + min(PROBE_WAIT_INITIAL * 2.0 ** min(probes, 16), PROBE_WAIT_MAX), ends)

    def _compare(self, outcome: Outcome) -> None:
        """End the stream on a refusal of the whole account, or on the last of many that are alike."""
        kind = _kind(outcome)
        self._alike_count = self._alike_count + 1 if kind is not None and kind == self._alike else int(kind is not None)
        self._alike = kind
        if isinstance(outcome, Rejected) and widest(outcome.errors) is Scope.ACCOUNT:
            self.fatal = rejection(outcome, "Wooxy refuses the account, so the stream ends.")
        elif self._alike_count >= ALIKE_IN_A_ROW:
            text = f"{ALIKE_IN_A_ROW} messages in a row were refused alike, so the stream ends."
            self.fatal = rejection(outcome, text) if isinstance(outcome, Rejected) else NotSentError(outcome, text)


def _kind(outcome: Outcome) -> object:
    """Return what a refusal that may concern all messages is known by, or None for any other outcome."""
    if isinstance(outcome, NotSent):
        return outcome.cause.kind
    if not isinstance(outcome, Rejected):
        return None
    if all(error.code is ErrorCode.UNKNOWN for error in outcome.errors):
        return outcome.status
    return tuple(error.text for error in outcome.errors) if widest(outcome.errors) in _SHARED else None
