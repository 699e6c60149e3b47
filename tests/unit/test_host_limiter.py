"""The limiter of one machine: ten slots for all processes, whoever dies, stops or has his file deleted.

Two openings of one file stand for two processes: open-file locks keep them apart as they do processes. Time is the
test's.
"""

import logging
import math
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wooxy_async._ports import Priority
from wooxy_async.limits import SLOTS
from wooxy_async.limits._account import URGENT_IN_A_ROW
from wooxy_async.limits._host_bell import Bell
from wooxy_async.limits._host_file import FREE, PAUSE_MAX, SETTLING, USED, HostFile, Record
from wooxy_async.limits._host_line import GRACE, UNHEARD
from wooxy_async.limits._host_slot import HostSlot
from wooxy_async.limits._host_slots import _IDLE as IDLE, POLL_EVERY, HostSlots
from wooxy_async.limits._host_taking import bury_dead, take_slot


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return what the hands show."""
        return self.now

    def time(self) -> float:
        """Return the same."""
        return self.now


class Terms:
    """A client whose requests take 10 seconds at most, and whose slots stay closed for 2 after a loss."""

    answer_limit = 10.0
    loss_hold = 2.0
    max_bulk = SLOTS


LENGTH = Terms.answer_limit + Terms.loss_hold
Join = Callable[[], HostSlots]


@pytest.fixture
def clock() -> Hands:
    """The machine's clock."""
    return Hands()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the account's file is."""
    return tmp_path / "account.slots"


@pytest.fixture
def join(path: Path, clock: Hands) -> Iterator[Join]:
    """Start a process."""
    made: list[HostSlots] = []

    def start() -> HostSlots:
        made.append(HostSlots(path, clock=clock))
        return made[-1]

    yield start
    for each in made:
        each.close()


def take(slots: HostSlots, count: int = 1, priority: Priority = "bulk", since: float | None = None) -> list[HostSlot]:
    """Take as many slots as there are, up to a number."""
    taken = (slots.take(Terms(), priority, since) for _ in range(count))
    return [slot for slot in taken if slot is not None]


def settled(join: Join, clock: Hands, processes: int = 2) -> list[HostSlots]:
    """Start processes, and let their file settle."""
    made = [join() for _ in range(processes)]
    clock.now += SETTLING
    return made


def test_ten_slots_are_shared_by_all_processes(join: Join, clock: Hands) -> None:
    """Two processes have ten together; a slot that one gives is the other's at once."""
    first, second = settled(join, clock)
    own, others = take(first, 6), take(second, 6)
    assert (len(own), len(others)) == (6, 4)
    assert take(first) == []
    waiting(first, bulk=clock.now)
    second.give(others[0], 0.0)
    assert len(take(first, 5)) == 1
    assert all(slot.holds() for slot in own + others[1:])
    assert not others[0].holds()


def test_a_new_file_grants_nothing_at_first(join: Join, clock: Hands) -> None:
    """Holders of one that was deleted have the time to come; who waits is told when it grants."""
    slots = join()
    assert take(slots) == []
    assert slots.opens_in(9.0) == pytest.approx(SETTLING)
    clock.now += SETTLING
    assert len(take(slots, 11)) == SLOTS
    assert slots.opens_in(9.0) == 9.0
    assert slots.opens_in(99.0) == pytest.approx(LENGTH)  # then the first of them has ended, whatever happens


def test_a_slot_kept_closed_is_closed_for_all(join: Join, clock: Hands) -> None:
    """It opens after its time, for whoever comes first."""
    first, second = settled(join, clock)
    for slot in take(first, 10):
        first.give(slot, 3.0)
    assert (first.closed(), second.closed()) == (10, 10)
    assert take(second) == []
    assert second.opens_in(9.0) == pytest.approx(3.0)
    clock.now += 3.0
    assert second.closed() == 0
    assert len(take(second, 11)) == SLOTS


def test_a_dead_holders_slot_stays_closed_for_the_hold(join: Join, clock: Hands) -> None:
    """The kernel drops the lock at once, but the server may still be at work."""
    first, second = settled(join, clock)
    take(first, 10)
    first.close()  # as the kernel does for the dead
    assert take(second) == []
    second.poll()
    assert take(second) == []
    assert second.closed() == 10
    clock.now += Terms.loss_hold - 0.1
    assert take(second) == []
    clock.now += 0.1
    assert len(take(second, 11)) == SLOTS


def test_a_dead_holders_slot_is_closed_no_longer_than_its_end(join: Join, clock: Hands) -> None:
    """A death noticed late costs nothing more: by its end a request has ended."""
    first, second = settled(join, clock)
    take(first, 2)
    first.close()
    clock.now += LENGTH - 0.5
    second.poll()
    clock.now += 0.5
    assert len(take(second, 11)) == SLOTS
    second.close()
    clock.now += LENGTH
    third = join()
    assert len(take(third, 11)) == SLOTS  # never noticed, and over


def test_a_stopped_holders_slot_is_taken_after_its_end(join: Join, clock: Hands) -> None:
    """The lock stands, and the slot is the next one's; the old holder finds it lost and touches nothing."""
    first, second, third = settled(join, clock, 3)
    old = take(first, 10)
    clock.now += LENGTH - 0.1
    assert take(second, 11) == []
    clock.now += 0.1
    new = take(second, 11)
    assert len(new) == SLOTS
    assert not any(slot.holds() for slot in old)
    for slot in old:
        first.give(slot, 5.0)
    assert all(slot.holds() for slot in new)
    assert take(first) == take(third) == []
    waiting(third, bulk=clock.now)
    second.give(new[0], 0.0)
    assert len(take(third, 2)) == 1
    second.close()
    third.poll()
    assert third.closed() == 9  # the new holder's death is seen as any other's


def test_a_slot_is_not_used_shortly_before_its_end(join: Join, clock: Hands) -> None:
    """Between the question whether it holds and the first byte no other can have it."""
    (slots,) = settled(join, clock, 1)
    first, second = take(slots, 2)
    clock.now += LENGTH - 0.04
    assert not first.holds()
    slots.give(second, 9.0)  # too late to say anything of it
    assert slots.closed() == 0


def test_the_end_is_counted_from_the_last_question(join: Join, clock: Hands) -> None:
    """A request that starts late has its whole time."""
    first, second = settled(join, clock)
    (slot,) = take(first)
    clock.now += LENGTH - 1
    assert slot.holds()
    clock.now += LENGTH - 1
    assert len(take(second, 11)) == SLOTS - 1
    clock.now += 1
    assert len(take(second, 1)) == 1


def test_a_process_keeps_what_it_has_just_used(join: Join, clock: Hands) -> None:
    """While nobody waits it takes the same slots again; idle ones it gives up, and at once when another waits."""
    first, second = settled(join, clock)
    slots = take(first, 2)
    for slot in slots:
        first.give(slot, 0.0)
    assert first.keeps
    assert first.opens_in(9.0) == IDLE
    assert not any(slot.holds() for slot in slots)
    assert len(take(second, 11)) == 8
    (again,) = take(first)
    assert (again.at, again.generation, again.holds()) == (slots[1].at, 0, True)
    first.poll()
    waiting(second, bulk=clock.now)
    assert woken(first) == [True]
    first.poll()  # as who was woken does
    assert woken(second) == [True]
    assert [slot.at for slot in take(second, 2)] == [slots[0].at]
    assert again.holds()
    waiting(second)
    first.give(again, 0.0)
    first.poll()
    assert first.keeps
    clock.now += 1.1 * IDLE
    first.poll()
    assert not first.keeps
    assert len(take(second, 2)) == 1


def test_a_slot_that_is_kept_stops_nobody(join: Join, clock: Hands) -> None:
    """Its process may die, or stop before it can give the slot up: others do not wait for a server without work."""
    stopped, dead, third = settled(join, clock, 3)
    for slots in (stopped, dead):
        for slot in take(slots, 5):
            slots.give(slot, 0.0)
    dead.close()
    third.poll()
    assert len(take(third, 11)) == 5
    clock.now += 0.04
    (mine,) = take(stopped)
    stopped.give(mine, 0.0)
    clock.now += 0.06
    assert take(stopped) == []  # it does not use any more what others may take soon
    clock.now += 0.05
    assert len(take(third, 11)) == 5
    assert take(stopped) == []


def test_slots_are_kept_for_nobody_while_another_waits(join: Join, clock: Hands) -> None:
    """Who keeps some gives them up when he sees that, whatever he is about to do."""
    first, second = settled(join, clock)
    one, two, three = take(first, 3)
    first.give(one, 0.0)
    waiting(second, bulk=clock.now)
    first.give(two, 1.0)
    assert not first.keeps
    waiting(second)
    first.give(three, 0.0)
    waiting(second, bulk=clock.now)
    assert first.keeps
    clock.now += 0.01
    assert len(take(first)) == 1  # there are enough for both
    assert not first.keeps


class Raced(HostFile):
    """A file in which something happens right when a generation begins."""

    meanwhile: Callable[[int, int], None]

    def set_generation(self, at: int, generation: int) -> None:
        """Begin a generation, and let the other do what it does."""
        super().set_generation(at, generation)
        self.meanwhile(at, generation)


def test_of_two_that_see_each_other_the_newcomer_gives_way(path: Path, join: Join, clock: Hands) -> None:
    """A holder that wakes at the very end and renews its slot keeps it, or neither has it; never both."""
    first, second = settled(join, clock)
    (slot,) = take(first)
    clock.now += LENGTH
    assert second._file is not None
    second._file.close()
    second._files.file = raced = Raced(path, is_shared=False, now=clock.now)
    raced.meanwhile = lambda at, generation: raced.write(at, generation - 1, slot.record()._replace(until=math.inf))
    assert all(each.at != slot.at for each in take(second, 10))
    assert not slot.holds()
    second.close()
    clock.now += LENGTH
    assert len(take(join(), 11)) == SLOTS


def test_of_two_newcomers_one_begins_the_generation(path: Path, join: Join, clock: Hands) -> None:
    """Whoever has the next generation's lock has looked again whether it is still the next."""
    first, second, third = settled(join, clock, 3)
    (slot,) = take(first)
    clock.now += LENGTH
    assert second._file is not None
    second._file.close()

    class Late(HostFile):
        def read(self, at: int, generation: int) -> Record:
            """Read, and let another begin the next generation, and end it."""
            found = super().read(at, generation)
            if at == slot.at and generation == 0 and third._file is not None and not third._file.generation(at):
                take(third, 10)
                third.close()
            return found

    second._files.file = Late(path, is_shared=False, now=clock.now)
    assert take_slot(second, second._files.file, slot.at, Terms(), clock.now) is None
    assert not slot.holds()


def test_a_lock_that_another_has_for_a_moment_is_passed_over(path: Path, join: Join, clock: Hands) -> None:
    """A slot whose mark is not written yet, or whose generation has changed meanwhile, is not had."""
    (slots,) = settled(join, clock, 1)
    other = HostFile(path, is_shared=False, now=clock.now)
    assert other.lock_slot(0, 0)
    assert [slot.at for slot in take(slots, 10)] == list(range(1, 10))
    other.close()

    class Changing(HostFile):
        def lock_slot(self, at: int, generation: int) -> bool:
            """Lock, after another has begun the next generation and ended."""
            self.write(at, generation + 1, Record(clock.now, 0.0, FREE, 0.0, 0))
            self.set_generation(at, generation + 1)
            return super().lock_slot(at, generation)

    changing = Changing(path, is_shared=False, now=clock.now)
    assert take_slot(slots, changing, 0, Terms(), clock.now) is None
    changing.write(0, 1, Record(clock.now + 9, 1.0, USED, clock.now, 0))  # as if its holder had died
    bury_dead(changing, [(0, 1, changing.read(0, 1))], (), clock.now)
    assert changing.read(0, 1).mark == USED  # another began a generation, and knows better
    changing.close()


# Files that are deleted, and holders that move.


def test_holders_take_their_slots_into_a_new_file(path: Path, join: Join, clock: Hands) -> None:
    """A deleted file is noticed before the new one grants anything; nobody gets an eleventh."""
    (first,) = settled(join, clock, 1)
    slots = take(first, 9)
    path.unlink()
    second = join()
    clock.now += POLL_EVERY
    first.poll()
    clock.now += SETTLING
    assert all(slot.holds() for slot in slots)
    assert len(take(second, 11)) == 1
    waiting(second, bulk=clock.now)
    first.give(slots[0], 0.0)
    assert len(take(second, 11)) == 1
    first.close()
    second.poll()
    assert second.closed() == 8


def test_the_first_that_moves_takes_all_marks_along(path: Path, join: Join, clock: Hands) -> None:
    """Slots of a stopped holder, of a dead one, and closed ones stay what they are; the old file grants nothing."""
    mover, stopped, dead, late = settled(join, clock, 4)
    own, theirs = take(mover, 2), take(stopped, 2)
    take(dead, 2)
    dead.close()
    kept = take(mover, 2)
    for slot in kept:
        mover.give(slot, 1.0)
    (free,) = take(mover)
    mover.give(free, 0.0)
    path.unlink()
    mover._files.check_at = late._files.check_at = clock.now  # the first looks, the other has looked right before
    late._files.check_at += POLL_EVERY / 2
    mover.poll()
    assert take(late, 10) == []  # still in the old file, where two were free
    assert mover._files.mine.keys() == {slot.at for slot in own}
    clock.now += SETTLING
    newcomer = join()
    assert newcomer.closed() == 6
    assert len(take(newcomer, 11)) == 2
    stopped.poll()  # it goes on, finds the new file, and has what it had
    assert all(slot.holds() for slot in own + theirs)
    clock.now += 1.0 - SETTLING
    assert len(take(newcomer, 11)) == 2  # the closed ones
    clock.now += Terms.loss_hold - 1.0
    assert len(take(late, 11)) == 2  # those of the dead


def test_a_holder_that_comes_too_late_has_lost(path: Path, join: Join, clock: Hands) -> None:
    """Nobody was there to take its marks along, and others have its slots: it starts nothing."""
    (stopped,) = settled(join, clock, 1)
    slots = take(stopped, 10)
    path.unlink()
    newcomer = join()
    clock.now += SETTLING
    assert len(take(newcomer, 11)) == SLOTS
    stopped.poll()
    assert not any(slot.holds() for slot in slots)
    for slot in slots:
        stopped.give(slot, 0.0)
    assert take(stopped) == []


def test_what_the_new_file_says_already_stands(path: Path, join: Join, clock: Hands) -> None:
    """Two that move one after the other agree, also on what the first has released meanwhile."""
    first, second = settled(join, clock)
    (slot,) = take(first)
    take(second, 2)
    path.unlink()
    clock.now += POLL_EVERY
    first.poll()
    first.give(slot, 0.0)
    second.poll()
    clock.now += SETTLING
    assert (first.closed(), len(take(first, 11))) == (0, 8)


def test_a_planted_replacement_is_not_used(
    path: Path, join: Join, clock: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    """The old file goes on, and the log says once what is wrong; when it is right again, the process moves."""
    (slots,) = settled(join, clock, 1)
    (slot,) = take(slots)
    path.unlink()
    path.symlink_to("elsewhere")
    with caplog.at_level(logging.WARNING, "wooxy_async"):
        for _ in range(3):
            clock.now += POLL_EVERY
            slots.poll()
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    assert slot.holds()
    path.unlink()
    clock.now += POLL_EVERY
    slots.poll()
    assert path.is_file()
    assert slot.holds()
    clock.now += SETTLING
    assert len(take(slots, 11)) == 9


def test_a_file_that_is_closed_is_opened_when_it_is_needed(path: Path, join: Join, clock: Hands) -> None:
    """A forked child, and an account that was idle, begin with nothing and have all again."""
    (slots,) = settled(join, clock, 1)
    (slot,) = take(slots)
    slots.urgent_in_a_row = 3
    slots.start_anew()
    assert (slots.closed(), slots.urgent_in_a_row, slots.opens_in(7.0), slots.fileno()) == (0, 0, 7.0, None)
    slots.urgent_in_a_row = 5
    slots.announce(1.0, None)
    slots.drain()
    slots._wake(clock.now)
    assert not slots.bulk_waits_elsewhere()
    assert not slot.holds()
    slots.give(slot, 1.0)
    path.unlink()
    path.symlink_to("elsewhere")
    assert take(slots) == []
    slots.poll()
    path.unlink()
    clock.now += POLL_EVERY
    slots.poll()
    clock.now += SETTLING
    assert len(take(slots, 11)) == SLOTS


def test_a_pause_is_known_to_all_processes(path: Path, join: Join, clock: Hands) -> None:
    """It ends for all at the same moment, the longest counts, and it is taken along; what makes no sense is none."""
    first, second = settled(join, clock)
    assert second.paused_for() == 0.0
    first.pause(30.0)
    second.pause(20.0)
    clock.now += 10.0
    assert (first.paused_for(), second.paused_for()) == (20.0, 20.0)
    path.unlink()
    clock.now += POLL_EVERY
    first.poll()
    assert join().paused_for() == pytest.approx(20.0 - POLL_EVERY)
    clock.now += 20.0
    assert first.paused_for() == 0.0
    first.pause(math.inf)
    assert first.paused_for() == PAUSE_MAX
    assert first._file is not None
    for wrong in (math.inf, math.nan, clock.now + 2 * PAUSE_MAX, -math.inf):
        struct.pack_into("d", first._file.map, 32, wrong)
        assert first.paused_for() == 0.0
    first.pause(1.0)
    assert first.paused_for() == 1.0
    first.close()
    first.pause(5.0)
    assert first.paused_for() == 0.0


# Whose turn it is.


def waiting(slots: HostSlots, *, urgent: float | None = None, bulk: float | None = None) -> None:
    """Let a process say since when it waits."""
    slots.announce(urgent, bulk)


def test_a_free_slot_is_left_to_whose_turn_it_is(join: Join, clock: Hands) -> None:
    """First come, first served over processes; whoever is first may be slow for a moment only."""
    holder, first, second = settled(join, clock, 3)
    slots = take(holder, 10)
    waiting(first, bulk=clock.now)
    waiting(second, bulk=clock.now + 0.001)
    clock.now += 0.01
    holder.give(slots[0], 0.0)
    assert take(second, since=clock.now - 0.009) == []
    assert second.retry_in == GRACE
    assert second.opens_in(1.0) == GRACE
    assert take(holder) == []  # who has just come is the last
    assert len(take(first, since=clock.now - 0.01)) == 1
    holder.give(slots[1], 0.0)
    clock.now += 1.1 * GRACE
    assert len(take(second, since=clock.now - 0.009)) == 1
    assert second.retry_in == 0.0


def test_nobody_waits_for_a_turn_when_there_are_slots_for_all(join: Join, clock: Hands) -> None:
    """With two free slots the second has his, too."""
    holder, first, second = settled(join, clock, 3)
    slots = take(holder, 10)
    waiting(first, bulk=clock.now)
    clock.now += 0.01
    holder.give(slots[0], 0.0)
    holder.give(slots[1], 0.0)
    assert len(take(second, since=clock.now)) == 1


def test_who_does_not_look_any_more_has_no_turn(join: Join, clock: Hands) -> None:
    """A stopped or dead process that waits stops nobody; one that gives up says so."""
    holder, first, second = settled(join, clock, 3)
    slots = take(holder, 10)
    waiting(first, bulk=clock.now)
    clock.now += UNHEARD
    waiting(second, bulk=clock.now)
    holder.give(slots[0], 0.0)
    assert len(take(second)) == 1
    waiting(second)
    first.poll()
    assert holder.bulk_waits_elsewhere()
    holder.give(slots[1], 0.0)
    assert take(second) == []
    waiting(first)
    waiting(first)
    first.poll()
    first.poll()
    assert len(take(second)) == 1


def test_urgent_goes_before_bulk_of_other_processes_but_not_for_ever(join: Join, clock: Hands) -> None:
    """After four urgent turns for which bulk has waited, anywhere, one bulk message goes."""
    holder, campaign, service = settled(join, clock, 3)
    slots = take(holder, 10)
    waiting(campaign, bulk=clock.now)
    for turn in range(4):
        holder.give(slots[turn], 0.0)
        assert len(take(service, priority="urgent")) == 1
    assert campaign.urgent_in_a_row == 4
    holder.give(slots[4], 0.0)
    assert take(service, priority="urgent") == []
    assert len(take(campaign, since=clock.now)) == 1
    campaign.urgent_in_a_row = 0  # as `SlotPool` counts for whom has queued
    waiting(service, urgent=clock.now)
    holder.give(slots[5], 0.0)
    assert take(campaign, since=clock.now - 1) == []
    assert take(holder, priority="bulk") == []
    assert service.urgent_in_a_row == 0


def test_a_bulk_message_that_just_comes_ends_the_row(join: Join, clock: Hands) -> None:
    """Its turn is a turn of bulk."""
    first, second = settled(join, clock)
    second.urgent_in_a_row = 2
    take(first)
    assert second.urgent_in_a_row == 0
    take(first, priority="urgent")
    assert second.urgent_in_a_row == 0


def woken(*processes: HostSlots) -> list[bool]:
    """Return which processes were woken since the last question."""
    found = []
    for slots in processes:
        assert slots._bell is not None
        bell = slots._bell._socket
        assert bell is not None
        try:
            bell.recv(1)
            found.append(True)
        except BlockingIOError:
            found.append(False)
        slots.drain()
    return found


def test_a_free_slot_wakes_the_two_that_are_first(join: Join, clock: Hands) -> None:
    """The others sleep on; so do they if the giver is first himself, or keeps the slot closed."""
    giver, first, second, third, idle = settled(join, clock, 5)
    slots = take(giver, 10)
    for at, each in enumerate((third, second, first)):
        waiting(each, bulk=clock.now - at)
    woken(first, second, third, idle)
    giver.give(slots[0], 0.0)
    assert woken(first, second, third, idle) == [True, True, False, False]
    waiting(third, urgent=clock.now, bulk=clock.now)
    giver.give(slots[1], 0.0)
    assert woken(first, second, third, idle) == [True, False, True, False]
    waiting(giver, urgent=clock.now - 9)
    woken(first, second, third, idle)
    giver.give(slots[2], 0.0)
    waiting(giver)
    giver.give(slots[3], 1.0)
    assert woken(first, second, third, idle) == [False] * 4
    clock.now += 1.0
    for each in (first, second, third):
        waiting(each, bulk=clock.now)
    giver.poll()  # what was kept closed has opened
    assert woken(first, second, third, idle).count(True) == 2


def test_the_urgent_are_woken_beside_bulk_that_may_not_have_every_slot(join: Join, clock: Hands) -> None:
    """It is bulk's turn, which may have its share in use: whether the first of it waits here or elsewhere."""
    giver, urgent, first, second = settled(join, clock, 4)
    slots = take(giver, 10)
    giver.urgent_in_a_row = URGENT_IN_A_ROW
    for at, each in enumerate((second, first)):
        waiting(each, bulk=clock.now - at)
    waiting(urgent, urgent=clock.now)
    woken(urgent, first, second)
    giver.give(slots[0], 0.0)
    assert woken(urgent, first, second) == [True, True, True]
    waiting(giver, bulk=clock.now - 9)
    woken(urgent, first, second)
    giver.give(slots[1], 0.0)
    assert woken(urgent, first, second) == [True, False, False]


def test_bulk_has_the_last_slots_and_urgent_all(join: Join, clock: Hands) -> None:
    """Over processes, also while slots of urgent messages are kept for the next one."""
    Few = type("Few", (Terms,), {"max_bulk": 2})  # noqa: N806 - a class
    first, second = settled(join, clock)
    taken = [first.take(Few(), "bulk", None), second.take(Few(), "bulk", None)]
    assert all(taken)
    assert [slots.take(Few(), "bulk", None) for slots in (first, second)] == [None, None]
    (urgent,) = take(first, priority="urgent")
    first.give(urgent, 0.0)
    assert first.keeps
    assert first.take(Few(), "bulk", None) is None
    assert len(take(first, 10, "urgent")) == 8


def test_wake_ups_that_cannot_come_change_nothing(join: Join, clock: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue, a process of another network, one that is gone, a platform without such sockets."""
    giver, waiter = settled(join, clock)
    slots = take(giver, 10)
    waiting(waiter, bulk=clock.now)
    for _ in range(500):
        giver._wake(clock.now)
    assert woken(waiter) == [True]
    assert waiter._bell is not None
    waiter._bell.network += 1
    waiter.poll()
    giver.give(slots[0], 0.0)
    assert woken(waiter) == [False]
    waiter._bell.close()
    waiter._bell.close()
    giver.give(slots[1], 0.0)
    assert (waiter.fileno(), waiter._bell.address) == (None, b"")
    waiter.drain()
    waiter._bell.wake(0, b"")
    monkeypatch.delattr("socket.SOCK_NONBLOCK")
    assert Bell().fileno() is None


def test_a_system_without_abstract_names_has_no_bell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody looks by himself there."""
    import socket  # noqa: PLC0415 - to be replaced

    class Nameless(socket.socket):
        def bind(self, _address: Any) -> None:
            raise OSError("no such names")

    monkeypatch.setattr(socket, "socket", Nameless)
    monkeypatch.setattr("wooxy_async.limits._host_bell.Path", lambda _name: tmp_path / "missing")
    bell = Bell()
    assert (bell.fileno(), bell.network, bell.address) == (None, 0, b"")


def test_a_process_without_a_line_waits_all_the_same(path: Path, join: Join, clock: Hands) -> None:
    """It is not told of free slots, and goes behind those that have a line."""
    (holder,) = settled(join, clock, 1)
    crowd = [HostFile(path, is_shared=False, now=clock.now) for _ in range(300)]
    assert [each.lock_line() for each in crowd][-1] is None
    late = join()
    slots = take(holder, 10)
    waiting(late, bulk=clock.now)
    waiting(holder, bulk=clock.now)
    holder.give(slots[0], 0.0)
    assert take(late, since=clock.now + 0.001) == []
    clock.now += 0.11
    assert len(take(late)) == 1
    assert not holder.bulk_waits_elsewhere()
    for each in crowd:
        each.close()


def test_the_record_says_who_holds_a_slot(path: Path, join: Join, clock: Hands) -> None:
    """For people: since when, and which process; no decision rests on it."""
    (slots,) = settled(join, clock, 1)
    take(slots)
    file = HostFile(path, is_shared=False, now=clock.now)
    assert file.read(0, 0) == Record(clock.now + LENGTH, Terms.loss_hold, USED, clock.now, os.getpid())
    file.close()
