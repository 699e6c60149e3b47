"""Compares the books of the server with what callers, hooks and sources saw."""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from anyio._backends._asyncio import _task_states
from play import Play, listening
from schedule import Schedule, draw
from simulated_loop import LivelockError, Trace
from simulated_server import ACCOUNT

from wooxy_async import Accepted, InDoubt, NotSent

LATE = 0.06  # seconds that a connection takes at the most from its start to what is read on it
URGENT_TO_BULK = 4
PATIENT = 16  # urgent messages that may go beside those while the first bulk message of a stream waits


@dataclass(frozen=True)
class Verdict:
    """What came of a schedule."""

    schedule: Schedule
    without: frozenset[int]
    wrong: list[str]
    digest: str
    messages: int
    outcomes: Counter[str]
    lines: list[str] | None


def verdict(seed: int, without: frozenset[int] = frozenset(), *, keep_trace: bool = False) -> Verdict:
    """Play the schedule of a seed without some of its choices, and judge."""
    schedule, trace = draw(seed, without), Trace(keep=keep_trace)
    gc.collect()
    gc.disable()  # when it runs of itself depends on what ran before
    play = Play(schedule, trace)
    time.monotonic.play = play  # type: ignore[attr-defined] - the simulated one
    wrong = play.ledger.wrong
    try:
        with listening(schedule.troubles["log handler"]):
            play.run()
    except LivelockError:
        wrong.append("it turns for ever")
    except Exception as error:  # noqa: BLE001 - a seed that fails is printed, however it fails
        wrong.append(f"it stopped: {error!r}")
    finally:
        gc.enable()
    if not wrong:
        wrong.extend(_compared(play))
    play.ledger.over = True
    _task_states.clear()  # of tasks that died with their loop: anyio would keep them, and all that they know of
    told = play.ledger.told
    return Verdict(
        schedule=schedule,
        without=without,
        wrong=wrong,
        digest=trace.digest,
        messages=len(play.ledger.sent),
        outcomes=Counter(type(outcomes[0][1]).__name__ for outcomes in told.values() if outcomes),
        lines=trace.lines,
    )


def _compared(play: Play) -> Iterator[str]:
    ledger, books, schedule = play.ledger, play.server.books, play.schedule
    yield from (f"over the cap: {crowd}" for crowd in books.crowds)
    for name in {**ledger.sent, **books.read}.keys() - {ACCOUNT}:
        if len(books.taken[name]) > 1 and name not in ledger.may_repeat:
            yield f"{name} was taken {len(books.taken[name])} times"
        if name not in ledger.sent:
            yield f"{name} was read, and was refused to its caller"
        if name in ledger.died:
            continue
        if len(ledger.told[name]) != 1:
            yield f"{name} was told {len(ledger.told[name])} outcomes"
            continue
        yield from _told_wrongly(play, name)
        yield from _misjudged(play, name)
    if not ledger.blocked and schedule.dies_at is None:
        yield from _too_early(play)
        yield from _starved(play)


def _told_wrongly(play: Play, name: str) -> Iterator[str]:
    ledger = play.ledger
    ((at, first),) = ledger.told[name]
    late = len(ledger.settled[name])
    if ledger.seen[name] not in ([], [first]):
        yield f"{name}: the hook was told {first!r}, and seen was {ledger.seen[name]}"
    if late != (isinstance(first, InDoubt) and first.may_settle):
        yield f"{name} was settled {late} times after {first!r}"
    if isinstance(first, NotSent) and first.cause.kind == "expired" and name not in ledger.too_late:
        yield f"{name} has no not_after, and is called {first!r}"
    for read in play.server.books.read[name]:
        if read > ledger.too_late.get(name, read) + LATE + ledger.blocked:
            yield f"{name} was read at {read:.3f}, and nothing was to start after {ledger.too_late[name]:.3f}"
        if read > ledger.left.get(name, read) + LATE + ledger.blocked:
            yield f"{name} was read at {read:.3f}, after its stream was left at {ledger.left[name]:.3f}"
        if read > at + LATE + ledger.blocked:
            yield f"{name} was read at {read:.3f}, after its outcome was told at {at:.3f}"


def _misjudged(play: Play, name: str) -> Iterator[str]:
    taken = len(play.server.books.taken[name])
    for outcome in (play.ledger.told[name][0][1], *play.ledger.settled[name]):
        if isinstance(outcome, NotSent) and outcome.cause.kind == "internal_error":
            yield f"{name} met a bug: {outcome!r}"
        if taken and not isinstance(outcome, Accepted | InDoubt):
            yield f"{name} was taken and is called {outcome!r}"
        if isinstance(outcome, Accepted) and not (taken and outcome.message_ids == (f"id-{name}",)):
            yield f"{name} was taken {taken} times and is called {outcome!r}"


def _too_early(play: Play) -> Iterator[str]:
    """Yield bulk messages that went while the server had asked the account to wait."""
    books = play.server.books
    for at, seconds in books.asked_to_wait:
        for name in play.ledger.bulk:
            for read in books.read[name]:
                if at + LATE < read < at + seconds - 0.001:
                    yield f"{name} was read at {read:.3f}; at {at:.3f} the server had asked to wait for {seconds} s"


def _starved(play: Play) -> Iterator[str]:
    """Yield streams whose first message waited while urgent ones went by."""
    ledger, books, schedule = play.ledger, play.server.books, play.schedule
    kinds = {*schedule.infos, *(kind for plan in schedule.plans.values() for kind, _delay in plan)}
    if any("429" in kind for kind in kinds) or any(at < play.server.connections for at in schedule.openings):
        return
    for name in ledger.first_of_streams:
        if name not in ledger.sent or not books.read[name]:
            continue
        from_, to = ledger.sent[name], books.read[name][0]
        if any(from_ <= at <= to for at in ledger.no_slots):
            continue  # it may have been this message's: it rests then, and has no turn
        went = [
            other for other, reads in books.read.items() for read in reads if from_ < read < to and other != ACCOUNT
        ]
        bulk = sum(other in ledger.bulk for other in went)
        if len(went) - bulk > URGENT_TO_BULK * (bulk + 1) + PATIENT:
            yield f"{name} waited for {to - from_:.2f} s while {len(went) - bulk} urgent ones and {bulk} bulk went by"


def quieten() -> None:
    """Let the library's log go nowhere."""
    logging.getLogger("wooxy_async").addHandler(logging.NullHandler())
    logging.getLogger("wooxy_async").setLevel(logging.CRITICAL)
    for name in ("wooxy_async", "asyncio"):
        logging.getLogger(name).propagate = False
    logging.getLogger("asyncio").addHandler(logging.NullHandler())
