"""The slots of an account on a Redis or Valkey server, as one process sees them.

Everything here runs under the account's lock and waits for nothing: the link to the server, in a thread of its own,
asks what there is to tell, and brings answers and grants.

A *ticket* is one slot of this member, from its grant until it is freed. A *wish* is a ticket that is not granted yet,
and has its name already: a grant that comes twice, or late, is known by it.
"""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from math import ceil, inf
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

from wooxy_async._ports import Clock, Priority
from wooxy_async._runtime.log import say
from wooxy_async.limits._redis_script import Call, Standing, Who
from wooxy_async.limits._redis_ticket import Ticket
from wooxy_async.limits._slots import SLOTS, Slot, Terms

MARGIN: Final = 1.0  # seconds before its lease ends from which a slot is not used any more
PAUSE_MAX: Final = 900.0  # seconds for which an account pauses on the word of another process
HAND_OVER: Final = 0.25  # seconds for which a slot may pass from one message of this process to the next
_YIELDS_FOR: Final = 0.1  # seconds after word of an urgent message elsewhere, in which none does
_CALLS_KNOWN: Final = 1000  # of which it is known when they were made; messages of older ones come too late
_KINDS: Final[dict[Priority, str]] = {"urgent": "u", "bulk": "b"}
Wanted = Callable[[], list[tuple[Priority, float]]]


class Trouble(NamedTuple):
    """Why nothing is granted now.

    Args:
        text: for people, without secrets.
        is_away: the server does not answer, so that `offline_share` may be used.
    """

    text: str
    is_away: bool


class SlotsLink(Protocol):
    """What the slots ask of their link to the server."""

    def wake(self) -> None:
        """Tell the server something soon."""
        ...

    def stop(self) -> None:
        """End; returns at once."""
        ...

    def start_anew(self) -> None:
        """Leave the parent's connections alone: this is a forked child."""
        ...


class RedisSlots:
    """Ten slots that all processes share which meet at one server.

    Args:
        lease: seconds for which this process's slots are its own after each answer of the server.
        offline_share: slots that it may use while the server is away.
        clock: where time comes from.
    """

    poll_every = 0.25
    retry_in = 0.0
    is_alone = False

    def __init__(
        self,
        lease: float,
        *,
        offline_share: int = 0,
        clock: Clock = time,
    ) -> None:
        self.lease = lease
        self.link: SlotsLink | None = None
        self._wanted: Wanted = list
        self.max_bulk = SLOTS
        self.trouble: Trouble | None = None
        self._offline_share = offline_share
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self.member = secrets.token_hex(8)
        self._who = Who(host=socket.gethostname(), pid=os.getpid(), command=Path(sys.argv[0] if sys.argv else "").name)
        self.urgent_in_a_row = 0
        self.is_offline = False
        self._names = itertools.count()
        self._numbers = itertools.count(1)
        self._sent: dict[int, float] = {}  # when the last calls were made
        self._tickets: dict[str, Ticket] = {}
        self._pool: list[Ticket] = []  # those that no message uses, for a moment
        self._wishes: dict[str, tuple[str, float]] = {}
        self._freed: dict[str, int] = {}
        self._has_news = False  # that the server should be told at once
        self._hold = 0.0
        self._valid_until = -inf
        self._yield_until = -inf
        self._away_since = self._clock.monotonic()
        self._offline_closed: list[float] = []
        self._opens_at = inf
        self._paused_until = -inf
        self._answer = Standing(opens=inf, paused=0.0, closed=0, urgent_waits=False, bulk_waits=False, tickets={})

    def start_anew(self) -> None:
        """Hold nothing, under a new name: this is a forked child."""
        cast("SlotsLink", self.link).start_anew()
        self._reset()

    def connect(self, link: Callable[[], SlotsLink], wanted: Wanted) -> None:
        """Have a link, and know who waits.

        Args:
            link: makes it, once.
            wanted: returns the priority of each message that may have a slot and waits, and since when.
        """
        if self.link is None:
            self.link, self._wanted = link(), wanted

    def close(self) -> None:
        """End the link for good."""
        cast("SlotsLink", self.link).stop()

    @property
    def seconds_left(self) -> float:
        """Seconds for which tickets are this process's."""
        return self.seconds_until(self._valid_until)

    def seconds_until(self, time: float) -> float:
        """Return the seconds until then, below 0 if it has passed."""
        return time - self._clock.monotonic()

    # What the account asks.

    def take(self, terms: Terms, priority: Priority, since: float | None) -> Ticket | None:  # noqa: ARG002 - a protocol
        """Return a free slot; see `Slots.take`."""
        self._hold = max(self._hold, terms.loss_hold)
        for ticket in self._pool:
            if ticket.holds() and self._fits(ticket, priority):
                self._pool.remove(ticket)
                ticket.kind = _KINDS[priority]
                return ticket
        return self._take_offline(priority) if self.is_offline else None

    def give(self, slot: Slot, keep: float) -> None:
        """Take a slot back; see `Slots.give`."""
        ticket, now = cast("Ticket", slot), self._clock.monotonic()
        ticket.watch(None)
        if self._tickets.get(ticket.name) is not ticket:
            return
        may_pass_on = now - ticket.since < HAND_OVER and now >= self._yield_until and ticket.holds()
        if ticket.is_offline:
            del self._tickets[ticket.name]
            if keep > 0:
                self._offline_closed.append(now + keep)
        elif keep <= 0 and may_pass_on:
            self._pool.append(ticket)
        else:
            self._free(ticket, keep)

    def announce(self, urgent: float | None, bulk: float | None) -> None:  # noqa: ARG002 - a protocol
        """Wish for as many slots as messages wait for, and free what nobody uses; see `Slots.announce`."""
        wanted = self._wanted()
        for ticket in list(self._pool):
            use = next((want for want in wanted if self._fits(ticket, want[0])), None)
            if use is None:
                self._pool.remove(ticket)
                self._free(ticket, 0.0)
            else:
                wanted.remove(use)
        for priority, kind in _KINDS.items():
            self._wish(kind, [at for name, at in wanted if name == priority])
        if self._has_news:
            cast("SlotsLink", self.link).wake()

    def bulk_waits_elsewhere(self) -> bool:
        """Return whether another process has bulk that waits."""
        return self._answer.bulk_waits

    def poll(self) -> None:
        """Do nothing: the link looks after everything."""

    def opens_in(self, most: float) -> float:
        """Return `most`: the server tells when a slot opens."""
        return most

    def closed(self) -> int:
        """Return how many are kept closed, those included of which the server has not heard yet."""
        return self._answer.closed + sum(keep > 0 for keep in self._freed.values())

    # What the link asks and brings.

    def call(self) -> Call:
        """Return what there is to tell."""
        self._has_news, now, number = False, self._clock.monotonic(), next(self._numbers)
        self._sent[number] = now
        self._sent.pop(number - _CALLS_KNOWN, None)
        return Call(
            number=number,
            who=self._who,
            lease=round(self.lease * 1000),
            hold=round(self._hold * 1000),
            max_bulk=self.max_bulk,
            pause=round(self.paused_for() * 1000),
            held={ticket.name: ticket.kind for ticket in self._tickets.values()},
            adopted=[ticket.name for ticket in self._tickets.values() if ticket.is_offline],
            freed=dict(self._freed),
            wishes=[(name, kind, max(0.0, now - at) * 1000) for name, (kind, at) in self._wishes.items()],
        )

    def answered(self, call: Call, answer: Standing | None) -> None:
        """Take an answer over.

        Only what the call has named can be found lost: a grant may have overtaken the answer.

        Args:
            call: what was told; the lease counts from when it was made.
            answer: to it; None for one that the server has passed over, because it knows a later one.
        """
        if answer is None:
            return
        for name in call.freed:
            self._freed.pop(name, None)
        for ticket in [self._tickets[name] for name in call.held if name in self._tickets]:
            if ticket.name not in answer.tickets:
                self._lose(ticket)
            else:
                ticket.until = None
                if ticket.name in call.adopted:
                    ticket.is_offline = False
        for name, kind in answer.tickets.items():
            if name in self._wishes:
                self._add(name, kind)
            elif name not in self._tickets:  # of a wish that was given up, or of a snapshot that is old
                self._freed.setdefault(name, 0)
                self._has_news = True
        self._renew(answer, self._sent.get(call.number, -inf))

    def _renew(self, answer: Standing, sent: float) -> None:
        """Know that the server is there, and what it has said of the others."""
        now = self._clock.monotonic()
        self._valid_until = sent + self.lease - MARGIN
        self._away_since = now
        self._answer = answer
        self._opens_at = now + answer.opens
        self.hear_pause(answer.paused)
        if answer.urgent_waits:
            self.yield_to_urgent()
        self.trouble = None
        if self.is_offline:
            self.is_offline = False
            say(logging.WARNING, "the server that counts the slots is back: offline_share is not used any more")

    def granted(self, name: str, kind: str, number: int) -> None:
        """Take over a grant of which the server has told by itself; one that was not wished for is told again.

        Args:
            name: of the ticket.
            kind: of it.
            number: of the call under whose lease it was granted: a process that was stopped reads of grants that have
                long been taken back.
        """
        if name in self._wishes and (sent := self._sent.get(number)) is not None:
            self._add(name, kind, until=sent + self.lease - MARGIN)

    def yield_to_urgent(self) -> None:
        """Let slots go back to the server for a while: an urgent message waits elsewhere."""
        self._yield_until = self._clock.monotonic() + _YIELDS_FOR

    def pause(self, seconds: float) -> None:
        """Tell all processes that the account pauses; a hint."""
        if seconds > self.paused_for():
            self.hear_pause(seconds)
            cast("SlotsLink", self.link).wake()

    def hear_pause(self, seconds: float) -> None:
        """Note that the account pauses; of two pauses the longer counts."""
        if seconds > self.paused_for():
            self._paused_until = self._clock.monotonic() + min(seconds, PAUSE_MAX)

    def paused_for(self) -> float:
        """Return the seconds for which the account pauses, as far as any process has told."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def failed(self, trouble: Trouble) -> None:
        """Note that the server gives nothing; messages wait for one that is away as long as a lease."""
        if trouble.is_away and self._clock.monotonic() - self._away_since < self.lease:
            return
        self.trouble = trouble
        if trouble.is_away and self._offline_share and not self.is_offline:
            self.is_offline = True
            text = "the server that counts the slots is away: this process uses its offline_share of %s"
            say(logging.WARNING, text, self._offline_share)

    @property
    def fails(self) -> Trouble | None:
        """Why messages cannot wait for a slot; None where one may come."""
        trouble = self.trouble
        return None if trouble is None or (trouble.is_away and self._offline_share) else trouble

    @property
    def next_call_in(self) -> float:
        """Seconds until the server should be asked again: the lease is to be renewed, or a slot may have opened."""
        opens = max(0.0, self._opens_at - self._clock.monotonic()) if self._wishes else inf
        return min(self.lease / 3, opens)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._tickets or self._wishes or self._freed)

    # What follows decides.

    def _fits(self, ticket: Ticket, priority: Priority) -> bool:
        """Return whether a ticket may be used so: what was granted to urgent is none of bulk's share."""
        return priority == "urgent" or ticket.kind == "b" or self.max_bulk == SLOTS

    def _take_offline(self, priority: Priority) -> Ticket | None:
        now = self._clock.monotonic()
        self._offline_closed = [until for until in self._offline_closed if until > now]
        bulk = sum(ticket.kind == "b" for ticket in self._tickets.values())
        if len(self._tickets) + len(self._offline_closed) >= self._offline_share:
            return None
        if priority == "bulk" and bulk >= self.max_bulk:
            return None
        name = f"o{next(self._names)}"
        ticket = self._tickets[name] = Ticket(self, name, _KINDS[priority], now, is_offline=True)
        return ticket

    def _wish(self, kind: str, since: list[float]) -> None:
        """Have one wish for each of these messages."""
        names = [name for name, (of, _at) in self._wishes.items() if of == kind]
        if len(names) != len(since):
            self._has_news = True
        for name in names[len(since) :]:
            del self._wishes[name]
        names += [f"t{next(self._names)}" for _ in since[len(names) :]]
        for name, at in zip(names, since, strict=False):
            self._wishes[name] = (kind, at)

    def _add(self, name: str, kind: str, until: float | None = None) -> None:
        self._wishes.pop(name, None)
        ticket = self._tickets[name] = Ticket(self, name, kind, self._clock.monotonic())
        ticket.until = until
        self._pool.append(ticket)

    def _free(self, ticket: Ticket, keep: float) -> None:
        del self._tickets[ticket.name]
        self._freed[ticket.name] = ceil(keep * 1000)
        self._has_news = True

    def _lose(self, ticket: Ticket) -> None:
        del self._tickets[ticket.name]
        if ticket in self._pool:
            self._pool.remove(ticket)
        ticket.lose()
