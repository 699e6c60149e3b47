"""A process's link to the server that counts the slots: a thread with an event loop of its own.

So the lease is renewed whatever the user's event loops do, and one link serves all of them. One call at a time goes to
the server; what comes up meanwhile goes with the next. A second connection brings the grants that others' calls make.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from wooxy_async._runtime.log import say
from wooxy_async.limits._account import SlotPool
from wooxy_async.limits._redis_choice import RedisLimits
from wooxy_async.limits._redis_engine import CONNECT_LIMIT, check_server, connect, trouble_of
from wooxy_async.limits._redis_script import SCRIPT, Call, read_reply
from wooxy_async.limits._redis_slots import RedisSlots, Trouble

_RETRY: Final = 0.25  # seconds between two attempts to reach the server
_PATIENCE: Final = 1.0  # seconds after which an answer is missing
_left_behind: Final[list[object]] = []  # by a parent: its loops watch through the same descriptors as the parent's


class Link:
    """Tells the server what this process holds and wants, and brings what it grants.

    Args:
        choice: which server, and how.
        keys: the names of the account's keys.
        slots: the process's.
        pool: in which they are; the link ends when nobody uses it any more.
    """

    def __init__(self, choice: RedisLimits, keys: tuple[str, str, str], slots: RedisSlots, pool: SlotPool) -> None:
        self._choice = choice
        self._keys = keys
        self._slots = slots
        self._pool = pool
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_awake = False
        self._is_ending = False

    def start_anew(self) -> None:
        """Leave the parent's thread and connections alone: this is a forked child."""
        _left_behind.extend((self._loop, self._thread))
        self._lock = threading.Lock()
        self._thread = self._loop = None

    def start(self) -> None:
        """Be there from now on."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._is_ending, self._is_awake = False, False
                self._thread = threading.Thread(target=self._run, name="wooxy_async redis", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Tell the server something soon; may be called from any thread."""
        loop = self._loop
        if loop is not None and not self._is_awake:
            self._is_awake = True
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._changed.set)

    def stop(self) -> None:
        """End; returns at once."""
        self._is_ending, self._is_awake = True, False
        self.wake()

    def join(self, seconds: float) -> None:
        """Wait until it has ended."""
        if (thread := self._thread) is not None:
            thread.join(seconds)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._changed = asyncio.Event()
            self._loop = runner.get_loop()
            try:
                runner.run(self._live())
            finally:
                self._loop = None

    @property
    def _is_over(self) -> bool:
        return self._is_ending or (not self._pool.shares and self._slots.is_idle)

    async def _live(self) -> None:
        while not self._is_over:
            try:
                async with self._engine() as (engine, hearing):
                    await self._serve(engine, hearing)
            except Exception as error:  # noqa: BLE001 - whatever it is, who waits must hear that there is no engine
                self._fail(trouble_of(error, self._choice))
            if not self._is_ending:
                await self._pause(_RETRY)

    def _fail(self, trouble: Trouble) -> None:
        was_well = self._slots.trouble is None
        self._pool.update(lambda: self._slots.failed(trouble))
        if was_well and self._slots.trouble is not None:
            say(logging.WARNING, "no slots: %s", trouble.text)
        if self._slots.fails:
            self._pool.wake_all()

    async def _pause(self, seconds: float) -> None:
        """Wait until there is something to tell, but no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    @asynccontextmanager
    async def _engine(self) -> AsyncIterator[tuple[Redis, PubSub]]:
        """Connect, check the server, and listen."""
        engine, listener = connect(self._choice, _PATIENCE), connect(self._choice, None)
        hearing = listener.pubsub()
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                check_server(await engine.info(), self._choice.name)
                await hearing.subscribe(f"{self._keys[0]}:all", f"{self._keys[0]}:{self._slots.member}")
            yield engine, hearing
        finally:
            for closing in cast(
                "list[Callable[[], Awaitable[None]]]", [hearing.aclose, listener.aclose, engine.aclose]
            ):
                with suppress(RedisError, OSError, TimeoutError):
                    async with asyncio.timeout(_PATIENCE):
                        await closing()

    async def _serve(self, engine: Redis, hearing: PubSub) -> None:
        """Tell and hear, until the server fails or nobody wants any more."""
        listening = asyncio.get_running_loop().create_task(self._listen(hearing))
        listening.add_done_callback(lambda _task: self._changed.set())
        sync = engine.register_script(SCRIPT)
        try:
            while not self._is_over:
                if listening.done():
                    listening.result()
                self._changed.clear()
                self._is_awake = False
                await self._tell(sync)
                await self._pause(self._slots.next_call_in)
            await self._tell(sync)  # what was freed last
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _tell(self, sync: Any) -> None:
        pool, slots, calls = self._pool, self._slots, list[Call]()
        pool.change_slots(lambda: calls.append(slots.call()))
        (call,) = calls
        async with asyncio.timeout(_PATIENCE):
            answer = read_reply(await sync(keys=self._keys, args=[slots.member, call.encode()]))
        pool.update(lambda: slots.answered(call, answer))
        pool.reap()

    async def _listen(self, hearing: PubSub) -> None:
        """Take over the grants that come from others' calls."""
        async for heard in hearing.listen():
            if heard["type"] != "message":
                continue
            text = heard["data"].decode()
            word, _space, value = text.partition(" ")
            if word == "urgent":
                self._slots.yield_to_urgent()
            elif word == "pause":
                self._slots.hear_pause(int(value) / 1000)
            else:
                self._pool.update(partial(self._slots.granted, word[1:], word[:1], int(value)))
