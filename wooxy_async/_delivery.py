"""One message's way from the caller to its outcome: the only path, for `send` and for `send_many`.

Each message has a task of its own that belongs to the client. A caller who stops waiting does not stop a request
that may be out: the request keeps its task, its connection and its slot until its answer, so that the cap holds and
a late answer can settle the doubt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, cast

import anyio

from wooxy_async._attempt import attempt_of
from wooxy_async._engine import Engine
from wooxy_async._guard import Guard
from wooxy_async._ports import Handover, Lease, Priority, Reply, TransportError
from wooxy_async._rules.checks import prepare
from wooxy_async._rules.judgement import Again, Row, Seen, Verdict, conclude, judge
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, CauseKind, InDoubt, NotSent, Outcome
from wooxy_async._rules.retry import RetryPolicy, next_pause, retry_after
from wooxy_async._rules.wire import read_answer

_WORDS_MOST: Final = 200  # characters of an undocumented answer that are kept
_WAITING: Final = "waiting for a slot"


class Delivery:
    """One message on its way: checked and encoded when it is made, under way from `start`.

    Args:
        engine: the client's.
        message: the message.
        index: its 0-based place in its source.
        priority: "urgent" or "bulk".
        retry: when it is sent again.
        done: called once with the outcome, unless the caller was told one before.
        deadline: `time.monotonic()` at which the caller stops waiting, or None.
        guard: the stream's, or None. With one, what is known not taken is tried for as long as it takes.

    Raises:
        RuntimeError: the client is closed, or in use by another event loop.
    """

    def __init__(
        self,
        engine: Engine,
        message: ViberMessage,
        *,
        index: int,
        priority: Priority,
        retry: RetryPolicy,
        done: Callable[[Delivery, Outcome], None],
        deadline: float | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.message = message
        self.outcome: Outcome | None = None  # the one that the caller is told; it never changes
        self.task: asyncio.Task[None] | None = None
        self._engine = engine
        self._transport = engine.transport()
        self._index = index
        self._priority: Priority = priority
        self._retry = retry
        self._done = done
        self._deadline = deadline
        self._guard = guard
        self._began = self._request_began = monotonic()
        self._attempts = 0
        self._stage = "not started"
        self._handover: Handover | None = None
        self._doubt: InDoubt | None = None
        self._cancelled_by = Cause(kind="cancelled", text="The message was cancelled")
        self._prepared = prepare(message, engine.settings.phone_check, engine.settings.button_field)

    def start(self, task: asyncio.Task[None] | None = None) -> None:
        """Let it go.

        Args:
            task: awaits `run`, now or next; None for a task of its own, which the client owns.
        """
        self._engine.deliveries.add(self)
        self.task = task or asyncio.get_running_loop().create_task(self.run())
        self.task.add_done_callback(self._ended)

    @property
    def is_out(self) -> bool:
        """Whether a request of it was handed over and is not judged yet."""
        return self._handover is not None and self._handover.started

    def tell(self, kind: CauseKind, text: str) -> Outcome:
        """Stop waiting: return what is known now, and let a request that may be out run on.

        Args:
            kind: why the caller stops waiting.
            text: the same, for people.
        """
        if self.outcome is None:
            self.outcome = self._known(Cause(kind=kind, text=text))
            if not self.is_out:
                self.cancel(kind, text)
            self._engine.count(self.outcome)
        return self.outcome

    def cancel(self, kind: CauseKind, text: str) -> None:
        """End it; a request that has not started yet never does."""
        self._cancelled_by = Cause(kind=kind, text=text)
        if self._handover is not None:
            self._handover.forbidden = True
        if self.task is not None:
            self.task.cancel()

    def _known(self, cause: Cause) -> Outcome:
        """Return what is known of a message whose last attempt has not ended."""
        if self._doubt is not None:
            return self._doubt
        if self.is_out:
            return InDoubt(cause=Cause(kind=cause.kind, text=f"{cause.text}; its request was out."), **self._common())
        kind: CauseKind = "no_slot" if (cause.kind, self._stage) == ("deadline", _WAITING) else cause.kind
        return NotSent(cause=Cause(kind=kind, text=f"{cause.text}; it was {self._stage}."), **self._common())

    def _common(self) -> dict[str, Any]:
        return {
            "index": self._index,
            "message": self.message,
            "attempts": self._attempts,
            "elapsed": monotonic() - self._began,
        }

    async def run(self) -> None:
        """Carry it to its outcome."""
        if not isinstance(self._prepared, bytes):
            seen = Seen(problems=self._prepared)
            self._finish(conclude(judge(seen), seen, **self._common()))
            return
        try:
            outcome = await self._deliver(self._prepared)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the message has an outcome
            self._engine.log_mistake("a mistake of wooxy_async; please report it")
            text = f"wooxy_async made a mistake ({type(error).__name__})"
            outcome = self._known(Cause(kind="internal_error", text=text))
        self._finish(outcome)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        """Give a message its outcome whose task was cancelled, maybe before its first step."""
        self._finish(self._known(self._cancelled_by))

    def _finish(self, outcome: Outcome) -> None:
        self._engine.deliveries.discard(self)
        task, self.task = cast("asyncio.Task[None]", self.task), None  # it may go on to carry another message
        task.remove_done_callback(self._ended)
        if self.outcome is None:
            self.outcome = outcome
            self._engine.count(outcome)
            self._done(self, outcome)
        else:
            self._engine.settle(self.outcome, outcome)

    async def _deliver(self, body: bytes) -> Outcome:
        while True:
            guard = self._guard
            if self._engine.is_paused or (guard is not None and not guard.admit_now()):
                await self._admit()
            told = self._attempts
            seen, row = await self._attempt(body)
            outcome = conclude(row, seen, **self._common())
            self._handover = None
            if self._engine.is_watched and outcome.attempts > told:
                elapsed = monotonic() - self._request_began
                self._engine.attempted(attempt_of(self.message, outcome, status=seen.status, elapsed=elapsed))
            if isinstance(outcome, InDoubt):
                self._doubt = self._doubt or outcome
            if guard is not None:
                guard.report(outcome)
            if isinstance(outcome, Accepted):
                return outcome
            pause = self._pause(row, seen)
            if pause is None:
                return self._doubt or outcome
            self._stage = f"pausing after attempt {self._attempts}"
            await anyio.sleep(pause)

    async def _admit(self) -> None:
        """Wait while the server has asked the client to wait, and while the stream's API is down."""
        if self._engine.is_paused:
            self._stage = "waiting because Wooxy asked the client to wait"
            await self._engine.until_unpaused()
        if self._guard is not None:
            self._stage = "waiting because Wooxy does not answer"
            await self._guard.admit()

    def _pause(self, row: Row, seen: Seen) -> float | None:
        """Return the seconds until the next attempt, or None for none."""
        patience = None if self._guard is None else self._engine.settings.patience
        pause = next_pause(
            self._retry,
            row.again,
            attempts=self._attempts,
            asked=seen.retry_after,
            draw=self._engine.draw(),
            patience=patience,
        )
        if row.again is Again.AFTER_PAUSE:
            asked = self._retry.wait_initial if seen.retry_after is None else seen.retry_after
            seconds = min(max(asked, pause or 0.0), patience or self._retry.wait_max)
            self._engine.pause(seconds, "Wooxy refused a request for load (HTTP 429)")
        too_late = pause is not None and self._deadline is not None and monotonic() + pause >= self._deadline
        return None if too_late else pause

    async def _attempt(self, body: bytes) -> tuple[Seen, Row]:
        """Wait for a slot and make one request in it."""
        self._stage = _WAITING
        try:
            async with self._engine.limiter.slot(priority=self._priority, deadline=self._deadline) as lease:
                self._attempts += 1
                self._request_began = monotonic()
                self._stage = "connecting"
                return await self._request(body, lease)
        except TimeoutError:
            text = "No slot became free in time: every slot that this client may use is taken by another request."
            seen = Seen(failure=Cause(kind="no_slot", text=text))
            return seen, judge(seen)

    async def _request(self, body: bytes, lease: Lease) -> tuple[Seen, Row]:
        """Make one request; whenever its end is in doubt its slot stays closed, for the server may be at work on it."""
        handover = self._handover = Handover(lease.holds)
        try:
            seen = self._read(await self._transport.post(body, handover))
        except TransportError as error:
            seen = Seen(handed_over=handover.started, failure=Cause(kind=error.kind, text=error.text))
        except BaseException:
            if handover.started:
                lease.keep_closed(self._engine.settings.loss_hold)
            raise
        row = judge(seen)
        if row.verdict is Verdict.IN_DOUBT:
            lease.keep_closed(self._engine.settings.loss_hold)
        return seen, row

    def _read(self, reply: Reply) -> Seen:
        redact = self._engine.settings.redact
        answer = read_answer(reply.body, redact)
        asked = None if reply.retry_after is None else retry_after(reply.retry_after, time.time())
        seen = Seen(handed_over=True, status=reply.status, answer=answer, retry_after=asked)
        if answer is None:
            words = reply.body[: 4 * _WORDS_MOST].decode("utf-8", "replace")
            seen.words = redact(" ".join(words.split()))[:_WORDS_MOST]
        return seen
