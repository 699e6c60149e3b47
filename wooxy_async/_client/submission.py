"""One message's way from the caller to its outcome: the only path, for `send` and for `send_many`.

Each message has a task of its own that belongs to the client. A caller who stops waiting does not stop a request
that may be out: the request keeps its task, its connection and its slot until its answer, so that the cap holds and
a late answer can settle the doubt; but nothing is sent again for a caller who has left.

Code of others (limiters, hooks, log handlers) runs beside each request. Only acquiring a slot can fail a message. Once
a request was made, its outcome is concluded, and known to the caller, before any of that code runs again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

import anyio
import msgspec

from wooxy_async._client import slots
from wooxy_async._client.account_info import ask
from wooxy_async._client.breaker import CircuitBreaker
from wooxy_async._client.expiry import ROUNDING, Expiry, too_late
from wooxy_async._client.session import Session
from wooxy_async._client.states import AT_DEADLINE, State, changed
from wooxy_async._ports import Handover, Lease, Priority, Reply, TransportError
from wooxy_async._rules.account import AccountError
from wooxy_async._rules.attempt import attempt_of
from wooxy_async._rules.checks import prepare
from wooxy_async._rules.judgement import Again, Seen, conclude, judge
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, CauseKind, InDoubt, Outcome, Rejected
from wooxy_async._rules.retry import RetryPolicy, may_try_again, retry_after
from wooxy_async._rules.wire import read_answer
from wooxy_async._runtime.turns import begin

_WORDS_MOST: Final = 200  # characters of an undocumented answer that are kept
_LOOK_EVERY: Final = 0.05  # seconds between two looks at a pause whose end is not known


class Submission:
    """One message on its way: checked and encoded when it is made, under way from `start`.

    Args:
        session: the client's.
        message: the message.
        index: its 0-based place in its source.
        priority: "urgent" or "bulk".
        retry: when it is sent again.
        done: called once with the outcome, unless the caller was told one before.
        deadline: the clock's `monotonic()` at which the caller stops waiting, or None.
        breaker: the stream's, or None. With one, what is known not taken is tried for as long as it takes.
    """

    def __init__(
        self,
        session: Session,
        message: ViberMessage,
        *,
        index: int,
        priority: Priority,
        retry: RetryPolicy,
        done: Callable[[Submission, Outcome], None],
        deadline: float | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.message = message
        self.outcome: Outcome | None = None  # the one that the caller is told; it never changes
        self.task: asyncio.Task[None] | None = None
        self.is_last = False  # the attempt that is under way: nobody waits for another
        self._session = session
        self._clock = session.clock
        self._index = index
        self._priority: Priority = priority
        self._retry = retry
        self._done = done
        self._deadline = deadline
        self._breaker = breaker
        self._began = self._request_began = self._clock.monotonic()
        self._attempts = 0  # requests that were started
        self._tries = 0  # those for which there was no slot included
        self._state = State.NEW
        self._handover: Handover | None = None
        self._doubt: InDoubt | None = None
        self._last: Outcome | None = None  # what the last attempt would be if it were the only one
        self._final: Outcome | None = None
        self._told: Outcome | None = None  # to a caller who stopped waiting
        self._is_counted = False  # by the breaker, as an attempt under way
        self._is_trial = False  # of an account that pauses
        self._is_cancelled = False
        self._cancelled_by = Cause(kind="cancelled", text="The message was cancelled")
        self._prepared = prepare(message, session.settings.phone_check, session.settings.button_field)
        self._expiry = Expiry(message.not_after if isinstance(self._prepared, bytes) else None, self._clock)

    def start(self, task: asyncio.Task[None] | None = None) -> None:
        """Let it go.

        Args:
            task: awaits `run`, now or next; None for a task of its own, which the client owns.
        """
        self._session.submissions[self] = None
        self.task = task or begin(self.run())
        self.task.add_done_callback(self._ended)

    @property
    def is_concluded(self) -> bool:
        """Whether its outcome is known; only its slot is still being given back."""
        return self._final is not None

    @property
    def is_out(self) -> bool:
        """Whether a request of it was handed over and is not judged yet."""
        return self._handover is not None and self._handover.started

    @property
    def outlives_its_caller(self) -> bool:
        """Whether a request of it is out for which its caller no longer waits."""
        return self._told is not None and self.is_out

    def tell(self, kind: CauseKind, text: str) -> Outcome:
        """Stop waiting: return what is known now, and let a request that may be out run on.

        Args:
            kind: why the caller stops waiting.
            text: the same, for people.
        """
        self.is_last = True
        if self.outcome is None:
            self.outcome = self._told = self._known(Cause(kind=kind, text=text), may_settle=self.is_out)
            if not self.is_out:
                self.cancel(kind, text)
            self._session.count(self.outcome)
            self._session.tell(self.outcome, self)
        elif self._told is None and isinstance(self.outcome, Accepted):  # in the very turn in which its caller left
            self._session.warn_of_unseen(self.outcome)
        return self.outcome

    def cancel(self, kind: CauseKind, text: str) -> None:
        """End it; a request that has not started yet never does."""
        self._is_cancelled, self._cancelled_by = True, Cause(kind=kind, text=text)
        if self._handover is not None:
            self._handover.forbidden = True
        if self.task is not None:
            self.task.cancel()

    def end(self, text: str) -> None:
        """Conclude it for good, whatever its task still waits for."""
        self._conclude(self._known(Cause(kind="closed" if self.is_out else "not_started", text=text)))
        self._finish()

    def settle_if_loop_is_closed(self) -> None:
        """Settle for good what its caller was told, where no answer can come any more."""
        if self._told is not None and self.task is not None and self.task.get_loop().is_closed():
            self.end("Its event loop was closed")

    def _known(self, cause: Cause, *, may_settle: bool = False) -> Outcome:
        """Return what is known of a message whose last attempt has not ended."""
        if self._final is not None:
            return self._final
        if self._doubt is not None or self.is_out:
            outcome = self._doubt or self._judged(Cause(kind=cause.kind, text=f"{cause.text}; its request was out."))
            return msgspec.structs.replace(outcome, may_settle=True) if may_settle else outcome
        kind = AT_DEADLINE.get(self._state, cause.kind) if cause.kind == "deadline" else cause.kind
        return self._judged(Cause(kind=kind, text=f"{cause.text}; it was {self._words}."))

    def _judged(self, failure: Cause, retry_after: float | None = None) -> Outcome:
        """Return what the table says of a message that ends, or is told of, without a whole reply."""
        seen = Seen(handed_over=self.is_out, failure=failure, retry_after=retry_after)
        return conclude(judge(seen), seen, **self._common())

    @property
    def _words(self) -> str:
        return f"pausing after attempt {self._attempts}" if self._state is State.RESTING else self._state.value

    def _common(self) -> dict[str, Any]:
        return {
            "index": self._index,
            "message": self.message,
            "attempts": self._attempts,
            "elapsed": self._clock.monotonic() - self._began,
        }

    async def run(self) -> None:
        """Carry it to its outcome."""
        try:
            if isinstance(self._prepared, bytes):
                if (fused := self._session.fused(self._prepared)) is not None:
                    self._conclude(self._judged(fused))
                while self._final is None:
                    await self._try()
            else:
                seen = Seen(problems=self._prepared)
                self._conclude(conclude(judge(seen), seen, **self._common()))
        except Exception as error:  # noqa: BLE001 - whatever breaks, the message has an outcome
            self._session.log_mistake("a bug of wooxy_async; please report it")
            text = f"wooxy_async has a bug ({type(error).__name__})"
            self._conclude(self._known(Cause(kind="internal_error", text=text)))
        self._finish()

    def _conclude(self, outcome: Outcome) -> None:
        """Keep the outcome, and give it to the caller; nothing that comes later changes it."""
        if self._final is None:
            self._final = outcome
            self._state = changed(self._state, State.ENDED)
            if self.outcome is None:
                self.outcome = outcome
                self._session.count(outcome)
                self._done(self, outcome)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        """Give a message its outcome whose task was cancelled, maybe before its first step."""
        outcome, was_out = self._known(self._cancelled_by), self.is_out
        self._conclude(outcome)
        if was_out:
            self._tell_attempt(outcome, status=None)
        self._finish()

    def _finish(self) -> None:
        """Leave the client's books, and show the outcome to the hooks, once."""
        self._session.submissions.pop(self, None)
        task, self.task = self.task, None  # it may go on to carry another message
        if task is None:
            return
        task.remove_done_callback(self._ended)
        final = cast("Outcome", self._final)
        if self._told is None:
            self._session.tell(final, self)
        else:
            self._session.settle(self._told, final, self)

    async def _try(self) -> None:
        """Wait until it may go, make one attempt, and pause if there is to be another."""
        breaker, pause = self._breaker, 0.0
        try:
            if self._is_expired() or (breaker is not None and not await self._is_let_in(breaker)):
                return
            if self._session.pace.is_even or await self._is_admitted():
                pause = await self._attempt()
        finally:
            self._withdraw()
        if pause and self._final is None:
            await anyio.sleep(pause)

    async def _is_let_in(self, breaker: CircuitBreaker) -> bool:
        """Wait while the API is down; False where that has taken too long, which is then the outcome."""
        if not breaker.admit_now():
            self._state = changed(self._state, State.HELD_BACK)
            with anyio.move_on_after(self._expiry.left) as wait:
                await breaker.admit(self._ask_account)
            if wait.cancelled_caught:
                self._is_expired(ROUNDING)
                return False
        self._is_counted = True
        return True

    async def _ask_account(self) -> bool | None:
        """Probe the API without a message; see `breaker.Ask`."""
        try:
            await ask(self._session, priority=self._priority)
        except AccountError as error:
            is_silent = error.cause is None or error.cause.kind == "unreadable_answer"
            return None if is_silent else False
        return True

    def _was_left(self) -> bool:
        """Return whether its end was asked for, which is then the outcome.

        A limiter may have swallowed the cancellation, as `wait_for` of 3.11 does where it has a result.
        """
        if self._is_cancelled:
            self._conclude(self._known(self._cancelled_by))
        return self._is_cancelled

    def _is_expired(self, wait: float = 0.0) -> bool:
        """Return whether a request that starts in so many seconds would be too late, which is then the outcome."""
        if not self._expiry.is_past(wait):
            return False
        self._conclude(self._doubt or self._judged(too_late(self._words, self._last)))
        return True

    def _withdraw(self) -> None:
        """Let nobody wait for an attempt that has ended, however it ended."""
        if self._is_trial:
            self._is_trial = False
            self._session.pace.end_trial()
        if self._is_counted:
            self._is_counted = False
            cast("CircuitBreaker", self._breaker).withdraw()

    async def _is_admitted(self) -> bool:
        """Wait while the account pauses; False where that would take too long, which is then the outcome."""
        pace = self._session.pace
        while (answer := pace.admit(self._priority)) == "wait":
            wait = pace.wait(self._priority)
            self._state = changed(self._state, State.PAUSED)
            is_too_long = self._is_too_long(wait)
            if self._is_expired(wait):
                if is_too_long:
                    self._end_stream_if_impatient(cast("Outcome", self._final), wait)
                return False
            if is_too_long:
                text = f"Wooxy has asked the client to wait for {wait:.3g} s more, too long for this message."
                outcome = self._doubt or self._judged(Cause(kind="throttled", text=text), retry_after=wait)
                self._end_stream_if_impatient(outcome, wait)
                self._conclude(outcome)
                return False
            # The pause of bulk only grows; that of the urgent ends with the first of them that is taken.
            await anyio.sleep(wait if self._priority == "bulk" else min(max(wait, _LOOK_EVERY), 5 * _LOOK_EVERY))
        self._is_trial = answer == "trial"
        return True

    def _is_too_long(self, wait: float) -> bool:
        if self._breaker is not None:
            return wait > self._session.settings.patience
        return self._deadline is not None and self._clock.monotonic() + wait >= self._deadline

    def _end_stream_if_impatient(self, outcome: Outcome, wait: float) -> None:
        if self._breaker is not None:
            patience = self._session.settings.patience
            why = f"Wooxy asks to wait for {wait:.3g} s, and the patience is {patience:g} s, so the stream ends."
            self._breaker.end(outcome, why)

    async def _attempt(self) -> float:
        """Wait for a slot, make one request in it, and return the seconds to pause before another."""
        self._state = changed(self._state, State.QUEUED)
        acquired = await slots.acquire(self._session, self._priority, self._expiry.earlier(self._deadline))
        if isinstance(acquired, Cause):
            is_expired = acquired is slots.NO_SLOT and self._is_expired(ROUNDING)
            return 0.0 if is_expired else self._judge(Seen(failure=acquired))[1]
        slot, lease = acquired
        try:
            holds_back = not self._is_trial and self._session.pace.holds_back(self._priority)
            if self._was_left() or self._is_expired() or holds_back:
                attempted, pause = None, 0.0  # left, too late, or a pause began while this waited for its slot
            else:
                attempted, pause = await self._request(lease)
        except GeneratorExit:
            await slot.__aexit__(None, None, None)  # the loop is gone, and with it the time that could be limited
            raise
        except BaseException:
            await slots.release(self._session, slot)
            raise
        await slots.release(self._session, slot)
        if attempted is not None:
            self._tell_attempt(*attempted)
        return pause

    async def _request(self, lease: Lease) -> tuple[tuple[Outcome, int | None], float]:
        """Make one request; whenever its end is in doubt its slot stays closed, for the server may be at work on it."""
        self._attempts += 1
        self._request_began = self._clock.monotonic()
        self._state = changed(self._state, State.REQUESTING)
        handover = self._handover = Handover(self._expiry.permits(lease.holds))
        try:
            # No local holds the body: number and text stand in it, and foreign code that raises may show its frames.
            seen = self._read(await self._session.transport().post(cast("bytes", self._prepared), handover))
        except TransportError as error:
            if handover.connected and not handover.started and self._is_expired():
                self._handover = None
                return (cast("Outcome", self._final), None), 0.0
            seen = Seen(
                handed_over=handover.started, failure=Cause(kind=error.kind, text=error.text, detail=error.detail)
            )
        except BaseException:
            if handover.started:
                slots.keep_closed(self._session, lease, self._session.settings.loss_hold)
            raise
        outcome, pause = self._judge(seen)
        if isinstance(outcome, InDoubt):
            slots.keep_closed(self._session, lease, self._session.settings.loss_hold)
        elif self._session.pace.rest:
            slots.keep_closed(self._session, lease, self._session.pace.rest)
        return (outcome, seen.status), pause

    def _read(self, reply: Reply) -> Seen:
        redact = self._session.settings.redact
        answer = read_answer(reply.body, redact)
        asked = None if reply.retry_after is None else retry_after(reply.retry_after, self._clock.time())
        has_proxy = self._session.settings.proxy is not None
        seen = Seen(handed_over=True, status=reply.status, answer=answer, retry_after=asked, has_proxy=has_proxy)
        if answer is None:
            words = reply.body[: 4 * _WORDS_MOST].decode("utf-8", "replace")
            seen.words = redact(" ".join(words.split()))[:_WORDS_MOST]
        return seen

    def _judge(self, seen: Seen) -> tuple[Outcome, float]:
        """Judge an attempt, and conclude the message unless it is tried again.

        Returns:
            What the attempt would be if it were the only one, and the seconds to pause before the next.
        """
        row = judge(seen)
        outcome = conclude(row, seen, **self._common())
        self._handover, self._last = None, outcome
        self._tries += 1
        if isinstance(outcome, InDoubt):
            self._doubt = self._doubt or outcome
        of_message = outcome if isinstance(outcome, Accepted) else self._doubt or outcome
        if row.again is Again.AFTER_PAUSE:
            pause = self._pause_for_load(seen, outcome, of_message)
        else:
            if isinstance(outcome, Accepted | Rejected) and not self._session.pace.is_even:
                self._session.pace.replied(self._request_began)
            self._report(outcome, of_message)
            pause = self._retry.pause(self._tries, self._session.jitter()) if self._may_try_again(row.again) else None
        if pause is None:
            self._conclude(of_message)
            return outcome, 0.0
        self._state = changed(self._state, State.RESTING)
        if not self._is_expired(max(pause, self._session.pace.wait(self._priority))) and self._is_too_late(pause):
            self._conclude(of_message)
        return outcome, pause

    def _report(self, outcome: Outcome, of_message: Outcome) -> None:
        if self._is_counted:
            self._is_counted = False
            cast("CircuitBreaker", self._breaker).report(outcome, of_message)

    def _pause_for_load(self, seen: Seen, outcome: Outcome, of_message: Outcome) -> float | None:
        """Note a 429; return the seconds to rest, 0 where the account pauses (the next attempt waits for that)."""
        pace, retry = self._session.pace, self._retry
        rest = pace.refused(self._request_began, seen.retry_after, lambda nth: retry.pause(nth, self._session.jitter()))
        if rest is not None:  # stray: says nothing about the API
            return rest if self._may_try_again(Again.AFTER_PAUSE) else None
        self._report(outcome, of_message)
        wait = pace.wait(self._priority)
        if self._is_too_long(wait):
            self._end_stream_if_impatient(of_message, wait)
            return None
        given_back = self._breaker is None and self._priority == "bulk" and wait > retry.wait_max
        return 0.0 if self._may_try_again(Again.AFTER_PAUSE) and not given_back else None

    def _may_try_again(self, again: Again) -> bool:
        is_endless = self._breaker is not None
        return not self.is_last and may_try_again(self._retry, again, self._tries, is_endless=is_endless)

    def _is_too_late(self, pause: float) -> bool:
        return self._deadline is not None and self._clock.monotonic() + pause >= self._deadline

    def _tell_attempt(self, outcome: Outcome, status: int | None) -> None:
        """Show an attempt to the log and to the hook."""
        if self._session.is_watched:
            elapsed = self._clock.monotonic() - self._request_began
            self._session.attempted(attempt_of(self.message, outcome, status=status, elapsed=elapsed), self)
