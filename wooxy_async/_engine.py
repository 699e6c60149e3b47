"""What all messages of one client share: its limiter, its session pool, its pause, its counts and its hooks."""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio

from wooxy_async._adapters.transport import AiohttpTransport
from wooxy_async._attempt import Attempt, log_attempt, logged_reference
from wooxy_async._logging import logger
from wooxy_async._ports import Limiter
from wooxy_async._rules.outcomes import Accepted, InDoubt, Invalid, NotSent, Outcome, Rejected
from wooxy_async._settings import Settings
from wooxy_async._statistics import Statistics

if TYPE_CHECKING:
    from wooxy_async._delivery import Delivery
    from wooxy_async._stream import Intake


class Engine:
    """The part of a client that its messages see.

    Args:
        settings: the checked configuration.
        limiter: keeps the account's cap.
    """

    def __init__(self, settings: Settings, limiter: Limiter) -> None:
        self.settings = settings
        self.limiter = limiter
        self.deliveries: set[Delivery] = set()
        self.intakes: set[Intake] = set()
        self.closed = False
        self.draw: Callable[[], float] = random.Random().random  # noqa: S311 - jitter is no secret
        self._counts: Counter[type[Any]] = Counter()
        self._settled = 0
        self._transport: AiohttpTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.paused_until = 0.0
        self.paused_because = ""

    def transport(self) -> AiohttpTransport:
        """Return the session pool of the running loop; made at first use.

        Raises:
            RuntimeError: the client is closed, or in use by another loop.
        """
        loop = asyncio.get_running_loop()
        if self._transport is not None and self._loop is loop:
            return self._transport
        return self._connect(loop)

    def _connect(self, loop: asyncio.AbstractEventLoop) -> AiohttpTransport:
        if self.closed:
            raise RuntimeError("This WooxyClient is closed: make a new one. Nothing was sent.")
        if self._loop is not None and self._loop is not loop and not self._loop.is_closed():
            raise RuntimeError(
                "This WooxyClient belongs to another event loop that is still open: make one client per loop "
                "(they share the account's slots by themselves), or close it there first. Nothing was sent."
            )
        self.abandon()
        settings = self.settings
        self._transport = AiohttpTransport(
            url=settings.url,
            token=settings.token.reveal(),
            ssl=settings.ssl,
            proxy=None if settings.proxy is None else settings.proxy.reveal(),
            fresh_connections=settings.fresh_connections,
            answer_limit=settings.answer_limit,
        )
        self._loop = loop
        return self._transport

    def abandon(self) -> None:
        """Let go of what belonged to a loop that is closed."""
        self.deliveries.clear()
        self.intakes.clear()
        if self._transport is not None:
            self._transport.abandon()
            self._transport = None

    @property
    def has_open_session(self) -> bool:
        """Whether connections may be open."""
        return self._transport is not None

    async def aclose(self, drain: float) -> None:
        """Refuse new messages, wait so many seconds for what is in flight, and close the session pool."""
        self.closed = True
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if self._loop is asyncio.get_running_loop():
            await self._drain(drain)
            await transport.aclose()
        else:
            transport.abandon()

    async def _drain(self, seconds: float) -> None:
        """End what has not started, and wait for what is in flight."""
        for intake in list(self.intakes):
            intake.stop()
        for delivery in [delivery for delivery in self.deliveries if not delivery.is_out]:
            delivery.cancel("not_started", "The client was closed")
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=seconds)
        for delivery in list(self.deliveries):
            reference = self._logged(delivery.message.reference)
            logger.warning("in doubt, the client was closed: message with reference %s", reference)
            delivery.cancel("cancelled", "The client was closed")
        for intake in list(self.intakes):
            intake.task.cancel()
        if tasks := self._tasks():
            await asyncio.wait(tasks)

    def _tasks(self) -> set[asyncio.Task[None]]:
        deliveries = {delivery.task for delivery in self.deliveries if delivery.task is not None}
        return deliveries | {intake.task for intake in self.intakes}

    @property
    def is_paused(self) -> bool:
        """Whether the server has asked the client to wait."""
        return self.paused_until > monotonic()

    async def until_unpaused(self) -> None:
        """Wait while the server has asked the client to wait."""
        while (left := self.paused_until - monotonic()) > 0:  # noqa: ASYNC110 - the pause may grow meanwhile
            await anyio.sleep(left)

    def pause(self, seconds: float, because: str) -> None:
        """Start no request of this client for so long."""
        if monotonic() + seconds > self.paused_until:
            self.paused_until = monotonic() + seconds
            self.paused_because = because

    @property
    def is_watched(self) -> bool:
        """Whether anybody wants to hear of each attempt."""
        return self.settings.on_attempt is not None or logger.isEnabledFor(logging.DEBUG)

    def attempted(self, attempt: Attempt) -> None:
        """Tell of a request."""
        log_attempt(attempt, whole=self.settings.log_references)
        self.call(self.settings.on_attempt, attempt)

    def count(self, outcome: Outcome) -> None:
        """Count an outcome and show it to the hook."""
        self._counts[type(outcome)] += 1
        if self.settings.on_outcome is not None:
            self.call(self.settings.on_outcome, outcome)

    def settle(self, told: Outcome, outcome: Outcome) -> None:
        """Note what became of a request that outlived its caller, who was told that it is in doubt."""
        if not isinstance(told, InDoubt):
            return
        if not isinstance(outcome, InDoubt):
            self._settled += 1
        reference = self._logged(outcome.message.reference)
        logger.info("message %s (%s) is settled: %s", outcome.index, reference, type(outcome).__name__)
        self.call(self.settings.on_settled, outcome)

    def _logged(self, reference: str | None) -> str:
        return logged_reference(reference, whole=self.settings.log_references)

    def call(self, hook: Callable[[Any], object] | None, argument: object) -> None:
        """Call a hook; its mistakes are logged and change nothing."""
        if hook is None:
            return
        try:
            hook(argument)
        except Exception:  # noqa: BLE001 - the mistake is the hook's
            self.log_mistake("a hook of WooxyClient raised; the message is not affected")

    def log_mistake(self, text: str) -> None:
        """Log the exception that is being handled, without secrets."""
        logger.error("%s\n%s", text, self.settings.redact(traceback.format_exc()))

    def statistics(self) -> Statistics:
        """Return the client's state at this moment."""
        slots, counts, paused_for = self.limiter.statistics(), self._counts, self.paused_until - monotonic()
        return Statistics(
            borrowed=slots.borrowed,
            closed=slots.closed,
            waiting=slots.waiting,
            accepted=counts[Accepted],
            rejected=counts[Rejected],
            invalid=counts[Invalid],
            not_sent=counts[NotSent],
            in_doubt=counts[InDoubt],
            outlived=sum(delivery.outcome is not None for delivery in self.deliveries),
            settled=self._settled,
            paused_for=max(0.0, paused_for),
            paused_because=self.paused_because if paused_for > 0 else "",
        )
