"""Loops that were closed, children of fork, and threads: the server never sees more than ten of one token."""

import asyncio
import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import certificates
import pytest
import uvloop
from hostile import Act, HostileServer, Peer, Request, accepted
from people import messages
from waiting import PATIENCE, until

from wooxy_async import Accepted, Outcome, ViberMessage, WooxyClient
from wooxy_async._adapters import transport
from wooxy_async.campaigns import Contacts
from wooxy_async.campaigns._template import Template
from wooxy_async.limits import ProcessLimiter, _process as process

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
EVERYWHERE = [(loop, transport) for loop in LOOPS for transport in ("tcp", "tls")]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collect what died with its loop here, where its warnings are expected."""
    yield
    gc.collect()


def holding(peer: Peer, _request: Request) -> None:
    """Keep the request in progress until the client goes."""
    peer.hold()


def gated(peer: Peer, request: Request) -> None:
    """Answer when the test says so."""
    peer.wait_for_go()
    peer.answer(accepted(request.name))


def slowly(peer: Peer, request: Request) -> None:
    """Answer after a moment."""
    peer.work(0.5)
    peer.answer(accepted(request.name))


def message(name: str) -> ViberMessage:
    """Return a message that the server knows by its name."""
    return ViberMessage(domain="shop.example", phone_number="+14155550123", text=name, reference=name)


@pytest.fixture(params=EVERYWHERE, ids=["-".join(pair) for pair in EVERYWHERE])
def peer(request: pytest.FixtureRequest) -> Iterator[tuple[HostileServer, Callable[[], Any]]]:
    """A hostile server, and what makes a loop."""
    loop, transport = request.param
    with HostileServer(tls=certificates.server_context() if transport == "tls" else None) as server:
        yield server, LOOPS[loop]


def client_of(server: HostileServer, token: str, **options: Any) -> WooxyClient:
    """Return a client of the server."""
    tls = certificates.client_context() if server.tls is not None else None
    return WooxyClient(token, base_url=server.url(), ssl=tls, **{"loss_hold": 0.3, **options})


def test_a_loop_that_dies_while_its_client_closes(peer: tuple[HostileServer, Callable[[], Any]], token: str) -> None:
    """Requests that a closing client waited for when its loop was closed are cut before their slots open."""
    server, factory = peer
    names = [f"old{at}" for at in range(10)]
    server.acts.update(dict.fromkeys(names, (Act(holding),)))
    survivor, other = client_of(server, token), client_of(server, token)
    loop = factory()
    tasks = [loop.create_task(survivor.send(message(name))) for name in names]
    loop.run_until_complete(until(lambda: server.has_read(*names)))
    tasks.append(loop.create_task(survivor.aclose()))
    loop.run_until_complete(_until_closed(survivor))
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False

    async def send() -> list[Outcome]:
        async with other:
            return list(await asyncio.gather(*(other.send(message(f"new{at}")) for at in range(10))))

    with asyncio.Runner(loop_factory=factory) as runner:
        assert {type(outcome) for outcome in runner.run(asyncio.wait_for(send(), PATIENCE))} == {Accepted}
        assert server.books.crowds == []
        runner.run(survivor.aclose())
    assert not survivor._session.submissions
    del survivor, tasks, task
    gc.collect()


def abandon(factory: Callable[[], Any], client: WooxyClient, server: HostileServer, names: list[str]) -> None:
    """Begin to send, and close the loop abruptly while the requests are out."""
    loop = factory()
    tasks = [loop.create_task(client.send(message(name))) for name in names]
    loop.run_until_complete(until(lambda: server.has_read(*names)))
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False


async def _until_closed(client: WooxyClient) -> None:
    while not client.closed:
        await asyncio.sleep(0)


class Wrapping:
    """A limiter of one's own that wraps the library's."""

    def __init__(self, inner: ProcessLimiter) -> None:
        self.slot = inner.slot
        self.statistics = inner.statistics
        self.before_slots_of_dead_loops_open = inner.before_slots_of_dead_loops_open


@pytest.mark.parametrize("wrap", [None, Wrapping])
def test_a_closed_loop_is_cut_before_its_slots_open(
    peer: tuple[HostileServer, Callable[[], Any]], token: str, wrap: type[Wrapping] | None
) -> None:
    """Ten requests of a loop that was closed lose their connections before another client gets their slots."""
    server, factory = peer
    names = [f"old{at}" for at in range(10)]
    server.acts.update(dict.fromkeys(names, (Act(holding),)))
    limits: dict[str, Any] = {"limiter": wrap(ProcessLimiter(token, loss_hold=0.3))} if wrap else {}
    survivor = client_of(server, token, **limits)
    other = client_of(server, token, limiter="process" if wrap else None)
    abandon(factory, survivor, server, names)

    async def send() -> list[Outcome]:
        async with other:
            return list(await asyncio.gather(*(other.send(message(f"new{at}")) for at in range(10))))

    with asyncio.Runner(loop_factory=factory) as runner:
        assert {type(outcome) for outcome in runner.run(asyncio.wait_for(send(), PATIENCE))} == {Accepted}
    assert not survivor.closed
    assert server.books.peak[token] == 10
    assert server.books.crowds == []
    del survivor
    gc.collect()  # here, where the warnings of tasks that died with their loop are expected


def test_what_waited_in_a_closed_loop_counts_no_more(peer: tuple[HostileServer, Callable[[], Any]], token: str) -> None:
    """One message waits where one may, and its loop is closed: those of the next loop are let in as ever."""
    server, factory = peer
    server.acts["out"] = (Act(holding),)
    client = client_of(server, token, max_concurrency=1, max_waiting=1, limiter="process")
    loop = factory()
    tasks = [loop.create_task(client.send(message(name))) for name in ("out", "waits")]
    loop.run_until_complete(until(lambda: server.has_read("out") and client.statistics().waiting == 1))
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False

    async def send() -> list[Outcome]:
        async with client:
            outcomes = [await client.send(message("new0"))]
            return [*outcomes, *await asyncio.gather(*(client.send(message(name)) for name in ("new1", "new2")))]

    with asyncio.Runner(loop_factory=factory) as runner:
        assert {type(outcome) for outcome in runner.run(asyncio.wait_for(send(), PATIENCE))} == {Accepted}
    assert server.books.taken == {"out": 1, "new0": 1, "new1": 1, "new2": 1}
    del tasks, task


def test_what_died_with_its_loop_goes_in_silence(
    peer: tuple[HostileServer, Callable[[], Any]], token: str, recwarn: pytest.WarningsRecorder
) -> None:
    """Our coroutines of a loop that was closed are collected without an exception that nobody can catch."""
    server, factory = peer
    server._otherwise = Act(holding)
    unraisable: list[str] = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda told: unraisable.append(repr(told.object))
    try:
        client = client_of(server, token)
        loop = factory()
        tasks = [loop.create_task(client.send(message("sent"))), loop.create_task(_all(client))]
        loop.run_until_complete(until(lambda: server.has_read("sent", "Hello")))
        loop.close()
        for task in tasks:
            task._log_destroy_pending = False
        del tasks, loop, client, task
        gc.collect()
    finally:
        sys.unraisablehook = hook
    ours = ("Submission", "Feeder", "WooxyClient", "AiohttpTransport")  # aiohttp's and asyncio's own may raise
    assert [name for name in unraisable if any(one in name for one in ours)] == []
    recwarn.clear()


async def _all(client: WooxyClient) -> None:
    async for _outcome in client.send_many(messages(20)):
        pass


def child_of(fork: Callable[[], bool]) -> int:
    """Run something in a forked child; return how it ended."""
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            asyncio._set_running_loop(None)  # 3.11 takes the parent's loop for the child's
            code = 0 if fork() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("act", ["drop", "close", "use"])
def test_a_child_does_not_touch_its_parents_connections(
    peer: tuple[HostileServer, Callable[[], Any]], token: str, act: str
) -> None:
    """Whatever a forked child does with an inherited client, the parent's requests are answered."""
    server, factory = peer
    names = [f"parent{at}" for at in range(5)]
    server.acts.update(dict.fromkeys(names, (Act(gated),)))
    clients = [client_of(server, token)]

    def in_child() -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = clients.pop()
            if act == "close":
                asyncio.run(client.aclose())
            elif act == "use":
                asyncio.run(asyncio.wait_for(client.send(message("child")), PATIENCE))
            del client
            gc.collect()
        return True

    async def main() -> list[Any]:
        sends = [asyncio.ensure_future(clients[0].send(message(name))) for name in names]
        await until(lambda: server.has_read(*names))
        assert child_of(in_child) == 0
        server.go.set()
        told = await asyncio.wait_for(asyncio.gather(*sends, return_exceptions=True), PATIENCE)
        assert isinstance(await clients[0].send(message("after")), Accepted)
        await clients[0].aclose()
        return told

    with asyncio.Runner(loop_factory=factory) as runner:
        told = runner.run(main())
    assert [type(outcome) for outcome in told] == [Accepted] * 5
    assert server.books.taken == {**dict.fromkeys(names, 1), "after": 1, **({"child": 1} if act == "use" else {})}


def test_a_client_from_before_the_fork_shares_with_a_new_one(token: str) -> None:
    """In a child, a client that was built before the fork and a new one of the same token have ten slots together."""
    with HostileServer() as server:
        server._otherwise = Act(slowly)
        old = client_of(server, token)

        def in_child() -> bool:
            async def both() -> bool:
                async with old, client_of(server, token) as new:
                    streams = [asyncio.ensure_future(_count(client)) for client in (old, new)]
                    while old.statistics().borrowed + new.statistics().borrowed < 10:
                        await asyncio.sleep(0)
                    for _ in range(200):
                        await asyncio.sleep(0)
                    most = old.statistics().borrowed + new.statistics().borrowed
                    for stream in streams:
                        stream.cancel()
                    return most == 10

            return asyncio.run(asyncio.wait_for(both(), PATIENCE))

        async def _count(client: WooxyClient) -> None:
            async for _outcome in client.send_many(messages(20)):
                pass

        assert child_of(in_child) == 0
        assert server.books.peak[token] <= 10


def test_threads_that_build_limiters_of_one_token_share_its_account(token: str) -> None:
    """While other threads build and drop limiters of other tokens, two of one token never miss one another."""
    stop, apart = threading.Event(), []

    def others(number: int) -> None:
        for at in range(10**9):
            ProcessLimiter(f"{token}-{number}-{at}")
            if stop.is_set():
                return

    threads = [threading.Thread(target=others, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for at in range(3_000):
        pair = [ProcessLimiter(f"{token}-pair-{at}") for _ in range(2)]
        apart += [pair] if pair[0].account is not pair[1].account else []
    stop.set()
    for thread in threads:
        thread.join()
    assert apart == []


async def test_what_a_child_of_fork_does(token: str) -> None:
    """The connections of a client are replaced, its accounts begin anew, and the next message has a new connection."""
    with HostileServer() as server:
        async with client_of(server, token) as client:
            await client.send(message("before"))
            transport._disown_all()
            process._start_anew()
            assert client._session.has_open_session is False
            await client.send(message("after"))
            assert client._session.has_open_session is True
        assert server.books.taken == {"before": 1, "after": 1}
        assert server.connections == 2


async def test_a_living_loop_is_not_cut(token: str) -> None:
    """When one client's loop is found dead, another of the same share whose loop lives keeps its connections."""
    with HostileServer() as server:
        limiter = ProcessLimiter(token)
        async with client_of(server, token, limiter=limiter) as client:
            gone = client_of(server, token, limiter=limiter)
            del gone
            await client.send(message("before"))
            limiter.share.abort_dead_loops()
            await asyncio.sleep(2 * transport.QUIET)  # a connection rests for so long
            await client.send(message("after"))
        assert server.connections == 1


def test_a_refused_client_has_a_repr() -> None:
    """A client, contacts or a template that were refused say so in a traceback with locals."""
    for kind in (WooxyClient, Contacts, Template):
        assert "not made" in repr(kind.__new__(kind))
