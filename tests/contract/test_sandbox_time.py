"""What the sandbox does after a while, on a loop whose time the test advances: lingering, and bodies without an end."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

import pytest

from wooxy_async.sandbox import Fault, Sandbox

BODY = json.dumps({"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}).encode()
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still until a test moves it."""

    now = 1_000.0

    def time(self) -> float:
        """Return the test's time."""
        return self.now


class Peer:
    """A connection to a sandbox, as bytes."""

    def __init__(self, sandbox: Sandbox, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self._authority = sandbox.url.removeprefix("http://")
        self._reader, self.writer = streams

    def start(self, *, chunked: bool = False) -> None:
        """Send the head of a request."""
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(BODY)}"
        lines = ("POST /v3/viber/send HTTP/1.1", f"Host: {self._authority}", "Access-Token: t", framing)
        self.writer.write("\r\n".join((*lines, "Content-Type: application/json", "", "")).encode())

    async def send(self) -> bytes:
        """Send one whole request; return what its answer holds."""
        self.start()
        self.writer.write(BODY)
        return await self.receive()

    async def receive(self) -> bytes:
        """Return an answer, head and body."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        return head + await self._reader.readexactly(length)

    async def ended(self) -> bool:
        """Wait for the end of the connection; return whether nothing came before it."""
        return await self._reader.read() == b""


Connect = Callable[[], Awaitable[Peer]]


def play(sandbox: Sandbox, scene: Callable[[Connect, SteppedLoop], Coroutine[Any, Any, None]]) -> None:
    """Play a scene with a running sandbox on a loop of its own; no timer of the sandbox's may outlive it."""
    peers: list[Peer] = []
    errors: list[dict[str, Any]] = []

    async def connect() -> Peer:
        host, _, port = sandbox.url.removeprefix("http://").rpartition(":")
        peers.append(Peer(sandbox, await asyncio.open_connection(host, int(port))))
        return peers[-1]

    async def run(loop: SteppedLoop) -> None:
        loop.set_exception_handler(lambda _, context: errors.append(context))
        async with sandbox:
            try:
                await scene(connect, loop)
            finally:
                for peer in peers:
                    peer.writer.close()
        loop.now += 10_000
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        loop = cast("SteppedLoop", runner.get_loop())
        # The loop's own time never passes by itself, so that what never happens has a bound elsewhere.
        bound = threading.Timer(60, lambda: loop.call_soon_threadsafe(loop.stop))
        bound.start()
        try:
            runner.run(run(loop))
        finally:
            bound.cancel()
    assert errors == []


def test_an_answered_request_counts_on_for_the_linger() -> None:
    """Ten answered requests are ten in progress until `linger` is over; an eleventh is refused, and does not linger."""
    sandbox = Sandbox(linger=0.001)

    async def scene(connect: Connect, loop: SteppedLoop) -> None:
        peer = await connect()
        for count in range(1, 11):
            assert b" 200 " in await peer.send()
            assert sandbox.in_progress == count
        assert b" 429 " in await peer.send()
        assert (sandbox.in_progress, sandbox.peak_in_progress, sandbox.violations, sandbox.taken) == (10, 11, 1, 10)
        loop.now += 0.0009
        assert b" 429 " in await peer.send()
        loop.now += 0.0002
        await sandbox.until(lambda: sandbox.in_progress == 0)
        assert b" 200 " in await peer.send()

    play(sandbox, scene)


def test_the_sandbox_forgets_what_lingers_when_it_closes() -> None:
    """A sandbox that closes waits for no linger, and its timers go with it."""
    sandbox = Sandbox(linger=3_600)

    async def scene(connect: Connect, _: SteppedLoop) -> None:
        assert b" 200 " in await (await connect()).send()
        assert sandbox.in_progress == 1

    play(sandbox, scene)
    assert sandbox.in_progress == 0


def test_a_lost_connection_and_a_linger_end_each_in_its_own_time() -> None:
    """A short linger that begins after a long grace ends before it."""
    sandbox = Sandbox(linger=1, loss_grace=60)
    sandbox.script(Fault.reset_after_reading())

    async def scene(connect: Connect, loop: SteppedLoop) -> None:
        lost, answered = await connect(), await connect()
        with pytest.raises(ConnectionResetError):
            await lost.send()
        assert b" 200 " in await answered.send()
        assert sandbox.in_progress == 2
        loop.now += 1.5
        await sandbox.until(lambda: sandbox.in_progress == 1)
        loop.now += 60
        await sandbox.until(lambda: sandbox.in_progress == 0)

    play(sandbox, scene)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_an_end_gives_its_place_back_after_30_seconds(chunked: bool) -> None:
    """A request whose body drips holds a place for 30 s from its head, then gets 408 and was never read or taken."""
    sandbox = Sandbox()

    async def scene(connect: Connect, loop: SteppedLoop) -> None:
        peer, other = await connect(), await connect()
        peer.start(chunked=chunked)
        await sandbox.until(lambda: sandbox.in_progress == 1)
        for _ in range(29):
            loop.now += 1
            peer.writer.write(b"1\r\n{\r\n" if chunked else b"{")
            assert b" 200 " in await other.send()  # the loop has turned, and looked at its timers
            assert sandbox.in_progress == 1
        loop.now += 1.5
        answer = await peer.receive()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nConnection: close\r\n" in answer
        assert (sandbox.in_progress, sandbox.requests, sandbox.taken, sandbox.violations) == (0, 29, 29, 0)
        loop.now += 3_600  # what is left of the body is not waited for any longer
        assert await peer.ended()

    play(sandbox, scene)


def test_a_body_that_ends_in_time_is_read() -> None:
    """A body that takes nearly all of its time is taken; the time of the answer does not count."""
    sandbox = Sandbox(body_timeout=5, latency=60)

    async def scene(connect: Connect, loop: SteppedLoop) -> None:
        peer = await connect()
        peer.start(chunked=True)
        await sandbox.until(lambda: sandbox.in_progress == 1)
        loop.now += 4.9
        peer.writer.write(CHUNKED)
        await sandbox.until(lambda: sandbox.taken == 1)
        loop.now += 60
        assert b" 200 " in await peer.receive()

    play(sandbox, scene)


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [(1, b"\r\nRetry-After: 1\r\n"), (2.0, b"\r\nRetry-After: 2\r\n"), (0.5, b"\r\nRetry-After: 0.5\r\n"), (None, b"")],
)
def test_what_the_eleventh_is_told_to_wait(retry_after: float | None, header: bytes) -> None:
    """The 429 says the seconds that the sandbox was given, or nothing, as nginx does."""
    sandbox = Sandbox(linger=60, retry_after=retry_after)

    async def scene(connect: Connect, _: SteppedLoop) -> None:
        peer = await connect()
        *_, answer = [await peer.send() for _ in range(11)]
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert header in answer
        assert (b"Retry-After" in answer) is (retry_after is not None)

    play(sandbox, scene)
