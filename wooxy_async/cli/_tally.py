"""What a run has come to so far, and the rows that a person should look at."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

import msgspec

from wooxy_async import Accepted, NotSent, Outcome
from wooxy_async._ports import Clock
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import UnusableRow
from wooxy_async.cli._wording import printable, reason

# The outcomes in the order in which they are shown: their tag, the word for it, its colour, and what it means.
WORDS: Final = (
    ("accepted", "accepted", "green", "the server took them"),
    ("rejected", "refused", "red", "the server said no; they were not taken"),
    ("invalid", "invalid", "red", "they break a rule; nothing was sent"),
    ("not_sent", "not sent", "yellow", "they were not taken: safe to send again"),
    ("in_doubt", "in doubt", "magenta", "may have been delivered: a person decides"),
)
_WORD_OF: Final = {tag: (word, colour) for tag, word, colour, _ in WORDS}
_KEPT: Final = 10


class Noted(msgspec.Struct, frozen=True):
    """One row that was not accepted, fit for the screen."""

    row: int
    number: str
    word: str
    colour: str
    reason: str


class Tally:
    """Counts outcomes, and keeps the first rows of each kind that was not accepted.

    Args:
        clock: where time comes from.
    """

    def __init__(self, clock: Clock = time) -> None:
        self.counts: Counter[str] = Counter()
        self.noted: list[Noted] = []
        self.never_started = 0
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def settled(self) -> int:
        """How many messages have an outcome."""
        return self.counts.total()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Outcomes per second."""
        return self.settled / max(self.elapsed, 1e-9)

    def add(self, row: int, outcome: Outcome) -> None:
        """Count an outcome."""
        tag = tag_of(outcome)
        self.counts[tag] += 1
        if isinstance(outcome, Accepted):
            return
        if isinstance(outcome, NotSent) and outcome.cause.kind == "not_started":
            self.never_started += 1
        elif self.counts[tag] <= _KEPT:
            word, colour = _WORD_OF[tag]
            self.noted.append(Noted(row, mask_number(outcome.message.phone_number), word, colour, reason(outcome)))


def tag_of(outcome: Outcome) -> str:
    """Return the word by which programs know an outcome."""
    return str(type(outcome).__struct_config__.tag)


def note_unusable(row: UnusableRow, number_column: str) -> Noted:
    """Return an unusable row, fit for the screen."""
    problem = row.problems[0]
    name = {"phone_number": f"{number_column}: ", "row": ""}.get(problem.field, f"{problem.field}: ")
    colour = "yellow" if row.kind == "duplicate" else "red"
    return Noted(row.row, "", row.kind, colour, printable(f"{name}{problem.remedy}"))
