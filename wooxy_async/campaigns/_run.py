"""A run of a campaign that has a journal: rows are claimed, sent, and handed out when their outcomes stand.

One task, the *pump*, takes what the client's stream gives and writes it down; it never references the run that hands
the outcomes out, so that a run that nobody holds any more is noticed at once, and stops. Whatever ends it, what is in
flight gets the client's time to be answered, and everything that was claimed is settled or given back.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import anyio
import msgspec

from wooxy_async._client.client import WooxyClient, send_marked
from wooxy_async._client.stream import OutcomeStream
from wooxy_async._ports import Clock, Journal, TransportError
from wooxy_async._rules.journal import ClaimedRow, RowState, Settlement, settlement
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outage import Outage
from wooxy_async._rules.outcomes import InDoubt, NotSent, Outcome
from wooxy_async._runtime.log import say
from wooxy_async._runtime.turns import begin
from wooxy_async.campaigns._claims import Claims
from wooxy_async.campaigns._errors import RefusalsError
from wooxy_async.campaigns._refusals import LOOKED_AT, MAX_REFUSED, ParkedPair, Refusals
from wooxy_async.journals import JournalError

SENDING: Final = 10  # rows that a kill may put in doubt: those that are being sent, or whose outcome is being written
_UNTAKEN: Final = 20  # outcomes that stand, or are being written, and that nobody has taken yet
_TOO_MANY: Final = (
    f"Over {MAX_REFUSED:.0%} of the last {LOOKED_AT} messages were refused, so the run ends. Look at the reasons; "
    "running it again goes on, with keep_going=True in spite of them."
)
_NOT_NOTED: Final = "The journal could not note that the message was about to be sent, so nothing was sent."


class RunPace(NamedTuple):
    """How much a run sends, how fast, and whether in spite of refusals; see `Campaign.run`."""

    limit: int | None
    rate: float | None
    keep_going: bool


class Pump:
    """Carries the rows of a journal through a client.

    Args:
        client: sends.
        journal: has begun.
        render: makes a row's message.
        clock: where the time of an outcome comes from.
        pace: how much, how fast, and whether in spite of refusals.
    """

    def __init__(
        self,
        client: WooxyClient,
        journal: Journal,
        render: Callable[[ClaimedRow], ViberMessage],
        *,
        clock: Clock,
        pace: RunPace,
    ) -> None:
        self.results: deque[Outcome] = deque()
        self.handed_in: dict[int, ClaimedRow] = {}  # the rows whose outcome nobody is done with, by their index
        self.unrecorded: list[Outcome] = []
        self.error: BaseException | None = None
        self.arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._client = client
        self._journal = journal
        self._render = render
        self._clock = clock
        self._pace = pace
        self._next_at = -math.inf  # when the next message may go
        self.refusals = Refusals()
        self._claims = Claims(journal, pace.limit)
        self._stream: OutcomeStream | None = None
        self._rows: dict[int, int] = {}  # of the messages without an outcome, by their index
        self._unsettled: dict[int, int] = {}  # of those in doubt whose answer may still come
        self._late: dict[int, Outcome] = {}  # answers that came before their doubt was written
        self._places = asyncio.Semaphore(SENDING)
        self._sending: set[int] = set()  # the messages that have one of the places, by their index
        self._writes: set[asyncio.Task[None]] = set()
        self._was_stopped = False
        self._is_ending = False
        self.task = begin(self._run())
        self.task.add_done_callback(lambda _task: self.arrived.set())

    @property
    def is_over(self) -> bool:
        """Whether there will be no further outcome."""
        return self.task.done()

    @property
    def outage(self) -> Outage | None:
        """What is waited for while Wooxy is down."""
        return None if self._stream is None else self._stream.outage

    def stop(self) -> None:
        """Start nothing more; what is in flight is waited for, and written down."""
        if not (self._was_stopped or self._is_ending):
            self._was_stopped = True
            self.task.cancel()

    def taken(self) -> None:
        """Learn that an outcome was taken."""
        self._room.set()

    async def ended(self) -> None:
        """Wait until everything stands that was in flight, late answers that have come included."""
        if not self.task.done():
            await asyncio.wait({self.task})
        await self._written()

    # What the client tells of each message (`Marks`).

    async def before_sending(self, index: int) -> None:
        """Wait until few enough are being sent, and note it durably where that is wanted; see `Marks.before_sending`.

        An outcome that is not noted yet keeps its place: a kill would put that row in doubt too.
        """
        if index not in self._sending:
            await self._places.acquire()
            self._sending.add(index)
        try:
            await self._journal.before_sending(self._rows[index])
        except JournalError as error:
            self._fail(error)
            raise TransportError("not_started", _NOT_NOTED) from None

    def mark_sending(self, index: int) -> bool:
        """Note it right before the first byte; see `Marks.mark_sending`."""
        try:
            self._journal.mark_sending(self._rows[index])
        except OSError as error:
            self._fail(JournalError(f"The journal cannot note what is being sent: {error.strerror or error}."))
            return False
        return True

    def take_back(self, index: int) -> None:
        """Forget the note; see `Marks.take_back`."""
        self._journal.take_back(self._rows[index])
        self._leave_place(index)

    def resolved(self, index: int, outcome: Outcome) -> None:
        """Write down what became of a request whose stream had ended; see `Marks.resolved`."""
        if isinstance(outcome, InDoubt):
            return
        if index in self._rows:
            self._late[index] = outcome
        else:
            self._write(self._settle_late(self._unsettled.pop(index), outcome))

    # The task.

    async def _run(self) -> None:
        self._stream = stream = send_marked(self._client, self._messages(), self)
        try:
            async for outcome in stream:
                self._record(outcome)
                self._look_at_refusals(outcome)
                while len(self.results) + len(self._writes) >= _UNTAKEN:
                    self._room.clear()
                    await self._room.wait()
        except asyncio.CancelledError:
            if not self._was_stopped:
                self.error = RuntimeError("Somebody has cancelled the tasks of this run, so that it ends early.")
                raise
            self.task.uncancel()
        except Exception as error:  # noqa: BLE001 - raised where the outcomes are taken
            self.error = self.error or error
        finally:
            self._is_ending = True
            with anyio.CancelScope(shield=True):
                await stream.aclose()
                for outcome in stream.undelivered:
                    self._record(outcome)
                await self._written()
                await self._give_back()

    async def _messages(self) -> AsyncIterator[ViberMessage]:
        index = 0
        while (row := await self._claims.next()) is not None:
            message = self._render(row)
            if (why := self.refusals.passes_over(message)) is not None:
                outcome = msgspec.json.encode({"outcome": "not_sent", "cause": {"kind": "not_started", "text": why}})
                kept = Settlement(RowState.NOT_SENT, self._clock.time(), None, outcome)
                await self._journal.settle(row.id, kept)
                self._claims.settled()
                continue
            await self._wait_for_turn()
            self._rows[index] = row.id
            self.handed_in[index] = row
            yield message
            index += 1

    async def _wait_for_turn(self) -> None:
        if self._pace.rate is not None:
            now = self._clock.monotonic()
            self._next_at = max(self._next_at, now)
            wait, self._next_at = self._next_at - now, self._next_at + 1 / self._pace.rate
            await anyio.sleep(wait)

    def _look_at_refusals(self, outcome: Outcome) -> None:
        self.refusals.add(outcome)
        if self.refusals.are_too_many and not self._pace.keep_going and not self._was_stopped:
            self._fail(RefusalsError(_TOO_MANY))

    def _record(self, outcome: Outcome) -> None:
        index = outcome.index
        if isinstance(outcome, NotSent) and outcome.cause.kind == "not_started":  # it is given back
            del self.handed_in[index]
            self._leave_place(index)
            return
        row = self._rows.pop(index)
        outcome = self._late.pop(index, outcome)
        if isinstance(outcome, InDoubt):
            self._unsettled[index] = row
        kept = settlement(outcome, self._clock.time())
        if self._journal.note_outcome(row, kept):
            self._leave_place(index)
        self._write(self._settle(index, row, outcome, kept))

    def _leave_place(self, index: int) -> None:
        if index in self._sending:
            self._sending.remove(index)
            self._places.release()

    def _write(self, work: Coroutine[Any, Any, None]) -> None:
        task = begin(work)
        self._writes.add(task)
        task.add_done_callback(self._wrote)

    def _wrote(self, task: asyncio.Task[None]) -> None:
        self._writes.discard(task)
        self._room.set()  # not before: an outcome that stands would be counted twice

    async def _settle(self, index: int, row: int, outcome: Outcome, kept: Settlement) -> None:
        try:
            await self._journal.settle(row, kept)
        except JournalError as error:
            self.unrecorded.append(outcome)
            self._fail(error)
        else:
            self.results.append(outcome)
            self._claims.settled()
        self._leave_place(index)
        self.arrived.set()

    async def _settle_late(self, row: int, outcome: Outcome) -> None:
        try:
            await self._journal.settle(row, settlement(outcome, self._clock.time()))
        except JournalError:
            say(logging.WARNING, "a late answer came when the journal was closed: row %s stays in doubt", row)

    async def _written(self) -> None:
        while self._writes:
            await asyncio.wait(set(self._writes))

    async def _give_back(self) -> None:
        try:
            await self._claims.give_back(list(self._rows.values()))
        except JournalError as error:
            self.error = self.error or error

    def _fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.stop()


class CampaignRun(AsyncIterator[Outcome]):
    """The outcomes of `Campaign.run`, in the order of completion; each stands in the journal before it is handed out.

    Iterate it with `async for`. Leaving the loop in any way starts nothing more; what is in flight then is waited for
    and written down at the end of the campaign's block, or by `aclose`.
    """

    _pump: Pump | None = None  # of the class too: a run that is half made has an end

    def __init__(self, begin_pump: Callable[[], Pump]) -> None:
        self._begin_pump = begin_pump
        self._is_closed = False
        self._handed_out: int | None = None  # the index of the last outcome

    @property
    def undelivered(self) -> tuple[Outcome, ...]:
        """Outcomes that stand in the journal and that nobody took; complete after `aclose`."""
        return () if self._pump is None else tuple(self._pump.results)

    @property
    def unrecorded(self) -> tuple[Outcome, ...]:
        """Outcomes that are known and could not be written, as on a full disk: the journal has these rows in doubt."""
        return () if self._pump is None else tuple(self._pump.unrecorded)

    @property
    def outage(self) -> Outage | None:
        """What is waited for while Wooxy is down; None while it is not."""
        return None if self._pump is None else self._pump.outage

    @property
    def parked(self) -> tuple[ParkedPair, ...]:
        """Senders that were refused for a country 20 times in a row: their other messages to it are not tried."""
        return () if self._pump is None else self._pump.refusals.parked

    def row_of(self, outcome: Outcome) -> ClaimedRow:
        """Return the row of the outcome that was handed out last, or of one that was not handed out.

        Args:
            outcome: of this run.

        Raises:
            KeyError: another one was handed out since.
        """
        rows = {} if self._pump is None else self._pump.handed_in
        return rows[outcome.index]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        if self._is_closed:
            raise StopAsyncIteration
        if self._pump is None:
            self._pump = self._begin_pump()
        pump = self._pump
        while not pump.results:
            if pump.is_over:
                self._is_closed = True
                error, pump.error = pump.error, None
                raise error or StopAsyncIteration
            pump.arrived.clear()
            await pump.arrived.wait()
        outcome = pump.results.popleft()
        if self._handed_out is not None:
            del pump.handed_in[self._handed_out]
        self._handed_out = outcome.index
        pump.taken()
        return outcome

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Start nothing more, wait for what is in flight as long as the client's `drain` says, and write it down."""
        self._is_closed = True
        if self._pump is not None:
            self._pump.stop()
            with anyio.CancelScope(shield=True):
                await self._pump.ended()
            if self._pump.error is not None:
                say(logging.WARNING, "a run that was left has failed: %s", self._pump.error)
                self._pump.error = None

    def __del__(self) -> None:
        """Stop a run that nobody holds any more."""
        if self._pump is not None and not self._pump.task.get_loop().is_closed():
            self._pump.stop()
