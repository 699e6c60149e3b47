"""What is in use moves to another file: nothing is counted twice, nothing is forgotten, nothing stays behind."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from clocks import ManualClock

from wooxy_async.limits import SLOTS
from wooxy_async.limits._host_file import CLOSED, FREE, PLACES, SETTLING, USED, HostFile, Record
from wooxy_async.limits._host_moving import bring_others
from wooxy_async.limits._host_register import Register
from wooxy_async.limits._host_slot import HostSlot
from wooxy_async.limits._host_slots import POLL_EVERY, HostSlots

TOKEN, ACCOUNT = "a" * 32, "b" * 32


class Terms:
    """A client whose requests take 10 seconds at most, and whose slots stay closed for 2 after a loss."""

    answer_limit = 10.0
    loss_hold = 2.0
    max_bulk = SLOTS


LENGTH = Terms.answer_limit + Terms.loss_hold
Join = Callable[[str], HostSlots]


@pytest.fixture
def clock() -> ManualClock:
    """The machine's clock."""
    return ManualClock()


@pytest.fixture
def join(tmp_path: Path, clock: ManualClock) -> Iterator[Join]:
    """Start a process that uses a file."""
    made: list[HostSlots] = []

    def start(name: str) -> HostSlots:
        register = Register(tmp_path, is_shared=False)
        made.append(HostSlots(tmp_path / f"{name}.slots", clock=clock, register=register))
        return made[-1]

    yield start
    for each in made:
        each.close()


def take(slots: HostSlots, count: int) -> list[HostSlot]:
    """Take as many slots as there are, up to a number."""
    taken = (slots.take(Terms(), "bulk", None) for _ in range(count))
    return [slot for slot in taken if slot is not None]


def out(slots: HostSlots, count: int) -> list[HostSlot]:
    """Take slots, and start requests in them."""
    taken = take(slots, count)
    assert all(slot.holds() for slot in taken)
    assert len(taken) == count
    return taken


def poll(clock: ManualClock, *processes: HostSlots) -> None:
    """Let processes look once."""
    clock.now += POLL_EVERY
    for each in processes:
        each.poll()


def give(slots: HostSlots, taken: list[HostSlot]) -> None:
    """Give slots back."""
    for slot in taken:
        slots.give(slot, 0.0)


@pytest.fixture
def both(join: Join, clock: ManualClock) -> tuple[HostSlots, HostSlots]:
    """A process of the token, and one of the account; nothing is known yet."""
    processes = join(TOKEN), join(ACCOUNT)
    clock.now += SETTLING
    return processes


def absorb(account: HostSlots, tmp_path: Path, clock: ManualClock) -> None:
    """Let it be known that the token is the account's."""
    with closing(Register(tmp_path, is_shared=False)) as register:
        register.link(TOKEN, ACCOUNT, clock.now)
    account.absorb(TOKEN)


def test_slots_of_the_same_number_find_room_beside_each_other(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """Five and five are ten, whoever moves first: the holder, or who does it for him."""
    token, account = both
    theirs, own = out(token, 5), out(account, 5)
    absorb(account, tmp_path, clock)
    clock.now += SETTLING
    assert (take(account, 1), account.closed()) == ([], 5)
    poll(clock, token, account)
    assert (take(account, 1), take(token, 1), account.closed()) == ([], [], 0)
    assert all(slot.holds() for slot in theirs + own)
    assert len({slot.at for slot in theirs + own}) == 10
    give(token, theirs)
    poll(clock, token, account)
    clock.now += SETTLING
    assert len(take(account, 9)) == 5


def test_more_than_ten_hold_all_others_back(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """Twenty were out: nothing is granted, and nothing that was granted starts, until there is room for all."""
    token, account = both
    theirs, own = out(token, 10), out(account, 9)
    own += take(account, 1)  # granted, and not started
    absorb(account, tmp_path, clock)
    poll(clock, token, account)
    clock.now += SETTLING
    assert [slot.holds() for slot in theirs + own] == [True] * 19 + [False]
    assert sum(slot.at >= SLOTS for slot in theirs) == 10
    account.give(own.pop(), 0.0)
    for slot in own[:4]:
        account.give(slot, 0.0)
    assert take(account, 1) == take(token, 1) == []
    poll(clock, token)
    assert sum(slot.at >= SLOTS for slot in theirs) == 5
    assert all(slot.holds() for slot in theirs)
    give(token, theirs[:5])
    give(account, own[4:])
    poll(clock, token, account)
    assert len(take(account, 10)) == 5  # the places behind the ten are empty


def test_what_has_not_started_has_no_place_behind_the_ten(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """A slot of a token that was granted and not used is lost when the account's ten are taken; it comes back."""
    token, account = both
    idle, own = take(token, 2), out(account, 10)
    absorb(account, tmp_path, clock)
    clock.now += SETTLING
    poll(clock, token, account)
    assert not any(slot.holds() for slot in idle)
    give(token, idle)
    give(account, own)
    poll(clock, account)
    assert len(take(account, 11)) == 10


def test_a_stand_in_goes_when_its_slot_is_given_up(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """A holder that gives a slot up before it has looked leaves nothing closed, nor does one that died."""
    token, account = both
    theirs = out(token, 6)
    absorb(account, tmp_path, clock)
    assert account.closed() == 6
    give(token, theirs[:3])
    poll(clock, account)
    assert account.closed() == 6  # kept for a moment, as slots are
    poll(clock, token, account)
    assert account.closed() == 0
    clock.now += SETTLING
    assert len(take(account, 11)) == 7


def test_a_stand_in_of_a_holder_that_dies_is_closed_for_the_hold(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """Its requests were out, and the server may still be at work; then all is as ever."""
    token, account = both
    out(token, 6)
    absorb(account, tmp_path, clock)
    token.close()
    poll(clock, account)
    clock.now += Terms.loss_hold - 0.1
    assert (account.closed(), len(take(account, 11))) == (6, 4)
    clock.now += 0.1
    assert (account.closed(), len(take(account, 11))) == (0, 6)


def test_a_stand_in_ends_with_its_slot(both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock) -> None:
    """A holder that is stopped gives way at its recorded end, and finds its slots lost."""
    token, account = both
    theirs = out(token, 10)
    absorb(account, tmp_path, clock)
    clock.now += LENGTH - 0.1
    account.poll()
    assert take(account, 1) == []
    clock.now += 0.1
    poll(clock, account)
    assert len(out(account, 10)) == 10
    token.poll()
    assert not any(slot.holds() for slot in theirs)


def test_stand_ins_behind_the_ten_move_up(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """Who brings slots for one that is stopped gives them a better place when one is free; two agree on it."""
    token, account = both
    out(token, 10)
    own = out(account, 10)
    absorb(account, tmp_path, clock)
    poll(clock, account)
    file = HostFile(tmp_path / f"{ACCOUNT}.slots", is_shared=False, now=clock.now)
    marks = [file.read(at, file.generation(at)).mark for at in range(PLACES)]
    assert marks == [1] * 10 + [CLOSED] * 10 + [FREE] * 12
    for slot in own:
        account.give(slot, 0.0)
    poll(clock, account)
    poll(clock, account)
    assert take(account, 1) == []
    marks = [file.read(at, file.generation(at)).mark for at in range(PLACES)]
    assert marks == [CLOSED] * 10 + [FREE] * 22
    file.close()


def test_a_crowd_moves_whole(both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock) -> None:
    """The account's file is deleted while more than ten are out: all of them are counted in the next one."""
    token, account = both
    theirs, own = out(token, 10), out(account, 10)
    absorb(account, tmp_path, clock)
    poll(clock, token, account)
    (tmp_path / f"{ACCOUNT}.slots").unlink()
    poll(clock, account, token)
    clock.now += SETTLING
    assert all(slot.holds() for slot in theirs + own)
    give(account, own)
    poll(clock, token, account)
    assert take(account, 1) == []
    give(token, theirs)
    poll(clock, token, account)
    assert len(take(account, 11)) == 10


def test_done_twice_is_done_once(both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock) -> None:
    """Two that bring the slots of a third agree, also where all places are taken."""
    token, account = both
    out(token, 3)
    old, new = (HostFile(tmp_path / f"{name}.slots", is_shared=False, now=clock.now) for name in (TOKEN, ACCOUNT))
    assert bring_others(old, new, clock.now)
    assert bring_others(old, new, clock.now)
    assert account.closed() == 3
    full = HostFile(tmp_path / "full", is_shared=False, now=clock.now)
    assert all(full.lock_slot(at, 0) for at in range(PLACES))
    other = HostFile(tmp_path / "full", is_shared=False, now=clock.now)
    assert bring_others(old, other, clock.now)  # it is tried again
    assert other.read(0, 0).mark == FREE
    for file in (old, new, full, other):
        file.close()


def test_a_slot_that_is_just_being_taken_holds_nothing(tmp_path: Path, clock: ManualClock) -> None:
    """It is locked, and nothing is written in it yet: whoever takes it finds that the file has moved."""
    old, taking, new = (HostFile(tmp_path / name, is_shared=False, now=clock.now) for name in ("old", "old", "new"))
    assert taking.lock_slot(0, taking.generation(0))
    assert not bring_others(old, new, clock.now)
    assert new.read(0, 0).mark == FREE
    for file in (old, taking, new):
        file.close()


def test_the_stand_in_of_a_slot_that_nobody_has_any_more_goes(tmp_path: Path, clock: ManualClock) -> None:
    """Its holder gave it up in the old file, and nobody has looked since."""
    old, new = (HostFile(tmp_path / name, is_shared=False, now=clock.now) for name in ("old", "new"))
    new.write(1, 0, Record(clock.now + LENGTH, 0.0, CLOSED, old.number, -1))
    assert not bring_others(old, new, clock.now)
    assert new.read(1, new.generation(1)).mark == FREE
    old.close()
    new.close()


def test_a_place_that_changes_at_the_last_moment_is_left_alone(
    both: tuple[HostSlots, HostSlots], tmp_path: Path, clock: ManualClock
) -> None:
    """Whoever has the lock looks once more: a stand-in whose holder came is no more, a place that was taken neither."""
    token, _account = both
    out(token, 1)
    taken = Record(clock.now + LENGTH, 2.0, USED, clock.now, 1)

    class Changing(HostFile):
        def lock_slot(self, at: int, generation: int) -> bool:
            """Lock, after another has used the place, and died."""
            if at < 2:
                self.write(at, generation, taken)
            return super().lock_slot(at, generation)

    old = HostFile(tmp_path / f"{TOKEN}.slots", is_shared=False, now=clock.now)
    new = Changing(tmp_path / f"{ACCOUNT}.slots", is_shared=False, now=clock.now)
    new.write(1, 0, Record(clock.now + LENGTH, 0.0, CLOSED, old.number, -1))
    assert bring_others(old, new, clock.now)
    assert [new.read(at, 0) for at in range(2)] == [taken] * 2
    assert new.read(2, 0) == Record(clock.now + LENGTH, 0.0, CLOSED, old.number, -1)
    old.close()
    new.close()
