"""Cancellation after each of the first 400 turns of the loop: what is said of a message is what the server's books say.

The server and all that stands before it run in the client's loop, so a turn is the smallest step there is; what passes
between them passes in small pieces, so that handshakes, requests and answers take many turns.
"""

import asyncio
import gc
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import certificates
import pytest
from fronts import WHOLE, Front, front, listening
from people import message
from waiting import turn_until

from wooxy_async import Accepted, InDoubt, NotSent, Outcome, ViberMessage, WooxyClient
from wooxy_async.sandbox import Sandbox

TURNS = 400
STREAM_WAYS = ["plain", "tls", "proxy", "tunnel"]
PIECES = {"pooled": 3, "plain": 3, "tls": 24, "proxy": 3, "tunnel": 32}  # bytes that pass in a turn


class Books:
    """What the client says of each message, beside what the server knows of it."""

    def __init__(self) -> None:
        self.told: dict[str, list[Outcome]] = {}
        self.settled: dict[str, list[Outcome]] = {}
        self.kinds: Counter[type[Any]] = Counter()  # of all that was told

    def hear(self, outcome: Outcome) -> None:
        """Note what a caller is told."""
        self.told.setdefault(outcome.message.phone_number, []).append(outcome)

    def settle(self, outcome: Outcome) -> None:
        """Note what became of a doubt."""
        self.settled.setdefault(outcome.message.phone_number, []).append(outcome)

    def check(self, turn: int, each: ViberMessage, taken: int, *, known: bool) -> None:
        """Compare what was said of a message with how often the server took it.

        Args:
            turn: the one in which the caller was cancelled.
            each: the message.
            taken: by the server.
            known: whether the client must have heard of it.
        """
        told, settled = self.told.pop(each.phone_number, []), self.settled.pop(each.phone_number, [])
        case = f"turn {turn}: told {told}, settled {settled}, taken {taken} times"
        self.kinds.update(map(type, told))
        assert len(told) == 1 or not (told or known), case
        assert len(settled) == sum(isinstance(outcome, InDoubt) for outcome in told), case
        last = [*told, *settled][-1:]
        assert taken == sum(isinstance(outcome, Accepted) for outcome in last), case
        assert not [outcome for outcome in last if not isinstance(outcome, Accepted | NotSent)], case


class Stage:
    """A client and the sandbox that it reaches in some way.

    Args:
        client: the client.
        sandbox: the sandbox.
        outer: what the client connects to.
        books: hear what the client says.
        piece: bytes that pass in a turn.
    """

    def __init__(self, client: WooxyClient, sandbox: Sandbox, outer: Front, books: Books, piece: int) -> None:
        self.client = client
        self.books = books
        self._sandbox = sandbox
        self._outer = outer
        self._piece = piece

    async def cancelled_after(self, turn: int, task: asyncio.Task[Any]) -> Any:
        """Let the loop turn so often, cancel a task, and return its result; None if it has none."""
        self._outer.piece = self._piece
        await turns(turn, task)
        task.cancel()
        while not task.done():
            await asyncio.sleep(0)
        self._outer.piece = WHOLE
        return None if task.cancelled() else task.result()

    async def compare(self, turn: int, *sent: ViberMessage, known: bool = True) -> None:
        """Wait until nothing is under way, and compare the books; nothing is left in the client."""
        client, sandbox = self.client, self._sandbox
        await turn_until(
            lambda: not (client._session.submissions or client._session.feeders or sandbox.in_progress),
            f"turn {turn}: the end of {client!r} and {sandbox!r}, {client.statistics()}",
        )
        taken = Counter(each.number for each in sandbox.messages)
        for each in sent:
            self.books.check(turn, each, taken[each.phone_number], known=known)
        seen, kinds = client.statistics(), self.books.kinds
        left = (seen.borrowed, seen.waiting, seen.closed, seen.outlived)
        assert left == (0, 0, 0, 0), f"turn {turn}: {seen}"
        counts, doubts = (seen.accepted, seen.not_sent, seen.in_doubt, seen.settled), kinds[InDoubt]
        assert counts == (kinds[Accepted], kinds[NotSent], doubts, doubts), f"turn {turn}: {seen}, told {kinds}"
        assert sandbox.requests == sandbox.taken, f"turn {turn}"
        assert not client._session.transport()._connector._acquired, f"turn {turn}"
        assert (self.books.told, self.books.settled, sandbox.violations) == ({}, {}, 0), f"turn {turn}"
        sandbox.reset()


async def turns(count: int, task: asyncio.Task[Any]) -> None:
    """Let the loop turn so often, or until a task has ended."""
    for _ in range(count):
        if task.done():
            return
        await asyncio.sleep(0)


def tasks() -> set[asyncio.Task[Any]]:
    """Return what is under way."""
    return {task for task in asyncio.all_tasks() if not task.done()}


def sockets() -> int:
    """Return how many sockets this process has."""
    gc.collect()
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208 - no path is wanted
        with suppress(FileNotFoundError):  # that of the list itself
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")  # noqa: PTH115 - likewise
    return count


@asynccontextmanager
async def served(way: str, token: str) -> AsyncIterator[Stage]:
    """Open a client that reaches a sandbox in some way; in the end all ten slots work and nothing is left."""
    asyncio.get_running_loop().set_debug(False)  # it keeps a stack for each turn, and half a million are too many
    own, before = tasks(), sockets()
    async with AsyncExitStack() as stack:
        books, listener = Books(), listening()
        here = listener.getsockname()
        behind = ("127.0.0.2", here[1])  # the port that the client asks for stands in `Host`
        sandbox = await stack.enter_async_context(Sandbox(token=token, host=behind[0], port=behind[1]))
        given: dict[str, Any] = {"base_url": f"http://127.0.0.1:{here[1]}", "fresh_connections": way != "pooled"}
        given["limiter"] = "process"  # the other one keeps a socket, which outlives its clients
        if way in ("tls", "tunnel"):
            given |= {"base_url": f"https://127.0.0.1:{here[1]}", "ssl": certificates.client_context()}
            inner = listening()
            await stack.enter_async_context(front(behind, listener=inner, tls=certificates.server_context()))
            behind = inner.getsockname()
        if way in ("proxy", "tunnel"):
            given |= {"proxy": f"http://127.0.0.1:{here[1]}"}
        outer = await stack.enter_async_context(front(behind, listener=listener, answers_connect=way == "tunnel"))
        client = WooxyClient(token, **given, loss_hold=0, on_outcome=books.hear, on_settled=books.settle)
        await stack.enter_async_context(client)
        stage = Stage(client, sandbox, outer, books, PIECES[way])
        yield stage
        ten = [message(at) for at in range(10)]
        await asyncio.gather(*map(client.send, ten))
        await stage.compare(TURNS, *ten)
    await turn_until(lambda: tasks() == own, f"only {own}")
    for _ in range(TURNS):  # in which the descriptors of closed connections go
        await asyncio.sleep(0)
    assert sockets() <= before


@pytest.mark.parametrize("way", PIECES)
async def test_a_send(token: str, way: str) -> None:
    """A `send` that is cancelled in any turn: what was said is true, and nothing is left."""
    async with served(way, token) as stage:
        for turn in range(TURNS):
            one = message(turn)
            receipt = await stage.cancelled_after(turn, asyncio.ensure_future(stage.client.send(one)))
            assert receipt is None or receipt.message is one
            await stage.compare(turn, one, known=turn > 0)
    assert set(stage.books.kinds) == {Accepted, InDoubt, NotSent}


@pytest.mark.parametrize("way", STREAM_WAYS)
async def test_a_step_of_a_stream(token: str, way: str) -> None:
    """A step of a stream that is cancelled in any turn: closing it tells the truth, and going on misses nothing."""
    async with served(way, token) as stage:
        for turn in range(TURNS):
            pulled: list[ViberMessage] = []
            stream = stage.client.send_many(noting(pulled, turn))
            first = await stage.cancelled_after(turn, asyncio.ensure_future(anext(stream)))
            outcomes = [] if first is None else [first]
            if turn % 2:
                outcomes += [outcome async for outcome in stream]
                assert len(outcomes) == 2, f"turn {turn}"
            await stream.aclose()
            outcomes += stream.undelivered
            assert sorted(outcome.index for outcome in outcomes) == list(range(len(pulled))), f"turn {turn}: {outcomes}"
            await stage.compare(turn, *pulled)
    assert set(stage.books.kinds) == {Accepted, NotSent}


def noting(pulled: list[ViberMessage], turn: int) -> Iterator[ViberMessage]:
    """Yield two messages, and note them as they are pulled."""
    for at in range(2):
        pulled.append(message(2 * turn + at))
        yield pulled[-1]


async def test_a_wait_for_a_slot(token: str) -> None:
    """A `send` that waits for one of ten slots is cancelled there, as it gets one, or a little later: none is lost."""
    async with served("plain", token) as stage:
        limiter = stage.client._session.limiter
        for turn in range(TURNS):
            one = message(turn)
            async with AsyncExitStack() as nine:
                for _ in range(9):
                    await nine.enter_async_context(limiter.slot(priority="urgent"))
                later = 0 if turn % 2 else turn % 40 // 2
                async with limiter.slot(priority="urgent"):
                    task = asyncio.ensure_future(stage.client.send(one))
                    await turns(turn - later, task)
                    assert not task.done()
                    if turn % 2:  # the slot comes when the caller has gone, and its message may not know it yet
                        task.cancel()
                        await turns(turn % 8 // 2, task)
                await stage.cancelled_after(later, task)
            await stage.compare(turn, one, known=turn > 0)
    assert set(stage.books.kinds) == {Accepted, InDoubt, NotSent}


if sys.version_info >= (3, 12):
    EAGER = {
        **{f"send, {way}": (test_a_send, way) for way in PIECES},
        **{f"stream, {way}": (test_a_step_of_a_stream, way) for way in STREAM_WAYS},
        "wait": (test_a_wait_for_a_slot,),
    }

    @pytest.mark.parametrize("name", EAGER)
    def test_on_eager_tasks(token: str, name: str) -> None:
        """The same where tasks run their first step at once; on asyncio alone, for uvloop knows no such tasks."""
        test, *way = EAGER[name]
        with asyncio.Runner() as runner:
            runner.get_loop().set_task_factory(asyncio.eager_task_factory)
            runner.run(test(token, *way))
