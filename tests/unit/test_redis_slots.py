"""One process's view of slots that a server counts: what it tells, and what it makes of answers and grants."""

import asyncio
import logging
from collections.abc import Callable
from math import inf
from typing import NamedTuple

import pytest
from clocks import ManualClock

from wooxy_async._ports import Priority
from wooxy_async.limits._redis_script import Call, Standing
from wooxy_async.limits._redis_slots import HAND_OVER, MARGIN, PAUSE_MAX, RedisSlots, Trouble
from wooxy_async.limits._redis_ticket import Ticket

LEASE = 5.0
AWAY = Trouble("it is away", is_away=True)


class Terms(NamedTuple):
    """What a client says of its requests."""

    loss_hold: float = 0.5
    answer_limit: float = 60.0


class Link:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.wakes = 0
        self.is_ended = False
        self.forks = 0

    def wake(self) -> None:
        """Count."""
        self.wakes += 1

    def stop(self) -> None:
        """Note it."""
        self.is_ended = True

    def start_anew(self) -> None:
        """Count."""
        self.forks += 1


class Bench:
    """Slots, their clock and link, and who waits.

    Args:
        offline_share: of the slots.
    """

    def __init__(self, offline_share: int = 0) -> None:
        self.clock, self.link = ManualClock(), Link()
        self.waiting: list[tuple[Priority, float]] = []
        self.slots = RedisSlots(LEASE, offline_share=offline_share, clock=self.clock)
        self.slots.connect(lambda: self.link, lambda: list(self.waiting))

    def wait(self, *priorities: Priority) -> Call:
        """Have messages wait, and return what is told."""
        self.waiting = [(priority, self.clock.now) for priority in priorities]
        self.slots.announce(None, None)
        return self.slots.call()

    def answer(self, call: Call, tickets: dict[str, str], *, urgent: bool = False, bulk: bool = False) -> None:
        """Bring an answer, and let nobody wait that has got something."""
        told = Standing(opens=inf, paused=0.0, closed=1, urgent_waits=urgent, bulk_waits=bulk, tickets=tickets)
        self.slots.answered(call, told)

    def take(self, priority: Priority = "urgent") -> Ticket | None:
        """Take a slot for one that waits."""
        return self.slots.take(Terms(), priority, self.clock.now)

    def hold(self, count: int = 1, priority: Priority = "urgent") -> list[Ticket]:
        """Return slots that were wished for, granted and taken."""
        call = self.wait(*[priority] * count)
        self.answer(call, {**call.held, **{name: kind for name, kind, _age in call.wishes}})
        taken = [ticket for _ in range(count) if (ticket := self.take(priority)) is not None]
        assert len(taken) == count
        self.waiting = []
        self.slots.announce(None, None)
        return taken


@pytest.fixture
def bench() -> Bench:
    """Slots of nobody yet."""
    return Bench()


def test_a_wish_is_granted_used_passed_on_and_freed(bench: Bench) -> None:
    """A slot goes from one message to the next for a quarter of a second; then the server is asked again."""
    assert bench.take() is None
    (ticket,) = bench.hold()
    assert ticket.remaining() == LEASE - MARGIN
    bench.waiting = [("urgent", bench.clock.now)]
    bench.slots.give(ticket, 0.0)
    bench.slots.announce(None, None)
    assert bench.take() is ticket
    bench.clock.now += HAND_OVER + 0.001
    bench.slots.give(ticket, 0.0)
    assert bench.take() is None
    bench.slots.announce(None, None)
    call = bench.slots.call()
    assert (call.held, call.freed, len(call.wishes)) == ({}, {ticket.name: 0}, 1)


def test_a_slot_that_nobody_waits_for_is_freed_at_once(bench: Bench) -> None:
    """Other processes may need it; the link is woken for that."""
    (ticket,) = bench.hold()
    wakes = bench.link.wakes
    bench.slots.give(ticket, 0.0)
    bench.slots.announce(None, None)
    assert bench.link.wakes == wakes + 1
    assert bench.slots.call().freed == {ticket.name: 0}


def test_a_slot_that_is_kept_closed_is_told_so_until_that_is_confirmed(bench: Bench) -> None:
    """A call that is lost is said again, in the same words."""
    (ticket,) = bench.hold()
    bench.slots.give(ticket, 0.25)
    first, second = bench.slots.call(), bench.slots.call()
    assert first.freed == second.freed == {ticket.name: 250}
    bench.slots.answered(first, None)  # the server has passed it over
    assert bench.slots.call().freed == {ticket.name: 250}
    bench.answer(second, {})
    assert bench.slots.call().freed == {}
    assert bench.slots.is_idle
    assert bench.slots.closed() == 1


def test_a_grant_that_overtakes_an_answer_is_not_lost(bench: Bench) -> None:
    """Only what a call has named can be missing in its answer; the grant came while it was under way."""
    bench.answer(bench.wait(), {})
    call = bench.wait("urgent")
    (name, kind, _age) = call.wishes[0]
    bench.slots.granted(name, kind, call.number)
    ticket = bench.take()
    assert ticket is not None
    bench.answer(call, {})
    assert ticket.holds()


def test_a_grant_that_comes_twice_is_one(bench: Bench) -> None:
    """The answer and the message of one grant make one slot, also where the message comes after it was freed."""
    call = bench.wait("urgent")
    (name, kind, _age) = call.wishes[0]
    bench.answer(call, {name: kind})
    bench.slots.granted(name, kind, call.number)
    ticket = bench.take()
    assert ticket is not None
    assert bench.take() is None
    bench.slots.give(ticket, 1.0)
    bench.answer(bench.wait(), {})
    bench.slots.granted(name, kind, call.number)
    assert bench.take() is None


def test_a_grant_that_is_read_after_its_lease_is_used_when_a_reply_has_named_it(bench: Bench) -> None:
    """A process that was stopped reads of grants that have been taken back, maybe while a call is under way."""
    bench.answer(bench.wait(), {})
    old, new = bench.wait("urgent", "urgent", "urgent"), bench.slots.call()
    (first, kind, _age), (second, *_), (third, *_) = old.wishes
    bench.clock.now += LEASE
    late = bench.slots.call()
    bench.slots.granted(first, kind, old.number)
    bench.slots.granted(second, kind, new.number)
    bench.slots.granted(third, kind, new.number - 1000)
    bench.answer(late, {})
    assert bench.take() is None
    call = bench.slots.call()
    assert call.held.keys() == {first, second}
    bench.answer(call, {first: kind})
    ticket = bench.take()
    assert ticket is not None
    assert (ticket.name, ticket.remaining()) == (first, LEASE - MARGIN)
    assert bench.take() is None


def test_a_slot_that_was_freed_while_a_call_was_under_way_is_not_taken_for_a_new_one(bench: Bench) -> None:
    """Its answer still names it."""
    (ticket,) = bench.hold()
    call = bench.slots.call()
    bench.slots.give(ticket, 1.0)
    bench.answer(call, {ticket.name: "u"})
    assert bench.take() is None
    assert bench.slots.call().freed == {ticket.name: 1000}


def test_what_an_old_snapshot_grants_is_freed(bench: Bench) -> None:
    """A slot that was not wished for is nobody's: a server that was restored may name one of long ago."""
    bench.answer(bench.wait(), {"of long ago": "u"})
    assert bench.take() is None
    assert bench.slots.call().freed == {"of long ago": 0}


def test_a_slot_that_is_missing_in_an_answer_is_lost(bench: Bench) -> None:
    """Who uses it is told; what is given back of it frees nothing."""
    used, pooled = bench.hold(2)
    loop = asyncio.new_event_loop()
    try:
        lost, late = loop.create_future(), loop.create_future()
        used.watch(lost)
        bench.slots.give(pooled, 0.0)
        bench.answer(bench.slots.call(), {})
        loop.run_until_complete(lost)
        used.watch(late)
        loop.run_until_complete(late)
        used.watch(late)
        loop.run_until_complete(asyncio.sleep(0, loop))
    finally:
        loop.close()
    assert not used.holds()
    assert bench.take() is None
    bench.slots.give(used, 1.0)
    assert bench.slots.call().freed == {}
    used.watch(late)  # its loop is closed: nobody is there to be told


def test_no_slot_is_used_in_the_last_second_of_the_lease(bench: Bench) -> None:
    """A process that cannot renew it starts nothing, and passes nothing on."""
    used, other = bench.hold(2)
    bench.clock.now += LEASE - MARGIN - 0.01
    assert used.holds()
    bench.clock.now += 0.01
    assert not used.holds()
    bench.slots.give(other, 0.0)
    assert bench.take() is None


def test_the_lease_counts_from_when_the_call_was_sent(bench: Bench) -> None:
    """An answer that was long under way says little of the time that is left."""
    call = bench.wait("urgent")
    bench.clock.now += 3.0
    told = Standing(
        opens=inf, paused=0.0, closed=0, urgent_waits=False, bulk_waits=False, tickets={call.wishes[0][0]: "u"}
    )
    bench.slots.answered(call, told)
    ticket = bench.take()
    assert ticket is not None
    assert ticket.remaining() == LEASE - MARGIN - 3.0


def test_the_server_is_asked_when_a_slot_may_open(bench: Bench) -> None:
    """While somebody waits; else the lease is all that has to be seen to."""
    call = bench.wait("urgent")
    told = Standing(opens=0.2, paused=0.0, closed=1, urgent_waits=False, bulk_waits=False, tickets={})
    bench.slots.answered(call, told)
    assert bench.slots.next_call_in == pytest.approx(0.2)
    bench.clock.now += 0.3
    assert bench.slots.next_call_in == 0
    bench.wait()
    assert bench.slots.next_call_in == LEASE / 3


def test_a_slot_that_is_kept_closed_is_counted_before_the_server_has_heard_of_it(bench: Bench) -> None:
    """And counted once when it has."""
    (ticket,) = bench.hold()
    bench.answer(bench.slots.call(), {ticket.name: "u"})
    bench.slots.give(ticket, 0.25)
    assert bench.slots.closed() == 2
    bench.answer(bench.slots.call(), {})
    assert bench.slots.closed() == 1


def test_a_pause_of_the_account_is_told_and_heard(bench: Bench) -> None:
    """The longer one counts, whoever has told it; the server is told at once."""
    wakes = bench.link.wakes
    bench.slots.pause(2.0)
    bench.slots.pause(1.0)
    assert bench.link.wakes == wakes + 1
    assert bench.slots.call().pause == 2000
    bench.slots.hear_pause(5.0)
    assert bench.slots.paused_for() == 5.0
    bench.clock.now += 6.0
    assert bench.slots.paused_for() == 0.0
    assert bench.slots.call().pause == 0
    bench.slots.hear_pause(1e9)
    assert bench.slots.paused_for() == PAUSE_MAX


def test_an_urgent_message_elsewhere_ends_the_passing_on(bench: Bench) -> None:
    """For a moment what is freed goes back to the server."""
    (ticket,) = bench.hold()
    bench.slots.yield_to_urgent()
    bench.waiting = [("bulk", bench.clock.now)]
    bench.slots.give(ticket, 0.0)
    assert bench.take("bulk") is None
    (other,) = bench.hold()
    bench.answer(bench.slots.call(), {other.name: "u"}, urgent=True, bulk=True)
    bench.slots.give(other, 0.0)
    assert bench.take() is None
    assert bench.slots.bulk_waits_elsewhere()


def test_bulk_keeps_to_its_share(bench: Bench) -> None:
    """A slot that urgent was granted is not bulk's, where bulk may not have all."""
    bench.slots.max_bulk = 3
    (ticket,) = bench.hold()
    bench.waiting = [("bulk", bench.clock.now)]
    bench.slots.give(ticket, 0.0)
    assert bench.take("bulk") is None
    bench.slots.announce(None, None)
    call = bench.slots.call()
    assert (call.freed, call.max_bulk) == ({ticket.name: 0}, 3)
    (mine,) = bench.hold(priority="bulk")
    bench.slots.give(mine, 0.0)
    assert bench.take() is mine
    assert bench.slots.call().held == {mine.name: "u"}


def test_bulk_keeps_to_its_share_while_the_server_is_away() -> None:
    """Nobody counts over processes then; in this one, urgent messages still find a slot."""
    bench = Bench(offline_share=4)
    bench.slots.max_bulk = 1
    bench.clock.now += LEASE
    bench.slots.failed(AWAY)
    first = bench.take("bulk")
    assert first is not None
    assert bench.take("bulk") is None
    assert bench.take() is not None
    bench.slots.give(first, 0.0)
    assert bench.take("bulk") is not None


def test_wishes_follow_those_who_wait(bench: Bench) -> None:
    """One more is told, one fewer is told, and the same again is not."""
    names = [name for name, _kind, _age in bench.wait("urgent", "bulk").wishes]
    wakes = bench.link.wakes
    bench.clock.now += 1.0
    assert [wish[0] for wish in bench.wait("urgent", "bulk").wishes] == names
    assert bench.link.wakes == wakes
    assert [wish[0] for wish in bench.wait("bulk").wishes] == names[1:]
    assert bench.link.wakes == wakes + 1


def test_without_the_server_its_offline_share_may_be_used_after_a_lease(caplog: pytest.LogCaptureFixture) -> None:
    """Entering and leaving is a warning; what runs then is made known to the server, which counts it."""
    caplog.set_level(logging.WARNING, "wooxy_async")
    bench = Bench(offline_share=2)
    bench.slots.failed(AWAY)
    assert (bench.slots.trouble, bench.take()) == (None, None)
    bench.clock.now += LEASE
    bench.slots.failed(AWAY)
    bench.slots.failed(AWAY)
    assert bench.slots.fails is None
    first, second = bench.take(), bench.take()
    assert first is not None
    assert second is not None
    assert first.remaining() == inf
    assert bench.take() is None
    bench.slots.give(second, 1.0)
    assert bench.take() is None  # it is closed for a second
    bench.clock.now += 1.0
    third = bench.take()
    assert third is not None
    bench.slots.give(third, 0.0)
    call = bench.slots.call()
    assert (call.adopted, call.held, call.freed) == ([first.name], {first.name: "u"}, {})
    bench.answer(call, call.held)
    assert first.remaining() == LEASE - MARGIN
    assert (bench.take(), bench.slots.trouble) == (None, None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_a_server_that_refuses_is_not_away() -> None:
    """It is said at once, whatever may be used offline."""
    bench = Bench(offline_share=2)
    bench.slots.failed(Trouble("it evicts keys", is_away=False))
    assert bench.slots.fails is not None
    assert bench.take() is None


def test_a_forked_child_has_another_name_and_holds_nothing(bench: Bench) -> None:
    """The slots of its parent are its parent's."""
    bench.hold(3)
    before = bench.slots.member
    bench.slots.start_anew()
    assert bench.slots.member != before
    assert bench.slots.call().held == {}
    assert bench.link.forks == 1


def test_small_answers(bench: Bench) -> None:
    """What the account asks besides: nothing has to be looked at, and closing ends the link."""
    looks: list[Callable[[], object]] = [bench.slots.poll, bench.slots.close]
    assert [look() for look in looks] == [None, None]
    assert bench.slots.opens_in(0.7) == 0.7
    assert bench.link.is_ended
    bench.slots.connect(Link, list)
    assert bench.slots.link is bench.link
