"""Answers that were there although the loop stood still, and lines that only such tests show to be needed."""

import asyncio
import gc
import time
import uuid
import weakref
from typing import Any

import pytest
from clocks import JumpingLoop, LoopClock
from hostile import Act, HostileServer, LostError, Peer, Request, accepted
from people import message as person
from waiting import block_until, until

from wooxy_async import Accepted, InDoubtError, RetryPolicy, ViberMessage, WooxyClient
from wooxy_async._ports import Handover, TransportError
from wooxy_async.limits import SLOTS, ProcessLimiter
from wooxy_async.sandbox import Sandbox

LIMIT = 2.0  # seconds, of time-outs that end while the loop stands still


def answering(peer: Peer, request: Request) -> None:
    """Answer when the test says so, and say when the answer is out."""
    peer.wait_for_go()
    peer.answer(accepted(request.name))
    peer.server.done.set()


def message(name: str) -> ViberMessage:
    """Return a message that the server knows by its name."""
    return ViberMessage(domain="shop.example", phone_number="+14155550123", text=name, reference=name)


def client_of(server: HostileServer, **options: Any) -> WooxyClient:
    """Return a client of the server."""
    return WooxyClient(f"token-{uuid.uuid4()}", base_url=server.url(), retry=RetryPolicy(attempts=1), **options)


@pytest.mark.parametrize("limit", ["answer_limit", "timeout"])
async def test_an_answer_that_was_there_counts(limit: str) -> None:
    """A loop that stood still past a time-out finds the answers in the kernel: all ten were accepted."""
    with HostileServer(otherwise=Act(answering)) as server:
        async with client_of(server, **{limit: LIMIT}) as client:
            names = [f"m{at}" for at in range(10)]
            sends = [asyncio.ensure_future(client.send(message(name))) for name in names]
            await until(lambda: server.has_read(*names))
            server.go.set()
            block_until(server.is_quiet)  # until the answers are in the kernel
            time.sleep(LIMIT)  # noqa: ASYNC251 - to stand still is what it is for
            outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 10


async def test_an_endless_answer_is_cut_at_its_bound() -> None:
    """A server that never ends its answer gets rid of a few bytes more than the bound, not of what it likes."""
    sent = 0

    def flooding(peer: Peer, _request: Request) -> None:
        nonlocal sent
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while sent < 64 * 2**20:
                peer.send(b" " * 65_536)
                sent += 65_536
        except LostError:
            return

    with HostileServer(otherwise=Act(flooding)) as server:
        async with client_of(server, answer_limit=60, loss_hold=0) as client:
            with pytest.raises(InDoubtError, match="longer than"):
                await client.send(message("m"))
        await until(server.is_quiet)
    assert sent < 32 * 2**20


async def test_a_connection_is_looked_at_right_before_the_write() -> None:
    """A server that hangs up after the connection was taken has been sent nothing."""
    with HostileServer() as server:
        async with client_of(server) as client:
            await client.send(message("first"))
            await asyncio.sleep(0.02)  # longer than a connection rests after an answer
            transport = client._session.transport()

            def hang_up() -> bool:
                for peer in list(server._peers):
                    peer.hang_up()
                return True

            handover = Handover(hang_up)
            with pytest.raises(TransportError):
                await transport.post(b'{"text": "second"}', handover)
            assert not handover.started
        assert server.books.read == {"first": 1}


class Reference(str):
    """A text that tells when it is gone."""

    __slots__ = ("__weakref__",)


async def test_nothing_is_kept_of_a_message_that_was_sent() -> None:
    """A `send` that has ended leaves no timer that keeps its message until the time-out."""
    async with Sandbox() as sandbox, WooxyClient("kept-nothing", base_url=sandbox.url, timeout=80_000) as client:
        reference = Reference("order-17")
        gone = weakref.ref(reference)
        await client.send(person(reference=reference))
        del reference
        await asyncio.sleep(0)
        gc.collect()
        assert gone() is None


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_slots_of_a_dead_loop_are_found_in_time() -> None:
    """A waiter looks four times a second whether a loop has died that holds slots, and gets one after the hold."""
    token = f"token-{uuid.uuid4()}"

    async def main() -> float:
        limiter = ProcessLimiter(token, loss_hold=1.0, clock=LoopClock())
        dead = asyncio.SelectorEventLoop()
        leases = [limiter.account.take(limiter.share, "bulk", dead) for _ in range(SLOTS)]
        waiting = asyncio.ensure_future(limiter.slot(priority="urgent").__aenter__())
        await asyncio.sleep(10)
        dead.close()
        began = asyncio.get_running_loop().time()
        await waiting
        del leases
        return asyncio.get_running_loop().time() - began

    with asyncio.Runner(loop_factory=JumpingLoop, debug=False) as runner:
        assert 1.0 <= runner.run(main()) <= 1.5


async def test_a_connection_rests_after_its_answer() -> None:
    """What is sent right after an answer goes on another connection: a second answer may come on the first."""
    peers: set[asyncio.BaseTransport] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.add(writer.transport)
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0]))
            writer.write(accepted("one"))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    async with WooxyClient(f"token-{uuid.uuid4()}", base_url=f"http://{host}:{port}") as client:
        for at in range(500):  # a busy machine may take longer than the rest between two
            await client.send(person(at))
            if len(peers) > 1:
                break
    server.close()
    assert len(peers) == 2
