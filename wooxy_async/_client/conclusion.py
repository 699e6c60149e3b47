"""What is known of one message on its way, and who is told: its caller once, the hooks once, the client's books.

The work itself is `Submission`'s. Here stands what may be asked at any moment, also in the middle of a request: what
the outcome would be if nobody waited any longer. It comes out of the same table as every other outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import msgspec

from wooxy_async._client.session import Session
from wooxy_async._client.states import AT_DEADLINE, State, changed
from wooxy_async._ports import Handover, Marks, Priority
from wooxy_async._rules.attempt import attempt_of
from wooxy_async._rules.judgement import Seen, conclude, judge
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, CauseKind, InDoubt, Outcome


class Conclusion:
    """What is known of one message.

    Args:
        session: the client's.
        message: the message.
        index: its 0-based place in its source.
        done: called once with the outcome, unless the caller was told one before.
        marks: learns of an answer that comes after its caller has left; None where nobody keeps a journal.
    """

    priority: Priority
    observed: Any = None  # what telemetry keeps of it

    def __init__(
        self,
        session: Session,
        message: ViberMessage,
        index: int,
        done: Callable[[Any, Outcome], None],
        marks: Marks | None = None,
    ) -> None:
        self.message = message
        self.outcome: Outcome | None = None  # the one that the caller is told; it never changes
        self.task: asyncio.Task[None] | None = None
        self.is_last = False  # the attempt that is under way: nobody waits for another
        self._session = session
        self._clock = session.clock
        self._index = index
        self._done = done
        self._marks = marks
        self._began = self._queued_since = self._request_began = self._clock.monotonic()
        self._attempts = 0  # requests that were started
        self._state = State.NEW
        self._handover: Handover | None = None
        self._doubt: InDoubt | None = None
        self._final: Outcome | None = None
        self._told: Outcome | None = None  # to a caller who stopped waiting
        self._is_cancelled = False
        self._cancelled_by = Cause(kind="cancelled", text="The message was cancelled")

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

    def give_up(self, kind: CauseKind, text: str) -> Outcome:
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
            self._session.show(self.outcome, self)
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

    def resolve_if_loop_is_closed(self) -> None:
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

    def _enter(self, task: asyncio.Task[None]) -> None:
        """Enter the client's books; whatever ends the task, there is an outcome then."""
        self._session.submissions[self] = None
        self.task = task
        task.add_done_callback(self._ended)

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
            self._show_attempt(outcome, status=None)
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
            self._session.show(final, self)
        else:
            self._session.resolve(self._told, final, self)
            if self._marks is not None and isinstance(self._told, InDoubt):
                self._marks.resolved(self._index, final)

    def _show_attempt(self, outcome: Outcome, status: int | None) -> None:
        """Show an attempt to the log, to the hook and to telemetry."""
        observer = self._session.observer
        if observer is None and not self._session.is_watched:
            return
        elapsed = self._clock.monotonic() - self._request_began
        waited = self._request_began - self._queued_since
        if self._session.is_watched:
            attempt = attempt_of(self.message, outcome, status=status, elapsed=elapsed, waited=waited)
            self._session.attempted(attempt, self)
        if observer is not None:
            self._session.observe(partial(observer.attempted, self, outcome, status, elapsed, waited))
