"""Plays a schedule: clients, callers, sources and hooks against the hostile server, on one loop or on two in a row."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import random
import weakref
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import certificates
from clocks import EPOCH
from foreign_code import AwaitedHooks, Source, TroubledHandler, TroubledLimiter, Troubles
from schedule import Deed, Planned, Schedule
from simulated_loop import LivelockError, SimulatedLoop, Trace
from simulated_server import Server

from wooxy_async import AccountError, Outcome, RetryPolicy, ViberMessage, WooxyClient, WooxyError
from wooxy_async.limits import ProcessLimiter

Awaiting = Awaitable[None]
START: Final = 1000.0  # when a schedule begins, by its clock
END: Final = 1e9  # long after it
LONGEST: Final = 20_000.0  # seconds of a schedule
CLOSING: Final = 11.1  # seconds that closing may take: 10, one more, and a little
_runs = itertools.count(10**9)  # tokens of one length: what is left of an account must not be met again


@dataclass
class Ledger:
    """What callers, hooks and sources saw."""

    trace: Callable[[str], None]
    now: Callable[[], float]
    told: defaultdict[str, list[tuple[float, Outcome]]] = field(default_factory=lambda: defaultdict(list))
    settled: defaultdict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    seen: defaultdict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    sent: dict[str, float] = field(default_factory=dict)  # given to the library, and when
    bulk: set[str] = field(default_factory=set)
    may_repeat: set[str] = field(default_factory=set)
    left: dict[str, float] = field(default_factory=dict)  # nobody waits for it any more, and since when
    too_late: dict[str, float] = field(default_factory=dict)  # since when no request may start
    died: set[str] = field(default_factory=set)  # with their loop, before anybody was told
    first_of_streams: list[str] = field(default_factory=list)
    no_slots: list[float] = field(default_factory=list)  # when a limiter failed to give one, or was slow to
    blocked: float = 0.0
    wrong: list[str] = field(default_factory=list)
    over: bool = False

    def give(self, name: str) -> None:
        """Note that a message was given to the library."""
        self.sent[name] = self.now()

    def on_outcome(self, outcome: Outcome) -> str:
        """Note an outcome; return its message's name."""
        name = str(outcome.message.reference)
        self.trace(f"{name} is {type(outcome).__name__} {getattr(outcome, 'cause', None) and outcome.cause.kind}")
        self.told[name].append((self.now(), outcome))
        return name

    def on_settled(self, outcome: Outcome) -> str:
        """Note a late outcome; return its message's name."""
        name = str(outcome.message.reference)
        self.trace(f"{name} is settled: {type(outcome).__name__}")
        self.settled[name].append(outcome)
        return name

    def saw(self, name: str, outcome: Outcome) -> None:
        """Note what a caller saw: the hook may be told later, when the slot was given back."""
        self.seen[name].append(outcome)


class _Hands:
    """The clients' clock. It keeps no play alive: afterwards all pauses have passed, and its account is forgotten."""

    def __init__(self, play: Play) -> None:
        self._play = weakref.ref(play)

    def monotonic(self) -> float:
        """Return the time of the loop."""
        play = self._play()
        return END if play is None else play.monotonic()

    def time(self) -> float:
        """Return the same since the epoch."""
        return EPOCH + self.monotonic()


class Play:
    """One schedule on its way.

    Args:
        schedule: what was drawn.
        trace: what happened.
    """

    def __init__(self, schedule: Schedule, trace: Trace) -> None:
        self.schedule = schedule
        self.loop: SimulatedLoop
        self._order = random.Random(f"{schedule.seed}/order")
        self._jitter = random.Random(f"{schedule.seed}/jitter")
        self._token = f"token-{next(_runs)}"
        tls = certificates.server_context() if schedule.tls else None
        self.server = Server(schedule.plans, schedule.openings, schedule.infos, tls, trace)
        self.server.up_at = START + schedule.outage
        self.ledger = Ledger(trace=self.server.note, now=self.monotonic)
        self._troubles = {thing: Troubles(planned) for thing, planned in schedule.troubles.items()}
        no_slots = self.ledger.no_slots
        self._troubles["acquire"] = Troubles(schedule.troubles["acquire"], lambda: no_slots.append(self.monotonic()))
        self._awaited = AwaitedHooks(
            lambda: self.loop.time() - self.ledger.blocked, self.server.note, self.ledger.wrong
        )
        self._hooks_called: Counter[str] = Counter()
        self._hands = _Hands(self)
        self.clients: list[WooxyClient] = []
        self._replaced: list[WooxyClient] = []
        self._held: list[Any] = []

    def monotonic(self) -> float:
        """Return the time of the loop."""
        return self.loop.time()

    def run(self) -> None:
        """Play it."""
        self._open_loop(START)
        self.clients = [self._client(number) for number in range(len(self.schedule.clients))]
        deeds, dies_at = self.schedule.deeds, self.schedule.dies_at
        if dies_at is not None:
            self.loop.run_until_complete(self._part([deed for deed in deeds if deed.at <= dies_at], dies_at))
            self._kill()
            deeds = [deed for deed in deeds if deed.at > dies_at]
        self.loop.run_until_complete(self._all(deeds))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _open_loop(self, now: float) -> None:
        self.loop = SimulatedLoop(self._order, self.server.dial, now)
        self.loop.set_exception_handler(self._complain)
        self.server.join(self.loop)

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        is_unread = loop.is_closed() and isinstance(error, aiohttp.ClientError)  # it came when the loop had ended
        if not (self.ledger.over or is_unread):
            self.ledger.wrong.append(f"the loop complains: {context.get('message')} {error!r}")

    def _kill(self) -> None:
        """Close the loop abruptly, and go on in another."""
        tasks = asyncio.all_tasks(self.loop)
        while tasks:
            tasks.pop()._log_destroy_pending = False
        self.loop.close()
        self.ledger.died |= {name for name in self.ledger.sent if not self.ledger.told[name]}
        self.server.note("the loop dies")
        self._held.clear()
        self._open_loop(self.loop.time())
        gc.collect()

    def _client(self, number: int) -> WooxyClient:
        drawn, troubles, ledger = self.schedule.clients[number], self._troubles, self.ledger
        awaited = self.schedule.awaited

        def hook(name: str, note: Callable[[Any], str]) -> Callable[[Any], Awaiting | None]:
            def call(argument: Any) -> Awaiting | None:
                message, nth = note(argument), self._hooks_called[name]
                self._hooks_called[name] += 1
                troubles[name]()
                if not (kind := awaited[name].get(nth)):
                    return None
                return self._awaited.called(message, name, kind, drawn["hook_timeout"])

            return call

        has_on_attempt = self.schedule.troubles["on_attempt"] or awaited["on_attempt"]
        limiter: Any = "process"
        if self.schedule.troubles["acquire"] or self.schedule.troubles["release"]:
            inner = ProcessLimiter(
                self._token, share=drawn["max_concurrency"], loss_hold=drawn["loss_hold"], clock=self._hands
            )
            limiter = TroubledLimiter(inner, troubles["acquire"], troubles["release"])
        client = WooxyClient(
            self._token,
            base_url=f"http{'s' * self.schedule.tls}://127.0.0.1:1",
            ssl=certificates.client_context() if self.schedule.tls else None,
            limiter=limiter,
            max_concurrency=drawn["max_concurrency"],
            retry=RetryPolicy(attempts=drawn["attempts"], wait_max=drawn["wait_max"]),
            timeout=drawn["timeout"],
            answer_limit=drawn["answer_limit"],
            loss_hold=drawn["loss_hold"],
            patience=drawn["patience"],
            fresh_connections=drawn["fresh_connections"],
            hook_timeout=drawn["hook_timeout"],
            on_attempt=hook("on_attempt", lambda attempt: str(attempt.reference)) if has_on_attempt else None,
            on_outcome=hook("on_outcome", ledger.on_outcome),
            on_settled=hook("on_settled", ledger.on_settled),
            clock=self._hands,
        )
        client._session.jitter = self._jitter.random
        return client

    async def _part(self, deeds: list[Deed], until: float) -> None:
        """Begin some deeds, and leave them at a moment."""
        self._held = [asyncio.create_task(self._do(deed)) for deed in deeds]
        await asyncio.sleep(until)

    async def _all(self, deeds: list[Deed]) -> None:
        """Do all deeds, close everything, and see what is left."""
        end = self.loop.call_later(LONGEST, self._give_up)
        tasks = [asyncio.create_task(self._do(deed)) for deed in deeds]
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, BaseException):
                self.ledger.wrong.append(f"a caller failed: {done!r}")
        del tasks
        for client in (*self.clients, *self._replaced):
            await self._close(client)
            client.statistics()  # finds what died with its loop, if nobody has looked since
        await asyncio.sleep(max(drawn["loss_hold"] for drawn in self.schedule.clients) + 31)
        self._held.clear()
        self._look_at_what_is_left()
        end.cancel()

    def _give_up(self) -> None:
        self.ledger.wrong.append(f"it hangs: {[repr(task.get_coro()) for task in asyncio.all_tasks(self.loop)]}")
        self.loop.stop()

    def _look_at_what_is_left(self) -> None:
        wrong = self.ledger.wrong
        for client in (*self.clients, *self._replaced):
            statistics = client.statistics()
            if client.closed and not client._session.is_ended:
                wrong.append("a client was closed, and has not ended")
            if statistics.borrowed or statistics.waiting or statistics.outlived or statistics.closed:
                wrong.append(f"left behind: {statistics}")
            if client._session.feeders or client._session.submissions:
                wrong.append(f"left behind: {client._session.feeders}, {client._session.submissions}")
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            wrong.append(f"tasks left: {sorted(task.get_coro().__qualname__ for task in tasks)}")
        if self.server.books.now:
            wrong.append(f"in progress: {sorted(request.name for request in self.server.books.now)}")
        left = self.server.close()
        if self.schedule.dies_at is None:  # else idle connections of the loop that died wait for their collection
            wrong.extend(f"open at the client: {peer}" for peer in left)

    async def _close(self, client: WooxyClient) -> None:
        began, blocked = self.loop.time(), self.ledger.blocked
        await client.aclose()
        took = self.loop.time() - began - (self.ledger.blocked - blocked)
        if took > CLOSING:
            self.ledger.wrong.append(f"closing took {took:.2f} s")

    async def _do(self, deed: Deed) -> None:
        await asyncio.sleep(START + deed.at - self.loop.time())
        await getattr(self, f"_do_{deed.kind}")(deed)

    async def _do_block(self, deed: Deed) -> None:
        """Stand still, while the server goes on."""
        await asyncio.sleep(deed.how["after"])
        self.server.note(f"blocked for {deed.how['seconds']}")
        self.ledger.blocked += deed.how["seconds"]
        self.server.pass_time(deed.how["seconds"])

    async def _do_ask(self, deed: Deed) -> None:
        """Ask for the account's info, beside all else."""
        with contextlib.suppress(AccountError, RuntimeError):
            info = await self.clients[deed.client].account_info()
            if info.name != "Shop":
                self.ledger.wrong.append(f"the account is called {info!r}")

    async def _do_collect(self, _deed: Deed) -> None:
        gc.collect()

    async def _close_one(self, number: int) -> None:
        client = self.clients[number]
        self._replaced.append(client)
        self.clients[number] = self._client(number)
        await self._close(client)
        if client._session.is_ended and client._session.submissions:  # who closes it again does not wait for its end
            self.ledger.wrong.append(f"submissions of a closed client: {len(client._session.submissions)}")

    async def _do_close(self, deed: Deed) -> None:
        await self._close_one(deed.client)

    def _message(self, planned: Planned) -> ViberMessage:
        name = planned.name
        phone = "+14155550123" if planned.is_valid else "?"
        not_after = None
        if planned.late_after is not None:
            self.ledger.too_late[name] = self.monotonic() + planned.late_after
            not_after = datetime.fromtimestamp(self._hands.time() + planned.late_after, UTC)
        return ViberMessage(
            domain="shop.example", phone_number=phone, text=f"{name} hello", reference=name, not_after=not_after
        )

    async def _do_sends(self, deed: Deed) -> None:
        each = deed.how["each"]
        await asyncio.gather(*(self._send(deed, message, **each[message.name]) for message in deed.messages))

    async def _do_crowd(self, deed: Deed) -> None:
        rest = iter(deed.messages)

        async def caller() -> None:
            for message in rest:
                await self._send(deed, message)

        await asyncio.gather(*(caller() for _ in range(deed.how["callers"])))

    async def _send(
        self,
        deed: Deed,
        planned: Planned,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's own
        cancelled_after: float | None = None,
        priority: Any = "urgent",
        repeat: str = "",
    ) -> None:
        name, client, ledger = planned.name, self.clients[deed.client], self.ledger
        if repeat:
            ledger.may_repeat.add(name)
        if priority == "bulk":
            ledger.bulk.add(name)
        began, blocked = self.loop.time(), ledger.blocked

        async def sending() -> Outcome:
            ledger.give(name)
            try:
                return await client.send(
                    self._message(planned), timeout=timeout, priority=priority, retry_in_doubt=bool(repeat) or None
                )
            except WooxyError as error:
                return error.outcome
            except RuntimeError:
                del ledger.sent[name]  # closed, or of another loop: nothing was sent
                raise

        with contextlib.suppress(TimeoutError, RuntimeError):
            ledger.saw(name, await asyncio.wait_for(sending(), cancelled_after))
        limit = timeout or self.schedule.clients[deed.client]["timeout"]
        took = self.loop.time() - began - (ledger.blocked - blocked)
        if took > limit + 0.001:
            ledger.wrong.append(f"{name}: the caller waited for {took} s")

    async def _do_stream(self, deed: Deed) -> None:
        how, ledger, leaves = deed.how, self.ledger, deed.how["leaves"]
        names, given = iter(deed.messages), list[str]()
        if deed.messages and how["priority"] == "bulk":
            ledger.first_of_streams.append(deed.messages[0].name)
            ledger.bulk.update(message.name for message in deed.messages)

        def pulled(_item: ViberMessage) -> None:
            name = next(names).name
            ledger.give(name)
            given.append(name)

        source = Source(
            [self._message(each) for each in deed.messages], how, lambda: self._close_one(deed.client), pulled
        )
        client = self.clients[deed.client]
        consumer = _Consumer(self, client, client.send_many(source.opened(), priority=how["priority"]), how, given)
        if leaves == "cancel":
            task = asyncio.create_task(consumer.run())
            await asyncio.sleep(how["after"] / 50)
            task.cancel()
            await asyncio.wait([task])
            del task
        else:
            await consumer.run()
        if leaves is None:
            consumer.look_at_end(source, len(given))
        if leaves in ("hold", "cancel"):
            self._held.append(consumer)


class _Consumer:
    """Iterates a stream, and leaves it as was drawn."""

    def __init__(self, play: Play, client: WooxyClient, stream: Any, how: dict[str, Any], given: list[str]) -> None:
        self._play = play
        self._given = given
        self._client = client
        self._stream = stream
        self._how = how
        self._seen: list[Outcome] = []
        self._error: BaseException | None = None

    async def run(self) -> None:
        """Consume."""
        leaves, stream = self._how["leaves"], self._stream
        try:
            if leaves == "with":
                async with stream:
                    await self._take(stream)
                    self._note_left()
            else:
                await self._take(stream)
                if leaves == "drop":
                    self._stream = None
                del stream
                self._note_left()
                if leaves == "aclose":
                    await self._stream.aclose()
                elif leaves == "close":
                    await self._play._close(self._client)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if isinstance(error, LivelockError):
                raise
            self._error = error
        if leaves in ("with", "aclose"):
            self._compare()

    async def _take(self, stream: AsyncIterator[Outcome]) -> None:
        async for outcome in stream:
            self._seen.append(outcome)
            self._play.ledger.trace(f"{outcome.message.reference} is seen")
            if self._how["leaves"] and len(self._seen) > self._how["after"]:
                return
            if self._how["dawdles"]:
                await asyncio.sleep(self._how["dawdles"])

    def _note_left(self) -> None:
        if self._how["leaves"] in ("with", "aclose", "close", "drop"):
            self._play.ledger.left.update(dict.fromkeys(self._given, self._play.loop.time()))

    def _compare(self) -> None:
        for outcome in (*self._seen, *self._stream.undelivered):
            self._play.ledger.saw(str(outcome.message.reference), outcome)

    def look_at_end(self, source: Source, pulled: int) -> None:
        """See whether a stream that was iterated to its end has told all."""
        self._compare()
        wrong = self._play.ledger.wrong
        if isinstance(self._error, RuntimeError) and "closed" in str(self._error):
            return  # it never began
        if len(self._seen) != pulled:
            wrong.append(f"{pulled} were pulled, and {len(self._seen)} seen")
        # Where a blocked loop kept a source from its cleanup until it was left, its cancellation supersedes its error.
        was_kept = self._stream._feeder._is_left and self._play.ledger.blocked > self._stream._feeder.drain
        if source.has_raised and self._error is None and not was_kept:
            wrong.append("the error of a source was lost")
        is_whole = self._error is not None or self._client.closed or pulled == len(source._items)
        if not is_whole:
            wrong.append(f"a stream ended as if its source were exhausted after {pulled}")
        if source.has_begun and not source.has_ended:
            wrong.append("a source was not closed")


@contextlib.contextmanager
def listening(troubles: dict[int, str]) -> Any:
    """Let a log handler raise, where one is planned to."""
    handler, logger = TroubledHandler(Troubles(troubles)), logging.getLogger("wooxy_async")
    if troubles:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.CRITICAL)
