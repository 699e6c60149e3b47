"""The token that a provider gives: asked for in time, kept for a while, and asked for again when it was refused."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, Final

from wooxy_async._ports import Clock
from wooxy_async._rules import arguments
from wooxy_async._rules.outcomes import Cause
from wooxy_async._rules.redaction import ChangingSecret, Redactor
from wooxy_async._runtime.log import say

Provider = Callable[[], str | Awaitable[str]]
ASK_LIMIT: Final = 5.0  # seconds that a provider may take
KEPT: Final = 60.0  # seconds for which it is not asked again
SERVES: Final = 900.0  # seconds for which the last token serves while the provider fails
ASK_AGAIN: Final = 1.0  # seconds after a failure before which it is not asked again


class Tokens:
    """The token of one client, as its provider gave it last.

    Args:
        provider: a function, which is called in a thread, or a coroutine function.
        redact: learns each token that was seen, for good.
        clock: where time comes from.
        ask_limit: seconds that the provider may take.
    """

    def __init__(self, provider: Provider, redact: Redactor, clock: Clock, ask_limit: float = ASK_LIMIT) -> None:
        self.secret = ChangingSecret("")
        self.number = 0  # of the token: grows with each that is another
        self._provider = provider
        self._redact = redact
        self._clock = clock
        self._ask_limit = ask_limit
        self._had_at = self._failed_at = -inf
        self._why = ""
        self._has_failed = False
        self._asking: asyncio.Task[None] | None = None
        self._is_called = threading.Event()

    async def ready(self) -> Cause | None:
        """Have a token that may be used; return why there is none."""
        now = self._clock.monotonic()
        if now - self._had_at >= KEPT and now - self._failed_at >= ASK_AGAIN:
            await self._ask()
        if self._clock.monotonic() - self._had_at < SERVES:
            return None
        return Cause(kind="token_unavailable", text=f"There is no access token: its provider {self._why}.")

    async def renewed(self, number: int) -> bool:
        """Return whether there is another token than one that was refused; the provider is asked if it is the last."""
        if number == self.number:
            await self._ask()
        return number != self.number

    async def _ask(self) -> None:
        """Ask the provider, or wait for the answer that somebody else has asked for."""
        loop, asking = asyncio.get_running_loop(), self._asking
        if asking is None or asking.done() or asking.get_loop() is not loop:
            asking = self._asking = loop.create_task(self._fetch())
        await asyncio.shield(asking)

    async def _fetch(self) -> None:
        asked = asyncio.ensure_future(self._call())
        await asyncio.wait([asked], timeout=self._ask_limit)
        if not asked.done():
            asked.cancel()
            asked.add_done_callback(_forget)
            self._fail(f"has not answered within {self._ask_limit:g} s")
        elif asked.cancelled():
            self._fail("failed (CancelledError)")
        elif (error := asked.exception()) is not None:
            self._fail(f"failed ({type(error).__name__})")  # its text may hold the token
        else:
            self._take(asked)

    async def _call(self) -> Any:
        if inspect.iscoroutinefunction(self._provider):
            return await self._provider()
        given = await self._call_in_thread()
        return await given if inspect.isawaitable(given) else given

    def _call_in_thread(self) -> asyncio.Future[Any]:
        """Call it in a thread of its own: one that hangs must not keep the program from its end."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()
        if self._is_called.is_set():  # and hangs
            raise TimeoutError
        self._is_called.set()
        threading.Thread(target=self._answer, args=(loop, answered), daemon=True).start()
        return answered

    def _answer(self, loop: asyncio.AbstractEventLoop, answered: asyncio.Future[Any]) -> None:
        """Call the provider, and bring its answer to the loop that waits for it, if it still does."""
        try:
            bring = partial(answered.set_result, self._provider())
        except Exception as error:  # noqa: BLE001 - whatever it raises, it gave no token
            bring = partial(answered.set_exception, error)
        self._is_called.clear()
        with suppress(RuntimeError):  # its loop is closed
            loop.call_soon_threadsafe(_unless_done, answered, bring)

    def _take(self, asked: asyncio.Future[Any]) -> None:
        try:
            arguments.token("access_token", asked.result())
        except (TypeError, ValueError) as error:
            self._fail(f"gave none ({error})".rstrip(".)") + ")")
            return
        if asked.result() != self.secret.reveal():
            self._redact.add(asked.result())
            self.secret.change(asked.result())
            self.number += 1
        self._had_at = self._clock.monotonic()
        self._has_failed = False

    def _fail(self, why: str) -> None:
        self._failed_at, self._why = self._clock.monotonic(), why
        if not self._has_failed:
            self._has_failed = True
            text = "the provider of the access token %s; the last token serves for %s minutes at the most"
            say(logging.WARNING, text, why, round(SERVES / 60))


def _unless_done(answered: asyncio.Future[Any], bring: Callable[[], None]) -> None:
    if not answered.done():
        bring()


def _forget(asked: asyncio.Future[Any]) -> None:
    """Take what nobody waits for any more."""
    if not asked.cancelled():
        asked.exception()
