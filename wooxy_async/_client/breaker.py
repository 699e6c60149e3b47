"""Keeps a stream from burning its campaign when the API is down or refuses everything.

While attempts fail one after the other, nothing new is taken from the source, and the API is probed with growing
pauses, once at a time for the whole account: first with a request that sends nothing, and where that is answered, or
says nothing, with one message. What is wrong with all messages ends the stream; what was not taken then stays with
the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast

import anyio

from wooxy_async._ports import Clock
from wooxy_async._rules.documented import ErrorCode, Scope
from wooxy_async._rules.errors import InDoubtError, NotSentError, WooxyError, rejection, scope
from wooxy_async._rules.outage import Outage
from wooxy_async._rules.outcomes import Accepted, InDoubt, NotSent, Outcome, Rejected
from wooxy_async.limits._pace import Pace

TROUBLES_IN_A_ROW: Final = 5  # attempts without a valid reply; then the API counts as down
ALIKE_IN_A_ROW: Final = 20
PROBE_WAIT_INITIAL: Final = 0.5  # seconds
PROBE_WAIT_MAX: Final = 60.0  # seconds
PROBE_DOUBTS_MAX: Final = 5  # messages that probed and are in doubt; then no further one probes in the same outage
_POLL_EVERY: Final = 0.25  # seconds between two looks at whether somebody else still probes the account
_SHARED: Final = frozenset({Scope.DOMAIN, Scope.SENDER, Scope.TAG})


Ask = Callable[[], Awaitable[bool | None]]
"""Probes without sending anything: True for a valid reply, False for none, None where it says nothing."""


# Closed, open, half open.
#
# Closed: attempts pass, and those that fail in a row are counted; `caution` takes as many out of the stream's window,
# so that five failures in a row find five fewer under way. Open, from `TROUBLES_IN_A_ROW` on: `admit` holds messages
# back until `_next_probe`, half a second at first and twice as long after each probe that failed, a minute at the
# most. Half open: one probe at a time for the whole account, whoever streams (`Pace.begin_probe`), and first one that
# sends nothing. Only a message's own valid reply closes it again. A message that probes may end in doubt: five of
# them, and no further message of this outage probes; the stream then ends with its patience.
#
# Apart from that, 20 refusals in a row that are alike say that something is wrong with all messages: they open nothing,
# they end the stream.


class CircuitBreaker:
    """Watches the attempts of one stream.

    Each attempt that was admitted ends with `report` or, where nothing is to be learned from it, with `withdraw`.

    Args:
        patience: seconds without a valid reply after which the stream ends.
        changed: called when the stream may have to act: it ends, or the API is up again.
        clock: where time comes from.
        pace: of the account: one probe at a time.
        probe_limit: seconds after which a probe that has not ended counts as ended for other streams.
    """

    def __init__(
        self, patience: float, changed: Callable[[], None], clock: Clock, pace: Pace, probe_limit: float
    ) -> None:
        self.fatal: WooxyError | None = None
        self._patience = patience
        self._changed = changed
        self._clock = clock
        self._pace = pace
        self._probe_limit = probe_limit
        self._is_probing = False
        self._doubts = 0  # among the messages that probed
        self._last: Outcome | None = None  # in trouble
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

    @property
    def caution(self) -> int:
        """How many messages fewer should be under way: as many as have failed in a row."""
        return self._troubles

    @property
    def outage(self) -> Outage | None:
        """What is waited for; None while the API is up."""
        if not self.is_down:
            return None
        now, cause = self._clock.monotonic(), cast("NotSent | InDoubt", self._last).cause
        return Outage(
            lasted=now - self._trouble_since,
            kind=cause.kind,
            because=cause.text,
            next_try_in=0.0 if self._under_way else max(self._next_probe - now, 0.0),
            gives_up_in=max(self._trouble_since + self._patience - now, 0.0),
        )

    def admit_now(self) -> bool:
        """Admit an attempt if the API is not down; else `admit` waits."""
        if self.is_down:
            return False
        self._under_way += 1
        return True

    async def admit(self, ask: Ask) -> None:
        """Wait until an attempt may be made: at once, or one at a time as a probe while the API is down."""
        while self.is_down:
            if (wait := self._seconds_to_probe()) > 0:
                await self._wait_for_change(wait)
            elif not self._pace.begin_probe(self._probe_limit):
                await self._wait_for_change(_POLL_EVERY)
            elif await self._probe(ask):
                return
        self._under_way += 1

    def _seconds_to_probe(self) -> float:
        now, ends = self._clock.monotonic(), self._trouble_since + self._patience
        if self._under_way or self.fatal is not None:
            return PROBE_WAIT_MAX
        if self._doubts < PROBE_DOUBTS_MAX:
            return self._next_probe - now
        if now >= ends:
            self._end_impatiently()
        return max(ends - now, _POLL_EVERY)

    async def _probe(self, ask: Ask) -> bool:
        """Probe without a message; return whether one may go now, which then is the only attempt under way."""
        self._is_probing = True
        self._under_way += 1
        try:
            valid = await ask()
        except BaseException:
            self.withdraw()
            raise
        if valid is not False:
            return True
        self._end_attempt()
        self._trouble(self._last)
        self._notify()
        return False

    async def _wait_for_change(self, seconds: float) -> None:
        self._news = self._news or anyio.Event()
        with anyio.move_on_after(seconds):
            await self._news.wait()

    def withdraw(self) -> None:
        """Note that an attempt ended from which nothing is to be learned of the API."""
        self._end_attempt()
        self._notify()

    def _end_attempt(self) -> bool:
        """Count an attempt as ended, and return whether it was a probe."""
        self._under_way -= 1
        was_probe, self._is_probing = self._is_probing, False
        if was_probe:
            self._pace.end_probe()
        return was_probe

    def report(self, outcome: Outcome, of_message: Outcome) -> None:
        """Note how an attempt went.

        Args:
            outcome: what it would be if it were the only one.
            of_message: what it is with the attempts before it, one of which may have left a doubt.
        """
        was_probe = self._end_attempt()
        if isinstance(outcome, Accepted) and not self._troubles:
            self._alike, self._alike_count = None, 0
            return
        if isinstance(outcome, NotSent | InDoubt) and outcome.cause.kind != "proxy":
            self._doubts += was_probe and isinstance(outcome, InDoubt)
            self._trouble(of_message)
        else:
            self._troubles = self._doubts = 0
            self._compare(outcome, of_message)
        self._notify()

    def end(self, outcome: Outcome, why: str) -> None:
        """End the stream.

        Args:
            outcome: of the message that was the last to see why.
            why: a sentence about the API; what is said of the message is its own outcome.
        """
        self._end(outcome, why)
        self._notify()

    def _end(self, outcome: Outcome, why: str) -> None:
        self.fatal = self.fatal or _error(outcome, why)

    def _notify(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None
        self._changed()

    def _trouble(self, of_message: Outcome | None) -> None:
        self._last = of_message
        now = self._clock.monotonic()
        if not self._troubles:
            self._trouble_since = now
        self._troubles += 1
        ends = self._trouble_since + self._patience
        if now >= ends:
            self._end_impatiently()
        probes = max(self._troubles - TROUBLES_IN_A_ROW, 0)
        self._next_probe = min(now + min(PROBE_WAIT_INITIAL * 2.0 ** min(probes, 16), PROBE_WAIT_MAX), ends)

    def _end_impatiently(self) -> None:
        text = f"Wooxy has given no valid reply for {self._patience:g} s, so the stream ends. The last attempt:"
        self._end(cast("Outcome", self._last), text)
        self._notify()

    def _compare(self, outcome: Outcome, of_message: Outcome) -> None:
        """End the stream on a refusal of the whole account, or on the last of many that are alike."""
        kind = _kind(outcome)
        self._alike_count = self._alike_count + 1 if kind is not None and kind == self._alike else int(kind is not None)
        self._alike = kind
        if isinstance(outcome, Rejected) and scope(outcome) is Scope.ACCOUNT:
            self._end(of_message, "Wooxy refuses the account, so the stream ends.")
        elif self._alike_count >= ALIKE_IN_A_ROW:
            self._end(of_message, f"{ALIKE_IN_A_ROW} messages in a row were refused alike, so the stream ends.")


def _error(outcome: Outcome, why: str) -> WooxyError:
    if isinstance(outcome, Rejected):
        return rejection(outcome, why)
    return (NotSentError if isinstance(outcome, NotSent) else InDoubtError)(outcome, why)


def _kind(outcome: Outcome) -> object:
    """Return what a refusal that may concern all messages is known by, or None for any other outcome.

    Alike are: the same documented error of domain, sender or tag with the same value, error 22, 407 from the proxy,
    and the same undocumented text.
    """
    if isinstance(outcome, NotSent):
        return outcome.cause.kind
    if not isinstance(outcome, Rejected):
        return None
    documented = [error for error in outcome.errors if error.code is not ErrorCode.UNKNOWN]
    if not documented:
        return tuple(error.text for error in outcome.errors)
    if any(error.code is ErrorCode.BAD_REQUEST for error in documented):
        return ErrorCode.BAD_REQUEST
    shared = [error for error in documented if error.scope in _SHARED]
    return tuple((error.code, *sorted(error.values.items())) for error in shared) or None
