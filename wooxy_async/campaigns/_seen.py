"""The numbers that a file has had, each with its place: 24 to 48 bytes a number where a dict takes over 100."""

from __future__ import annotations

from array import array
from typing import Final

_FIRST_SIZE: Final = 2**12
_MIX: Final = 0x9E3779B97F4A7C15  # the golden ratio in 64 bits spreads numbers that follow one another
_WORD: Final = 2**64 - 1


class SeenNumbers:
    """Places by number: an open-addressed table in two arrays, at most two thirds full."""

    def __init__(self) -> None:
        self._count = 0
        self._make(_FIRST_SIZE)

    def first(self, number: int, place: int) -> int:
        """Return the place where a number was seen first, which is this one if it is new.

        Args:
            number: its digits, 1 or more.
            place: where it is now, 0 to 2^64.
        """
        keys, mask = self._keys, self._mask
        at = (number * _MIX & _WORD) >> self._shift
        while key := keys[at]:
            if key == number:
                return self._places[at]
            at = (at + 1) & mask
        keys[at], self._places[at] = number, place
        self._count += 1
        if self._count * 3 > len(keys) * 2:
            self._grow()
        return place

    def _make(self, size: int) -> None:
        self._keys = array("Q", bytes(8 * size))
        self._places = array("Q", bytes(8 * size))
        self._mask = size - 1
        self._shift = 64 - self._mask.bit_length()

    def _grow(self) -> None:
        keys, places = self._keys, self._places
        self._count = 0
        self._make(2 * len(keys))
        for key, place in zip(keys, places, strict=True):
            if key:
                self.first(key, place)
