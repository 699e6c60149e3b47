"""What the client asks of the world: a clock, what carries a request, what keeps the cap, and what remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, NamedTuple, Protocol

import msgspec

from wooxy_async._rules.journal import ClaimedRow, NewRow, RowState, Settlement
from wooxy_async._rules.outcomes import CauseDetail, CauseKind, Outcome

Priority = Literal["urgent", "bulk"]


class Clock(Protocol):
    """Where time comes from; the standard library's module `time` is one.

    An event loop has a clock of its own for its timers: where the two differ, as in a simulation, both must go on
    together. One that has a coroutine function `skip(seconds)` is asked to let the pauses between attempts pass.
    """

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def time(self) -> float:
        """Return the seconds since the epoch."""
        ...


class Handover:
    """The evidence of one request: whether a byte of it may have left this process.

    It is the only thing by which "not sent" is told from "in doubt". The transport asks `may_start` right before
    its first write and calls `start` in the same step; the caller may forbid the start as long as it is not made.

    Args:
        holds: says whether the request's slot is still its own.
        mark: notes, where a process that dies cannot take it along, that a byte is about to leave, and says whether
            it could; None where nobody notes it.
    """

    __slots__ = ("_holds", "_mark", "connected", "end", "forbidden", "is_lost", "started")

    def __init__(self, holds: Callable[[], bool], mark: Callable[[], bool] | None = None) -> None:
        self._holds = holds
        self._mark = mark
        self.connected = False  # a connection was taken for it; never so under a mocked session
        self.started = False  # from here on a byte may be out
        self.forbidden = False
        self.is_lost = False  # its slot, while it was out
        self.end: Callable[[], object] | None = None  # the transport's, which ends the request, once it is under way

    def may_start(self) -> bool:
        """Return whether the request may still go."""
        return not self.forbidden and self._holds()

    def start(self) -> bool:
        """Set `started`, with the first write next; False where that could not be noted, so that nothing may leave."""
        self.started = self._mark is None or self._mark()
        return self.started

    def lose_slot(self) -> None:
        """Have a request that is out ended, because another may use its slot; one that is not out never starts."""
        self.forbidden = True
        if self.started and not self.is_lost and self.end is not None:
            self.is_lost = True
            self.end()


class Marks(Protocol):
    """Notes of the messages of one stream, known by their index, when a byte of them may be out."""

    async def before_sending(self, index: int) -> None:
        """Note durably that a request is about to be made, where that is wanted.

        Raises:
            TransportError: it could not be noted; nothing may leave.
        """
        ...

    def mark_sending(self, index: int) -> bool:
        """Note it right before the first byte, without waiting for anything; False where that could not be done."""
        ...

    def take_back(self, index: int) -> None:
        """Forget the note: no byte of the request has left, or it is known that the message was not taken."""
        ...

    def resolved(self, index: int, outcome: Outcome) -> None:
        """Learn what became of a request whose caller had left."""
        ...


class Reply(NamedTuple):
    """A whole answer, read within its bound."""

    status: int
    body: bytes
    retry_after: str | None


class TransportError(Exception):
    """No whole answer came; nothing of the HTTP library's exception is kept, because its frames hold the token.

    Args:
        kind: what happened, as `Cause.kind`.
        text: a sentence for people.
        detail: why a connection was not made, as `Cause.detail`.
    """

    def __init__(self, kind: CauseKind, text: str, detail: CauseDetail | None = None) -> None:
        super().__init__(kind, text, detail)
        self.kind: CauseKind = kind
        self.text = text
        self.detail: CauseDetail | None = detail


class Transport(Protocol):
    """Carries one request at a time per call; never retries, never follows a redirect.

    It belongs to the event loop that ran when it was made.
    """

    is_inherited: bool  # made by the parent of this process: of no use here

    async def post(self, body: bytes, handover: Handover, url: str | None = None) -> Reply:
        """Send a request and read its answer.

        Args:
            body: the whole body.
            handover: is told how far it came.
            url: of another method than that which sends messages.

        Raises:
            TransportError: no whole answer came. Whether a byte is out stands in `handover`, not in the error.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...

    def abort(self) -> None:
        """End all connections in the eyes of the server; their event loop is closed. May be called from any thread."""
        ...

    def abandon(self) -> None:
        """Give up all connections at once, because nothing can be awaited any more."""
        ...


class LimiterUnavailableError(Exception):
    """A limiter cannot keep the cap now: its message is NotSent with these words, cause `limiter_unavailable`.

    Args:
        reason: what is wrong and what helps, without secrets; one sentence with its full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lease(Protocol):
    """One slot, from its grant until it is given back.

    One that has neither `remaining` nor `lost`, as before there were such, is taken for one that cannot expire.
    """

    def holds(self) -> bool:
        """Return whether the slot is still this lease's own; asked right before its request starts."""
        ...

    def remaining(self) -> float:
        """Return the seconds for which the slot surely is this lease's own, whatever happens; inf for ever.

        No request starts when nothing is left, and one that is out is ended then. A limiter that renews its leases
        says more when it is asked again.
        """
        ...

    @property
    def lost(self) -> asyncio.Future[None] | None:
        """What is done when the slot is lost earlier than `remaining` has said; None if that cannot be.

        It belongs to the event loop in which the slot was acquired. A request that is out is ended at once: it is in
        doubt then, cause `lease_lost`.
        """
        ...

    def keep_closed(self, seconds: float) -> None:
        """Keep the slot closed for so long after the lease ends: the server may still be at work."""
        ...


class LimiterStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A limiter at one moment.

    Args:
        total: slots of the account.
        borrowed: slots in use by this client.
        closed: slots of the account that are kept closed, as after an end in doubt.
        waiting: messages of this client that wait for a slot.
    """

    total: int
    borrowed: int
    closed: int
    waiting: int


class Limiter(Protocol):
    """Keeps the number of requests in progress within the account's cap.

    One that opens slots of event loops that were closed has `before_slots_of_dead_loops_open` as well, and one that
    wraps it hands that on: a closed loop leaves its sockets open, and the server works on; see `ProcessLimiter`.
    """

    def slot(self, *, priority: Priority, deadline: float | None = None) -> AbstractAsyncContextManager[Lease]:
        """Wait for a slot and hold it for the block.

        Args:
            priority: "urgent" goes before "bulk".
            deadline: the clock's `monotonic()` at which waiting ends; None waits as long as it takes.

        Raises:
            TimeoutError: no slot became free in time.
            LimiterUnavailableError: the cap cannot be kept now. Whatever else entering the block raises means that
                the limiter does not work, and is logged. What leaving it raises is logged and changes nothing.
        """
        ...

    def statistics(self) -> LimiterStatistics:
        """Return the limiter's state at this moment."""
        ...

    def pause(self, seconds: float) -> None:
        """Tell all who use the account that its server asks them to wait so long: a hint, which may not block.

        One that has neither `pause` nor `paused_for`, as before there were such, passes nothing on.
        """
        ...

    def paused_for(self) -> float:
        """Return the seconds for which the account still pauses as far as others have told, 0.0 if it does not.

        It is asked once or twice for each message, so it may not block; it may include what was told here.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections and files; awaited once by each client that was given it, when that is closed.

        All its slots were given back, as far as they ever are. It may take 5 seconds; what it raises is logged. One
        that has no `aclose`, as before there was such, needs none.
        """
        ...


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign is made of beside its contacts, as its journal keeps it.

    Args:
        settings: what its messages and their keys are made of, by name.
        columns: of the contacts.
        source: the digest of the file of contacts; "" where there is none, so that it cannot be known to be the same.
    """

    settings: dict[str, str]
    columns: tuple[str, ...] = ()
    source: str = ""


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal found when a run began.

    Args:
        is_new: nothing stood in it.
        is_same_source: all rows of the contacts are known, so that they need not be added.
        differences: settings that have changed since, by name: what they were and what they are.
        given_back: rows that a killed run had taken and not begun to send.
        in_doubt: rows that a killed run may have sent.
    """

    is_new: bool
    is_same_source: bool
    differences: dict[str, tuple[str, str]]
    given_back: int = 0
    in_doubt: int = 0


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has decided about rows that were known before.

    Args:
        changed: "send" or "skip" rows whose number or text has changed; None refuses to begin if there are any.
        reopen: codes of documented errors: rows that were refused with them are sent again.
        who: the person, for the audit.
    """

    changed: Literal["send", "skip"] | None = None
    reopen: tuple[str, ...] = ()
    who: str = ""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows that were added.

    Args:
        added: rows that are new.
        changed: rows whose number or text has changed.
        changed_rows: the first of them, by their place.
        gone: rows that are no longer among the contacts, and were not sent.
        reopened: refused rows that are sent again.
    """

    added: int = 0
    changed: int = 0
    changed_rows: tuple[int, ...] = ()
    gone: int = 0
    reopened: int = 0


class Journal(Protocol):
    """Remembers what became of each row of a campaign, whatever happens to the process.

    A run is `begin`, `add` as often as there are rows, `merge`, then `claim` and for each claimed row the marks and
    `settle`, and `end`. Every change of a row is one of the table in `wooxy_async._rules.journal`.

    All its coroutines raise a `JournalError` where the journal cannot keep its promise: then nothing more is sent.
    """

    async def begin(self, manifest: Manifest, *, accept_settings: bool = False) -> Beginning:
        """Take the journal for one run alone, and judge what a killed run has left.

        Args:
            manifest: what the campaign is made of now.
            accept_settings: keep the new settings where they have changed; else they are told, and stay.
        """
        ...

    async def add(self, rows: Sequence[NewRow]) -> None:
        """Add rows of the contacts; a key that is known is not added again."""
        ...

    async def merge(self, choices: Choices) -> Merged:
        """End the adding: compare all rows of the contacts with those that were known."""
        ...

    async def claim(self, most: int) -> Sequence[ClaimedRow]:
        """Take the next pending rows, durably; none means that there are no more."""
        ...

    async def release(self, rows: Sequence[int]) -> None:
        """Give claimed rows back that were not begun."""
        ...

    async def before_sending(self, row: int) -> None:
        """Mark a row *sending* durably, where this journal does that before the connection is taken."""
        ...

    def mark_sending(self, row: int) -> None:
        """Mark a row *sending* right before its first byte, in microseconds, so that it outlives the process.

        Raises:
            OSError: it cannot be marked.
        """
        ...

    def take_back(self, row: int) -> None:
        """Make a row that was marked a claimed one again: it is known that it was not taken."""
        ...

    def note_outcome(self, row: int, settlement: Settlement) -> bool:
        """Note the outcome of a marked row, in microseconds, so that a kill does not put the row in doubt.

        `settle` follows in any case. False where this journal cannot: then `settle` is waited for.
        """
        ...

    async def settle(self, row: int, settlement: Settlement) -> None:
        """Record an outcome; it stands when this returns."""
        ...

    async def counts(self) -> dict[RowState, int]:
        """Return how many rows are what."""
        ...

    async def end(self, how: str) -> None:
        """End the run, and let go of the journal.

        Args:
            how: a word for people: "finished", "stopped" …
        """
        ...
