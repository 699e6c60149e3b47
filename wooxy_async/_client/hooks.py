"""Hooks: what others want to be called with; as functions in line, as coroutines one after another per message.

What a hook returns and can be awaited is awaited beside its message, never in its way: outside its slot, in a task of
its own for which nobody waits but the next hook of the same message, and the end of the client. So the number of those
that run or wait has a bound, which holds back the streams alone: a hook may itself send a message and wait for it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from wooxy_async._client.settings import Settings
from wooxy_async._rules.attempt import Attempt, logged_reference
from wooxy_async._rules.outcomes import Outcome
from wooxy_async._runtime import foreign
from wooxy_async._runtime.log import log_exception, say
from wooxy_async._runtime.turns import begin, let_arrive

HookName = Literal["on_attempt", "on_outcome", "on_settled"]
MAX_OPEN: Final = 100  # hooks that run or wait, before streams pull nothing more
_GRACE: Final = 1.0  # seconds in which a hook that was cancelled may clean up, before the next one of its message


class _Call(NamedTuple):
    """One hook on its way."""

    name: HookName
    told: Attempt | Outcome
    awaitable: Awaitable[object]


class _Waiting:
    """The hooks of one message: the first of them runs.

    Args:
        of: the message on its way.
    """

    __slots__ = ("calls", "of", "worker")

    def __init__(self, of: object) -> None:
        self.of = of
        self.calls: deque[_Call] = deque()
        self.worker: asyncio.Task[None]


# The line whose hook runs here: a hook that closes its client waits for every hook but those of its own message.
_own_line: Final[ContextVar[_Waiting | None]] = ContextVar("wooxy_async_hooks", default=None)


class Hooks:
    """Calls the hooks of one client.

    Args:
        settings: hold the hooks and their limit.
    """

    def __init__(self, settings: Settings) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None  # that of the client
        self._settings = settings
        self._lines: dict[object, _Waiting] = {}
        self._open = 0
        self._held_back: dict[Callable[[], object], None] = {}

    def call(self, name: HookName, told: Attempt | Outcome, of: object) -> None:
        """Call a hook where there is one; what it returns is awaited later, if it can be.

        Args:
            name: of the hook.
            told: its argument.
            of: the message on its way, whose hooks go one after another.
        """
        hook = getattr(self._settings, name)
        if hook is not None:
            foreign.call(lambda: self._take(hook(told), name, told, of), self._log_failure)

    def have_room(self, then: Callable[[], object]) -> bool:
        """Return whether a stream may pull; if not, `then` is called when it may."""
        if self._open < MAX_OPEN:
            return True
        self._held_back[then] = None
        return False

    async def ended(self) -> None:
        """Return when none is left but those of the message whose hook calls this."""
        while workers := {line.worker for line in self._others()}:
            await asyncio.wait(workers)

    async def abort(self) -> None:
        """End all that are left, but for those of the message whose hook calls this, and log what they were told."""
        for line in self._others():
            line.worker.cancel()
        await let_arrive()

    def abandon(self, *, is_inherited: bool) -> None:
        """Let go of those whose loop is closed, and log what they were told.

        Args:
            is_inherited: they are copies of the hooks of the parent of this process, which goes on with them.
        """
        for line in list(self._lines.values()):
            if is_inherited or line.worker.get_loop().is_closed():
                _close_unstarted(line.worker.get_coro())
                self._end(line, is_lost=not is_inherited)

    def _others(self) -> Iterator[_Waiting]:
        own, loop = _own_line.get(), asyncio.get_running_loop()
        return (line for line in list(self._lines.values()) if line is not own and line.worker.get_loop() is loop)

    def _take(self, returned: object, name: HookName, told: Attempt | Outcome, of: object) -> None:
        if returned is None or not inspect.isawaitable(returned):
            return
        call, line = _Call(name, told, returned), self._lines.get(of)
        if line is None:
            if self.loop is None or self.loop.is_closed():
                self._log_loss(call)
                _close_unstarted(returned)
                return
            line = _Waiting(of)
            line.worker = begin(self._work(line), self.loop)
            line.worker.add_done_callback(partial(self._end, line))
            self._lines[of] = line
        line.calls.append(call)
        self._open += 1

    async def _work(self, line: _Waiting) -> None:
        """Let the hooks of one message run, one after another."""
        while line.calls:
            await self._run(line, line.calls[0])
            self._leave(line)
        del self._lines[line.of]  # at once: what is called next is not to wait in a line where nobody works

    async def _run(self, line: _Waiting, call: _Call) -> None:
        """Let one hook run, in a task of its own: whatever it does to its task is done to nobody else."""
        task = begin(self._awaited(line, call))
        try:
            if not (await asyncio.wait({task}, timeout=self._settings.hook_timeout))[0]:
                self._say(f"was cancelled, because it was not done within {self._settings.hook_timeout:g} s", call)
                task.cancel()
                await asyncio.wait({task}, timeout=_GRACE)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _awaited(self, line: _Waiting, call: _Call) -> None:
        _own_line.set(line)
        try:
            await call.awaitable
        except BaseException as error:
            is_own = (
                isinstance(error, GeneratorExit) and not line.worker.get_loop().is_closed()
            )  # it raised that itself
            if foreign.ends_this_task(error) and not is_own:
                raise
            self._log_failure()

    def _leave(self, line: _Waiting) -> _Call:
        self._open -= 1
        if self._open < MAX_OPEN and self._held_back:
            held_back, self._held_back = self._held_back, {}
            for then in held_back:
                then()
        return line.calls.popleft()

    def _end(self, line: _Waiting, _worker: object = None, *, is_lost: bool = True) -> None:
        """Clear a line whose worker has ended, maybe before its first step."""
        if line.calls:
            del self._lines[line.of]
        while line.calls:
            call = self._leave(line)
            if is_lost:
                self._log_loss(call)
            _close_unstarted(call.awaitable)

    def _log_loss(self, call: _Call) -> None:
        self._say("was not done when its client or event loop was closed", call)

    def _say(self, what: str, call: _Call) -> None:
        match call.told:
            case Attempt(index=index, reference=reference, outcome=kind):
                pass
            case outcome:
                index, reference = outcome.index, outcome.message.reference
                kind = str(type(outcome).__struct_config__.tag)
        shown = logged_reference(reference, whole=self._settings.log_references)
        say(logging.ERROR, "the hook %s %s: message %s (%s) is %s", call.name, what, index, shown, kind)

    def _log_failure(self) -> None:
        log_exception("a hook of WooxyClient raised; the message is not affected", self._settings.redact)


def _close_unstarted(awaitable: Any) -> None:
    """Let a coroutine that never ran go without Python's warning of a bug, for it is logged."""
    if inspect.iscoroutine(awaitable) and inspect.getcoroutinestate(awaitable) == inspect.CORO_CREATED:
        awaitable.close()
