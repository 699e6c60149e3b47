"""`send_many`: outcomes of many messages, in the order of completion.

A *feeder*, one task that the client owns, pulls the source and closes it; it never references the stream, so that a
stream that nobody holds any more is noticed at once. The window only gives permits: as many messages are under way or
wait to be taken as there are slots, and as many again are checked and encoded. A consumer who leaves, in whatever
way, takes nothing more, so no more is started than the window had permitted; and no task group or cancel
scope is open across a yield.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

import anyio

from wooxy_async._client.breaker import CircuitBreaker
from wooxy_async._client.session import Session
from wooxy_async._client.settings import seconds
from wooxy_async._client.source import Messages, opened
from wooxy_async._client.submission import Submission
from wooxy_async._client.window import Window
from wooxy_async._ports import Marks, Priority
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outage import Outage
from wooxy_async._rules.outcomes import Outcome
from wooxy_async._rules.retry import RetryPolicy
from wooxy_async._runtime import foreign
from wooxy_async._runtime.turns import begin, let_arrive

_END: Final = object()
_CLOSES_CLIENT: Final = 1.5  # seconds more for a source that closes its client, which takes its drain and one more
_PROBE_MORE: Final = 30.0  # seconds that a probe may take beside its answer: for a slot, and a connection


# The life of a stream.
#
# Three kinds of tasks meet here. The feeder's own task alone touches the source: it pulls, waits in `_wait_for_change`
# while the window is full, and closes the source at the end. Up to `max_concurrency` workers carry messages, each one
# message after the other, so that a slot that was freed is used in the very turn in which its answer came. The consumer
# takes outcomes. None of them waits for another directly: each changes the window and calls `_wake`, which lets the
# feeder look again, or `_wake_taker`, which does so for the consumer.
#
# A stream ends for one of four reasons, and all four come through `stop`: the source is exhausted or raises (`_run`),
# the consumer leaves (`OutcomeStream.aclose`, `__del__`), the client is closed (`Session.aclose`), or the breaker has
# found what is wrong with every message (`_wait_for_change`). From `stop` on nothing is pulled, started or sent again;
# what has not started is told at once, what is out has the drain. A source may itself be what does not end: it is
# cancelled once, and left after the drain and what closing a client from within it may take (`_leave_source`).


class Feeder:
    """Pulls a source, and keeps the window.

    Args:
        session: the client's.
        messages: the source.
        priority: of its messages.
        retry: when a message is sent again.
        marks: notes when a byte of a message may be out, for a journal; None where nobody keeps one.
    """

    def __init__(
        self,
        session: Session,
        messages: Messages,
        *,
        priority: Priority,
        retry: RetryPolicy,
        marks: Marks | None = None,
    ) -> None:
        settings = session.settings
        most = settings.max_concurrency if priority == "urgent" else min(settings.max_concurrency, settings.max_bulk)
        self.window: Window[Submission, Outcome] = Window(most)
        self.error: BaseException | None = None
        self.stopped = False
        self._session = session
        self._source = messages
        self._priority: Priority = priority
        self._retry = retry
        self._marks = marks
        self._loop = asyncio.get_running_loop()
        self.drain = session.settings.drain
        limit = session.settings.answer_limit + _PROBE_MORE
        self.breaker = CircuitBreaker(
            session.settings.patience, self._follow_breaker, session.clock, session.pace, limit
        )
        self._index = 0
        self._pulling = False
        self._is_exhausted = False
        self._taker: asyncio.Future[Outcome | None] | None = None
        self._change: asyncio.Future[None] | None = None
        self._was_cancelled = False
        self._stops_itself = False  # its source closes the stream or the client
        self._left: asyncio.TimerHandle | None = None  # leaves a source that does not end
        self._is_left = False
        self.task = begin(self._run())
        session.feeders[self] = None

    @property
    def is_over(self) -> bool:
        """Whether there will be no further outcome."""
        return (self.task.done() or self._is_left) and not self.window.live

    def take(self) -> Outcome:
        """Hand out an outcome, and let the next messages move up."""
        outcome = self.window.results.popleft()
        self._start_ready()
        self._wake()
        return outcome

    async def next(self) -> Outcome | None:
        """Wait for an outcome, which is handed over as it completes; None if there may be something else to see."""
        if self._taker is not None and not self._taker.done():
            raise RuntimeError("This stream is being iterated by another task; give each task a stream of its own.")
        taker: asyncio.Future[Outcome | None] = self._loop.create_future()
        self._taker = taker
        try:
            outcome = await taker
        except asyncio.CancelledError:
            if not taker.cancelled() and (outcome := taker.result()) is not None:
                self.window.results.appendleft(outcome)
            raise
        finally:
            self.window.handed_over = 0
        self._wake()
        return outcome

    def stop(self, by: asyncio.Task[Any] | None = None) -> None:
        """Pull, start and send again nothing more, at once; what is in flight goes on.

        Args:
            by: the task that waits for the end, where it is not the running one.
        """
        if self.stopped or self.is_over or self._loop.is_closed():
            return
        self.stopped = True
        self._stops_itself = (by or asyncio.current_task(self._loop)) is self.task
        live = self.window.live
        for submission in live:
            submission.is_last = True
        self._give_up_all([submission for submission in live if not submission.is_out], "The stream was closed")
        self._wake()

    def stop_waiting(self) -> None:
        """Tell what is known of every message now; requests that are out go on in the client."""
        self._give_up_all(list(self.window.live), "The stream was closed before the answer came")
        self._wake()

    def cancel(self) -> None:
        """Wait no longer for the source."""
        self.task.cancel()

    def _cancel_source(self) -> None:
        self._was_cancelled = True
        self.cancel()

    def _give_up_all(self, live: list[Submission], text: str) -> None:
        for submission in self.window.give_up(live):
            self._give_up(submission, text)
        self._wake_taker()

    def _give_up(self, submission: Submission, text: str) -> None:
        self.window.results.append(submission.give_up("closed" if submission.is_out else "not_started", text))

    def _wake_taker(self) -> None:
        if self._taker is not None and not self._taker.done() and not self._loop.is_closed():
            self._taker.set_result(None)

    def _follow_breaker(self) -> None:
        self._start_ready()
        self._wake()

    def _wake(self) -> None:
        """Make the feeder look at its state again if there may be something to do, also when it waits for a source."""
        if self._loop.is_closed():
            return
        ends = self.stopped or self.breaker.fatal is not None
        if ends and self._pulling and self._left is None:  # once: a source may await in its own cleanup
            if not self._stops_itself:  # else it is at work, and may be about to raise
                self._cancel_source()
            self._left = self._loop.call_later(self.drain + _CLOSES_CLIENT, self._leave_source)
        may_wake = ends or self._is_exhausted or self.window.wants_more
        if may_wake and self._change is not None and not self._change.done():
            self._change.set_result(None)

    def _leave_source(self) -> None:
        """End the stream without its source, which goes on."""
        if not self._was_cancelled:
            self._cancel_source()
        self.error = self.breaker.fatal or self.error
        self.stop()
        self._is_left = True
        self._wake_taker()

    async def _run(self) -> None:
        try:
            await self._pull_all()
            self._is_exhausted = True
            while not self.window.is_empty:
                await self._wait_for_change()
        except asyncio.CancelledError:
            if not self.stopped:
                self.error = RuntimeError("Somebody has cancelled the tasks of this stream, so that it ends early.")
            raise
        finally:
            if self._left is not None:
                self._left.cancel()
            self.error = self.breaker.fatal or self.error
            self.stop()  # if somebody else has cancelled it: what was pulled is told all the same
            self._session.feeders.pop(self, None)
            self._wake_taker()

    async def _pull_all(self) -> None:
        """Open the source, pull it as the window permits, and close it."""
        try:
            pull, close = opened(self._source, _END)
            try:
                await self._pull_with(pull)
            finally:
                self._pulling = False
                await close()
        except BaseException as error:
            if not foreign.ends_this_task(error):
                self._blame(error)
            elif not (self._was_cancelled and isinstance(error, asyncio.CancelledError)):
                raise
        if self._was_cancelled:
            self.task.uncancel()

    def _blame(self, error: BaseException) -> None:
        """Keep what a source raised, for its consumer: every message before it has its outcome first."""
        where = f"raised by the source of send_many at index {self._index}"
        if isinstance(error, asyncio.CancelledError):
            # Nobody has cancelled the consumer, and to raise this would say so: its task would end without a word.
            told = RuntimeError(f"a CancelledError was {where}")
            told.__cause__ = error
            error = told
        else:
            error.add_note(where)
        if self._is_left:
            self._session.log_exception("the source of a send_many that had ended without it raised")
        self.error = self.error or error

    async def _pull_with(self, pull: Callable[[], Awaitable[Any]]) -> None:
        while await self._may_pull():
            self._pulling = True
            message = await pull()
            self._pulling = False
            if message is _END:
                return
            if not isinstance(message, ViberMessage):
                kind, at = type(message).__name__, self._index
                self.error = TypeError(f"send_many takes ViberMessages, but message {at} is {kind}.")
                return
            self._accept(message)

    async def _may_pull(self) -> bool:
        while not self.stopped:
            may_pull = self.window.may_pull(is_down=self.breaker.is_down) and self.breaker.fatal is None
            if may_pull and self._session.hooks.have_room(self._wake):
                return True
            await self._wait_for_change()
        return False

    async def _wait_for_change(self) -> None:
        """Wait for a change; end the stream where its breaker says so."""
        if self.breaker.fatal is not None and not self.stopped:
            self.stop()
            return
        self._change = self._loop.create_future()
        await self._change

    def _accept(self, message: ViberMessage) -> None:
        submission = Submission(
            self._session,
            message,
            index=self._index,
            priority=self._priority,
            retry=self._retry,
            done=self._done,
            breaker=self.breaker,
            marks=self._marks,
        )
        self._index += 1
        if self.stopped:  # the source has finished an item that it shields
            self._give_up(submission, "The stream was closed")
            return
        self.window.ready.append(submission)
        self._start_ready()

    def _start_ready(self) -> None:
        while (submission := self._next_ready()) is not None:
            submission.start(begin(self._worker(submission)))

    def _next_ready(self) -> Submission | None:
        """Return the next message if it may start."""
        if self.stopped or self.breaker.fatal is not None:
            return None
        return self.window.start_next(self.breaker.caution)

    async def _worker(self, submission: Submission) -> None:
        """Carry one message after the other, so that the next goes in the very turn in which an answer came."""
        await submission.run()
        while (following := self._next_ready()) is not None:
            following.start(asyncio.current_task())
            await following.run()

    def _done(self, submission: Submission, outcome: Outcome) -> None:
        del self.window.live[submission]
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(outcome)
            self.window.handed_over = 1
        else:
            self.window.results.append(outcome)
        self._wake()


class OutcomeStream(AsyncIterator[Outcome]):
    """The outcomes of `WooxyClient.send_many`, in the order of completion.

    Iterate it with `async for`. Leaving the loop in any way is safe: what is in flight goes on in the client, and a
    stream that nobody holds any more starts nothing new; one that somebody still holds starts at most what its window
    had permitted: as many messages that nobody takes as the client has slots. As
    `async with client.send_many(messages) as stream:` it starts nothing at the block's end, waits up to 10 seconds
    there for what is in flight, and `stream.undelivered` then holds the outcomes that nobody took.
    """

    _feeder: Feeder | None = None  # of the class too: a stream that is half made has a repr and an end
    _closed = False

    def __init__(self, begin: Callable[[], Feeder]) -> None:
        self._begin = begin

    def __repr__(self) -> str:
        state = "closed" if self._closed else "not started" if self._feeder is None else "open"
        return f"<OutcomeStream: {state}, {len(self.undelivered)} outcomes to be taken>"

    @property
    def undelivered(self) -> tuple[Outcome, ...]:
        """Outcomes that nobody took; complete after `aclose`."""
        return () if self._feeder is None else tuple(self._feeder.window.results)

    @property
    def outage(self) -> Outage | None:
        """What is waited for while Wooxy is down; None while it is not."""
        return None if self._feeder is None or self._feeder.is_over else self._feeder.breaker.outage

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        if self._closed:
            raise StopAsyncIteration
        if self._feeder is None:
            self._feeder = self._begin()
        feeder = self._feeder
        while not feeder.window.results:
            if feeder.is_over:
                self._closed = True
                error, feeder.error = feeder.error, None
                raise error or StopAsyncIteration
            if (outcome := await feeder.next()) is not None:
                return outcome
        return feeder.take()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self, *, drain: float | None = None) -> None:
        """Start nothing more, and wait for what is in flight, 10 seconds at the most.

        A request that is not answered then is InDoubt in `undelivered`, and goes on in the client.

        Args:
            drain: seconds to wait, 0 to 3,600, in place of the client's `drain`.
        """
        given = None if drain is None else seconds("drain", drain)
        self._closed = True
        if self._feeder is None:
            return
        limit = self._feeder.drain if given is None else given
        self._feeder.stop()
        with anyio.CancelScope(shield=True):
            if others := {self._feeder.task} - {asyncio.current_task()}:  # its own source may close it
                await asyncio.wait(others, timeout=limit)
            await let_arrive()
        self._feeder.stop_waiting()

    def __del__(self) -> None:
        """Stop a stream that nobody holds any more, before anything else runs."""
        if self._feeder is not None and not self._feeder.is_over:
            self._feeder.stop()
