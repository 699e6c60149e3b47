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
from functools import partial
from typing import Final, cast

import anyio

from wooxy_async._client import slots
from wooxy_async._client.account_info import ask
from wooxy_async._client.breaker import CircuitBreaker
from wooxy_async._client.conclusion import Conclusion
from wooxy_async._client.expiry import ROUNDING, Expiry, too_late
from wooxy_async._client.session import Session
from wooxy_async._client.states import State, changed
from wooxy_async._client.tokens import Tokens
from wooxy_async._ports import Lease, Marks, Priority, Reply, TransportError
from wooxy_async._rules.account import AccountError
from wooxy_async._rules.checks import prepare
from wooxy_async._rules.documented import Scope
from wooxy_async._rules.errors import scope
from wooxy_async._rules.judgement import Again, Seen, conclude, judge
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, InDoubt, Outcome, Rejected
from wooxy_async._rules.retry import RetryPolicy, may_try_again, retry_after
from wooxy_async._rules.wire import read_reply
from wooxy_async._runtime.turns import begin

_MAX_WORDS: Final = 200  # characters of an undocumented answer that are kept
_POLL_EVERY: Final = 0.05  # seconds between two looks at a pause whose end is not known


class Submission(Conclusion):
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
        marks: notes when a byte of it may be out, for a journal; None where nobody keeps one.
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
        marks: Marks | None = None,
    ) -> None:
        super().__init__(session, message, index, done, marks)
        self.priority = priority
        self._retry = retry
        self._deadline = deadline
        self._breaker = breaker
        self._tries = 0  # those for which there was no slot included
        self._last: Outcome | None = None  # what the last attempt would be if it were the only one
        self._is_counted = False  # by the breaker, as an attempt under way
        self._is_trial = False  # of an account that pauses
        self._token_number = 0  # of the token of the last request, where they change
        self._refused: Rejected | None = None  # with its token, for which another may stand in
        self._has_tried_token = False
        self._prepared = prepare(message, session.settings.phone_check, session.settings.button_field)
        self._expiry = Expiry(message.not_after if isinstance(self._prepared, bytes) else None, self._clock)

    def start(self, task: asyncio.Task[None] | None = None) -> None:
        """Let it go.

        Args:
            task: awaits `run`, now or next; None for a task of its own, which the client owns.
        """
        self._enter(task or begin(self.run()))

    async def run(self) -> None:
        """Carry it to its outcome."""
        try:
            if isinstance(self._prepared, bytes):
                if (fused := self._session.fused(self._prepared)) is not None:
                    self._conclude(self._judged(fused))
                elif self._breaker is None and (overload := self._overload()) is not None:
                    self._conclude(self._judged(*overload))
                while self._final is None:
                    await self._try()
            else:
                seen = Seen(problems=self._prepared)
                self._conclude(conclude(judge(seen), seen, **self._common()))
        except Exception as error:  # noqa: BLE001 - whatever breaks, the message has an outcome
            self._session.log_exception("a bug of wooxy_async; please report it")
            text = f"wooxy_async has a bug ({type(error).__name__})"
            self._conclude(self._known(Cause(kind="internal_error", text=text)))
        self._finish()

    def _overload(self) -> tuple[Cause, float] | None:
        return self._session.load.refuses(self.priority, self._session.pace.wait(self.priority))

    async def _try(self) -> None:
        """Wait until it may go, make one attempt, and pause if there is to be another."""
        breaker, pause = self._breaker, 0.0
        try:
            if self._is_expired() or (breaker is not None and not await self._is_let_in(breaker)):
                return
            if self._session.pauses.hear() or await self._is_admitted():
                pause = await self._attempt()
        finally:
            self._withdraw()
        if pause and self._final is None:
            await self._session.sleep(pause)

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
            await ask(self._session, priority=self.priority)
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
        pace, waiting = self._session.pace, self._session.load.waiting
        while (answer := pace.admit(self.priority)) == "wait":
            wait = pace.wait(self.priority)
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
            most = wait if self.priority == "bulk" else min(max(wait, _POLL_EVERY), 5 * _POLL_EVERY)
            waiting[self.priority] += 1
            try:
                await self._session.sleep(most)
            finally:
                waiting[self.priority] -= 1
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
        self._queued_since = self._clock.monotonic()
        acquired = await slots.acquire(self._session, self.priority, self._expiry.earlier(self._deadline))
        if isinstance(acquired, Cause):
            is_expired = acquired is slots.NO_SLOT and self._is_expired(ROUNDING)
            return 0.0 if is_expired else self._judge(Seen(failure=acquired))[1]
        slot, lease = acquired
        try:
            is_even = self._session.pauses.hear()
            holds_back = not (is_even or self._is_trial) and self._session.pace.holds_back(self.priority)
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
            self._session.load.ended(self._request_began)
            self._show_attempt(*attempted)
        if self._refused is not None:
            await self._renew_token(self._refused)
        return pause

    async def _renew_token(self, refused: Rejected) -> None:
        """Let the message be tried once more if there is another token; else the refusal is its outcome.

        A refusal of a token that is not the last any more says nothing of the account, and ends no stream.
        """
        self._refused = None
        has_another = await cast("Tokens", self._session.tokens).renewed(self._token_number)
        if has_another and not (self._has_tried_token or self.is_last):
            self._has_tried_token = True
            return
        if not has_another:
            self._report(refused, refused)
        self._conclude(refused)

    async def _request(self, lease: Lease) -> tuple[tuple[Outcome, int | None], float]:
        """Make one request; whenever its end is in doubt its slot stays closed, for the server may be at work on it.

        The order in which a request starts, for nothing may come between its last three steps:

        1. the slot is this message's, and it may still go (`_attempt`);
        2. the transport takes a connection, which may take long (`Handover.connected`);
        3. with nothing awaited in between: the lease and `not_after` are checked and the connection looked at
           (`Handover.may_start`), the flag is set (`Handover.started`), the first byte is written.

        The flag alone tells "not sent" from "in doubt": where it is not set no byte left, whatever was raised.
        """
        self._attempts += 1
        self._request_began = self._clock.monotonic()
        self._state = changed(self._state, State.REQUESTING)
        watch = slots.LeaseWatch(self._session, lease, self._expiry.permits, self._mark())
        handover = self._handover = watch.handover
        if (tokens := self._session.tokens) is not None:
            self._token_number = tokens.number
        try:
            with watch:
                if self._marks is not None:
                    await self._marks.before_sending(self._index)
                # No local holds the body: it is personal, and foreign code that raises may show its frames.
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

    def _mark(self) -> Callable[[], bool] | None:
        """Return what notes that a byte is about to leave."""
        return None if self._marks is None else partial(self._marks.mark_sending, self._index)

    def _read(self, reply: Reply) -> Seen:
        redact = self._session.settings.redact
        answer = read_reply(reply.body, redact)
        asked = None if reply.retry_after is None else retry_after(reply.retry_after, self._clock.time())
        has_proxy = self._session.settings.proxy is not None
        seen = Seen(handed_over=True, status=reply.status, answer=answer, retry_after=asked, has_proxy=has_proxy)
        if answer is None:
            words = reply.body[: 4 * _MAX_WORDS].decode("utf-8", "replace")
            seen.words = redact(" ".join(words.split()))[:_MAX_WORDS]
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
            if isinstance(outcome, Rejected) and outcome is of_message and self._may_be_old_token(outcome):
                self._refused = outcome
                self._state = changed(self._state, State.RESTING)
                return outcome, 0.0
            self._report(outcome, of_message)
            pause = self._retry.pause(self._tries, self._session.jitter()) if self._may_try_again(row.again) else None
        if pause is None:
            self._conclude(of_message)
            return outcome, 0.0
        if self._marks is not None and self._doubt is None:
            self._marks.take_back(self._index)
        self._state = changed(self._state, State.RESTING)
        if not self._is_expired(max(pause, self._session.pace.wait(self.priority))) and self._is_too_late(pause):
            self._conclude(of_message)
        return outcome, pause

    def _may_be_old_token(self, outcome: Rejected) -> bool:
        """Return whether a refusal of the account may be one of its last token alone."""
        return self._session.tokens is not None and scope(outcome) is Scope.ACCOUNT

    def _report(self, outcome: Outcome, of_message: Outcome) -> None:
        if self._is_counted:
            self._is_counted = False
            cast("CircuitBreaker", self._breaker).report(outcome, of_message)

    def _pause_for_load(self, seen: Seen, outcome: Outcome, of_message: Outcome) -> float | None:
        """Note a 429; return the seconds to rest, 0 where the account pauses (the next attempt waits for that)."""
        pace, retry = self._session.pace, self._retry
        rest = self._session.pauses.refused(
            self._request_began, seen.retry_after, lambda nth: retry.pause(nth, self._session.jitter())
        )
        if rest is not None:  # stray: says nothing about the API
            return rest if self._may_try_again(Again.AFTER_PAUSE) else None
        self._report(outcome, of_message)
        wait = pace.wait(self.priority)
        if self._is_too_long(wait):
            self._end_stream_if_impatient(of_message, wait)
            return None
        given_back = self._breaker is None and self.priority == "bulk" and wait > retry.wait_max
        return 0.0 if self._may_try_again(Again.AFTER_PAUSE) and not given_back else None

    def _may_try_again(self, again: Again) -> bool:
        is_endless = self._breaker is not None
        return not self.is_last and may_try_again(self._retry, again, self._tries, is_endless=is_endless)

    def _is_too_late(self, pause: float) -> bool:
        return self._deadline is not None and self._clock.monotonic() + pause >= self._deadline
