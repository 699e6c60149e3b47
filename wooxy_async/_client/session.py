"""What all messages of one client share: limiter, session pool, the account's pace, counts and hooks."""

from __future__ import annotations

import asyncio
import logging
import random
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

import anyio

from wooxy_async._client.hooks import Hooks
from wooxy_async._client.load import Load
from wooxy_async._client.log import log_attempt
from wooxy_async._client.pauses import Pauses
from wooxy_async._client.settings import Settings
from wooxy_async._client.tokens import Tokens
from wooxy_async._ports import Limiter, Priority, Transport
from wooxy_async._rules.attempt import Attempt, logged_reference
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, CauseKind, InDoubt, Invalid, NotSent, Outcome, Rejected
from wooxy_async._rules.redaction import Secret
from wooxy_async._rules.statistics import Statistics
from wooxy_async._runtime import foreign
from wooxy_async._runtime.log import log_exception, logger, say
from wooxy_async._runtime.turns import let_arrive
from wooxy_async.limits._pace import pace_of

_ABORT_WAIT: Final = 1.0  # seconds that closing waits, after its time, for what was cut


class OpenSubmission(Protocol):
    """What a session asks of a message on its way."""

    message: ViberMessage
    task: asyncio.Task[None] | None
    is_last: bool
    priority: Priority
    observed: Any

    @property
    def is_out(self) -> bool:
        """Whether a request of it was handed over and is not judged yet."""
        ...

    @property
    def is_concluded(self) -> bool:
        """Whether its outcome is known."""
        ...

    @property
    def outlives_its_caller(self) -> bool:
        """Whether a request of it is out for which its caller no longer waits."""
        ...

    def cancel(self, kind: CauseKind, text: str) -> None:
        """End it; a request that has not started yet never does."""
        ...

    def end(self, text: str) -> None:
        """Conclude it for good, whatever its task still waits for."""
        ...

    def resolve_if_loop_is_closed(self) -> None:
        """Settle for good what its caller was told, where no answer can come any more."""
        ...


class Observer(Protocol):
    """What telemetry is told, after the hooks; what it keeps of a message stands in `OpenSubmission.observed`."""

    def attempted(
        self, submission: OpenSubmission, outcome: Outcome, status: int | None, elapsed: float, waited: float
    ) -> None:
        """Note a request that has ended, maybe after its message's outcome was told."""
        ...

    def concluded(self, submission: OpenSubmission, outcome: Outcome) -> None:
        """Note the outcome that the caller was told."""
        ...

    def resolved(self, submission: OpenSubmission, outcome: Outcome) -> None:
        """Note what became of a request that outlived its caller."""
        ...


class OpenStream(Protocol):
    """What a session asks of a stream."""

    task: asyncio.Task[None]

    def stop(self, by: asyncio.Task[Any] | None = None) -> None:
        """Pull, start and send again nothing more."""
        ...

    def cancel(self) -> None:
        """Wait no longer for the source."""
        ...


OpenTransport = Callable[[Settings, Secret], Transport]


class Session:
    """The part of a client that its messages see.

    Args:
        settings: the checked configuration.
        limiter: keeps the account's cap.
        open_transport: makes a session pool that belongs to the running loop.
    """

    def __init__(self, settings: Settings, limiter: Limiter, open_transport: OpenTransport) -> None:
        self.settings = settings
        self.limiter = limiter
        self._open_transport = open_transport
        self.clock = settings.clock
        self.tokens: Tokens | None = None
        if settings.provider is not None:
            self.tokens = Tokens(settings.provider, settings.redact, settings.clock)
        self.sleep: Callable[[float], Awaitable[None]] = getattr(settings.clock, "skip", anyio.sleep)
        self.pace = pace_of(settings.token.reveal(), settings.clock)
        self.load = Load(settings.max_waiting, settings.max_concurrency, settings.clock)
        self.pauses = Pauses(limiter, self.pace, self.log_exception)
        self.submissions: dict[OpenSubmission, None] = {}  # in their order, so that closing is the same each time
        self.feeders: dict[OpenStream, None] = {}
        self.hooks = Hooks(settings)
        self.observer: Observer | None = None
        self.closed = False
        self.limiter_is_closed = False
        self.jitter: Callable[[], float] = random.Random().random  # noqa: S311 - jitter is no secret
        self._counts: Counter[type[Any]] = Counter()
        self._resolved = 0
        self._transport: Transport | None = None
        self._closing: Transport | None = None  # which its loop may still leave behind when it is closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Timeout | None = None
        if (register := getattr(limiter, "before_slots_of_dead_loops_open", None)) is not None:
            register(weakref.WeakMethod(self.abort_dead_loop))

    def transport(self) -> Transport:
        """Return the session pool of the running loop; made at first use.

        Raises:
            RuntimeError: the client is closed, or in use by another loop.
        """
        loop, transport = asyncio.get_running_loop(), self._transport
        if transport is not None and self._loop is loop and not transport.is_inherited:
            return transport
        return self._connect(loop)

    def _connect(self, loop: asyncio.AbstractEventLoop) -> Transport:
        if self.closed:
            raise RuntimeError("This WooxyClient is closed: make a new one. Nothing was sent.")
        if self.has_open_session and self._loop is not None and not self._loop.is_closed():
            raise RuntimeError(
                "This WooxyClient belongs to another event loop that is still open: make one client per loop "
                "(they share the account's slots by themselves), or close it there first. Nothing was sent."
            )
        self.hooks.loop = loop
        self.abandon()
        token = self.settings.token if self.tokens is None else self.tokens.secret
        self._transport = self._open_transport(self.settings, token)
        self._loop = loop
        return self._transport

    def fused(self, body: bytes) -> Cause | None:
        """Return why the fuse does not let a message leave; None where it may, or where there is no fuse."""
        why = None if self.settings.fuse is None else self.settings.fuse.stops(body)
        return None if why is None else Cause(kind="fuse", text=why)

    def abandon(self) -> None:
        """Let go of what belonged to a loop that is closed, or to the parent of this process."""
        transport = self._transport or self._closing
        is_inherited = transport is not None and transport.is_inherited
        self.load.start_anew()
        self.hooks.abandon(is_inherited=is_inherited)
        for submission in [] if is_inherited else list(self.submissions):
            submission.resolve_if_loop_is_closed()
        self.submissions.clear()
        self.feeders.clear()
        left, self._transport, self._closing = (self._transport, self._closing), None, None
        for transport in left:
            if transport is not None:
                transport.abandon()

    def abort_dead_loop(self) -> None:
        """End the connections if their loop is closed; may be called from any thread."""
        transport, loop = self._transport or self._closing, self._loop
        if transport is not None and loop is not None and loop.is_closed():
            transport.abort()

    @property
    def has_open_session(self) -> bool:
        """Whether connections of this process may be open."""
        return self._transport is not None and not self._transport.is_inherited

    @property
    def is_ended(self) -> bool:
        """Whether it is closed, and nothing of it is left."""
        return self.closed and self._transport is None and self._closing is None

    async def aclose(self, drain: float, caller: asyncio.Task[Any] | None) -> None:
        """Refuse new messages, wait so many seconds for what is in flight, and close the session pool.

        Args:
            drain: seconds; where another call waits already, it waits no longer than that.
            caller: the task that waits for the end, maybe from within a source: what it does itself is not waited for.

        Raises:
            RuntimeError: it is in use by an event loop that runs in another thread.
        """
        transport, loop = self._transport, self._loop
        if self.has_open_session and loop is not asyncio.get_running_loop() and loop is not None and loop.is_running():
            raise RuntimeError("This WooxyClient is in use by the event loop of another thread: close it there.")
        self.closed = True
        if loop is not asyncio.get_running_loop() or (transport is not None and transport.is_inherited):
            is_dead = loop is None or loop.is_closed()
            if is_dead:
                self.hooks.loop = asyncio.get_running_loop()
            if is_dead or self._closing is None:  # else it is being closed in its own
                self.abandon()
                await self._end_hooks(drain)
        elif transport is None:
            self._hasten(drain)
        else:
            self._transport, self._closing = None, transport
            await self._drain(drain, caller)
            await transport.aclose()
            self._closing = None

    async def _drain(self, seconds: float, caller: asyncio.Task[Any] | None) -> None:
        """End what has not started, and wait for what is in flight, but no longer than that."""
        for feeder in list(self.feeders):
            feeder.stop(caller)
        for submission in list(self.submissions):
            submission.is_last = True  # what is out and refused meanwhile is not sent again
            if not (submission.is_out or submission.is_concluded):
                submission.cancel("not_started", "The client was closed")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds) as self._draining:
                await self._until_ended(caller)
                await self.hooks.ended()
        self._draining = None
        await let_arrive()
        await self.hooks.abort()  # those of what is cut now have the second that follows
        for submission in list(self.submissions):
            if submission.is_out:
                reference = self._logged(submission.message.reference)
                say(logging.WARNING, "in doubt, the client was closed: message with reference %s", reference)
            submission.cancel("closed" if submission.is_out else "not_started", "The client was closed")
        for feeder in list(self.feeders):
            if feeder.task is not caller:
                feeder.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ABORT_WAIT):
                await self._until_ended(caller)
                await self.hooks.ended()
        for submission in list(self.submissions):
            submission.end("The client was closed")
        await self.hooks.abort()
        self.feeders.clear()

    async def _end_hooks(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.hooks.ended()
        await self.hooks.abort()

    def _hasten(self, drain: float) -> None:
        draining = self._draining
        if draining is not None:
            at = asyncio.get_running_loop().time() + drain
            if not draining.expired() and at < (draining.when() or at):
                draining.reschedule(at)

    async def _until_ended(self, caller: asyncio.Task[Any] | None) -> None:
        submissions = {submission.task for submission in self.submissions if submission.task is not None}
        if tasks := (submissions | {feeder.task for feeder in self.feeders}) - {caller}:
            await asyncio.wait(tasks)

    @property
    def is_watched(self) -> bool:
        """Whether anybody wants to hear of each attempt."""
        return self.settings.on_attempt is not None or logger.isEnabledFor(logging.DEBUG)

    def attempted(self, attempt: Attempt, submission: OpenSubmission) -> None:
        """Tell of a request."""
        log_attempt(attempt, whole=self.settings.log_references)
        self.hooks.call("on_attempt", attempt, submission)

    def count(self, outcome: Outcome) -> None:
        """Count the outcome that a caller is told."""
        self._counts[type(outcome)] += 1

    def show(self, outcome: Outcome, submission: OpenSubmission) -> None:
        """Show an outcome that was counted to the hook."""
        self.hooks.call("on_outcome", outcome, submission)
        if self.observer is not None:
            self.observe(partial(self.observer.concluded, submission, outcome))

    def resolve(self, told: Outcome, outcome: Outcome, submission: OpenSubmission) -> None:
        """Note what became of a request that outlived its caller, who was told that it is in doubt."""
        if not (isinstance(told, InDoubt) and told.may_settle):
            return
        if not isinstance(outcome, InDoubt):
            self._resolved += 1
        if isinstance(outcome, Accepted):
            self.warn_of_unseen(outcome)
        else:
            reference = self._logged(outcome.message.reference)
            say(logging.INFO, "message %s (%s) is settled: %s", outcome.index, reference, type(outcome).__name__)
        self.hooks.call("on_settled", outcome, submission)
        if self.observer is not None:
            self.observe(partial(self.observer.resolved, submission, outcome))

    def observe(self, tell: Callable[[], object]) -> None:
        """Let telemetry note something; it changes nothing by what it raises."""
        foreign.call(tell, lambda: self.log_exception("telemetry raised; the message is not affected"))

    def warn_of_unseen(self, outcome: Accepted) -> None:
        """Log a message that was taken while its caller was gone."""
        reference = self._logged(outcome.message.reference)
        say(logging.WARNING, "message %s (%s) was taken while its caller was gone", outcome.index, reference)

    def _logged(self, reference: str | None) -> str:
        return logged_reference(reference, whole=self.settings.log_references)

    def log_exception(self, text: str) -> None:
        """Log the exception that is being handled, without secrets."""
        log_exception(text, self.settings.redact)

    def statistics(self) -> Statistics:
        """Return the client's state at this moment."""
        slots, counts, paused_for = self.limiter.statistics(), self._counts, self.pace.paused_for
        return Statistics(
            borrowed=slots.borrowed,
            closed=slots.closed,
            waiting=slots.waiting,
            accepted=counts[Accepted],
            rejected=counts[Rejected],
            invalid=counts[Invalid],
            not_sent=counts[NotSent],
            in_doubt=counts[InDoubt],
            outlived=sum(submission.outlives_its_caller for submission in list(self.submissions)),
            settled=self._resolved,
            paused_for=paused_for,
            paused_because="Wooxy refused a request for load (HTTP 429)" if paused_for else "",
        )
