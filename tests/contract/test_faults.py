"""The fault table, on both event loops, over TCP and TLS: the outcome is right, and the server's books agree."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import certificates
import pytest
import uvloop
from clocks import LoopClock
from fault import IN_DOUBT, REAL, UNLIMITED, http
from faults import FAULTS, Fault
from faults_lost import cutting, everywhere, splitting, working_on
from faults_proxy import PASSWORD
from hostile import Act, HostileServer, Peer, Request, accepted, ordinary
from hostile_loop import HostileLoop
from waiting import PATIENCE, until

from wooxy_async import Outcome, RetryPolicy, ViberMessage, WooxyClient, WooxyError
from wooxy_async._adapters.transport import QUIET


class PatientLoop(asyncio.SelectorEventLoop):
    """Uses a new connection only when the server has said what it says first."""

    heard: threading.Event

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect, and wait for the server's first words to reach the kernel."""
        await super().sock_connect(sock, address)
        assert self.heard.wait(PATIENCE)


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
    "patient": PatientLoop,
    "jumping": HostileLoop,
}


def loops_of(fault: Fault) -> Iterator[str]:
    """Yield the loops on which a row runs; asyncio's clock jumps unless the row needs real time.

    In the rows of an idle connection the pool measures in real time how long it was idle.
    """
    jumps = fault.timing != "real" and fault.prime is None
    for loop in sorted(fault.loops):
        if loop == "asyncio" and jumps:
            yield "jumping"
        elif fault.timing != "jumps":
            yield loop


CASES = [
    pytest.param(fault, loop, transport, id=f"{fault.name} [{loop}, {transport}]")
    for fault in FAULTS
    for loop in loops_of(fault)
    for transport in ("tcp", "tls")
    if transport in fault.on
]


def gated(peer: Peer, request: Request) -> None:
    """Answer when the test says so."""
    peer.wait_for_go()
    peer.answer(accepted(request.name))


def hanging(peer: Peer) -> None:
    """Hear the client's first words, and let it wait."""
    peer.wait_for_more()
    peer.server.done.set()
    peer.hold()


GATED = Act(gated)


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    """Run a test on an event loop, asyncio's with its own checks on."""
    with asyncio.Runner(loop_factory=LOOPS[loop], debug=loop != "uvloop") as runner:
        runner.run(main)


def message(name: str, more: str = "") -> ViberMessage:
    """Return a message that the server knows by its name."""
    return ViberMessage(
        domain="shop.example", phone_number="+14155550123", text=f"{name} {more}".strip(), reference=name
    )


async def outcome_of(client: WooxyClient, name: str, more: str = "", limit: float | None = None) -> Outcome:
    """Send a message and return its outcome, whichever it is."""
    try:
        return await client.send(message(name, more), timeout=limit)
    except WooxyError as error:
        outcome: Outcome = error.outcome
        return outcome


class Case:
    """One row of the table on one loop and one transport."""

    def __init__(self, fault: Fault, transport: str) -> None:
        self.fault = fault
        self.token = f"token-{uuid.uuid4()}"
        self.told: list[Outcome] = []
        self.settled: asyncio.Queue[Outcome] = asyncio.Queue()
        self.server = HostileServer(
            tls=certificates.server_context() if transport == "tls" else None, usual=fault.usual or ordinary
        )

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[WooxyClient]:
        """Start the server, and a client of it."""
        with self.server:
            async with self.client(**options) as client:
                yield client

    def client(self, **options: Any) -> WooxyClient:
        """Return a client that tries a message as often as the row says."""
        given: dict[str, Any] = {
            "base_url": self.server.url(),
            "ssl": certificates.client_context() if self.server.tls is not None else None,
            "answer_limit": self.limit,
            "loss_hold": 0.05,
            "retry": RetryPolicy(attempts=self.fault.attempts, wait_initial=0.001, wait_max=0.01),
            "on_outcome": self.told.append,
            "on_settled": self.settled.put_nowait,
        }
        if isinstance(asyncio.get_running_loop(), HostileLoop):
            given["clock"] = LoopClock()
        return WooxyClient(self.token, **{**given, **self.fault.options, **options})

    @property
    def limit(self) -> float:
        """The row's limit; longer where it passes in real time and the request must be out before."""
        is_real = not isinstance(asyncio.get_running_loop(), HostileLoop)
        return max(self.fault.limit, REAL) if is_real and self.fault.verdicts == (IN_DOUBT,) else self.fault.limit

    async def main(self) -> None:
        """Let the fault happen, and compare the outcome with the row and with the server's books."""
        fault, server = self.fault, self.server
        if isinstance(loop := asyncio.get_running_loop(), PatientLoop):
            loop.heard = server.done
        with server, fault.setting(server) if fault.setting is not None else nullcontext({}) as options:
            async with self.client(**options) as client:
                await self.prime(client)
                if fault.opening is not None:
                    server.openings.append(fault.opening)
                server.acts["m"] = fault.acts
                began = asyncio.get_running_loop().time()
                outcome = await outcome_of(client, "m", fault.text, fault.timeout)
                self.check_time(asyncio.get_running_loop().time() - began)
                await self.check(client, outcome)
        self.check_books(outcome)

    async def prime(self, client: WooxyClient) -> None:
        """Send a message whose connection then lies idle, and let the server do something to it."""
        if self.fault.prime is None:
            return
        self.server.acts["prime"] = (self.fault.prime,)
        assert type(await outcome_of(client, "prime")).__name__ == "Accepted"
        self.server.go.set()
        if self.fault.unseen:
            assert self.server.done.wait(PATIENCE)
        else:
            await until(self.server.done.is_set)
        await asyncio.sleep(2 * QUIET)  # a connection rests for so long after an answer

    def check_time(self, took: float) -> None:
        """Check that a limit ended it when it was due, where a clock that jumps has measured that."""
        limit = self.fault.limit if self.fault.timeout is None else self.fault.timeout
        if isinstance(asyncio.get_running_loop(), HostileLoop) and limit < UNLIMITED:
            assert took <= limit + 0.001

    async def check(self, client: WooxyClient, outcome: Outcome) -> None:
        """Check the outcome, the late one, and that the next message is none the worse for it."""
        fault = self.fault
        assert type(outcome).__name__ in fault.verdicts, (outcome.to_json()[:2000], fault.why)
        self.check_shown(outcome)
        if fault.settles is not None:
            late = await asyncio.wait_for(self.settled.get(), PATIENCE)
            assert type(late).__name__ == fault.settles
            self.check_shown(late)
        if fault.recovers:
            await until(self.server.is_quiet)
            after = await outcome_of(client, "after")
            assert getattr(after, "message_ids", after) == ("id-after",)
        assert client.statistics().borrowed == 0

    def check_shown(self, outcome: Outcome) -> None:
        """Check that an outcome shows its own ids and no secret."""
        own = {"message_ids": ("$id",)} if type(outcome).__name__ == "Accepted" else {}
        for name, value in (own | self.fault.shows).items():
            right = tuple(text.replace("$id", "id-m") for text in value) if isinstance(value, tuple) else value
            assert getattr(outcome, name) == right
        shown = f"{outcome!r} {outcome} {json.loads(outcome.to_json())}"
        assert self.token not in shown
        assert PASSWORD not in shown

    def check_books(self, outcome: Outcome) -> None:
        """Compare the outcome with what the server knows, now that it has stopped."""
        books, fault = self.server.books, self.fault
        assert books.taken["m"] <= 1
        if type(outcome).__name__ in ("NotSent", "Invalid", "Rejected"):
            assert books.taken["m"] == 0
        if type(outcome).__name__ == "Accepted":
            assert books.taken["m"] == 1
        if fault.taken is not None:
            assert books.taken["m"] == fault.taken
        assert books.taken["after"] == fault.recovers
        assert max(books.peak.values(), default=0) <= 10


@pytest.mark.parametrize(("fault", "loop", "transport"), CASES)
def test_fault(fault: Fault, loop: str, transport: str) -> None:
    """The outcome is right, the server agrees, and the next message is none the worse for it."""
    run(loop, Case(fault, transport).main())


ANYWHERE = pytest.mark.parametrize(
    ("loop", "transport"), [(loop, transport) for loop in ("jumping", "uvloop") for transport in ("tcp", "tls")]
)
NOTHING = Fault(name="nothing", right="Accepted", taken=True, why="the tests below say what happens")


@ANYWHERE
def test_answer_split_everywhere(loop: str, transport: str) -> None:
    """An answer that comes in two pieces is read whole, wherever it is split."""

    async def main() -> None:
        case, acts = Case(NOTHING, transport), everywhere(splitting)
        case.server.acts.update(acts)
        async with case.running() as client:
            async for outcome in client.send_many(message(name) for name in acts):
                assert getattr(outcome, "message_ids", outcome) == (f"id-{outcome.message.reference}",)
        assert case.server.books.taken == Counter(acts.keys())

    run(loop, main())


@ANYWHERE
def test_answer_cut_everywhere(loop: str, transport: str) -> None:
    """An answer that is lost before its last byte leaves the message in doubt, wherever it is cut."""

    async def main() -> None:
        case, acts = Case(NOTHING, transport), everywhere(cutting)
        case.server.acts.update(acts)
        async with case.running(loss_hold=0.0) as client:
            outcomes = await asyncio.gather(*(outcome_of(client, name) for name in acts))
        assert {type(outcome).__name__ for outcome in outcomes} == {"InDoubt"}
        assert case.server.books.taken == Counter(acts.keys())

    run(loop, main())


@ANYWHERE
@pytest.mark.parametrize(
    "last_words",
    [*(http(status, b"", "Connection: close") for status in (504, 408)), b""],
    ids=["504", "408", "FIN"],
)
def test_slot_is_kept_in_doubt(loop: str, transport: str, last_words: bytes) -> None:
    """A server that works on after it has said something doubtful, or hung up, never has more than ten requests."""

    async def main() -> None:
        case = Case(NOTHING, transport)
        names = [f"m{number}" for number in range(20)]
        case.server.acts.update(dict.fromkeys(names, (working_on(last_words, 0.06),)))
        async with case.running(loss_hold=0.25) as client:
            outcomes = await asyncio.gather(*(outcome_of(client, name) for name in names))
        assert {type(outcome).__name__ for outcome in outcomes} == {"InDoubt"}
        assert case.server.books.peak[case.token] <= 10

    run(loop, main())


@ANYWHERE
def test_cancelled_while_out(loop: str, transport: str) -> None:
    """A caller who is cancelled leaves a doubt; the request keeps its slot, and its late answer settles it."""

    async def main() -> None:
        case = Case(NOTHING, transport)
        case.server.acts["m"] = (GATED,)
        async with case.running() as client:
            sending = asyncio.create_task(client.send(message("m")))
            await until(lambda: case.server.has_read("m"))
            sending.cancel()
            await asyncio.wait([sending])
            assert [type(outcome).__name__ for outcome in case.told] == ["InDoubt"]
            assert client.statistics().borrowed == client.statistics().outlived == 1
            case.server.go.set()
            late_outcome = await asyncio.wait_for(case.settled.get(), PATIENCE)
            assert getattr(late_outcome, "message_ids", late_outcome) == ("id-m",)
            assert client.statistics().borrowed == client.statistics().outlived == 0
        assert case.server.books.taken["m"] == 1

    run(loop, main())


@pytest.mark.parametrize("loop", ["jumping", "uvloop"])
def test_cancelled_while_connecting(loop: str) -> None:
    """A caller who is cancelled in the TLS handshake has not sent anything, and nothing of it comes later."""

    async def main() -> None:
        case = Case(NOTHING, "tls")
        case.server.openings.append(hanging)
        async with case.running() as client:
            sending = asyncio.create_task(client.send(message("m")))
            await until(case.server.done.is_set)
            sending.cancel()
            await asyncio.wait([sending])
            assert [type(outcome).__name__ for outcome in case.told] == ["NotSent"]
            assert getattr(await outcome_of(client, "after"), "message_ids", None) == ("id-after",)
        assert case.server.books.read == {"after": 1}

    run(loop, main())


@ANYWHERE
def test_waiting_behind_ten_hanging(loop: str, transport: str) -> None:
    """Behind ten requests that hang, a message ends by its own deadline or cancellation, and was not sent."""

    async def main() -> None:
        case = Case(NOTHING, transport)
        ten = [f"m{number}" for number in range(10)]
        case.server.acts.update(dict.fromkeys(ten, (GATED,)))
        async with case.running() as client:
            hanging_ones = [asyncio.create_task(client.send(message(name))) for name in ten]
            await until(lambda: case.server.has_read(*ten))
            impatient = await outcome_of(client, "impatient", limit=0.05)
            assert type(impatient).__name__ == "NotSent"
            assert impatient.cause.kind == "no_slot"
            cancelled = asyncio.create_task(client.send(message("cancelled")))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.wait([cancelled])
            assert type(case.told[-1]).__name__ == "NotSent"
            case.server.go.set()
            await asyncio.gather(*hanging_ones)
            assert client.statistics().borrowed == 0
        assert case.server.books.read == Counter(ten)
        assert case.server.books.peak == {case.token: 10}

    run(loop, main())


def test_table() -> None:
    """The table has at least 80 rows, each with a name of its own and a reason that cites the outcome table."""
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 80
    assert not [fault.name for fault in FAULTS if "row" not in fault.why]
