"""The blocking client: threads, forks, interruptions and the end of a program; the server counts."""

import gc
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from threaded import ThreadedSandbox
from waiting import block_until

from wooxy_async import (
    Accepted,
    InDoubt,
    InvalidMessageError,
    NotSent,
    Outcome,
    RejectedError,
    ViberMessage,
    WooxyClient,
)
from wooxy_async.blocking import BlockingClient, BlockingStream
from wooxy_async.sandbox import Fault, Sandbox

MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")


def rows(count: int) -> Iterator[ViberMessage]:
    """Yield messages to as many people."""
    for row in range(count):
        yield ViberMessage(domain="shop.example", phone_number=f"+1415555{row:04d}", text="Hello")


@pytest.fixture
def sandbox(token: str) -> Iterator[Sandbox]:
    """A Wooxy in a thread of its own, whose requests overlap."""
    server = ThreadedSandbox(token, latency=0.02)
    yield server.sandbox
    server.close()


@pytest.fixture
def make(sandbox: Sandbox) -> Callable[..., BlockingClient]:
    """Return what makes a client of that Wooxy."""

    def made(**options: Any) -> BlockingClient:
        own: dict[str, Any] = {"base_url": sandbox.url, "limiter": "process", "loss_hold": 0.05}
        return BlockingClient(WooxyClient(sandbox.token, **own | options))

    return made


@pytest.fixture
def client(make: Callable[..., BlockingClient]) -> Iterator[BlockingClient]:
    """A client of that Wooxy."""
    with make() as opened:
        yield opened


def test_many_threads_share_one_client(client: BlockingClient, sandbox: Sandbox) -> None:
    """All is taken, and never more than ten at once."""
    with ThreadPoolExecutor(30) as pool:
        receipts = list(pool.map(client.send, rows(60)))
    assert all(isinstance(receipt, Accepted) for receipt in receipts)
    assert (sandbox.taken, sandbox.violations) == (60, 0)
    assert 1 < sandbox.peak_in_progress <= 10
    assert client.statistics().accepted == 60
    threads = [thread for thread in threading.enumerate() if thread.name == "wooxy_async.blocking"]
    assert len(threads) == 1


def test_its_calls_are_the_clients(client: BlockingClient, sandbox: Sandbox) -> None:
    """They take the same arguments, raise the same exceptions, and ask for the same account."""
    sandbox.script(Fault.error(15))
    with pytest.raises(RejectedError):
        client.send(MESSAGE, timeout=5, priority="bulk", retry_in_doubt=False)
    with pytest.raises(InvalidMessageError):
        client.send(ViberMessage(domain="", phone_number="", text=""))
    with pytest.raises(TypeError, match="send_many takes an iterable of ViberMessages, not str"):
        client.send_many("Hello")  # type: ignore[arg-type]
    assert client.account_info(timeout=5).name


def test_it_is_made_from_the_environment(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Without arguments, as the client is; closing one that was never used does no harm."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", sandbox.token)
    monkeypatch.setenv("WOOXY_BASE_URL", sandbox.url)
    client = BlockingClient()
    assert repr(client).startswith(f"<BlockingClient of <WooxyClient: open, {sandbox.url}")
    assert not client.closed
    client.close(drain=1)
    client.close()
    assert client.closed
    with pytest.raises(RuntimeError, match="closed: make a new one"):
        client.send(MESSAGE)
    client.close()


async def test_a_thread_with_a_loop_is_sent_away(make: Callable[..., BlockingClient], sandbox: Sandbox) -> None:
    """Each call says what to do instead, before anything leaves."""
    client = make()
    calls = (
        partial(client.send, MESSAGE),
        lambda: next(client.send_many([MESSAGE])),
        client.account_info,
        client.close,
    )
    for call in calls:
        with pytest.raises(RuntimeError, match=r"await client\.send\(…\)`\. Nothing was sent"):
            call()
    assert sandbox.requests == 0


# Many messages


def test_a_source_is_pulled_by_the_thread_that_takes(client: BlockingClient, sandbox: Sandbox) -> None:
    """As what belongs to one thread needs it, as a database's cursor; ten are under way at once all the same."""
    threads = set()

    def source() -> Iterator[ViberMessage]:
        for message in rows(60):
            threads.add(threading.get_ident())
            yield message

    with client.send_many(source(), priority="bulk", retry_in_doubt=False) as stream:
        indexes = [outcome.index for outcome in stream]
    assert sorted(indexes) == list(range(60))
    assert threads == {threading.get_ident()}
    assert (sandbox.taken, sandbox.violations) == (60, 0)
    assert 1 < sandbox.peak_in_progress <= 10
    assert list(stream) == []
    assert stream.undelivered == ()


def test_a_source_may_be_async(client: BlockingClient) -> None:
    """It is pulled in the thread of the client."""
    threads = set()

    async def source() -> AsyncIterator[ViberMessage]:
        for message in rows(5):
            threads.add(threading.current_thread().name)
            yield message

    assert len(list(client.send_many(source()))) == 5
    assert threads == {"wooxy_async.blocking"}


def test_a_stream_that_is_left_tells_what_was_out(client: BlockingClient, sandbox: Sandbox) -> None:
    """Each message that was pulled has its outcome: taken by the loop, or undelivered."""
    pulled = []

    def source() -> Iterator[ViberMessage]:
        for message in rows(1000):
            pulled.append(message)
            yield message

    with client.send_many(source()) as stream:
        taken = [next(stream)]
    told = [*taken, *stream.undelivered]
    assert sorted(outcome.index for outcome in told) == list(range(len(pulled)))
    assert {type(outcome) for outcome in told} <= {Accepted, NotSent}
    assert sum(isinstance(outcome, Accepted) for outcome in told) == sandbox.taken < 40
    stream.close(drain=1)


def test_a_stream_that_nobody_holds_starts_nothing_more(make: Callable[..., BlockingClient], sandbox: Sandbox) -> None:
    """It is stopped in the thread of its client, where what is out goes on."""
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    with make(on_outcome=outcomes.put) as client:
        stream = client.send_many(rows(1000))
        next(stream)
        del stream
        gc.collect()
        block_until(lambda: client.statistics().borrowed == 0)
    assert sandbox.taken < 40
    assert outcomes.qsize() < 60


def test_a_stream_that_was_never_begun_is_let_go(client: BlockingClient) -> None:
    """Nothing was pulled, and nothing is to be stopped."""
    source = rows(2)
    stream = client.send_many(source)
    del stream
    gc.collect()
    assert len(list(source)) == 2


def test_a_source_that_fails_is_told_after_what_was_out(client: BlockingClient) -> None:
    """Its own error, with where it was raised, comes after the outcomes of the messages before it."""

    def source() -> Iterator[ViberMessage]:
        yield from rows(3)
        raise LookupError

    stream = client.send_many(source())
    assert sorted(next(stream).index for _ in range(3)) == [0, 1, 2]
    with pytest.raises(LookupError) as caught:
        next(stream)
    assert caught.value.__notes__ == ["raised by the source of send_many at index 3"]


def test_a_source_that_is_interrupted_ends_its_stream(client: BlockingClient) -> None:
    """The interruption is the caller's at once; what was out has its outcome when the stream is asked again."""

    def source() -> Iterator[ViberMessage]:
        yield from rows(1)
        raise KeyboardInterrupt

    stream, outcomes = client.send_many(source()), []
    with pytest.raises(KeyboardInterrupt):
        outcomes += list(stream)
    with pytest.raises(RuntimeError, match="source of send_many was interrupted"):
        outcomes.extend(stream)
    assert [outcome.index for outcome in outcomes] == [0]


def test_a_request_that_the_stream_has_taken_back_is_passed_over(client: BlockingClient) -> None:
    """As one is whose stream was stopped meanwhile: no message is pulled for nobody."""
    source = rows(3)
    stream = client.send_many(source)
    taken_back: Future[Any] = Future()
    taken_back.cancel()
    stream._requests.put(taken_back)
    assert [outcome.index for outcome in sorted(stream, key=lambda outcome: outcome.index)] == [0, 1, 2]


def test_two_threads_cannot_take_from_one_stream(client: BlockingClient) -> None:
    """The second is told so, while the first is in the source."""
    refused: list[RuntimeError] = []

    def other() -> None:
        with pytest.raises(RuntimeError, match="iterated by another thread") as caught:
            next(stream)
        refused.append(caught.value)

    def source() -> Iterator[ViberMessage]:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        yield MESSAGE

    stream: BlockingStream = client.send_many(source())
    assert len(list(stream)) == 1
    assert len(refused) == 1


# Interruptions


class StopError(Exception):
    """What a signal's handler raises, as a queue worker's time limit does."""


def test_an_interrupted_send_says_what_is_known(client: BlockingClient, sandbox: Sandbox) -> None:
    """The request that is out is in doubt; the exception is the interruption's own, with the outcome on it."""
    sandbox.script(Fault.no_answer())

    def stop(_number: int, _frame: object) -> None:
        raise StopError

    def interrupt() -> None:
        block_until(lambda: sandbox.taken == 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, stop)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(StopError) as caught:
            client.send(MESSAGE)
    finally:
        signal.signal(signal.SIGUSR1, before)
        thread.join()
    assert isinstance(caught.value.outcome, InDoubt)  # type: ignore[attr-defined]
    client.close(drain=0)


# Processes


@pytest.fixture
def run(token: str) -> Iterator[Callable[..., str]]:
    """Return what runs a program with a Wooxy in its environment, and returns what it printed."""
    server = ThreadedSandbox(token, latency=0.2)
    own = {"WOOXY_ACCESS_TOKEN": token, "WOOXY_BASE_URL": server.sandbox.url, "WOOXY_LIMITER": "process"}

    def play(program: str, until: Callable[[Sandbox], bool] = lambda _sandbox: True) -> str:
        words = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", program]
        with subprocess.Popen(  # noqa: S603 - our own
            words, env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            block_until(lambda: process.poll() is not None or until(server.sandbox))
            printed = process.communicate("", timeout=60)[0]
        assert process.returncode == 0
        assert server.sandbox.violations == 0
        return printed

    yield play
    server.close()


FORKS = """
import os
import sys

from wooxy_async import Accepted, ViberMessage
from wooxy_async.blocking import BlockingClient

message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")
client = BlockingClient()
client.send(message)
stream = client.send_many([message] * 3)
next(stream)
with client._lock:  # as another thread may hold it at the moment of a fork
    child = os.fork()
if not child:
    try:
        next(stream)
    except RuntimeError as error:
        print(error)
    print(len(list(client.send_many([message] * 2))), isinstance(client.send(message), Accepted), flush=True)
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(len(list(stream)), isinstance(client.send(message), Accepted))
"""


def test_a_child_has_a_loop_of_its_own(run: Callable[..., str]) -> None:
    """A client that was in use before a fork sends in the child too, and goes on in the parent; both end well."""
    lines = run(FORKS).splitlines()
    assert lines == ["This stream belongs to the parent of this process: call send_many here.", "2 True", "2 True"]


LEAVES = """
import sys
import threading

from wooxy_async import ViberMessage, WooxyClient
from wooxy_async.blocking import BlockingClient


def told(outcome):
    print(type(outcome).__name__, outcome.message.reference, flush=True)


client, unused = BlockingClient(WooxyClient(on_outcome=told, DRAIN)), BlockingClient()
for row in range(5):
    message = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello", reference=str(row))
    threading.Thread(target=client.send, args=(message,), daemon=True).start()
sys.stdin.read()  # until the server has all five
"""


@pytest.mark.parametrize(("drain", "kind"), [("drain=10", "Accepted"), ("drain=0", "InDoubt")])
def test_a_program_that_ends_waits_for_what_is_out(run: Callable[..., str], drain: str, kind: str) -> None:
    """For `drain` seconds: each message has its outcome before the process is gone, and none is lost."""
    printed = run(LEAVES.replace("DRAIN", drain), lambda sandbox: sandbox.taken == 5)
    assert sorted(printed.splitlines()) == [f"{kind} {row}" for row in range(5)]
