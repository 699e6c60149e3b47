"""Ten slots of one process, without a loop: what is taken, closed and open, by a clock that is moved by hand."""

from wooxy_async.limits._account import Share
from wooxy_async.limits._slots import SLOTS, OwnSlots


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds


def test_a_slot_that_is_kept_closed_opens_when_it_is_due() -> None:
    """Not before, and the first of several first."""
    clock = Hand()
    slots = OwnSlots(clock)
    terms = Share(SLOTS, 5.0)
    taken = [slots.take(terms, "urgent", None) for _ in range(SLOTS)]
    assert None not in taken
    assert slots.take(terms, "urgent", None) is None
    assert slots.opens_in(60.0) == 60
    for keep in (7.0, 5.0):
        slots.give(taken.pop(), keep)
    assert (slots.opens_in(60.0), slots.closed()) == (5, 2)
    clock.now += 4.5
    assert (slots.opens_in(60.0), slots.closed()) == (0.5, 2)
    assert slots.take(terms, "urgent", None) is None
    clock.now += 0.5
    assert slots.take(terms, "urgent", None) is not None
    assert (slots.opens_in(60.0), slots.closed()) == (2, 1)


def test_no_bulk_of_another_process_waits() -> None:
    """Nobody else is seen here, so that urgent messages leave their turns to nobody."""
    assert not OwnSlots(Hand()).bulk_waits_elsewhere()
