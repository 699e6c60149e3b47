"""Moves what is in use from a file that was deleted, or replaced by its account's, to the one that takes its place.

Each process brings its own slots: into the place that is kept for them, else into a free slot, else into one of the
places behind the ten, from which nothing is granted; as long as one of those is in use, no slot of the file is
granted, so that the ten have room again before anybody starts.

What a process does not bring itself (it is stopped, dead, or has not looked yet) is brought for it: a stand-in, closed
until the recorded end, that names the old file and the slot. It goes when its holder comes, or has given the slot up
meanwhile; whoever made it looks again and again, and lets go of the old file when nobody holds a lock on it any more.
Done twice, by whomever, it is done once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from wooxy_async.limits._host_file import CLOSED, FREE, PLACES, USED, HostFile, Record
from wooxy_async.limits._host_slot import HostSlot
from wooxy_async.limits._slots import SLOTS

_MOVED: Final = Record(math.inf, 0.0, CLOSED, 0.0, 0)  # in the old file: it is in use in the new one
_TRIES: Final = 1000  # for a lock that another process has for microseconds only


class _Place(NamedTuple):
    """A place whose lock is this process's for a moment, or from now on."""

    at: int
    generation: int


def is_live(record: Record, now: float) -> bool:
    """Return whether something is or may be at work."""
    return record.mark != FREE and now < record.until < math.inf


def bring_own(slot: HostSlot, old: HostFile, new: HostFile, now: float) -> bool:
    """Take a slot along that this process holds; False if there is no place for it, which it has lost then.

    Behind the ten there is a place only for a request that is out: what has not started never does.
    """
    places = PLACES if slot.is_asked else SLOTS
    place = _stand_in(new, old, slot.at, now) or _free(new, _order(slot.at, places), now)
    if place is not None and place.at >= places:
        _clear(new, place, now)
        place = None
    old.write(slot.at, slot.generation, _MOVED)
    if place is not None:
        new.write(place.at, place.generation, slot.record())
        old.unlock_slot(slot.at, slot.generation)
        slot.at, slot.generation = place
    return place is not None


def move_up(slot: HostSlot, file: HostFile, now: float) -> bool:
    """Move a slot that this process holds from behind the ten to one of them, if one is free."""
    place = _free(file, range(SLOTS), now)
    if place is None:
        return False
    file.write(place.at, place.generation, slot.record())
    _clear(file, _Place(slot.at, slot.generation), now)
    slot.at, slot.generation = place
    return True


def bring_others(old: HostFile, new: HostFile, now: float) -> bool:
    """Take along what others use; return whether somebody still holds something in the old file."""
    held = [_bring(old, new, at, now) for at in range(PLACES if old.was_crowded else SLOTS)]
    return True in held


def _bring(old: HostFile, new: HostFile, at: int, now: float) -> bool:
    generation = old.generation(at)
    is_held = not old.lock_slot(at, generation)
    record = old.read(at, generation)
    if not is_held:
        if is_live(record, now):
            until = min(record.until, now + record.hold) if record.mark == USED else record.until
            _put(new, _stand_in(new, old, at, now) or _free(new, _order(at), now), Record(until, 0.0, CLOSED, 0.0, 0))
        elif (place := _stand_in(new, old, at, now)) is not None:
            _clear(new, place, now)
        old.write(at, generation, _MOVED)  # nobody who has not noticed yet takes it there
        old.unlock_slot(at, generation)
        return False
    if not is_live(record, now):
        return False
    stand_in = Record(record.until, 0.0, CLOSED, *_name(old, at))
    place = _stand_in(new, old, at, now)
    if place is None:
        _put(new, _free(new, _order(at), now), stand_in)
    elif place.at >= SLOTS and (better := _free(new, range(SLOTS), now)) is not None:
        _put(new, better, stand_in)
        _clear(new, place, now)
    else:
        new.unlock_slot(*place)
    return True


def _name(old: HostFile, at: int) -> tuple[float, int]:
    """Return what stands in a stand-in in the place of since when and who."""
    return old.number, -1 - at


def _order(at: int, places: int = PLACES) -> Iterable[int]:
    """Return so many places, the same one first."""
    return sorted(range(places), key=lambda other: other != at)


def _stand_in(new: HostFile, old: HostFile, at: int, now: float) -> _Place | None:
    """Return the place that is kept for a slot of the old file, locked."""
    for place in range(PLACES):
        generation = new.generation(place)
        if _is_for(new.read(place, generation), old, at, now) and _locked(new, place, generation):
            if _is_for(new.read(place, generation), old, at, now):
                return _Place(place, generation)
            new.unlock_slot(place, generation)
    return None


def _is_for(record: Record, old: HostFile, at: int, now: float) -> bool:
    return record[2:] == (CLOSED, *_name(old, at)) and record.until > now


def _free(new: HostFile, order: Iterable[int], now: float) -> _Place | None:
    """Return a place that is free, locked."""
    for at in order:
        generation = new.generation(at)
        if not is_live(new.read(at, generation), now) and new.lock_slot(at, generation):
            if not is_live(new.read(at, generation), now) and new.generation(at) == generation:
                if at >= SLOTS:
                    new.note_crowd()
                return _Place(at, generation)
            new.unlock_slot(at, generation)
    return None


def _locked(new: HostFile, at: int, generation: int) -> bool:
    return any(new.lock_slot(at, generation) for _try in range(_TRIES))


def _put(new: HostFile, place: _Place | None, record: Record) -> None:
    if place is not None:
        new.write(place.at, place.generation, record)
        new.unlock_slot(*place)


def _clear(new: HostFile, place: _Place, now: float) -> None:
    _put(new, place, Record(now, 0.0, FREE, 0.0, 0))
