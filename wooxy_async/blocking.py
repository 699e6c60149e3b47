"""For code that is not async, as under WSGI, in scripts and in queue workers: a client whose calls block their thread.

```python
from wooxy_async import ViberMessage
from wooxy_async.blocking import BlockingClient

with BlockingClient() as client:  # the token is in WOOXY_ACCESS_TOKEN
    print(client.send(ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")).message_ids)
```

The client runs in an event loop of its own, in a thread that starts with the first call in each process: after a fork
the child starts another, so that a client may be made before (gunicorn's `--preload`). What is out when a program ends
has the client's `drain` seconds for its answer.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import queue
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import anyio
from anyio.from_thread import BlockingPortal

from wooxy_async import Accepted, AccountInfo, Outcome, OutcomeStream, Priority, Statistics, ViberMessage, WooxyClient

__all__ = ["BlockingClient", "BlockingStream"]

_Result = TypeVar("_Result")
_END: Final = object()


class BlockingClient:
    """Sends as a `WooxyClient` does, for threads without an event loop; may be used by many threads at once.

    Args:
        client: the client that does it, made for nothing else; by default `WooxyClient()`.
    """

    _lock: Lock
    _portal: BlockingPortal | None

    def __init__(self, client: WooxyClient | None = None) -> None:
        self._client = client if client is not None else WooxyClient()
        self._forget_portal()
        _clients.add(self)

    def __repr__(self) -> str:
        return f"<BlockingClient of {self._client!r}>"

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._client.closed

    def send(
        self,
        message: ViberMessage,
        *,
        timeout: float | None = None,
        priority: Priority = "urgent",
        retry_in_doubt: bool | None = None,
    ) -> Accepted:
        """Send one message; see `WooxyClient.send`.

        Raises:
            RuntimeError: this thread runs an event loop, which would stand still, or the client is closed.
            BaseException: what interrupts the wait, as a KeyboardInterrupt does, has as its `outcome` what is known
                of the message then, and so says whether its request is out.
        """
        send = partial(self._client.send, message, timeout=timeout, priority=priority, retry_in_doubt=retry_in_doubt)
        return _wait_for(self._running_portal(), send)

    def send_many(
        self,
        messages: Iterable[ViberMessage] | AsyncIterable[ViberMessage],
        *,
        priority: Priority = "bulk",
        retry_in_doubt: bool | None = None,
    ) -> BlockingStream:
        """Send many messages, and iterate over their outcomes in the order of completion; see `WooxyClient.send_many`.

        Args:
            messages: an iterable is pulled in the thread that takes the outcomes, while it does so; an async one in
                the thread of the client.
            priority: as there.
            retry_in_doubt: as there.
        """
        requests: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        own = isinstance(messages, Iterable) and not isinstance(messages, str | bytes)
        source = _pulled(requests) if own else messages
        stream = self._client.send_many(
            cast("AsyncIterable[ViberMessage]", source), priority=priority, retry_in_doubt=retry_in_doubt
        )
        return BlockingStream(self._running_portal, stream, requests, iter(cast("Any", messages)) if own else None)

    def account_info(self, *, timeout: float | None = None) -> AccountInfo:
        """Ask for the account's name and balance; see `WooxyClient.account_info`."""
        return _wait_for(self._running_portal(), partial(self._client.account_info, timeout=timeout))

    def statistics(self) -> Statistics:
        """Return slots in use, messages waiting and outcomes so far."""
        return self._client.statistics()

    def close(self, *, drain: float | None = None) -> None:
        """Refuse new messages, and wait for what is in flight; see `WooxyClient.aclose`."""
        portal = self._running_portal()
        _wait_for(portal, partial(self._client.aclose, drain=drain))
        with self._lock:
            self._portal = None
        with suppress(RuntimeError):  # another thread has closed it as well
            portal.call(portal.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _running_portal(self) -> BlockingPortal:
        """Return the way into the client's event loop, which runs from the first call of each process on."""
        _refuse_in_loop()
        with self._lock:
            if self._portal is None:
                self._portal = _start_portal()
            return self._portal

    def _forget_portal(self) -> None:
        """Begin anew, as in the child of a fork: the parent's thread is not there, and its lock may be held."""
        self._lock = Lock()
        self._portal = None

    def _end(self) -> None:
        """Close it as the program ends, if it is in use."""
        if self._portal is not None:
            self.close()


class BlockingStream(Iterator[Outcome]):
    """The outcomes of `BlockingClient.send_many`, in the order of completion; one thread takes them.

    As `with client.send_many(messages) as stream:` it starts nothing at the block's end and waits there for what is in
    flight; `stream.undelivered` then holds the outcomes that nobody took.

    Args:
        portal: returns the way into the client's event loop.
        stream: the client's.
        requests: for messages of the source, and for outcomes, as they are to be served.
        source: the source, if this thread pulls it.
    """

    def __init__(
        self,
        portal: Callable[[], BlockingPortal],
        stream: OutcomeStream,
        requests: queue.SimpleQueue[Future[Any]],
        source: Iterator[ViberMessage] | None,
    ) -> None:
        self._portal = portal
        self._stream = stream
        self._requests = requests
        self._source = source
        self._next: Future[object] | None = None
        self._process = os.getpid()
        self._begun: BlockingPortal | None = None
        self._taking = Lock()

    @property
    def undelivered(self) -> tuple[Outcome, ...]:
        """Outcomes that nobody took; complete after `close`."""
        return self._stream.undelivered

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        if not self._taking.acquire(blocking=False):
            raise RuntimeError("This stream is being iterated by another thread; give each thread a stream of its own.")
        try:
            outcome = self._take()
        finally:
            self._taking.release()
        if outcome is _END:
            raise StopIteration
        return cast("Outcome", outcome)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> object:
        """Serve the stream until it has an outcome, or its end."""
        self._begun = portal = self._own_portal()
        if self._next is None:
            self._next = portal.start_task_soon(_next_of, self._stream)
            self._next.add_done_callback(self._requests.put)
        while (request := self._requests.get()) is not self._next:
            self._pull_for(request)
        self._next = None
        return request.result()

    def close(self, *, drain: float | None = None) -> None:
        """Start nothing more, and wait for what is in flight; see `OutcomeStream.aclose`."""
        _wait_for(self._own_portal(), partial(self._stream.aclose, drain=drain))

    def __del__(self) -> None:
        """Stop a stream that nobody holds any more, in the thread of its client; what is in flight goes on there."""
        portal = getattr(self, "_begun", None)
        if portal is not None and self._process == os.getpid():
            with suppress(RuntimeError):  # the client is closed
                portal.start_task_soon(partial(self._stream.aclose, drain=0))

    def _own_portal(self) -> BlockingPortal:
        if self._process != os.getpid():
            raise RuntimeError("This stream belongs to the parent of this process: call send_many here.")
        return self._portal()

    def _pull_for(self, request: Future[Any]) -> None:
        """Give the stream the message that it asks for; what the source raises is the stream's to tell."""
        if not request.set_running_or_notify_cancel():
            return
        try:
            request.set_result(next(cast("Iterator[ViberMessage]", self._source), _END))
        except Exception as error:  # noqa: BLE001 - a source may raise anything
            request.set_exception(error)
        except BaseException:
            request.set_exception(RuntimeError("The source of send_many was interrupted."))
            raise


async def _next_of(stream: OutcomeStream) -> object:
    return await anext(stream, _END)


async def _pulled(requests: queue.SimpleQueue[Future[Any]]) -> AsyncIterator[ViberMessage]:
    """Yield what another thread pulls, one request for each message."""
    while True:
        request: Future[Any] = Future()
        requests.put(request)
        message = await asyncio.wrap_future(request)
        if message is _END:
            return
        yield message


def _wait_for(portal: BlockingPortal, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Let something be done in the client's event loop; who stops waiting for it cancels it, and learns of it."""
    done: Future[object] = Future()

    async def do() -> _Result:
        try:
            return await work()
        except asyncio.CancelledError as error:
            done.set_result(getattr(error, "outcome", None))
            raise

    future = portal.start_task_soon(do)
    try:
        return future.result()
    except BaseException as error:
        if future.cancel():  # it was not done: the wait was interrupted
            with suppress(TimeoutError):
                error.outcome = done.result(_CANCELLED_WITHIN)  # type: ignore[attr-defined]
        raise


_CANCELLED_WITHIN: Final = 10.0  # seconds; a cancelled send ends in the loop's next turn


def _refuse_in_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "This thread runs an event loop, which a blocking call would stop: use a WooxyClient here, and "
        "`await client.send(…)`. Nothing was sent."
    )


def _start_portal() -> BlockingPortal:
    """Start an event loop in a thread of its own; anyio's starter would wait for it where a fork has dropped it."""
    started: Future[BlockingPortal] = Future()

    async def run() -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()

    Thread(target=anyio.run, args=(run,), name="wooxy_async.blocking", daemon=True).start()
    return started.result()


_clients: Final[weakref.WeakSet[BlockingClient]] = weakref.WeakSet()


def _forget_portals() -> None:
    for client in list(_clients):
        client._forget_portal()  # noqa: SLF001 - its own module


@atexit.register
def _end_clients() -> None:
    for client in list(_clients):
        client._end()  # noqa: SLF001 - likewise


getattr(os, "register_at_fork", lambda **_hooks: None)(after_in_child=_forget_portals)
